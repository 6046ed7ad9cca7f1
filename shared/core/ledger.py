"""What was read of a mailbox's messages, copy by copy, so that a later run need not read them again.

A ledger knows every copy with a usable time of receipt that was read: those that are in, those that are out, and those
outside the window, which a later window may hold. With the facts of those that are in, it says what a reading of the
whole mailbox would have found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import concat, take
from shared.core.facts import MessageCopies
from shared.core.instants import in_window
from shared.core.periods import MICROSECONDS, Window

# Why a copy is out, in the order of §6. A verdict is the position here + 1; IN has facts; UNJUDGED lay outside the
# window as it was read, or lies there now: nothing else is known of it.
REASONS = ("Draft", "Folder", "MeetingMessage", "Automatic", "Internal", "Unrelated")
IN, UNJUDGED = 0, -1

_NEAR = 3600  # seconds; two windows that near to each other are read with one request

Flags = NDArray[np.bool_]
Seconds = tuple[int, int]  # half-open


@dataclass(frozen=True, slots=True)
class Ledger:
    """One row per copy. id: keyed hash of Graph's own id, 0 where it gave none · received, sent: as in facts ·
    verdict: IN, UNJUDGED, or a place in REASONS + 1.
    """

    id: NDArray[np.uint64]
    received: NDArray[np.int64]
    sent: NDArray[np.int64]
    verdict: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Taken:
    """How a ledger came about. since: what changed from this second on may be missing in it · folders: keyed hash of
    the ids of the folders that are out, empty where they changed while it was read.
    """

    since: int
    folders: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of a mailbox's messages. copies: the facts of the rows that are IN, in the order of the ledger."""

    ledger: Ledger
    copies: MessageCopies


@dataclass(frozen=True, slots=True)
class Kept:
    """A mailbox as an earlier run has read it whole."""

    reading: Reading
    taken: Taken


def empty() -> Ledger:
    kinds = {"id": np.uint64, "received": np.int64, "sent": np.int64, "verdict": np.int8}
    columns: dict[str, Any] = {column.name: np.zeros(0, kinds[column.name]) for column in fields(Ledger)}
    return Ledger(**columns)


def counts(ledger: Ledger) -> dict[str, int]:
    """Reason → copies that are out, of those that lie in the window they were judged under."""
    found = np.bincount(ledger.verdict[ledger.verdict > IN], minlength=len(REASONS) + 1)[1:]
    return {reason: int(count) for reason, count in zip(REASONS, found, strict=True) if count}


def together(readings: Sequence[Reading]) -> Reading:
    """One reading after the other; at least one."""
    return Reading(concat([one.ledger for one in readings]), concat([one.copies for one in readings]))


def latest(reading: Reading) -> Reading:
    """Of several rows with one id the last: what was read of a copy later is what it is now."""
    last_first = reading.ledger.id[::-1]
    _, first = np.unique(last_first, return_index=True)
    kept = reading.ledger.id == 0
    kept[len(kept) - 1 - first] = True
    return only(reading, kept)


def only(reading: Reading, kept: Flags) -> Reading:
    """The rows that are kept, with their facts."""
    is_in = reading.ledger.verdict == IN
    return Reading(take(reading.ledger, np.flatnonzero(kept)), take(reading.copies, np.flatnonzero(kept[is_in])))


def without(reading: Reading, other: Reading) -> Reading:
    """Without the copies that the other reading has too."""
    ids = reading.ledger.id
    return only(reading, (ids == 0) | ~np.isin(ids, other.ledger.id))


def received_in(ledger: Ledger, windows: Sequence[Seconds]) -> Flags:
    """Whether a copy was received in one of these windows."""
    seconds = ledger.received // MICROSECONDS
    found = np.zeros(len(seconds), np.bool_)
    for begin, end in windows:
        found |= (begin <= seconds) & (seconds < end)
    return found


def exists(ledger: Ledger, window: Window) -> Flags:
    """Whether a copy exists and lies in the window (§3.1, §5)."""
    received = (window.read_from_us <= ledger.received) & (ledger.received <= window.read_until_us)
    return in_window(window, ledger.sent) & received


def unknown(ledger: Ledger, window: Window) -> list[Seconds]:
    """Windows of receipt of the copies that lie in the window and were not judged, sorted."""
    rows = exists(ledger, window) & (ledger.verdict == UNJUDGED)
    seconds = np.unique(ledger.received[rows] // MICROSECONDS)
    return merged([(second, second + 1) for second in seconds.tolist()], _NEAR)


def under(reading: Reading, window: Window) -> Reading:
    """The same rows, judged under a later window: what it no longer holds is not known any more."""
    held = exists(reading.ledger, window)
    was_in = reading.ledger.verdict == IN
    verdict = np.where(held, reading.ledger.verdict, UNJUDGED).astype(np.int8)
    ledger = Ledger(reading.ledger.id, reading.ledger.received, reading.ledger.sent, verdict)
    return Reading(ledger, take(reading.copies, np.flatnonzero(held[was_in])))


def merged(windows: Sequence[Seconds], near: int = 0) -> list[Seconds]:
    """The same seconds in as few windows as can be, sorted. near: seconds between two that may come along."""
    joined: list[Seconds] = []
    for begin, end in sorted(windows):
        if joined and begin <= joined[-1][1] + near:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
