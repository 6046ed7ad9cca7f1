"""What many tests share: the repository's root, and what the app registered, indexed once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder beside the repository that holds organisations, recordings and real mail; skip where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "fixtures").is_dir():
        pytest.skip("the folder with the fixtures does not lie beside the repository")
    return folder


@pytest.fixture(scope="session")
def registered() -> list[Any]:
    """The app's functions. Indexing twice would be a fault to the SDK, so it is done once."""
    os.environ.setdefault("AUTH_MODE", "keys")
    import function_app

    functions: list[Any] = function_app.app.get_functions()
    return functions


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have measured or compared (`record_property("told", …)`) is shown at the end."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "told":
                terminalreporter.write_line(text)
