"""Child processes: heard, stopped for certain, and never outliving their starter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localdev.processes import Child, Interrupted, WorldBroken, tidy_signals

TALKS = "import time; print('Something on http://127.0.0.1:4321'); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready on 1'); time.sleep(60)"
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
print('child', child.pid, 'is it', flush=True)
child.wait()
"""
STARTER = """
import sys, time
from pathlib import Path
from localdev.processes import Child
child = Child('sleeper', [sys.executable, '-c', 'import time; time.sleep(60)'], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def start(code: str, folder: Path) -> Child:
    return Child("talker", [sys.executable, "-c", code], folder / "talker.log")


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_the_address_is_what_the_program_says(tmp_path):
    child = start(TALKS, tmp_path)

    assert child.address() == "http://127.0.0.1:4321"

    child.stop()
    assert not child.running


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(tmp_path):
    child = start("raise SystemExit('no such tenant')", tmp_path)

    with pytest.raises(WorldBroken, match="no such tenant"):
        child.address()


def test_a_program_that_has_ended_is_noticed(tmp_path):
    child = start("print('bye')", tmp_path)
    child.said("(bye)")
    assert gone(child.pid)

    with pytest.raises(WorldBroken, match="has ended"):
        child.must_run()


def test_a_program_that_does_not_come_up_is_not_waited_for_for_ever(tmp_path):
    child = start("import time; time.sleep(60)", tmp_path)

    with pytest.raises(WorldBroken, match="did not come up"):
        child.said("(anything)", patience=0.1)

    child.stop()


def test_a_program_that_ignores_being_asked_is_ended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("localdev.processes.GRACE", 0.2)
    child = start(DEAF, tmp_path)
    child.said("on (1)")

    child.stop()

    assert not child.running


def test_what_a_program_started_ends_with_it(tmp_path):
    child = start(PARENT, tmp_path)
    grandchild = int(child.said(r"child (\d+) is it"))

    child.stop()

    assert gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its starter")
def test_a_program_ends_with_a_starter_that_is_killed(tmp_path):
    command = [sys.executable, "-c", STARTER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        child = int(starter.stdout.readline())
        assert alive(child)

        starter.kill()

        assert gone(child)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_request_to_end_is_one_exception_and_later_ones_do_not_disturb_the_tidying(kind):
    before = signal.getsignal(kind)
    tidied = []

    with pytest.raises(Interrupted), tidy_signals():
        try:
            os.kill(os.getpid(), kind)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            tidied.append(True)

    assert tidied == [True]
    assert signal.getsignal(kind) is before
