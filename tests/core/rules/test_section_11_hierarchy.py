"""§11 Hierarchy: everything counted once per topmost ancestor."""

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    KIM,
    LEE,
    ZOE,
    after,
    contact,
    customer,
    event,
    mailbox,
    mails,
    message,
    organisation,
)

FAMILY = [customer("A", "T"), customer("B", "A"), customer("T")]


def tops(publish, *messages, events=(), accounts=FAMILY, **options):
    """The published tables; the rows of `_Hierarchy` are what counts."""
    return publish(organisation({ADA: mailbox(messages, events)}, accounts=accounts, **options))


def top(published, key="T|Year"):
    return published.row(key, "_Hierarchy")


def counts(row):
    return tuple(
        row[f"NoOf{kind}_{way}Account"]
        for kind, way in (("Emails", "To"), ("Emails", "From"), ("Meetings", "To"), ("Meetings", "From"))
    )


def test_a_message_to_two_accounts_of_one_top_counts_once(publish):
    """§11: "messages, meetings and people count once per top"."""
    published = tops(publish, message(ADAS, [KIM, LEE]))

    assert counts(top(published)) == (1, 0, 0, 0)
    assert published.primary_keys("_Hierarchy") == ["T|Year", "T|Month|20261101", "T|Week|20261102"]


def test_a_message_from_one_account_with_the_other_in_copy_is_from_the_top_with_both_contacts(publish):
    """§11: ids are replaced "before §3 begins": Lee, nobody to the message in account B, is the top's contact."""
    published = tops(publish, message(KIM, [ADAS, LEE]))

    assert counts(top(published)) == (0, 1, 0, 0)
    assert top(published)["NoOfAccountContactsInvolved_Emails"] == 2
    assert published.people("A")["Emails"] == (1, 1)


def test_a_contact_of_two_accounts_is_one_of_the_top(publish):
    """§11, §2"""
    rows = [contact("K1", "A", KIM), contact("K1", "B", LEE)]

    published = tops(publish, message(ADAS, [KIM, LEE]), contacts=rows)

    assert top(published)["NoOfAccountContactsInvolved_Emails"] == 1


def test_one_of_ours_counts_once_per_top(publish):
    """§11"""
    published = tops(publish, message(ADAS, [KIM], id="1"), message(ADAS, [LEE], id="2"))

    assert (top(published)["NoOfContactsInvolved_Emails"], counts(top(published))) == (1, (2, 0, 0, 0))


def test_a_reply_of_one_account_answers_a_message_to_the_other(publish):
    """§11, §3.5: parents and replies are of the top."""
    noon = "2026-11-02T12:00:00Z"
    asked = message(ADAS, [KIM], noon, id="p", conversation="c")
    reply = message(LEE, [ADAS], after(noon, minutes=20), id="r", conversation="c")

    published = tops(publish, asked, reply)

    assert top(published)["AverageDuration_Of_AccountEmailReplies"] == 20.0
    assert published.row("B|Year")["AverageDuration_Of_AccountEmailReplies"] is None


def test_replies_of_two_accounts_to_one_message_are_one_reply_to_the_top(publish):
    """§11, §3.5: "Only the first reply to each p counts"."""
    noon = "2026-11-02T12:00:00Z"
    asked = message(ADAS, [KIM, LEE], noon, id="p", conversation="c")
    replies = [
        message(one, [ADAS], after(noon, minutes=minutes), id=one, conversation="c")
        for one, minutes in ((LEE, 40), (KIM, 10))
    ]

    published = tops(publish, asked, *replies)

    column = "AverageDuration_Of_AccountEmailReplies"
    assert [top(published)[column], *(published.row(f"{one}|Year")[column] for one in "AB")] == [10.0, 10.0, 40.0]


def test_a_meeting_with_two_accounts_counts_once_and_its_initiator_is_the_tops(publish):
    """§11, §4.3: Kim's meeting is from account A, a third party's for B, from the top."""
    published = tops(publish, events=[event(KIM, [ADAS, LEE], minutes=40)])

    assert (counts(top(published)), published.meetings("B")) == ((0, 0, 0, 1), (0, 0, 1))
    assert top(published)["NoOfAccountContactsInvolved_Meetings"] == 2
    assert top(published)["AverageDuration_Of_Meetings"] == 40.0


