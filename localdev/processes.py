"""Child processes of the offline world: started with a log file, waited for, stopped for certain."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

LEASH = Path(__file__).with_name("leash.py")
SHOWN_LINES = 15
PATIENCE = 60.0  # seconds until a program must have said where it listens
GRACE = 10.0  # seconds to end after SIGTERM


class WorldBroken(RuntimeError):
    """A part of the offline world did not start or has ended; the text shows the end of its log."""


class Child:
    """A running program in a process group of its own, so that a Ctrl-C in the terminal reaches only its starter."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        leashed = [sys.executable, "-S", "-E", str(LEASH), str(os.getpid()), *command]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                leashed,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**(env if env is not None else os.environ), "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def said(self, pattern: str, patience: float = PATIENCE) -> str:
        """What the first group of the pattern matches in the log, as soon as it is there."""
        deadline = time.monotonic() + patience
        while True:
            ended = not self.running  # asked before the log is read, so that last words are heard
            if found := re.search(pattern, self.log.read_text("utf-8", "replace")):
                return found.group(1)
            if ended:
                raise WorldBroken(f"{self.name} ended at once ({self._process.returncode}).\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise WorldBroken(f"{self.name} did not come up within {patience:.0f} s.\n{self.last_words()}")
            time.sleep(0.05)

    def must_run(self) -> None:
        """Raise `WorldBroken` where it has ended."""
        if not self.running:
            raise WorldBroken(f"{self.name} has ended ({self._process.returncode}).\n{self.last_words()}")

    def address(self) -> str:
        """Where it listens, as its log says: “… on http://127.0.0.1:…”."""
        return self.said(r"\bon (http://127\.0\.0\.1:\d+)")

    def last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines()[-SHOWN_LINES:]
        return "\n".join([f"The end of {self.log}:", *(f"  | {line}" for line in lines)])

    def stop(self) -> None:
        """SIGTERM, some patience, then SIGKILL for its whole group; when this returns, it is gone."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.kill()
        self._end_group()

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power does."""
        self._process.kill()
        self._process.wait()
        self._end_group()

    def _end_group(self) -> None:
        """End what the program may have started and left behind."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # the usual case: nobody was left


class Interrupted(KeyboardInterrupt):
    """SIGTERM or SIGHUP, taken like Ctrl-C: everything is stopped on the way out."""


@contextmanager
def tidy_signals() -> Iterator[None]:
    """Within, every request to end is an exception; from the first one on, further ones are ignored."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for kind in kinds:
            signal.signal(kind, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    for kind in kinds:
        signal.signal(kind, interrupt)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
