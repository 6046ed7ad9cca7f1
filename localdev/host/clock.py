"""What time it is for the host: the real time, or a time that skips to the next timer when nothing is left to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """`settle`: seconds of real time without work after which time may skip; None: time never skips."""

    settle: float | None

    def now(self) -> datetime:
        """The present instant, aware, UTC."""

    def skip_to(self, instant: datetime) -> None:
        """Let time pass until `instant`; does nothing where it has passed already."""


class RealClock:
    settle: float | None = None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def skip_to(self, instant: datetime) -> None:
        raise NotImplementedError(f"real time does not skip to {instant}")


class SkippingClock:
    """Starts at `start` and goes on with real time, if `runs`; skips whole waits when the host has nothing to do."""

    def __init__(self, start: datetime, *, settle: float = 0.02, runs: bool = False) -> None:
        self.settle: float | None = settle
        self._now = start
        self._runs = runs
        self._since = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now + (datetime.now(UTC) - self._since if self._runs else timedelta())

    def skip_to(self, instant: datetime) -> None:
        if instant > self.now():
            self._now = instant
            self._since = datetime.now(UTC)


def to_us(instant: datetime) -> int:
    """Microseconds since the epoch; `instant` must be aware."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_us(instant_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=instant_us)


def stamp(instant: datetime) -> str:
    """`2026-11-23T06:56:04.375951Z`, trailing zeros of the fraction dropped, as .NET writes an instant."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"


def whole_seconds(instant_us: int) -> str:
    return from_us(instant_us).strftime("%Y-%m-%dT%H:%M:%SZ")