def test_start_and_days_since_are_the_tops(publish):
    """§11: "has the columns of §6"."""
    told = [message(ADAS, [KIM], "2026-11-02T10:00:00Z", id="1"), message(ADAS, [LEE], "2026-11-12T10:00:00Z", id="2")]

    row = top(tops(publish, *told))

    assert (row["EngagementStartDate"].isoformat(), row["DaysSinceLastEmail"]) == ("2026-11-02", 8)


def test_scores_compare_tops_only(publish):
    """§11: with tops T (3 letters) and C (9) alone, the reference is 9; among accounts A, B and C it is 2."""
    rows = [contact("K1", "A", KIM), contact("L1", "B", LEE), contact("M1", "C", "moe@c.example")]
    told = [message(ADAS, [KIM], id=f"a{n}") for n in range(2)] + [message(ADAS, [LEE], id="b")]
    told += [message(ADAS, ["moe@c.example"], id=f"c{n}") for n in range(9)]
    low = {"floors": {"year": {"emailVolume": 1}}}
    of_tops = [contact("K1", "T", KIM), contact("L1", "T", LEE), rows[2]]

    published = tops(publish, *told, contacts=rows, score=low)
    alone = publish(mails(*told, contacts=of_tops, score=low))

    assert published.row("A|Year", "_ScoreBreakdown")["EmailVolume_Reference"] == 2
    assert alone.row("T|Year", "_ScoreBreakdown")["EmailVolume_Reference"] == 9
    assert published.rows("_Hierarchy") == alone.rows()


@pytest.mark.parametrize(
    ("accounts", "expected", "reasons"),
    [
        ([customer("A", "B"), customer("B", "C"), customer("C")], "C", {"Used": 3}),
        ([customer("A", " B "), customer(" B", " C"), customer("C ")], "C", {"Used": 3}),
        ([customer("A", "b"), customer("B")], "A", {"MissingParent": 1, "Used": 1}),
        ([customer("A", "Ghost")], "A", {"MissingParent": 1}),
        ([customer("A", "B"), customer("B", "Ghost")], "B", {"MissingParent": 1, "Used": 1}),
        ([customer("C")], "A", {"Used": 1}),
        ([customer("A", "A")], "A", {"Circle": 1}),
        ([customer("A", "B"), customer("B", "A")], "A", {"Circle": 2}),
        ([customer("A", "B"), customer("B", "C"), customer("C", "B")], "B", {"Circle": 2, "Used": 1}),
        ([customer("A", "C"), customer("A", "D"), customer("C"), customer("D")], "C", {"Used": 4}),
        ([customer("A", "  "), customer("A", "C"), customer("C")], "A", {"Used": 3}),
    ],
)
def test_the_topmost_ancestor(publish, accounts, expected, reasons):
    """§11: "A customer id given twice: the first row counts … A customer whose parent has no row in the customers data
    is its own top, and so is each member of a circle (and what hangs below a circle belongs to the member it hangs
    on)". Reasons: "`MissingParent`, `Circle`, `Used`".
    """
    published = tops(publish, message(ADAS, [KIM]), accounts=accounts)

    assert {row["CustomerId"] for row in published.rows("_Hierarchy")} == {expected}
    assert published.coverage("Hierarchy") == reasons


def test_the_table_exists_only_where_a_parent_is_configured(publish):
    """§11; nor does the scope of its coverage."""
    published = publish(mails(message(ADAS, [KIM])))

    assert "Office_Hierarchy" not in published.tables
    assert published.coverage("Hierarchy") == {}


def test_a_top_that_has_no_contacts_of_its_own_has_rows(publish):
    """§11: T is named in the customers data only; the accounts' own table does not know it."""
    published = tops(publish, message(ADAS, [LEE]))

    assert (published.accounts(), counts(top(published))) == (["B"], (1, 0, 0, 0))


def test_an_item_between_a_top_and_others_stays_with_each(publish):
    """§11: Zoe's top is her own account."""
    rows = [contact("K1", "A", KIM), contact("L1", "B", LEE), contact("Z1", "Z", ZOE)]

    published = tops(publish, message(ADAS, [KIM, LEE, ZOE]), contacts=rows)

    assert [counts(top(published, key)) for key in ("T|Year", "Z|Year")] == [(1, 0, 0, 0)] * 2
