"""Throttling: four requests at once and ten thousand in ten minutes per mailbox, resource units for the directory."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from localdev.graph.wire import GraphError

AT_ONCE = 4
PER_WINDOW = 10_000
WINDOW_SECONDS = 600
_DIRECTORY_WINDOW = 10
DIRECTORY = "directory"
"""The key under which waiting for directory calls is kept; mailboxes go by the id of their user."""


@dataclass
class _Window:
    """How much was used since `started`, in seconds of the clock."""

    started: float
    used: int = 0


class Throttle:
    """Counts what is in flight and what was used; a refusal says how long to wait, and who comes earlier is noted."""

    def __init__(self, clock: Callable[[], float], people: int) -> None:
        self._clock = clock
        self._in_flight: Counter[str] = Counter()
        self._windows: dict[str, _Window] = {}
        self._wait_until: dict[str, float] = {}
        self._directory_units = 3500 if people < 50 else 5000 if people <= 500 else 8000
        self.most_at_once: Counter[str] = Counter()

    def too_early(self, key: str) -> bool:
        """Whether a caller of this mailbox (or of the directory) was told to wait and has not."""
        return self._clock() < self._wait_until.get(key, 0.0)

    def told_to_wait(self, key: str, seconds: float) -> None:
        self._wait_until[key] = max(self._wait_until.get(key, 0.0), self._clock() + seconds)

    @contextmanager
    def mailbox(self, user_id: str) -> Iterator[None]:
        """Hold one of the mailbox's four places; GraphError 429 where all are taken or the window is used up."""
        self._spend(user_id, 1, PER_WINDOW, WINDOW_SECONDS)
        self._in_flight[user_id] += 1
        self.most_at_once[user_id] = max(self.most_at_once[user_id], self._in_flight[user_id])
        try:
            if self._in_flight[user_id] > AT_ONCE:
                self.told_to_wait(user_id, 1)
                raise application_throttled("1")
            yield
        finally:
            self._in_flight[user_id] -= 1

    def directory(self, units: int) -> None:
        """Spend resource units of the directory; GraphError 429 where the ten seconds' budget is used up."""
        self._spend(DIRECTORY, units, self._directory_units, _DIRECTORY_WINDOW)

    def directory_share(self) -> float:
        """The part of the directory's budget that is used, 1.0 being all of it."""
        window = self._windows.get(DIRECTORY)
        return window.used / self._directory_units if window else 0.0

    def _spend(self, key: str, units: int, budget: int, seconds: int) -> None:
        now = self._clock()
        window = self._windows.get(key)
        if window is None or now - window.started >= seconds:
            window = self._windows[key] = _Window(now)
        window.used += units
        if window.used > budget:
            wait = max(1, round(window.started + seconds - now))
            self.told_to_wait(key, wait)
            raise too_many_requests(str(wait)) if key == DIRECTORY else application_throttled(str(wait))


def application_throttled(retry_after: str | None) -> GraphError:
    text = "Application is over its MailboxConcurrency limit."
    return GraphError(429, "ApplicationThrottled", text, _retry_after(retry_after))


def too_many_requests(retry_after: str | None) -> GraphError:
    headers = {
        "x-ms-throttle-scope": "Tenant_Application/Read",
        "x-ms-throttle-information": "CPULimitExceeded",
        **_retry_after(retry_after),
    }
    return GraphError(429, "TooManyRequests", "Too many requests.", headers)


def _retry_after(value: str | None) -> dict[str, str]:
    return {} if value is None else {"Retry-After": value}
