"""What is known of an account in a period before scores and names: one row per account, level and period with items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEVER = -1  # instead of a day, where there was no such item

# Customers whose figures are published together: some 130,000 rows at most, or some hundred ranges.
_CUSTOMERS, _RANGES = 2_000, 128


def ranges_of(customers: int) -> tuple[int, int]:
    """(how many customers a range has, how many ranges there are): they are numbered through."""
    size = max(_CUSTOMERS, -(-customers // _RANGES))
    return size, max(1, -(-customers // size))


@dataclass(frozen=True, slots=True)
class Figures:
    """Columns of equal length.

    account: number in `Contacts.accounts`, or in `Contacts.tops` · level: index into `periods.LEVELS` · period: its
    ordinal at that level · meetings: all of them, third parties' too · people: ours, in emails and meetings together ·
    last_day: of the last item in the period · meeting_minutes, reply_minutes: sums over `meetings` and `replies` ·
    first_day, last_email_day, last_meeting_day: of the account in the window, the same on all its rows.
    Days are indexes into the window, NEVER where there is none.
    """

    account: NDArray[np.int32]
    level: NDArray[np.int8]
    period: NDArray[np.int32]
    emails_to: NDArray[np.int32]
    emails_from: NDArray[np.int32]
    meetings_to: NDArray[np.int32]
    meetings_from: NDArray[np.int32]
    meetings: NDArray[np.int32]
    people_emails: NDArray[np.int32]
    people_meetings: NDArray[np.int32]
    people: NDArray[np.int32]
    contacts_emails: NDArray[np.int32]
    contacts_meetings: NDArray[np.int32]
    last_day: NDArray[np.int32]
    meeting_minutes: NDArray[np.float64]
    reply_minutes: NDArray[np.float64]
    replies: NDArray[np.int32]
    first_day: NDArray[np.int32]
    last_email_day: NDArray[np.int32]
    last_meeting_day: NDArray[np.int32]
