"""Reply times (semantics §3.5), and a slow second opinion."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.facts import FROM_ACCOUNT, NEITHER, TO_ACCOUNT
from shared.core.replies import DAY_US, replies
from tests.facts import HOUR, at, message_items

NOON = at("2026-06-01T12:00")
LIMIT = 30 * DAY_US


def to(hours, *conversations, **more):
    return {"direction": TO_ACCOUNT, "sent": NOON + hours * HOUR, "conversations": list(conversations) or [1], **more}


def sender(hours, *conversations, **more):
    return to(hours, *conversations, **more) | {"direction": FROM_ACCOUNT}


def found(*rows, limit=LIMIT):
    """{position of the reply: hours it took}"""
    answered = replies(message_items(*rows), limit)
    return {row: us / HOUR for row, us in zip(answered.row.tolist(), answered.elapsed_us.tolist(), strict=True)}


def test_the_parent_is_the_latest_message_to_the_account():
    """§3.5: its parent is the latest To-account message p of the same account and conversation."""
    assert found(to(0), to(2), sender(5)) == {2: 3}


def test_the_parent_was_sent_before_the_reply_was_received():
    """§3.5: with p.sent < r.received."""
    assert found(to(5), sender(5)) == {}
    assert found(to(1), to(5), sender(5)) == {2: 4}


def test_only_the_first_reply_to_each_message_counts():
    """§3.5: only the first reply to each p counts (by received time, then sent time)."""
    assert found(to(0), sender(3), sender(2)) == {2: 2}
    late = NOON + 4 * HOUR
    assert found(to(0), sender(3, received=late), sender(2, received=late)) == {2: 4}


def test_elapsed_is_from_sent_to_received():
    """§3.5: elapsed = r.received − p.sent."""
    assert found(to(0, received=NOON + HOUR), sender(3, received=NOON + 4 * HOUR)) == {1: 4}


def test_longer_than_the_limit_is_not_a_reply():
    """§3.5: longer than 30 days is not a reply (configurable)."""
    assert found(to(0), sender(24), limit=DAY_US) == {1: 24}
    assert found(to(0), sender(24, received=NOON + DAY_US + 1), limit=DAY_US) == {}


def test_a_late_first_reply_leaves_no_room_for_another():
    """§3.5: the first reply to p is too late, so that no later one counts either."""
    assert found(to(0), sender(30), sender(31), limit=DAY_US) == {}


def test_other_conversations_and_accounts_are_apart():
    """§3.5: of the same account and conversation."""
    assert found(to(0, 1), sender(1, 2)) == {}
    assert found(to(0, 1, account=1), sender(1, 1, account=2)) == {}


def test_without_a_conversation_nothing_is_a_reply():
    """§3.5: the conversation key; where there is none, there is no common conversation."""
    assert found({**to(0), "conversations": []}, {**sender(1), "conversations": []}) == {}


def test_a_message_in_two_conversations_has_one_parent_the_latest_of_both():
    """§3.5: a reply still has one parent, the latest p that shares any conversation with it."""
    assert found(to(0, 1), to(1, 2), sender(3, 1, 2)) == {2: 2}
    assert found(to(0, 1, 2), sender(1, 1), sender(2, 2)) == {1: 1}


def test_an_account_that_is_here_for_its_top_only_has_no_part():
    """§11: an account without a direction takes no part in its own replies."""
    assert found({**to(0), "direction": NEITHER}, sender(1)) == {}


def slowly(rows, limit):
    """The paragraph once more, as it reads."""
    first: dict[Any, list[Any]] = {}
    for r, reply in enumerate(rows):
        if reply["direction"] != FROM_ACCOUNT:
            continue
        parents = [
            (p["sent"], p["item"])
            for p in rows
            if p["direction"] == TO_ACCOUNT
            and p["account"] == reply["account"]
            and set(p["conversations"]) & set(reply["conversations"])
            and p["sent"] < reply["received"]
        ]
        if parents:
            parent = (reply["account"], *max(parents))
            first.setdefault(parent, []).append((reply["received"], reply["sent"], r))
    taken = {min(answers): sent for (_, sent, _), answers in first.items()}
    return sorted((r, received - sent) for (received, _, r), sent in taken.items() if received - sent <= limit)


@st.composite
def mail(draw):
    rows = []
    for item in range(draw(st.integers(0, 14))):
        sent = draw(st.integers(0, 6))
        rows.append(
            {
                "item": item,
                "account": draw(st.integers(0, 1)),
                "direction": draw(st.sampled_from([TO_ACCOUNT, FROM_ACCOUNT])),
                "sent": NOON + sent * HOUR,
                # No two replies alike in both times: of those, either may be the first.
                "received": NOON + draw(st.integers(sent, 8)) * HOUR + item,
                "conversations": sorted(draw(st.sets(st.integers(1, 4), max_size=2))),
            }
        )
    return rows


@given(mail(), st.sampled_from([3 * HOUR, LIMIT]))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_the_kernel_agrees_with_the_paragraph_read_slowly(rows, limit):
    """§3.5, all of it."""
    answered = replies(message_items(*rows), limit)

    kernel = sorted(zip(answered.row.tolist(), answered.elapsed_us.tolist(), strict=True))
    assert kernel == slowly(rows, limit)
