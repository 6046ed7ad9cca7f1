"""`kill -9` at any moment loses nothing (§4.2, §9): real processes, killed and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tests.localdev.host.conftest import APPS

ROOT = Path(__file__).parents[3]
HOOKS = "/runtime/webhooks/durabletask"
START = "import sys; from localdev.host.cli import main; sys.exit(main(sys.argv[1:]))"


class _Process:
    """The host as a process; `url` once it listens."""

    def __init__(self, folder: Path, *options: str) -> None:
        environ = os.environ | {"PYTHONPATH": str(ROOT), "SLOW_LOG": str(folder / "slow.log")}
        command = [sys.executable, "-c", START, "--port", "0", "--state", str(folder / "state"), *options]
        self.process = subprocess.Popen(
            [*command, "--app", str(APPS / "slow")],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.fullmatch(r"Listening on (http://127\.0\.0\.1:\d+)\n", line)
        self.url = found[1] if found else ""

    def call(self, method: str, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read() or b"null")

    def start(self, name: str, identity: str, body: object = None) -> None:
        self.call("POST", f"{HOOKS}/orchestrators/{name}/{identity}", body)

    def output(self, identity: str) -> object:
        for _ in range(600):
            told = self.call("GET", f"{HOOKS}/instances/{identity}")
            assert isinstance(told, dict)
            if told["runtimeStatus"] not in ("Pending", "Running"):
                assert told["runtimeStatus"] == "Completed", told
                return told["output"]
            time.sleep(0.02)
        raise AssertionError(f"{identity} does not end")

    def end(self, number: int) -> tuple[int, str]:
        """Exit code and what it said, after a signal."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@contextmanager
def _process(folder, *options):
    process = _Process(folder, *options)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.process.communicate(timeout=20)


def test_a_host_killed_again_and_again_loses_nothing(tmp_path):
    """§4.2: chains, a tree, a timer, an approval in flight; killed at several points; all end correctly."""
    with _process(tmp_path) as host:
        host.start("tree", "tree")
        host.start("approval", "approval")
        host.start("counts", "counts", {"n": 0})
        host.start("chain", "chain", {"name": "c", "steps": 6})
        for pause in (0.1, 0.33, 0.6):
            time.sleep(pause)
            host.end(signal.SIGKILL)
            host.__init__(tmp_path)
        host.call("POST", f"{HOOKS}/instances/approval/raiseEvent/approve", {"by": "ada"})
        host.end(signal.SIGKILL)
        host.__init__(tmp_path, "--no-batch")

        assert host.output("approval") == {"by": "ada"}
        assert host.output("counts") == 8
        assert host.output("chain") == [f"c{n}" for n in range(6)]
        assert host.output("tree") == [[f"t{n}{step}" for step in range(3)] for n in range(3)] + ["last0"]
    noted = (tmp_path / "slow.log").read_text().splitlines()
    ends = {line for line in noted if line.startswith("end")}
    assert len(ends) == 9 + 1 + 9 + 6
    assert len([line for line in noted if line.startswith("begin")]) > len(ends)


def test_sigterm_ends_the_host_cleanly_and_soon(tmp_path):
    """It stops taking work and exits with 0, though an activity is stuck in a thread."""
    with _process(tmp_path) as host:
        host.start("stays", "stays")
        host.start("chain", "chain", {"name": "c", "steps": 50})
        time.sleep(0.3)
        code, errors = host.end(signal.SIGTERM)

    assert code == 0, errors
    assert "Stopping" in errors
    assert "Traceback" not in errors


def test_a_state_folder_in_use_is_told_in_one_line(tmp_path):
    with _process(tmp_path) as host, _process(tmp_path) as second:
        code, errors = second.ended()

        assert code == 1
        assert f"is in use by another host (process {host.process.pid})" in errors
        assert len(errors.splitlines()) == 1
