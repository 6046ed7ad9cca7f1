"""§10 Band, change, one more, as the reference gives them: hand-worked, for what reads them in the app."""

from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.reference.answers import band, round_half_away
from tests.reference.builders import ADA, ADAS, BOB, BOBS, KIM, LEE, contact, mailbox, mails, message, organisation
from tests.reference.organisation import Options
from tests.reference.periods import Window, complete_months
from tests.reference.publish import publish


def letters(month, number, to=KIM):
    """So many letters to an account on the last days of a month of 2026."""
    return [message(ADAS, [to], f"2026-{month:02}-28T10:00:{n:02}Z", id=f"{month}-{n}-{to}") for n in range(number)]


def changes(*messages, **options):
    return publish(mails(*messages, **options)).answers.changes


@pytest.mark.parametrize(
    ("points", "expected"),
    [(100, "high"), (67, "high"), (66, "medium"), (34, "medium"), (33, "low"), (1, "low"), (None, "none")],
)
def test_bands(points, expected):
    """§10: "`high` from 67, `medium` from 34, `low` below, `none` without a row"."""
    assert band(points, Options()) == expected
    assert band(50, Options(high=50, medium=50)) == "high"


@pytest.mark.parametrize(
    ("as_of", "last"),
    [("2026-11-20T12:00:00Z", 10), ("2026-11-30T12:00:00Z", 11), ("2026-11-29T23:00:00Z", 10)],
)
def test_a_month_is_complete_when_it_lies_wholly_in_the_window(as_of, last):
    """§10"""
    months = complete_months(Window(datetime.fromisoformat(as_of), ZoneInfo("UTC")))

    assert months[-1] == date(2026, last, 1)
    assert len(months) in (11, 12)


@pytest.mark.parametrize(
    ("value", "rounded"), [("1/2", 1), ("-1/2", -1), ("1/3", 0), ("-5/3", -2), ("0", 0), ("5/2", 3)]
)
def test_halves_are_rounded_away_from_zero(value, rounded):
    """§10"""
    assert round_half_away(Fraction(value)) == rounded


WEIGHTS = {"emailVolume": 100, "emailTwoWay": 0, "meetings": 0, "breadth": 0, "recency": 0}
FLOORS = {"floors": {"month": {"emailVolume": 3}}}
VOLUME_ONLY = {"score": {"weights": WEIGHTS, **FLOORS}}


def test_points_compare_the_last_three_complete_months_with_the_three_before():
    """§10: with a floor of 3, one letter is worth 50 and three are worth 100; August to October against May to July,
    where July has one letter and the others have none; April is not looked at: (100 + 50 + 100 − 50) / 3 = 66.67.
    """
    told = [*letters(10, 3), *letters(9, 1), *letters(8, 3), *letters(7, 1), *letters(4, 3)]

    assert changes(*told, **VOLUME_ONLY) == {"A": {"points": 67, "own": 67, "others": 0}}


def test_a_month_without_a_row_counts_0():
    """§10"""
    assert changes(*letters(6, 1), **VOLUME_ONLY) == {"A": {"points": -17, "own": -17, "others": 0}}


def test_others_is_what_moving_references_did():
    """§10: A writes 3 letters in July and in October. In July the reference is 3; in October B and C have 15 letters
    each, so that A's 3 are worth ln 4 / ln 16 = 50.
    """
    rows = [contact("K1", "A", KIM), contact("L1", "B", LEE), contact("M1", "C", "moe@c.example")]
    told = [*letters(10, 3), *letters(7, 3), *letters(10, 15, LEE), *letters(10, 15, "moe@c.example")]

    assert changes(*told, contacts=rows, **VOLUME_ONLY)["A"] == {"points": -17, "own": 0, "others": -17}


def test_references_are_the_floors_where_nobody_has_a_row():
    """§10: nothing in July; 15 letters in October are measured by the floor of 3 for `own`, by themselves (15) in their
    own month; both give 100 of 100.
    """
    assert changes(*letters(10, 15), **VOLUME_ONLY) == {"A": {"points": 33, "own": 33, "others": 0}}


def test_where_min_people_left_out_the_months_there_is_no_change():
    """§10: "Where `min_people` left out the account's months there is no change (null)"."""
    told = [*letters(10, 3), message(BOBS, [KIM], "2026-09-01T10:00:00Z", id="b")]

    published = publish(organisation({ADA: mailbox(told), BOB: mailbox()}, minPeople=2))

    assert published.answers.changes == {"A": None}
    assert published.answers.bands == {"A": "low"}


def test_one_more_raises_one_raw_value_and_leaves_the_references():
    """§10: "per part: the account's Year score if the raw value of this part alone were one higher (Recency: d = 0),
    the references unchanged". One letter 30 days ago: 20 · ln 2 / ln 25 + 15 · ln 2 / ln 4 + 15 / 2 = 19.307.
    """
    found = publish(mails(message(ADAS, [KIM], "2026-10-21T10:00:00Z")))

    # One more email 20 · ln 3 / ln 25 = 6.826; two ways 15 · ln 2 / ln 13 = 4.054; a meeting 35 · ln 2 / ln 7 = 12.467;
    # a second contact 15 · ln 3 / ln 4 = 11.887; today 15.
    assert found.tables["Office"][0]["EngagementScore"] == 19
    assert found.answers.one_more == {
        "A": {"EmailVolume": 22, "EmailTwoWay": 23, "Meetings": 32, "Breadth": 24, "Recency": 27}
    }
