"""The pace at which one process asks Graph for mailboxes: none until Graph refuses, then what it is seen to allow.

Processes know nothing of each other; each finds its share by what it is refused, as senders of TCP do. After a refusal
the ceiling is what Graph gave within one of its windows (Westwood's estimate), and the pace a tenth less. From there it
grows by the curve of CUBIC (RFC 9438): fast below the ceiling, hardly at all near it, faster again where none is met.
docs/pace.md tells why, and how it was tried.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

WINDOW = 10.0  # seconds by which Graph counts what an app asks (graph-facts §3)
SLOWEST = 4.0  # requests per second, what one mailbox takes if an answer takes a second
FASTEST = 10_000.0  # requests per second; more than a process can ask is no pace
IN_A_ROW = 4  # mailboxes, one after the other refused, that speak for all; sixteen are read at once
LONGEST_GUESS = 60.0  # seconds that mailboxes wait which Graph has not told to, if the others are refused

_DECREASE = 0.1  # of the ceiling; on a curve that bends to the ceiling that costs a fortieth of the rate
_LONG_WAIT_DECREASE = 0.3  # CUBIC's own, where the wait is none for a window's end
_BACK = 40.0, 10.0  # so many seconds it takes to be back at a ceiling of so many requests per second
_DOUBLING = 30.0  # seconds, where no ceiling is known: then one window goes beyond it by a quarter at most
_ROUNDED = 1.0  # seconds by which Graph may have rounded up a wait
_CREDIT = 0.05  # seconds of lateness that the next request makes up for


class Pace:
    """Of all mailboxes of one process. Instants are of the caller's clock, in seconds; rates in requests per second.

    uniform: a random number between two · clear_at: until when no mailbox is to be asked for anything.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self.clear_at = 0.0
        self._ceiling: float | None = None  # None: nothing is known of any
        self._sure = False  # of the ceiling: it was met after a good part of a window
        self._lowered_at = -math.inf
        self._grows_from = -math.inf
        self._next = 0.0
        self._answers: deque[float] = deque()
        self._last_refused = "", -math.inf  # the mailbox, and when the request was sent
        self._in_a_row: set[str] = set()  # mailboxes refused, with no answer in between

    @property
    def free(self) -> bool:
        """Whether there is no pace: requests need not wait for a turn."""
        return self._ceiling is None

    def rate(self, now: float) -> float:
        if self._ceiling is None:
            return math.inf
        grown = max(0.0, now - self._grows_from)
        if not self._sure:
            return max(SLOWEST, self._ceiling * (1 - _DECREASE)) * _doubled(grown)
        seconds, ceiling = _BACK
        back = seconds * math.cbrt(self._ceiling / ceiling)
        bend = min(grown / back - 1, 1.0)
        return self._ceiling * (1 + _DECREASE * bend**3) * _doubled(grown - 2 * back)

    def turn(self, now: float) -> float:
        """Seconds until the next request may be sent."""
        return 0.0 if self._ceiling is None else max(0.0, self._next - now)

    def take(self, now: float) -> None:
        """The next request is being sent."""
        if self._ceiling is None:
            return
        rate = self.rate(now)
        if rate > FASTEST:
            self._ceiling = None
        else:
            self._next = max(self._next, now - _CREDIT) + 1 / rate

    def answered(self, sent: float, now: float) -> None:
        """A request that was sent then has not been refused."""
        self._answers.append(now)
        while self._answers[0] < now - WINDOW - 2 * _ROUNDED:
            self._answers.popleft()
        if sent > self._last_refused[1]:
            self._in_a_row.clear()

    def refused(self, mailbox: str, sent: float, now: float, wait: float, told: bool) -> None:
        """Status 429, to be asked again after `wait` seconds. told: Graph says that it means the tenant or the app.

        Where it does not say, it means the mailbox, unless it refuses several in a row. While there is a pace, a second
        mailbox suffices, whatever was answered in between, if the wait is no longer than to the end of a window.
        """
        of_window = self._ceiling is not None and wait <= WINDOW + _ROUNDED
        another = self._last_refused[0] not in ("", mailbox)
        self._in_a_row.add(mailbox)
        self._last_refused = mailbox, sent
        if not (told or len(self._in_a_row) >= IN_A_ROW or (of_window and another)):
            return
        self.clear_at = max(self.clear_at, now + (wait if told else min(wait, LONGEST_GUESS)))
        if sent > self._lowered_at:  # what was under way by then tells nothing new
            self._lower(now)
        self._grows_from = self.clear_at
        if self._ceiling is not None:
            # Other processes wait for the same instant.
            self._next = max(self._next, self.clear_at + self._uniform(0.0, 1 / self.rate(now)))

    def _lower(self, now: float) -> None:
        """Take for the ceiling what was given in the window that ends with the wait: all that there was in it."""
        ends_window = self.clear_at - now <= WINDOW + _ROUNDED
        end, part = (self.clear_at, 1.0) if ends_window else (now, 1 - _LONG_WAIT_DECREASE)
        begin = end - WINDOW - _ROUNDED / 2
        if begin - _ROUNDED < self._grows_from < now:
            begin = self._grows_from  # the wait before this one ended with a window too
        given = [instant for instant in self._answers if instant > begin]
        met_late = now - self._lowered_at > WINDOW if self._ceiling is not None else False
        self._lowered_at = now
        if given:
            self._sure = met_late or now - given[0] > WINDOW / 2
            self._ceiling = max(SLOWEST, part * len(given) / min(max(1.0, end - given[0]), WINDOW))
        elif self._ceiling is not None:
            self._sure = met_late
            self._ceiling = max(SLOWEST, self.rate(now) * (1 - _LONG_WAIT_DECREASE))


def _doubled(seconds: float) -> float:
    """How many times more after so many seconds of doubling; a number that is not too large for its kind."""
    return math.pow(2.0, min(max(seconds, 0.0) / _DOUBLING, 100.0))
