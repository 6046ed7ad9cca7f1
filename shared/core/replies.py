"""How long accounts take to answer (semantics §3.5)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import lengths, rows_of, starts
from shared.core.facts import NEITHER, TO_ACCOUNT, MessageItems

DAY_US = 86_400_000_000


class Replies(NamedTuple):
    """row: of the reply in the messages · elapsed_us: since its parent was sent."""

    row: NDArray[np.int64]
    elapsed_us: NDArray[np.int64]


class _Links(NamedTuple):
    """From-account rows and the To-account rows they may answer, row numbers in the messages."""

    reply: NDArray[np.int64]
    parent: NDArray[np.int64]


class _Events(NamedTuple):
    """Messages in the conversations of accounts.

    row: in the messages · thread: hash of account and conversation · to: whether it is a To-account message · moment:
    when that was sent, or when the From-account message was received.
    """

    row: NDArray[np.int64]
    thread: NDArray[np.uint64]
    to: NDArray[np.bool_]
    moment: NDArray[np.int64]

    def take(self, which: NDArray[Any]) -> _Events:
        return _Events(*(column[which] for column in self))


def replies(messages: MessageItems, limit_us: int) -> Replies:
    """The replies among messages that have one row per item and account, in any order.

    Conversations of which a message belongs to others too are worked out with all that is said about ties and several
    candidates; in the rest, nearly all, each reply has one candidate and a short way to it.
    """
    events = _events(messages)
    several = lengths(messages.conversations)[events.row] > 1
    if several.any():
        linked = np.isin(events.thread, events.thread[several])
        found = _simple_links(messages, events.take(~linked)), _linked(messages, events.take(linked))
        links = _Links(*(np.concatenate(both) for both in zip(*found, strict=True)))
    else:
        links = _simple_links(messages, events)
    elapsed = messages.received[links.reply] - messages.sent[links.parent]
    in_time = elapsed <= limit_us
    return Replies(links.reply[in_time], elapsed[in_time])


def _events(messages: MessageItems) -> _Events:
    row = rows_of(messages.conversations)
    thread = messages.conversations.values ^ _spread(messages.account[row])
    to = messages.direction[row] == TO_ACCOUNT
    events = _Events(row, thread, to, np.where(to, messages.sent[row], messages.received[row]))
    moving = messages.direction[row] != NEITHER
    return events if moving.all() else events.take(moving)


def _spread(numbers: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Numbers as 64 bits without a pattern (the mixing of SplitMix64), so that no two pairs with a hash look alike."""
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _simple_links(messages: MessageItems, events: _Events) -> _Links:
    """The first reply to each parent, where every message is in one conversation only."""
    events = events.take(_order(events))
    answers, parents = _answers(events)
    first = starts(parents)
    run = np.cumsum(first) - 1
    received = events.moment[answers]
    earliest = np.flatnonzero(received == received[first][run])
    if len(earliest) > np.count_nonzero(first):
        # Of several that were received at once, the one that was sent first.
        earliest = earliest[np.lexsort((messages.sent[events.row[answers[earliest]]], run[earliest]))]
        earliest = earliest[starts(run[earliest])]
    return _Links(events.row[answers[earliest]], events.row[parents[earliest]])


def _order(events: _Events) -> NDArray[np.int64]:
    """By thread and moment; at the same moment replies first, since a parent was sent before it was received.

    A key of 64 bits takes the moments, in the largest unit that is fine enough, and what room is left of the threads.
    """
    moment = events.moment - events.moment.min(initial=2**62)
    time = _coarsest(moment) * 2 + events.to
    bits = np.uint64(int(time.max(initial=0)).bit_length())
    lead = events.thread >> bits
    order = np.argsort((lead << bits) | time.astype(np.uint64))
    lead, thread = lead[order], events.thread[order]
    clash = (lead[1:] == lead[:-1]) & (thread[1:] != thread[:-1])
    if clash.any():
        again = np.flatnonzero(np.isin(lead, lead[1:][clash]))
        rows = order[again]
        order[again] = rows[np.lexsort((moment[rows] * 2 + events.to[rows], events.thread[rows]))]
    return order


def _coarsest(moment: NDArray[np.int64]) -> NDArray[np.int64]:
    """The moments in seconds, or milliseconds, where that loses nothing: Graph's own are whole seconds."""
    for unit in (1_000_000, 1_000):
        coarse: NDArray[np.int64] = moment // unit
        if (coarse * unit == moment).all():
            return coarse
    return moment


def _answers(events: _Events) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(positions of From-account messages, of the latest To-account message before each in its thread), in order."""
    if len(events.row) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    position = np.arange(len(events.row))
    last_to = np.maximum.accumulate(np.where(events.to, position, -1))
    thread_start = np.maximum.accumulate(np.where(starts(events.thread), position, 0))
    answers = np.flatnonzero(~events.to & (last_to >= thread_start))
    return answers, last_to[answers]


def _linked(messages: MessageItems, events: _Events) -> _Links:
    """The same where messages are in several conversations: one parent for each reply, one reply for each parent."""
    events = events.take(np.lexsort((messages.item[events.row], events.moment * 2 + events.to, events.thread)))
    answers, parents = _answers(events)
    links = _Links(events.row[answers], events.row[parents])
    return _first_to_each(messages, _latest_parent(messages, links))


def _latest_parent(messages: MessageItems, links: _Links) -> _Links:
    """One parent per reply: the latest; of several sent at once the one with the greatest item hash."""
    order = np.lexsort((messages.item[links.parent], messages.sent[links.parent], links.reply))
    reply, parent = links.reply[order], links.parent[order]
    last = np.flatnonzero(starts(reply[::-1])[::-1])
    return _Links(reply[last], parent[last])


def _first_to_each(messages: MessageItems, links: _Links) -> _Links:
    """The first reply to each parent, by received time, then sent time."""
    order = np.lexsort((messages.sent[links.reply], messages.received[links.reply], links.parent))
    reply, parent = links.reply[order], links.parent[order]
    first = starts(parent)
    return _Links(reply[first], parent[first])
