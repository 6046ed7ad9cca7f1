"""`demo` and `up` as they are used: the whole world as processes, from the command to its end."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import requests

from localdev import demo
from localdev.graph.sample import AS_OF, build
from localdev.results import read_csv
from tests.conftest import ROOT
from tests.reference.organisation import Organisation
from tests.reference.publish import publish
from tests.reference.text import cells, differences

pytestmark = [pytest.mark.whole, pytest.mark.azurite]

TABLES = ("Office", "Office_Coverage", "Office_Hierarchy", "Office_ScoreBreakdown", "Office_UserEntity")


class Command:
    """A command of the offline world that writes into a file; everything it starts carries its mark."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.mark = uuid.uuid4().hex
        self.output = folder / f"{self.mark}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "localdev", *arguments, "--folder", str(folder / "kept")],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "WORLD_MARK": self.mark},
            )

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8")

    def says(self, pattern: str) -> re.Match[str]:
        """Wait until its output matches."""
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.said):
                return found
            assert self.process.poll() is None, self.said
            time.sleep(0.05)
        raise AssertionError(self.said)

    def left(self) -> list[str]:
        """The command lines of what it started and what still runs, once that has had a moment to end."""
        deadline = time.monotonic() + 15
        while (running := self._running()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return running

    def _running(self) -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # it ended while it was looked at
        return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the demo of the sample company printed, the folder it kept, and what it left running."""
    folder = tmp_path_factory.mktemp("demo")
    command = Command(folder, "demo")
    assert command.process.wait(170) == 0, command.said
    return command.said, folder / "kept", command.left()


def test_the_demo_shows_tasks_customers_a_card_coverage_and_where_the_tables_lie(shown):
    said, _, _ = shown

    for task in ("consent", "delay", "resolve", "extract", "aggregate", "publish"):
        assert re.search(rf"[✓!]  {task} .*\d\.\d s", said), task
    assert re.search(r"Montblanc Optics +100 +\d+ +\d+ +0 +\d", said)
    assert re.search(r"EmailTwoWay +15 +15 ", said)
    assert "Counted" in said
    assert "TooManyRecipients" in said
    assert "sample/Office.csv" in said


def test_the_demo_shows_consent_being_asked_for_and_given(shown):
    said, _, _ = shown

    assert re.search(r"http://127\.0\.0\.1:\d+/\S+/v2\.0/adminconsent\?client_id=", said)
    assert "Mail.ReadBasic.All" in said
    assert re.search(r"is back at http://127\.0\.0\.1:\d+/ui/demo", said)


def test_the_demo_leaves_no_process_and_nothing_but_its_tables(shown):
    _, kept, left = shown

    assert left == []
    assert [path.name for path in kept.iterdir()] == ["sample"]
    assert {path.name for path in (kept / "sample").iterdir()} == {
        f"{table}.{kind}" for table in TABLES for kind in ("csv", "parquet")
    }


def test_the_sample_company_comes_out_as_the_slow_reference_says_cell_by_cell(shown):
    _, kept, _ = shown
    tenant = build(AS_OF)
    org = Organisation(
        tenant.tenant,
        tenant.users,
        tenant.groups,
        dict(tenant.mailboxes),
        read_csv(tenant.contacts_csv),
        read_csv(tenant.accounts_csv),
        tenant.enrichment,
        AS_OF,
    )

    tables = publish(org).tables

    assert sorted(tables) == list(TABLES)
    for name, expected in tables.items():
        assert differences(cells(expected), read_csv((kept / "sample" / f"{name}.csv").read_bytes())) == []


@pytest.mark.parametrize("moment", ["Starting Azurite", "extract +running"])
def test_an_interrupted_demo_stops_everything(tmp_path, moment):
    command = Command(tmp_path, "demo")
    command.says(moment)

    command.process.send_signal(signal.SIGINT)

    assert command.process.wait(60) == 130
    assert "Interrupted; everything is stopped." in command.said
    assert command.left() == []
    assert list((tmp_path / "kept").glob("world-*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties processes to their starter")
def test_a_demo_that_is_killed_leaves_no_process_either(tmp_path):
    command = Command(tmp_path, "demo")
    command.says("up after")

    command.process.kill()
    command.process.wait()

    assert command.left() == []


def test_up_stays_keeps_what_it_holds_and_ends_on_request(tmp_path):
    first = Command(tmp_path, "up")
    url = first.says(r"Pages +(http://127\.0\.0\.1:\d+)/ui").group(1)
    mails = first.says(r"Mails +(http://\S+)").group(1)
    runs = requests.get(f"{url}/api/enrichments/{demo.NAME}/runs", timeout=60).json()["value"]
    assert "eudald.fabregas@serra.example" in requests.get(mails, timeout=60).text
    assert requests.get(f"{url}/ui/", timeout=60).status_code == 200
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(60) == 0
    assert first.left() == []

    second = Command(tmp_path, "up")
    url = second.says(r"API +(http://127\.0\.0\.1:\d+)/api").group(1)
    again = requests.get(f"{url}/api/enrichments/{demo.NAME}/runs", timeout=60).json()["value"]
    saved = requests.get(f"{url}/api/enrichments/{demo.NAME}", timeout=60).json()

    assert [run["runId"] for run in again] == [run["runId"] for run in runs]
    assert again[0]["state"] == "SucceededWithWarnings"
    assert saved["consent"]["state"] == "granted"
    second.process.send_signal(signal.SIGINT)
    assert second.process.wait(60) == 0
    assert second.left() == []


def test_an_empty_world_holds_the_customer_s_data_and_nothing_that_is_saved(tmp_path):
    command = Command(tmp_path, "up", "--empty")
    url = command.says(r"API +(http://\S+)").group(1)

    assert requests.get(url, timeout=60).json() == {"value": [], "nextLink": None}
    command.process.send_signal(signal.SIGTERM)
    assert command.process.wait(60) == 0
    assert command.left() == []


def test_nonsense_in_the_arguments_is_told_and_starts_nothing(tmp_path, capsys):
    for arguments, told in (
        (["--mail", "x.csv"], "go together"),
        (["--mail", str(tmp_path / "no.csv"), "--domain", "w3.org"], "there is no file"),
        (["--as-of", "2999-01-01"], "lies in the future"),
    ):
        with pytest.raises(SystemExit) as refused:
            demo.main(arguments)

        assert refused.value.code == 2
        assert told in capsys.readouterr().err
