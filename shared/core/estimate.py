"""What reading will cost: requests and minutes, reckoned from counts alone. `docs/preview.md` explains the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

PAGE = 1000
# A full page ends within a second: that second is asked for again.
_TAKEN = PAGE - 1
_AT_ONCE = 4  # windows of one mailbox that are read side by side
# Splitting goes on until a window holds so few, or is so short, that it is not worth two requests.
_MOST_PIECES = 16

# A look at the tenant is two requests: a run takes one for consent, one for its plan.
TENANT = 2
# Before a mailbox has refused one request, others are under way to it.
REFUSED = 5

ACTIVITIES = 16
"""Mailboxes that one instance of the app reads side by side (`host.json`)."""
_PAGE_SECONDS = 2.0  # by which a full page may be slower than a count
_ITEMS_PER_SECOND = (120_000, 20_000)  # that one instance takes in and aggregates: on a good day, on a bad one
_ROUND_ABOUT = 60.0  # seconds that orchestration, planning and publishing may take


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """What one mailbox holds in the window of a run."""

    messages: int
    meetings: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """mailboxes: that can be read · counted_in: of how many of them the counts came, where not of all."""

    mailboxes: int
    messages: int
    meetings: int
    requests: int
    low_minutes: int
    high_minutes: int
    counted_in: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What counting has shown. counts: of the mailboxes that answered · silent: mailboxes that did not, in time ·
    refused: mailboxes that cannot be read · folders: requests for the folders of one mailbox, as a mean · directory:
    requests for tenant and people · latency: seconds that a count took.
    """

    counts: Sequence[MailboxCounts]
    silent: int
    refused: int
    folders: float
    directory: int
    latency: float


def estimate(observed: Observed) -> Estimate:
    """Of a full, undisturbed run: no token is asked for, nothing is repeated."""
    mailboxes = len(observed.counts) + observed.silent
    share = mailboxes / len(observed.counts) if observed.counts else 0.0
    messages = round(sum(each.messages for each in observed.counts) * share)
    meetings = round(sum(each.meetings for each in observed.counts) * share)
    each_pages = [message_requests(each.messages) + meeting_requests(each.meetings) for each in observed.counts]
    pages = sum(each_pages) * share
    requests = observed.directory + mailboxes * observed.folders + pages + observed.refused * REFUSED
    longest = observed.folders + max(each_pages, default=0)
    low, high = _minutes(observed.latency, requests, pages, longest, messages + meetings)
    counted_in = len(observed.counts) if observed.silent else None
    return Estimate(mailboxes, messages, meetings, round(requests), low, high, counted_in)


def _minutes(latency: float, requests: float, pages: float, longest: float, items: int) -> tuple[int, int]:
    """Rounded away from each other. longest: requests for the mailbox that needs most of them."""
    fast, slow = _ITEMS_PER_SECOND
    least = max(requests / (ACTIVITIES * _AT_ONCE), longest / _AT_ONCE) * latency + items / fast
    most = (requests * latency + pages * _PAGE_SECONDS) / ACTIVITIES + longest * (latency + _PAGE_SECONDS)
    return math.floor(least / 60), math.ceil((most + items / slow + _ROUND_ABOUT) / 60)


@lru_cache(maxsize=100_000)
def message_requests(messages: int) -> int:
    """Pages for so many messages, were they spread evenly: reading is played, window by window.

    A window that holds more than its first page and the next is halved, as long as fewer than four are read at once.
    """
    windows, requests, beside = [messages], 0, 1  # beside the first page of messages the calendar is read
    while windows:
        later: list[int] = []
        for place, held in enumerate(windows):
            requests += 1
            left = held - _TAKEN if held > PAGE else 0
            reading = len(later) + len(windows) - place + beside
            if left > PAGE and reading < _AT_ONCE:
                later += [left - left // 2, left // 2]
            elif left:
                later.append(left)
        windows, beside = later, 0
    return requests


@lru_cache(maxsize=100_000)
def meeting_requests(meetings: int) -> int:
    """Pages for so many events: more than one page holds are read again in shorter windows."""
    if meetings <= PAGE:
        return 1
    pieces = max(2, min(_MOST_PIECES, -(-meetings * 5 // (PAGE * 4))))
    return 1 + pieces * meeting_requests(-(-meetings // pieces))
