"""§8: `minPeople`: what is left out so that no row tells of too few people."""

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    CYD,
    CYDS,
    KIM,
    LEE,
    contact,
    customer,
    event,
    mailbox,
    mails,
    message,
    organisation,
    user,
)

USERS = [user(ADA), user(BOB), user(CYD)]


def written(*letters, **options):
    """`letters`: (sender, contact, day of 2026)."""
    sent = [message(one, [to], f"2026-{day}T10:00:00Z") for one, to, day in letters]
    return mails(*sent, users=USERS, **options)


def test_a_row_behind_which_too_few_people_stand_is_left_out(publish):
    """§8: "a row behind which fewer distinct people of M stand … is left out"."""
    org = written((ADAS, KIM, "11-02"), (BOBS, KIM, "11-02"), (ADAS, LEE, "11-02"), minPeople=2)

    assert publish(org).primary_keys() == ["A|Year", "A|Month|20261101", "A|Week|20261102"]


@pytest.mark.parametrize(("limit", "rows"), [(2, 3), (3, 0)])
def test_people_of_emails_and_meetings_count_together(publish, limit, rows):
    """§8: "(in emails and meetings together)": Ada writes and meets, Bob meets, the third nobody of M."""
    box = mailbox([message(ADAS, [KIM, "dan@own.example"])], [event(ADAS, [KIM, BOBS])])

    assert len(publish(organisation({ADA: box}, minPeople=limit)).rows()) == rows


def test_without_it_nothing_is_left_out(publish):
    """§8: "(default 0 = off)"."""
    message_of_nobody = message("dan@own.example", [KIM], id="1")

    assert len(publish(mails(message_of_nobody)).rows()) == 3


def test_if_any_month_is_left_out_all_months_of_the_account_are(publish):
    """§8: "if any month (or week) row of an account is left out, all of that level are, so that differences reveal
    nothing; the Year row stands if it passes itself". In October there was only Ada.
    """
    org = written((ADAS, KIM, "11-02"), (BOBS, KIM, "11-02"), (ADAS, KIM, "10-05"), minPeople=2)

    published = publish(org)

    assert published.primary_keys() == ["A|Year"]
    assert published.emails() == (3, 0)


def test_months_may_stand_where_weeks_do_not(publish):
    """§8: each level for itself: each week has one of the two."""
    org = written((ADAS, KIM, "11-02"), (BOBS, KIM, "11-10"), minPeople=2)

    assert publish(org).primary_keys() == ["A|Year", "A|Month|20261101"]


def test_one_accounts_rows_do_not_depend_on_anothers(publish):
    """§8"""
    org = written((ADAS, KIM, "11-02"), (BOBS, KIM, "11-02"), (ADAS, LEE, "11-02"), (BOBS, LEE, "10-02"), minPeople=2)

    assert publish(org).primary_keys() == ["A|Year", "A|Month|20261101", "A|Week|20261102", "B|Year"]


def test_rows_left_out_take_no_part_in_the_references(publish):
    """§8: "Rows left out take no part in A (§7)": one person's nine letters to B do not raise A's."""
    letters = [(ADAS, KIM, "11-02"), (BOBS, KIM, "11-02")] + [(ADAS, LEE, f"11-0{day}") for day in range(1, 10)]

    published = publish(written(*letters, minPeople=2, score={"floors": {"year": {"emailVolume": 1}}}))

    assert published.row("A|Year", "_ScoreBreakdown")["EmailVolume_Reference"] == 2


def test_the_breakdown_has_the_keys_of_the_table(publish):
    """§8"""
    org = written((ADAS, KIM, "11-02"), (BOBS, KIM, "10-02"), (ADAS, LEE, "11-02"), minPeople=2)

    published = publish(org)

    assert published.primary_keys("_ScoreBreakdown") == published.primary_keys() == ["A|Year"]


def test_the_coverage_counts_what_is_left_out(publish):
    """§6, §8: the coverage holds no account-level rows."""
    published = publish(written((ADAS, KIM, "11-02"), minPeople=2))

    assert (published.rows(), published.coverage("Message")) == ([], {"Counted": 1})


TWO = [contact("K1", "A", KIM), contact("L1", "B", LEE)]
FAMILY = [customer("A", "T"), customer("B", "T"), customer("T")]


def test_a_level_of_a_top_is_left_out_where_one_of_its_accounts_was(publish):
    """§11: "a level of a top is left out where a row of that level of any account that it stands for, itself included,
    was left out": B's Year row has one person.
    """
    letters = [(ADAS, KIM, "11-02"), (BOBS, KIM, "11-02"), (ADAS, LEE, "11-02")]

    published = publish(written(*letters, contacts=TWO, accounts=FAMILY, minPeople=2))

    assert published.primary_keys() == ["A|Year", "A|Month|20261101", "A|Week|20261102"]
    assert published.primary_keys("_Hierarchy") == []


def test_a_top_loses_only_the_levels_that_its_accounts_lost(publish):
    """§11: B's weeks are left out, its months and year stand."""
    letters = [(ADAS, KIM, "11-02"), (BOBS, KIM, "11-02"), (ADAS, LEE, "11-02"), (BOBS, LEE, "11-10")]

    published = publish(written(*letters, contacts=TWO, accounts=FAMILY, minPeople=2))

    assert published.primary_keys("_Hierarchy") == ["T|Year", "T|Month|20261101"]


def test_a_top_that_is_an_account_itself_is_one_of_those_it_stands_for(publish):
    """§11: "itself included"; and a top without thin accounts stands."""
    rows = [contact("K1", "T", KIM), contact("L1", "B", LEE), contact("M1", "C", "moe@c.example")]
    letters = [(ADAS, KIM, "11-02"), (ADAS, LEE, "11-02"), (BOBS, LEE, "11-02"), (BOBS, "moe@c.example", "11-02")]
    letters += [(CYDS, "moe@c.example", "11-02")]

    published = publish(written(*letters, contacts=rows, accounts=[customer("B", "T"), customer("T")], minPeople=2))

    assert published.primary_keys("_Hierarchy") == ["C|Year", "C|Month|20261101", "C|Week|20261102"]


def test_a_top_of_which_every_account_stands_stands(publish):
    """§11"""
    letters = [(ADAS, KIM, "11-02"), (BOBS, KIM, "11-02"), (BOBS, LEE, "11-02"), (CYDS, LEE, "11-02")]

    published = publish(written(*letters, contacts=TWO, accounts=FAMILY, minPeople=2))

    assert published.primary_keys("_Hierarchy") == ["T|Year", "T|Month|20261101", "T|Week|20261102"]
