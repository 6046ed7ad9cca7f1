"""What the programs of a world take, told by Linux: processor time from moment to moment, memory at its peak."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_EVERY = 0.25  # seconds

Part = str
Sessions = Mapping[Part, int]  # of each part the id of the process that leads its session


@dataclass
class Watch:
    """moments: since the epoch · cpu: of each part its seconds at each moment · peak: MB, all processes of the part."""

    sessions: Sessions
    moments: list[float] = field(default_factory=list)
    cpu: dict[Part, list[float]] = field(default_factory=dict)
    peak: dict[Part, float] = field(default_factory=dict)
    _spent: dict[tuple[Part, int], float] = field(default_factory=dict)  # by process, those that ended too

    def look(self) -> None:
        resident: dict[Part, float] = dict.fromkeys(self.sessions, 0.0)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            for part, leader in self.sessions.items():
                if int(fields[3]) == leader:
                    self._spent[part, int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / _TICK
                    resident[part] += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        self.moments.append(time.time())
        for part in self.sessions:
            spent = sum(seconds for (whose, _), seconds in self._spent.items() if whose == part)
            self.cpu.setdefault(part, []).append(spent)
            self.peak[part] = max(self.peak.get(part, 0.0), resident[part])

    def between(self, begin: float, end: float) -> dict[Part, float]:
        """CPU seconds of each part within these moments."""
        return {part: self._at(part, end) - self._at(part, begin) for part in self.sessions}

    def _at(self, part: Part, moment: float) -> float:
        """Interpolated between two looks."""
        series = self.cpu[part]
        after = min(bisect_left(self.moments, moment), len(series) - 1)
        if after == 0:
            return series[0]
        begin, end = self.moments[after - 1], self.moments[after]
        share = min((moment - begin) / (end - begin), 1.0)
        return series[after - 1] + share * (series[after] - series[after - 1])


@contextmanager
def watching(sessions: Sessions) -> Iterator[Watch]:
    """A look a quarter of a second, in a thread, for the time of the block."""
    watch, over = Watch(sessions), threading.Event()
    watch.look()

    def look_on() -> None:
        while not over.wait(_EVERY):
            watch.look()

    thread = threading.Thread(target=look_on, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        watch.look()
