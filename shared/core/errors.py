"""What can go wrong, sorted by what the caller can do about it.

AppError
├── Refused          the request cannot be done as asked: tell the caller, with every fault at once
│   ├── Invalid        400: faults in a body, a parameter or a data file
│   ├── Missing        404: what was named is not there
│   ├── Conflict       409: it is there, but not in a state for this
│   └── FactsGone      what a run has put down in staging is not there any more
├── TryAgain         the world is busy or away: the platform retries, or the caller does
│   ├── StorageAway    Blob Storage did not answer
│   ├── PlatformAway   the platform did not start, find or end an orchestration
│   └── GraphAway      Graph or Entra did not answer, or asked us to wait longer than we can here
└── Unexpected       a fault of this app, told by its kind and place alone

Activities return refusals as results; only `TryAgain` leaves an activity as an exception.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, and where: `pointer` is a JSON pointer into the body (`/addresses/3`)."""

    pointer: str
    detail: str


class AppError(Exception):
    """The root of every error that this app raises on purpose. Its text never holds an address or a secret."""


class Refused(AppError):
    """A request that cannot be done as asked.

    title: a few words, the same for every occurrence · detail: what happened, to what, what to do next.
    """

    status = 400

    def __init__(self, title: str, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.title = title
        self.detail = detail
        self.faults = tuple(faults)


class Invalid(Refused):
    status = 400


class Missing(Refused):
    status = 404


class Conflict(Refused):
    status = 409


class FactsGone(Refused):
    """Somebody has removed from staging what a run goes on from: no other attempt will find it."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            "What the run had read is gone",
            "Facts of this run were removed from the staging container while it went on. Nothing was published; the "
            "former result stays. Start a run: it reads again what is missing.",
        )


class TryAgain(AppError):
    """Nothing is wrong with the request; doing it again later may work. `wait` is in seconds, if known."""

    def __init__(self, detail: str, wait: float | None = None) -> None:
        super().__init__(detail)
        self.wait = wait


class StorageAway(TryAgain):
    pass


class PlatformAway(TryAgain):
    pass


class GraphAway(TryAgain):
    pass


class Unexpected(AppError):
    """A fault in this app, told without values."""


@contextmanager
def without_values(where: str) -> Iterator[None]:
    """Let only texts without values out of an activity: histories and logs keep what it raises.

    `TryAgain` says what it says; of anything else only the kind and the place are told, since its text may hold an
    address (`KeyError: 'ada@…'`).
    """
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        name = place.filename.rsplit("/", 1)[-1]
        raise Unexpected(f"{where}: {type(error).__name__} at {name}:{place.lineno}") from None
