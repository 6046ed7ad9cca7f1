"""Every setting and every value of host.json is explained, and the sample holds all of them."""

from __future__ import annotations

import ast
import itertools
import json
import re

import pytest

from shared.settings import Settings
from tests.conftest import ROOT

PLATFORM = {"FUNCTIONS_WORKER_RUNTIME", "WEBSITE_AUTH_ENABLED"}
IN_TEXT_ONLY = {
    "DATA_STORAGE__blobServiceUri",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__accountName",
}
SETTING = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|AzureWebJobsStorage")


def documented(section: str) -> set[str]:
    """What the first column of the section's table names."""
    text = (ROOT / "docs/configuration.md").read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def read_by_the_app() -> set[str]:
    tree = ast.parse((ROOT / "shared/settings.py").read_text())
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in literals if SETTING.fullmatch(text)} - PLATFORM


def leaves(value, path=""):
    if isinstance(value, dict):
        return set().union(*(leaves(inner, f"{path}.{name}".lstrip(".")) for name, inner in value.items()))
    return {path}


def test_every_setting_is_documented_and_nothing_else_is():
    assert documented("App settings") == read_by_the_app()


def test_every_setting_is_in_the_sample():
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]

    assert set(values) - PLATFORM == read_by_the_app()


def test_the_sample_runs_as_it_is():
    Settings.from_environ(json.loads((ROOT / "local.settings.sample.json").read_text())["Values"])


def test_every_value_of_host_json_is_explained_as_it_is():
    host = json.loads((ROOT / "host.json").read_text())
    text = (ROOT / "docs/configuration.md").read_text()

    assert documented("host.json") == leaves(host)
    for path in leaves(host):
        value = host
        for step in path_steps(path, host):
            value = value[step]
        shown = "empty" if value == "" else f"`{json.dumps(value) if isinstance(value, bool) else value}`"
        assert f"| `{path}` | {shown} |" in text, path


def path_steps(path, tree):
    """The names along a path; a name may hold a dot itself."""
    while path:
        name = max((name for name in tree if path == name or path.startswith(f"{name}.")), key=len)
        yield name
        path, tree = path[len(name) + 1 :], tree[name]


@pytest.mark.parametrize("name", sorted(IN_TEXT_ONLY))
def test_the_forms_for_managed_identity_are_mentioned(name):
    assert f"`{name}`" in (ROOT / "docs/configuration.md").read_text()


def test_each_field_of_the_settings_says_what_it_is():
    """house-style §4: the string under each field is its documentation."""
    tree = ast.parse((ROOT / "shared/settings.py").read_text())
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings").body

    for field, following in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(following, ast.Expr), ast.unparse(field)
            assert isinstance(following.value, ast.Constant), ast.unparse(field)
