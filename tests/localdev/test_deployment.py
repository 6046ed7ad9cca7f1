"""What is deployed, and what it is told: `.funcignore`, `host.json`, the settings sample, the lock files."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localdev.graph.sample.company import TENANT_ID
from shared.settings import Settings

DEPLOYED = {
    "activities",
    "function_app.py",
    "host.json",
    "orchestrators",
    "requirements.txt",
    "shared",
    "triggers",
    "web",
}

# Runs in a copy of what is deployed: finds the packages that requirements.txt brings, imports the app, and prints every
# loaded top-level module that none of them holds.
IMPORT = """
import importlib.metadata as metadata
import re, sys
from packaging.requirements import Requirement

def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()

brought = set()
asked = [Requirement(line) for line in map(str.strip, open("requirements.txt")) if line[:1] not in ("", "#")]
while asked:
    one = asked.pop()
    if canonical(one.name) not in brought:
        brought.add(canonical(one.name))
        extras = [{"extra": extra} for extra in (*one.extras, "")]
        more = map(Requirement, metadata.requires(one.name) or [])
        asked += [r for r in more if not r.marker or any(r.marker.evaluate(extra) for extra in extras)]
before = {name.split(".")[0] for name in sys.modules}
import function_app
function_app.app.get_functions()
holders = metadata.packages_distributions()
loaded = {name.split(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)
print(sorted(n for n in loaded if n in holders and not {canonical(d) for d in holders[n]} & brought))
"""


@pytest.fixture(scope="module")
def settings(root) -> dict[str, str]:
    values: dict[str, str] = json.loads((root / "local.settings.sample.json").read_text())["Values"]
    return values


@pytest.fixture(scope="module")
def host(root):
    return json.loads((root / "host.json").read_text())


def tracked(root: Path) -> set[str]:
    """The names at the top of the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout
    return {line.split("/")[0] for line in listed.splitlines()}


def test_what_funcignore_leaves_is_exactly_what_is_deployed(root):
    ignored = (root / ".funcignore").read_text().splitlines()

    assert tracked(root) - set(ignored) == DEPLOYED


def test_funcignore_holds_literal_names_since_its_patterns_are_not_gitignores(root):
    ignored = (root / ".funcignore").read_text().splitlines()

    assert [name for name in ignored if re.search(r"[*?/!#\[\]]|^\s*$", name)] == []
    assert ignored == sorted(ignored)


def test_what_the_verbs_and_the_tools_leave_behind_is_not_deployed(root):
    ignored = set((root / ".funcignore").read_text().splitlines())
    made = {line.rstrip("/") for line in (root / ".gitignore").read_text().splitlines() if "*" not in line}

    assert made - {"__pycache__"} <= ignored


def test_the_deployed_app_imports_with_what_requirements_txt_brings_and_nothing_else(root, tmp_path):
    for name in DEPLOYED:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, tmp_path / name)

    done = subprocess.run(
        [sys.executable, "-c", IMPORT], cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": ""}
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_host_json_is_what_the_app_and_its_routes_need(host):
    assert host["version"] == "2.0"
    assert host["functionTimeout"] == "00:10:00"
    assert host["extensions"]["http"]["routePrefix"] == ""
    assert host["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.26.0, 5.0.0)",
    }
    durable = host["extensions"]["durableTask"]
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", durable["hubName"])
    assert "extendedSessionsEnabled" not in durable


def test_the_settings_sample_is_what_core_tools_reads(root, settings):
    whole = json.loads((root / "local.settings.sample.json").read_text())

    assert whole["IsEncrypted"] is False
    assert settings["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert settings["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert all(isinstance(value, str) for value in settings.values())


def test_the_settings_sample_runs_as_it_is_copied(settings):
    """No setting is missing or wrong, and it leads to this machine only."""
    read = Settings.from_environ(settings)

    assert read.entra_loopback_url == "http://127.0.0.1:8089"
    assert read.graph_base_url == "http://127.0.0.1:8089/v1.0"
    assert read.tenant_id == TENANT_ID


def test_lock_file_and_requirements_name_packages_but_no_registry(root):
    for name in ("package-lock.json", "requirements.txt", "requirements-dev.txt", ".npmrc"):
        text = (root / name).read_text()
        assert "resolved" not in text.replace("omit-lockfile-registry-resolved", "")
        assert not re.search(r"registry\.|\.tgz|index-url|find-links", text), name


def test_every_verb_of_the_makefile_has_its_line_of_help(root):
    makefile = (root / "Makefile").read_text()
    verbs = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert verbs
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=root, capture_output=True, text=True, check=True
    ).stdout

    assert set(verbs.group(1).split()) - {"python"} == {line.split()[0] for line in shown.splitlines()}
    assert {"demo", "up", "test", "check", "format", "bench", "clean"} <= set(verbs.group(1).split())


def test_ci_runs_make_check(root):
    script = root / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    assert "make check" in script.read_text()
