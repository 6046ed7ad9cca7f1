"""Timer triggers: when they run, what they are told, and that a run missed while the host was away is made up once."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from azure.functions.timer import TimerRequest

from localdev.host.clock import Clock, from_us, to_us
from localdev.host.index import Function
from localdev.host.store import Store
from shared.core import ncrontab

_log = logging.getLogger("localdev.host")

_NEVER = "0001-01-01T00:00:00+00:00"
_MONITORED = timedelta(minutes=1)
_NAP = 60.0
_SETTING = re.compile(r"%([^%]+)%")
_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")


class Schedule(Protocol):
    def next_instant(self, after: datetime, zone: ZoneInfo) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Interval:
    """`hh:mm:ss`: again and again after so long."""

    length: timedelta

    def next_instant(self, after: datetime, _zone: ZoneInfo) -> datetime | None:
        return after + self.length


def read_schedule(text: str, environ: Mapping[str, str]) -> Schedule:
    """An NCRONTAB expression, a time span, or `%SETTING%` that holds one; ValueError says what is wrong."""

    def setting(found: re.Match[str]) -> str:
        if found[1] not in environ:
            raise ValueError(f"the setting {found[1]} of the schedule is not there")
        return environ[found[1]]

    expression = _SETTING.sub(setting, text).strip()
    span = _SPAN.fullmatch(expression)
    if span is None:
        return ncrontab.parse(expression)
    days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise ValueError("the interval of the schedule is zero")
    return Interval(length)


class TimerTrigger:
    """One timer function. `run` calls it when it is due, never twice at a time, a failing run not again."""

    def __init__(
        self, function: Function, store: Store, clock: Clock, call: Callable[[Function, Any], Awaitable[Any]]
    ) -> None:
        """ValueError where the schedule cannot be read."""
        self.function = function
        self._store = store
        self._clock = clock
        self._call = call
        self._zone = ZoneInfo(os.environ.get("WEBSITE_TIME_ZONE") or "UTC")
        self._schedule = read_schedule(str(function.trigger["schedule"]), os.environ)
        self._last: datetime | None = None
        self._running = asyncio.Lock()

    def _following(self, after: datetime) -> datetime | None:
        return self._schedule.next_instant(after, self._zone)

    def _is_monitored(self, now: datetime) -> bool:
        """Whether its runs are remembered: not below one minute, as on the real host."""
        first = self._following(now)
        second = self._following(first) if first else None
        wanted = self.function.trigger.get("useMonitor", True) is not False
        return wanted and (first is None or second is None or second - first >= _MONITORED)

    async def run(self) -> None:
        """Until cancelled."""
        now = self._clock.now()
        monitored = self._is_monitored(now)
        known = self._store.schedule(self.function.name) if monitored else None
        if known is not None:
            self._last = None if known[0] is None else from_us(known[0])
        if known is not None and from_us(known[1]) <= now:
            await self._fire(monitored, past_due=True)
        elif self.function.trigger.get("runOnStartup"):
            await self._fire(monitored)
        due = self._following(self._clock.now())
        while due is not None:
            self._note(monitored, due)
            await self._until(due)
            await self._fire(monitored)
            due = self._following(self._clock.now())

    async def fire_now(self) -> None:
        await self._fire(self._is_monitored(self._clock.now()))

    async def _until(self, due: datetime) -> None:
        while (left := (due - self._clock.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, 0.05 if self._clock.settle is not None else _NAP))

    async def _fire(self, monitored: bool, *, past_due: bool = False) -> None:
        async with self._running:
            now = self._clock.now()
            following = self._following(now)
            status = self._status(now, following) if monitored else {}
            request = TimerRequest(past_due=past_due, schedule_status=status, schedule={"AdjustForDST": True})
            try:
                await self._call(self.function, request)
            except Exception:
                _log.exception("Timer function %s failed", self.function.name)
            # Noted after the run: one that the host's death cut short is made up for.
            self._last = now
            self._note(monitored, self._following(self._clock.now()))

    def _status(self, now: datetime, following: datetime | None) -> dict[str, str]:
        last = self._last.isoformat() if self._last else _NEVER
        return {
            "Last": last,
            "Next": (following or now).astimezone(UTC).isoformat(),
            "LastUpdated": last,
        }

    def _note(self, monitored: bool, following: datetime | None) -> None:
        if monitored and following is not None:
            last = None if self._last is None else to_us(self._last)
            self._store.put_schedule(self.function.name, last, to_us(following), to_us(self._clock.now()))
