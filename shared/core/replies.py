"""How long accounts take to answer (semantics §3.5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import lengths, rows_of, starts, take_lists
from shared.core.facts import FROM_ACCOUNT, TO_ACCOUNT, MessageItems, Ragged

DAY_US = 86_400_000_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Replies(NamedTuple):
    """row: of the reply in the messages · elapsed_us: since its parent was sent."""

    row: NDArray[np.int64]
    elapsed_us: NDArray[np.int64]


class _Links(NamedTuple):
    """From-account rows and the To-account rows they may answer, row numbers in the messages."""

    reply: NDArray[np.int64]
    parent: NDArray[np.int64]


def replies(messages: MessageItems, limit_us: int) -> Replies:
    """The replies among messages that have one row per item and account, in any order.

    Conversations that a message with several keys belongs to are worked out link by link; the others, nearly all, have
    for each reply just one candidate.
    """
    moving = np.flatnonzero((messages.direction == TO_ACCOUNT) | (messages.direction == FROM_ACCOUNT))
    row, thread = _threads(messages, moving)
    linked = np.isin(thread, thread[lengths(messages.conversations)[row] > 1])
    simple = _candidates(messages, row[~linked], thread[~linked])
    involved = _latest_parent(messages, _candidates(messages, row[linked], thread[linked]))
    first = _first_to_each(messages, _Links(*(np.concatenate(both) for both in zip(simple, involved, strict=True))))
    elapsed = messages.received[first.reply] - messages.sent[first.parent]
    in_time = elapsed <= limit_us
    return Replies(first.reply[in_time], elapsed[in_time])


def _threads(messages: MessageItems, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """(row, hash of account and conversation) for each conversation of these rows."""
    conversations: Ragged = take_lists(messages.conversations, rows)
    row = rows[rows_of(conversations)]
    account = messages.account[row].astype(np.uint64)
    return row, conversations.values ^ ((account + np.uint64(1)) * _MIX)


def _candidates(messages: MessageItems, row: NDArray[np.int64], thread: NDArray[np.uint64]) -> _Links:
    """Within each thread, each From-account message with the latest To-account message sent before it was received."""
    to = messages.direction[row] == TO_ACCOUNT
    moment = np.where(to, messages.sent[row], messages.received[row])
    # At the same moment a reply stands first: its parent was sent before it was received.
    order = np.lexsort((messages.item[row], moment * 2 + to, thread))
    row, to, thread = row[order], to[order], thread[order]
    position = np.arange(len(row))
    last_to = np.maximum.accumulate(np.where(to, position, -1)) if len(row) else position
    thread_start = np.maximum.accumulate(np.where(starts(thread), position, 0)) if len(row) else position
    answers = np.flatnonzero(~to & (last_to >= thread_start))
    return _Links(row[answers], row[last_to[answers]])


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
