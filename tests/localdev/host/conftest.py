"""Recorded runs of the real host, and a host of our own in the test's process."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).parents[3] / "../shared/fixtures/durable-histories"
APPS = Path(__file__).parent / "apps"


def recordings() -> list[Path]:
    return sorted(RECORDINGS.glob("*.json"))


def recorded(name: str) -> dict[str, Any]:
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not here")
    run: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return run


def import_app(folder: Path, name: str) -> Any:
    """The `app` of a folder's function_app.py, under a module name of its own, made anew."""
    spec = importlib.util.spec_from_file_location(name, folder / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module.app


@pytest.fixture(scope="session")
def recorded_app() -> Any:
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not here")
    return import_app(RECORDINGS / "app", "recorded_function_app")


@pytest.fixture
def sample_app() -> Any:
    return import_app(APPS / "sample", "sample_function_app")
