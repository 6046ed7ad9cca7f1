"""The team's own rules."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.core.contracts import ACTIVITIES
from tests.conftest import ROOT

DEPLOYED = ("activities", "orchestrators", "shared", "triggers", "web")
CODE = sorted(path for folder in DEPLOYED for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN_IN_ORCHESTRATORS = {"os", "random", "secrets", "time", "uuid", "asyncio", "requests", "aiohttp", "logging"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_imports_obey_the_dependency_rule():
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "orchestrators").glob("*.py")), ids=lambda path: path.stem)
def test_an_orchestrator_uses_no_clock_no_chance_no_environment_and_no_io(path):
    names = {name.split(".")[0] for name in imports(path)}
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}

    assert not names & FORBIDDEN_IN_ORCHESTRATORS
    assert not calls & {"now", "utcnow", "today", "environ", "getenv", "open", "read_text", "write_text"}


def test_one_module_reads_the_environment():
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in CODE
        if any(
            isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv")
            for n in ast.walk(ast.parse(path.read_text()))
        )
    }

    assert readers - {"shared/processor.py"} == {"shared/settings.py"}


def test_what_tells_numpy_of_the_processor_reads_nothing_from_the_environment():
    uses = re.findall(r"environ[\w.]*", (ROOT / "shared/processor.py").read_text())

    assert [use for use in uses if use != "environment"] == ["environ.setdefault"]


def test_nothing_deployed_imports_the_local_world():
    for path in [*CODE, ROOT / "function_app.py"]:
        assert not {name for name in imports(path) if name.split(".")[0] in ("localdev", "tests", "bench")}, path


def test_every_contract_has_exactly_one_registered_activity_and_every_shell_is_dict_to_dict(registered):
    shells = {f.get_function_name(): f for f in registered if f.get_trigger().type == "activityTrigger"}

    assert sorted(shells) == sorted(activity.name for activity in ACTIVITIES)
    for shell in shells.values():
        notes = shell.get_user_function().__annotations__
        assert {notes["payload"], notes["return"]} == {"dict"}


def test_orchestrators_are_registered_by_the_names_they_are_started_with(registered):
    names = {f.get_function_name() for f in registered if f.get_trigger().type == "orchestrationTrigger"}

    assert names == {"await_consent", "carry_out_erasure", "enrichment_run", "extract_group"}


def test_every_http_function_always_answers_with_a_response(registered):
    """A `None` answer is an empty 500 to the platform, and a `-> None` annotation keeps the whole app from indexing."""
    shells = [f.get_user_function() for f in registered if f.get_trigger().type == "httpTrigger"]

    assert shells
    for shell in shells:
        assert "HttpResponse" in str(shell.__annotations__["return"]), shell


def test_routes_are_found_before_routes_with_parameters_that_match_them_too(registered):
    """The platform tries functions in the order of their names; the first match wins."""
    routes = sorted(
        (f.get_function_name(), f.get_trigger().route, method)
        for f in registered
        if f.get_trigger().type == "httpTrigger"
        for method in (f.get_trigger().get_dict_repr()["methods"] or ["ANY"])
    )

    for index, (name, route, method) in enumerate(routes):
        for earlier, pattern, other in routes[:index]:
            shadowed = method == other and matches(pattern, route)
            assert not shadowed, f"{earlier} ({pattern}) answers before {name} ({route})"


def matches(pattern: str, route: str) -> bool:
    pattern_parts, parts = pattern.split("/"), route.split("/")
    for index, piece in enumerate(pattern_parts):
        if piece.startswith("{*"):
            return True
        if index >= len(parts) or (not piece.startswith("{") and piece != parts[index]):
            return False
    return len(pattern_parts) == len(parts)


def test_the_deployed_requirements_are_pinned_and_each_is_imported_by_deployed_code():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    modules = {
        "azure-functions": "azure.functions",
        "azure-functions-durable": "azure.durable_functions",
        "azure-identity": "azure.identity",
        "azure-storage-blob": "azure.storage.blob",
        "azure-communication-email": "azure.communication.email",
    }
    imported = set().union(*(imports(path) for path in [*CODE, ROOT / "function_app.py"]))

    for line in filter(None, lines):
        name, pin, _ = line.partition("==")
        assert pin, f"{line} is not pinned"
        module = modules.get(name, name)
        used = any(found == module or found.startswith(f"{module}.") for found in imported)
        assert used or name in ("tzdata",), f"{name} is deployed, but no deployed module imports it"


def test_no_secret_lies_in_the_settings_sample(root):
    values = json.loads((root / "local.settings.sample.json").read_text())["Values"]

    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"
