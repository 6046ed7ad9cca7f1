"""The pace of one process: what it learns from refusals (graph-facts §3)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.pace import FASTEST, LONGEST_GUESS, SLOWEST, WINDOW, Pace


def least(low: float, high: float) -> float:
    return low


def pace_with(answers: float, *, seconds: float = WINDOW, until: float = 100.0) -> Pace:
    """One that had so many answers a second, in the seconds before."""
    pace = Pace(least)
    number = round(answers * seconds)
    for each in range(number):
        at = until - seconds + (each + 0.5) / answers
        pace.answered(at - 0.1, at)
    return pace


def refuse(pace: Pace, now: float, wait: float = 0.0, mailbox: str = "ada", sent: float | None = None) -> None:
    pace.refused(mailbox, now - 0.1 if sent is None else sent, now, wait, told=True)


def test_there_is_no_pace_until_graph_refuses():
    pace = pace_with(500)

    for _ in range(1_000):
        assert pace.turn(100.0) == 0
        pace.take(100.0)
    assert pace.free
    assert pace.rate(100.0) == math.inf


def test_after_a_refusal_the_pace_is_a_tenth_below_what_was_given_in_the_window():
    """Given is what was answered until the wait ends: Graph's window was used up after six of its ten seconds."""
    pace = pace_with(50, seconds=6)

    refuse(pace, 100.0, wait=4)

    assert pace.clear_at == 104
    assert pace.rate(104.0) == pytest.approx(0.9 * 300 / 10, rel=0.02)


def test_what_was_given_before_the_window_that_ends_with_the_wait_is_not_counted():
    """The allowed rate has halved: half of the window was enough to use it up."""
    pace = pace_with(40, seconds=12)

    refuse(pace, 100.0, wait=5)

    assert pace.rate(105.0) == pytest.approx(0.9 * 40 * 5.5 / 10, rel=0.03)


def test_a_wait_that_is_longer_than_a_window_says_nothing_of_the_window():
    pace = pace_with(40, seconds=12)

    refuse(pace, 100.0, wait=60)

    assert pace.clear_at == 160
    assert pace.rate(160.0) == pytest.approx(0.9 * 0.7 * 40, rel=0.06)


def test_requests_that_were_under_way_when_graph_refused_lower_the_pace_no_further():
    pace = pace_with(50)
    refuse(pace, 100.0, wait=1)
    lowered = pace.rate(101.0)

    for each in range(60):
        refuse(pace, 100.0 + each / 100, wait=1, sent=99.9)

    assert pace.rate(102.0) == pytest.approx(lowered, rel=0.01)
    assert pace.clear_at == pytest.approx(101.59)


def test_the_pace_returns_to_its_ceiling_lingers_there_and_leaves_it_ever_faster():
    pace = pace_with(10, seconds=WINDOW)
    refuse(pace, 100.0)
    ceiling = pace.rate(100.0) / 0.9

    assert [round(pace.rate(100.0 + after) / ceiling, 2) for after in (10, 20, 30, 40, 50, 60, 80)] == [
        0.96, 0.99, 1.0, 1.0, 1.0, 1.01, 1.1,
    ]  # fmt: skip
    assert pace.rate(210.0) == pytest.approx(2.2 * ceiling, rel=0.01)


def test_a_ceiling_met_at_once_is_doubted_and_searched_for():
    """Half a second's answers tell less than a window's."""
    pace = pace_with(100, seconds=0.5)
    refuse(pace, 100.0, wait=9.5)

    assert pace.rate(109.5) == pytest.approx(0.9 * 5, rel=0.01)
    assert pace.rate(139.5) == pytest.approx(2 * 0.9 * 5, rel=0.01)


def test_what_was_given_right_after_a_wait_is_counted_though_the_next_wait_is_rounded_up():
    """The pace was too fast, and the window used up within half a second."""
    pace = pace_with(1_000, seconds=0.5)
    refuse(pace, 100.0, wait=9.5)
    for each in range(400):
        pace.answered(109.5, 109.5 + (each + 1) / 800)

    refuse(pace, 110.1, wait=10)

    assert pace.rate(120.1) == pytest.approx(0.9 * 40, rel=0.01)


def test_a_larger_share_comes_back_more_slowly_than_a_smaller_one():
    """So that shares become alike, though none knows of the others."""
    small, large = pace_with(5), pace_with(80)
    for each in (small, large):
        refuse(each, 100.0)

    assert small.rate(150.0) / small.rate(100.0) > large.rate(150.0) / large.rate(100.0)


