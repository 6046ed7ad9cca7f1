"""§6 The tables: columns, order, and the coverage in which everything that was looked at has one reason."""

from datetime import date

from hypothesis import HealthCheck, given, settings

from tests.columns import COLUMNS
from tests.core.rules.conftest import by_reference
from tests.reference.builders import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    KIM,
    LEE,
    contact,
    customer,
    event,
    group,
    mailbox,
    mails,
    message,
    organisation,
    user,
)
from tests.reference.strategies import organisations

PARTS = ["EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency"]


def everyday(**options):
    """Ada writes to Kim on the 1st, Kim answers an hour and a half later, they meet on the 5th, with Bob."""
    ada = mailbox(
        [
            message(ADAS, [KIM], "2026-11-01T10:00:00Z", id="1", conversation="c"),
            message(KIM, [ADAS, BOBS], "2026-11-01T11:30:00Z", id="2", conversation="c"),
        ],
        [event(ADAS, [KIM, BOBS], "2026-11-05T10:00:00Z", minutes=45)],
    )
    bob = mailbox([message(KIM, [ADAS, BOBS], "2026-11-01T11:30:00Z", id="2", conversation="c")])
    return organisation({ADA: ada, BOB: bob}, **options)


def test_each_cell_of_an_everyday_row(publish):
    """§6: every column of `<output>`. The reply took 90 minutes; the score is 6.83 + 4.05 + 12.47 + 7.5 + 10.61."""
    assert publish(everyday()).tables["Office"][0] == {
        "PrimaryKey": "A|Year",
        "CustomerId": "A",
        "EngagementScore": "41",
        "NoOfEmails_ToAccount": "1",
        "NoOfEmails_FromAccount": "1",
        "NoOfMeetings_FromAccount": "0",
        "NoOfMeetings_ToAccount": "1",
        "NoOfContactsInvolved_Meetings": "2",
        "NoOfContactsInvolved_Emails": "2",
        "NoOfAccountContactsInvolved_Meetings": "1",
        "NoOfAccountContactsInvolved_Emails": "1",
        "EngagementStartDate": "2026-11-01",
        "DaysSinceLastEmail": "19",
        "DaysSinceLastMeeting": "15",
        "AverageDuration_Of_Meetings": "45.0",
        "AverageDuration_Of_AccountEmailReplies": "90.0",
        "AggregationStartDate": "2025-11-21",
        "AggregationLevel": "Year",
    }


def test_start_date_and_days_since_are_the_same_on_every_row_and_the_rest_is_the_periods(publish):
    """§6: "the same on every row"; null and 0 where there is nothing."""
    published = publish(everyday())
    first, second = published.row("A|Week|20261026"), published.row("A|Week|20261102")

    same = ("EngagementStartDate", "DaysSinceLastEmail", "DaysSinceLastMeeting")
    assert [first[column] for column in same] == [second[column] for column in same] == [date(2026, 11, 1), 19, 15]
    assert (first["AverageDuration_Of_Meetings"], first["NoOfContactsInvolved_Meetings"]) == (None, 0)
    assert (second["AverageDuration_Of_AccountEmailReplies"], second["NoOfAccountContactsInvolved_Emails"]) == (None, 0)


def test_days_since_are_null_where_there_was_none_and_0_today(publish):
    """§6: "in days (0 = today)", "null"."""
    row = publish(mails(message(ADAS, [KIM], "2026-11-20T00:00:00Z"))).row("A|Year")

    assert (row["DaysSinceLastEmail"], row["DaysSinceLastMeeting"]) == (0, None)


def test_columns_and_their_order(publish):
    """§6"""
    tables = publish(everyday(accounts=[customer("A")])).tables

    assert list(tables["Office"][0]) == list(tables["Office_Hierarchy"][0]) == COLUMNS
    assert list(tables["Office_UserEntity"][0]) == ["UserId"]
    assert list(tables["Office_Coverage"][0]) == ["RunId", "Scope", "Reason", "Count", "AsOf"]
    values = [f"{part}_{what}" for part in PARTS for what in ("Value", "Reference")]
    assert list(tables["Office_ScoreBreakdown"][0]) == ["PrimaryKey", *PARTS, *values]


