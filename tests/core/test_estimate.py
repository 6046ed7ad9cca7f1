"""What reading will cost, reckoned from counts (interfaces §2, Preview); `docs/preview.md` explains the formula."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.estimate import (
    REFUSED,
    MailboxCounts,
    Observed,
    estimate,
    meeting_requests,
    message_requests,
)


def observed(counts=(), **changes):
    values = {"silent": 0, "refused": 0, "folders": 12.0, "directory": 10, "latency": 0.2}
    return Observed(counts, **{**values, **changes})


@pytest.mark.parametrize(("messages", "pages"), [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (1999, 2)])
def test_a_mailbox_of_less_than_a_page_takes_one_request(messages, pages):
    assert message_requests(messages) == pages


@given(st.integers(0, 200_000))
def test_messages_take_as_many_pages_as_they_fill_and_a_few_more_where_windows_are_split(messages):
    assert max(1, messages / 1000) <= message_requests(messages) <= messages / 999 + 5


@pytest.mark.parametrize(("meetings", "pages"), [(0, 1), (1000, 1), (1001, 3), (4000, 6)])
def test_more_meetings_than_a_page_holds_are_asked_for_again_in_shorter_windows(meetings, pages):
    assert meeting_requests(meetings) == pages


def test_an_estimate_adds_directory_folders_pages_and_refusals():
    told = estimate(observed([MailboxCounts(10, 5), MailboxCounts(1500, 0)], refused=3))

    assert (told.mailboxes, told.messages, told.meetings) == (2, 1510, 5)
    assert told.requests == 10 + 2 * 12 + (1 + 1) + (2 + 1) + 3 * REFUSED
    assert told.counted_in is None


def test_silent_mailboxes_are_taken_to_be_like_the_others():
    told = estimate(observed([MailboxCounts(100, 10)] * 3, silent=3))

    assert (told.mailboxes, told.messages, told.meetings, told.counted_in) == (6, 600, 60, 3)
    assert told.requests == 10 + 6 * (12 + 2)


def test_where_every_mailbox_is_refused_only_that_is_asked():
    told = estimate(observed(refused=4))

    assert (told.mailboxes, told.messages, told.requests) == (0, 0, 10 + 4 * REFUSED)


@given(st.lists(st.builds(MailboxCounts, st.integers(0, 50_000), st.integers(0, 3_000)), max_size=50))
def test_the_span_of_minutes_is_one_and_grows_with_what_there_is_to_read(counts):
    less, more = estimate(observed(counts)), estimate(observed([*counts, MailboxCounts(40_000, 900)], latency=0.5))

    assert 0 <= less.low_minutes <= less.high_minutes
    assert less.low_minutes <= more.low_minutes
    assert less.high_minutes <= more.high_minutes


def test_a_large_tenant_takes_as_long_as_its_requests_allow():
    """2,500 mailboxes of 30,000 messages: some 115,000 requests, 64 at once at best."""
    told = estimate(observed([MailboxCounts(30_000, 1_000)] * 2_500, latency=1.0))

    assert 110_000 < told.requests < 125_000
    assert 28 <= told.low_minutes <= 45
    assert 2 * told.low_minutes < told.high_minutes < 10 * told.low_minutes