def test_turns_are_one_after_the_other_and_a_late_one_delays_the_next_ones_little():
    pace = pace_with(20)
    refuse(pace, 100.0)
    between = 1 / pace.rate(100.0)

    assert pace.turn(100.0) == 0
    pace.take(100.0)
    assert pace.turn(100.0) == pytest.approx(between)
    pace.take(100.0 + between + 0.01)
    assert pace.turn(100.0) == pytest.approx(2 * between, rel=0.01)
    pace.take(130.0)
    assert 0 < pace.turn(130.0) < between


def test_after_a_wait_processes_begin_at_different_moments():
    pace = Pace(lambda low, high: high)
    for each in range(100):
        pace.answered(90 + each / 10, 90 + each / 10)
    refuse(pace, 100.0, wait=1)

    assert pace.turn(101.0) == pytest.approx(1 / pace.rate(100.0))
    assert pace.turn(101.0) > 0.1


def test_who_was_answered_nothing_learns_no_pace_but_waits():
    pace = Pace(least)

    refuse(pace, 100.0, wait=30)

    assert pace.free
    assert pace.clear_at == 130


def test_a_pace_that_is_not_met_for_long_is_none():
    pace = pace_with(100)
    refuse(pace, 100.0)

    pace.take(100.0 + 3_600)

    assert pace.free


# Whom a refusal means


def test_one_mailbox_that_is_refused_again_and_again_is_its_own_affair():
    pace = pace_with(10)

    for second in range(100, 150):
        pace.refused("ada", second, second + 0.1, 3_600.0, told=False)

    assert pace.free
    assert pace.clear_at == 0


def test_four_mailboxes_refused_with_no_answer_between_speak_for_all():
    pace = pace_with(10)

    for number, mailbox in enumerate(["ada", "bob", "cleo", "ada", "dan"]):
        assert pace.clear_at == 0
        pace.refused(mailbox, 99.9, 100 + number / 10, 5.0, told=False)
        pace.answered(99.8, 100.05 + number / 10)  # sent before, and let through before Graph began to refuse

    assert pace.clear_at == pytest.approx(105.4)
    assert not pace.free


def test_an_answer_between_them_shows_that_they_are_meant_one_by_one():
    pace = pace_with(10)

    for number, mailbox in enumerate(["ada", "bob", "cleo", "dan", "eve", "fay"]):
        pace.refused(mailbox, 99 + number, 99.1 + number, 5.0, told=False)
        if mailbox == "cleo":
            pace.answered(99.05 + number, 99.2 + number)

    assert pace.clear_at == 0


@pytest.mark.parametrize(("wait", "until"), [(2, 123.1), (10, 131.1), (3_600, 101.0)])
def test_while_there_is_a_pace_another_mailboxs_refusal_is_everybodys_if_it_is_to_the_end_of_a_window(wait, until):
    """Who is told to wait for longer has a reason of his own."""
    pace = pace_with(10)
    refuse(pace, 100.0, wait=1, mailbox="ada")
    pace.answered(120.0, 120.1)

    pace.refused("bob", 121.0, 121.1, wait, told=False)

    assert pace.clear_at == pytest.approx(until)


def test_who_was_not_told_to_wait_waits_a_minute_at_most():
    told, guessed = pace_with(10), pace_with(10)

    refuse(told, 100.0, wait=3_600)
    for mailbox in ("ada", "bob", "cleo", "dan"):
        guessed.refused(mailbox, 99.9, 100.0, 3_600.0, told=False)

    assert told.clear_at == 3_700
    assert guessed.clear_at == 100.0 + LONGEST_GUESS


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["answered", "refused", "take"]),
            st.floats(0, 200),
            st.sampled_from(["ada", "bob", "cleo"]),
            st.floats(0, 4_000),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_comes_a_told_wait_is_kept_and_the_pace_stays_within_its_bounds(events):
    pace, now, until = Pace(lambda low, high: (low + high) / 2), 0.0, 0.0
    for what, later, mailbox, wait, told in events:
        now += later
        match what:
            case "answered":
                pace.answered(now - 0.1, now)
            case "refused":
                pace.refused(mailbox, now - 0.1, now, wait, told)
                until = max(until, now + wait) if told else until
            case "take":
                pace.take(now)
                assert pace.free or SLOWEST * 0.9 <= pace.rate(now) <= FASTEST
        assert pace.clear_at >= until
        assert pace.free or pace.rate(now) >= SLOWEST * 0.9
        assert math.isfinite(pace.turn(now))
