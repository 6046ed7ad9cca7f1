"""Which rows may be shown when few of our people stand behind them (semantics §8, `min_people`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import take
from shared.core.figures import Figures
from shared.core.periods import LEVELS

Flags = NDArray[np.bool_]


def hidden_levels(figures: Figures, min_people: int, accounts: int) -> Flags:
    """For each account and level whether its rows are left out: shape (accounts, levels).

    One month (week) with too few people takes all months (weeks) of the account along: differences would reveal it.
    """
    hidden = np.zeros((accounts, len(LEVELS)), np.bool_)
    few = figures.people < min_people
    hidden[figures.account[few], figures.level[few]] = True
    return hidden


def hidden_levels_of_tops(figures: Figures, min_people: int, of_accounts: Flags, top: NDArray[np.int32]) -> Flags:
    """Likewise for topmost customers (§11): a level is left out too where one of their accounts' was.

    figures: of the tops · of_accounts: from `hidden_levels` · top: of each account.
    """
    tops = int(top.max(initial=-1)) + 1
    hidden = hidden_levels(figures, min_people, tops)
    account, level = np.nonzero(of_accounts)
    hidden[top[account], level] = True
    return hidden


def shown(figures: Figures, hidden: Flags) -> Figures:
    """The rows that are not left out."""
    if not hidden.any():
        return figures
    return take(figures, np.flatnonzero(~hidden[figures.account, figures.level]))
