"""Loading an app and its settings (§1): what is read, what is refused."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import pytest

from localdev.host.cli import main
from localdev.host.index import CannotIndex, HostJson, index, load, read_host_json
from localdev.host.routes import Route, first_match

APP = "import azure.durable_functions as df\napp = df.DFApp()\nalso = app\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An app folder; the process is put back where it was, and forgets the app."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("AzureWebJobsScriptRoot", "FUNCTIONS_WORKER_RUNTIME", "OWN", "NUMBER"):
        monkeypatch.delenv(name, raising=False)
    own = sys.modules.pop("function_app", None)
    (tmp_path / "function_app.py").write_text(APP)
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)
    sys.modules.pop("function_app", None)
    if own is not None:
        sys.modules["function_app"] = own


def test_the_environment_wins_over_local_settings(folder, monkeypatch):
    """§1: `Values` into the environment, what is set is not overwritten; the process works in the app's folder."""
    (folder / "local.settings.json").write_text('{"Values": {"OWN": "file", "NUMBER": 5}}')
    monkeypatch.setenv("OWN", "environment")
    load(folder)

    assert (os.environ["OWN"], os.environ["NUMBER"]) == ("environment", "5")
    host = {"AzureWebJobsScriptRoot": str(folder), "FUNCTIONS_WORKER_RUNTIME": "python"}
    assert os.environ | host == dict(os.environ)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "holds 0"), (APP + "second = df.DFApp()\n", "holds 2")],
)
def test_a_module_holds_one_app(text, words, folder):
    """§1: more than one distinct object is an error; one by two names is not."""
    assert isinstance(load(folder), df.DFApp)
    del sys.modules["function_app"]
    (folder / "function_app.py").write_text(text)
    with pytest.raises(CannotIndex, match=words):
        load(folder)


def test_a_folder_without_an_app_is_told(folder):
    (folder / "function_app.py").unlink()

    with pytest.raises(CannotIndex, match=r"no function_app\.py"):
        load(folder)


@pytest.mark.parametrize("name", ["host.json", "local.settings.json"])
def test_a_file_that_is_no_json_is_told_in_one_line(name, folder, capsys):
    (folder / name).write_text("{")

    assert main(["--app", str(folder), "--state", str(folder / "state"), "--port", "0"]) == 1
    assert f"{name} is not what it should be" in capsys.readouterr().err


def test_host_json_is_read(folder):
    """§6.2: route prefix, timeout, throttles, hub, default version."""
    (folder / "host.json").write_text(
        '{"version": "2.0", "functionTimeout": "00:10:00", "extensions": {"http": {"routePrefix": ""}, "durableTask": '
        '{"hubName": "Hub", "maxConcurrentActivityFunctions": 16, "maxConcurrentOrchestratorFunctions": 5, '
        '"defaultVersion": "1"}}}'
    )

    assert read_host_json(folder) == HostJson("", timedelta(minutes=10), 16, 5, "Hub", "1")
    assert HostJson.read('{"version": "2.0"}').route_prefix == "api"


def test_an_http_function_annotated_to_return_none_keeps_the_whole_app_from_indexing():
    """§1.1: `-> None` annotation: whole app fails to index."""
    app = df.DFApp()

    @app.route(route="x")
    def silent(req: func.HttpRequest) -> None:
        """Nothing."""

    with pytest.raises(CannotIndex, match="silent is annotated to return None"):
        index(app, "api")


def test_functions_that_cannot_be_served_are_in_error_and_the_others_are_served():
    app = df.DFApp()

    @app.queue_trigger(arg_name="message", queue_name="q", connection="C")
    def from_queue(message):
        """Nothing."""

    @app.route(route="y/{n:nonsense}")
    def odd_route(req):
        return ""

    @app.route(route="z")
    @app.durable_client_input(client_name="client")
    def not_async(req, client):
        return ""

    @app.activity_trigger(input_name="x", activity="Other")
    def works(x):
        return x

    found = index(app, "api")

    assert set(found.faulty) == {"from_queue", "odd_route", "not_async"}
    assert found.has_activity("other")
    assert not found.has_activity("works")


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("a/{b}/c", "/A/x/C", {"b": "x"}),
        ("a/{b}/c", "/a//c", None),
        ("v{major}.{minor:int}", "/v1.20", {"major": "1", "minor": "20"}),
        ("a/{b:guid}", "/a/0dba2f94-560b-2c4b-3630-17bb200c76e3", {"b": "0dba2f94-560b-2c4b-3630-17bb200c76e3"}),
        ("a/{*rest}", "/a/", {}),
        ("a.b", "/aXb", None),
        ("a/{b?}", "/a/x/y", None),
    ],
)
def test_templates_match_as_written(template, path, parameters):
    assert Route.read(template).match(path) == parameters


def test_the_first_route_that_takes_the_method_wins():
    routes = [(Route.read("a/{b}"), frozenset({"PUT"}), 1), (Route.read("a/{c}"), frozenset[str](), 2)]

    assert first_match(routes, "/a/x", "PUT") == (1, {"b": "x"})
    assert first_match(routes, "/a/x", "GET") == (2, {"c": "x"})
    assert first_match(routes, "/b", "GET") is None
