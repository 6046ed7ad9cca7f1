"""The six named segments (interfaces §9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.core.figures import NEVER
from shared.core.standing import ABSENT, SHOWN, Standing

QUIET_AFTER = 60  # days
MOVED_BY = 5  # points between the mean scores of three months and of the three before

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """holds: for each known customer whether it belongs to the segment."""

    title: str
    holds: Callable[[Standing], Flags]


def _stale(standing: Standing) -> Flags:
    quiet = [(since == NEVER) | (since > QUIET_AFTER) for since in (standing.since_email, standing.since_meeting)]
    return _all(_shown(standing), *quiet)


def _rising(standing: Standing) -> Flags:
    return _moved(standing, 1)


def _falling(standing: Standing) -> Flags:
    return _moved(standing, -1)


def _moved(standing: Standing, direction: int) -> Flags:
    """By the unrounded difference of the means, of which `moved` is three times."""
    return _all(_shown(standing), ~standing.months_hidden, direction * standing.moved > 3 * MOVED_BY)


def _single_threaded(standing: Standing) -> Flags:
    ours, theirs = standing.sides[:, :2].max(axis=1), standing.sides[:, 2:].max(axis=1)
    return _all(_shown(standing), (ours == 1) | (theirs == 1))


def _one_way(standing: Standing) -> Flags:
    emails_to, emails_from = standing.totals[:, 0], standing.totals[:, 1]
    return _all(_shown(standing), (emails_to > 0) != (emails_from > 0), standing.meetings == 0)


def _never_engaged(standing: Standing) -> Flags:
    return _all(standing.presence == ABSENT)


def _shown(standing: Standing) -> Flags:
    return _all(standing.presence == SHOWN)


def _all(*flags: Flags) -> Flags:
    together: Flags = np.logical_and.reduce(flags)
    return together


BUILT_IN = {
    "stale": BuiltIn("Gone quiet", _stale),
    "rising": BuiltIn("Rising", _rising),
    "falling": BuiltIn("Falling", _falling),
    "single-threaded": BuiltIn("Hangs on one person", _single_threaded),
    "one-way": BuiltIn("One-way", _one_way),
    "never-engaged": BuiltIn("Never engaged", _never_engaged),
}