def test_rows_are_sorted_by_customer_level_and_start(publish):
    """§6: "sorted by CustomerId (by code point), AggregationLevel (Year, Month, Week), AggregationStartDate"."""
    ids = ["b", "a", "B", "Zürich|1", "Z", "10", "9", "\U0001f600", "\uff41"]
    rows = [contact("K1", one, KIM) for one in ids]
    sent = [message(ADAS, [KIM], f"2026-{month}-15T10:00:00Z", id=month) for month in ("02", "11", "01")]

    published = publish(mails(*sent, contacts=rows))

    customers = list(dict.fromkeys(row["CustomerId"] for row in published.rows()))
    assert customers == sorted(ids) == ["10", "9", "B", "Z", "Zürich|1", "a", "b", "\uff41", "\U0001f600"]
    months = ["Month|20260101", "Month|20260201", "Month|20261101"]
    weeks = ["Week|20260112", "Week|20260209", "Week|20261109"]
    assert published.primary_keys()[:7] == [f"10|{period}" for period in ("Year", *months, *weeks)]


def test_the_breakdown_has_the_keys_of_the_table_in_its_order(publish):
    """§6: "one row per row of the table, same order"."""
    published = publish(everyday())

    assert published.primary_keys("_ScoreBreakdown") == published.primary_keys()


def test_people_are_published_by_directory_id_alone_and_sorted(publish):
    """§6: "one row per listed person, sorted: `UserId`, the directory id, and nothing else"."""
    users = [user("b-bob"), user("a-ada", mailbox="AccessDenied"), user("B-cyd")]

    published = publish(organisation(users=users))

    assert published.tables["Office_UserEntity"] == [{"UserId": one} for one in ("B-cyd", "a-ada", "b-bob")]


def test_the_coverage_has_one_row_per_scope_and_reason_that_occurred_sorted(publish):
    """§6; and no addresses in it."""
    groups = [group("g1", "all@own.example", ["99-gus", ADA])]
    users = [user(ADA), user(BOB, mailbox="NotFound"), user("99-gus", guest=True, mailbox="NotFound")]
    box = mailbox([message(ADAS, [KIM], isDraft=True), message(ADAS, [KIM])], [event(ADAS, [BOBS])])
    organised = organisation(
        {ADA: box},
        users=users,
        groups=groups,
        addresses=["all@own.example", BOBS],
        contacts=[contact("K1", "A", KIM), contact("K2", "", KIM)],
    )

    published = publish(organised)

    assert [(row["Scope"], row["Reason"], row["Count"]) for row in published.rows("_Coverage")] == [
        ("Contact", "Incomplete", 1),
        ("Contact", "Used", 1),
        ("Days", "WithItems", 1),
        ("Days", "WithoutItems", 364),
        ("Guest", "Skipped", 1),
        ("Mailbox", "NotFound", 1),
        ("Mailbox", "Read", 1),
        ("Meeting", "Internal", 1),
        ("Message", "Counted", 1),
        ("Message", "Draft", 1),
    ]
    assert {row["AsOf"] for row in published.rows("_Coverage")} == {"2026-11-20T15:30:00Z"}


def test_days_count_where_any_item_is_counted(publish):
    """§6: "days of the window: `WithItems`, `WithoutItems`": a message and a meeting on one day, another meeting."""
    box = mailbox(
        [message(ADAS, [KIM], "2026-11-02T10:00:00Z"), message(ADAS, [BOBS], "2026-11-03T10:00:00Z")],
        [event(ADAS, [KIM], start, uid=start) for start in ("2026-11-02T10:00:00Z", "2026-11-05T10:00:00Z")],
    )

    assert publish(organisation({ADA: box})).coverage("Days") == {"WithItems": 2, "WithoutItems": 363}


def test_each_row_of_the_contacts_has_the_first_reason_that_applies(publish):
    """§6: `Incomplete`, `OwnOrganisation`, `Repeated`, `Used`; an incomplete row twice is two of these."""
    rows = [
        *[contact("K1", "", ADAS)] * 2,
        *[contact("K1", "A", ADAS)] * 2,
        *[contact("K1", "A", KIM)] * 3,
        contact("L1", "B", LEE),
    ]

    published = publish(organisation(contacts=rows))

    assert published.coverage("Contact") == {"Incomplete": 2, "OwnOrganisation": 2, "Repeated": 2, "Used": 2}


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(org=organisations())
def test_the_counts_of_a_scope_add_up_to_what_was_read(org):
    """§6: "Each thing that was looked at has exactly one reason, so that the counts of a scope add up to what was
    read"; the kernels are held to the reference elsewhere.
    """
    published = by_reference(org)

    people = len(published.rows("_UserEntity"))
    assert sum(published.coverage("Mailbox").values()) == people
    assert sum(published.coverage("Contact").values()) == len(org.contacts)
    assert sum(published.coverage("Days").values()) == 365
    assert sum(published.coverage("Hierarchy").values()) == len(org.accounts)
    counted = published.coverage("Message").get("Counted", 0) + published.coverage("Meeting").get("Counted", 0)
    assert (counted > 0) == (published.coverage("Days").get("WithItems", 0) > 0)
