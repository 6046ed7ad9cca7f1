"""The sample company: the same every time, faithful in its details, and its stories are found again in the result."""

import base64
import csv
import io
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localdev.graph.sample import AS_OF, build
from localdev.graph.sample.company import DOMAIN, PROJECTS
from tests.reference.organisation import Organisation
from tests.reference.publish import publish

UID_PREFIX = "040000008200e00074c5b7101a82e008"


@pytest.fixture(scope="module")
def tenant():
    return build()


@pytest.fixture(scope="module")
def messages(tenant):
    return [message for box in tenant.mailboxes.values() for message in box["messages"]]


@pytest.fixture(scope="module")
def events(tenant):
    return [event for box in tenant.mailboxes.values() for view in box["events"].values() for event in view]


@pytest.fixture(scope="module")
def published(tenant):
    """The tables that the semantics demand for this company, by the slow reference."""
    org = Organisation(
        tenant.tenant,
        tenant.users,
        tenant.groups,
        dict(tenant.mailboxes),
        rows(tenant.contacts_csv),
        rows(tenant.accounts_csv),
        tenant.enrichment,
        AS_OF,
    )
    return publish(org).tables


@pytest.fixture(scope="module")
def years(published):
    return {row["CustomerId"]: row for row in published["Office"] if row["AggregationLevel"] == "Year"}


@pytest.fixture(scope="module")
def coverage(published):
    return {(row["Scope"], row["Reason"]): row["Count"] for row in published["Office_Coverage"]}


def rows(text):
    return list(csv.DictReader(io.StringIO(text.decode())))


def test_the_same_instant_gives_the_same_tenant(tenant, tmp_path):
    again = build(AS_OF)

    assert again.users == tenant.users
    assert again.groups == tenant.groups
    assert again.contacts_csv == tenant.contacts_csv
    assert dict(again.mailboxes) == dict(tenant.mailboxes)


def test_another_instant_gives_a_year_that_ends_then():
    as_of = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)

    box = next(iter(build(as_of).mailboxes.values()))

    sent = [message["sentDateTime"] for message in box["messages"]]
    assert max(sent) <= "2027-03-01T12:00:00Z"
    assert max(sent) > "2027-02-20"
    assert min(sent) < "2026-03-20"


def test_it_is_a_company_of_sixty_with_forty_customers_and_a_run_of_moderate_size(tenant, messages, events):
    members = [user for user in tenant.users if user["userType"] == "Member" and user["accountEnabled"]]

    assert len(members) == 60
    assert len([row for row in rows(tenant.accounts_csv) if row["AccountId"].startswith("C")]) == 40
    assert 30_000 < len(messages) < 60_000
    assert len(events) > 4_000


def test_every_mailbox_belongs_to_a_user_whose_mailbox_can_be_read(tenant):
    states = {user["id"]: user["mailbox"] for user in tenant.users}

    assert set(tenant.mailboxes) == {user for user, state in states.items() if state == "ok"}
    assert Counter(states.values()) == {"ok": 61, "NotEnabled": 5, "AccessDenied": 1}


def test_all_names_lie_in_reserved_domains(tenant, messages):
    named = {
        a["emailAddress"]["address"] for m in messages for a in (m["from"], *m["toRecipients"], *m["ccRecipients"])
    }
    named |= {row["Email"] for row in rows(tenant.contacts_csv) if "@" in row["Email"]}

    assert {address.lower().rpartition(".")[2] for address in named} == {"example"}


def test_a_folder_holds_each_copy(tenant):
    for box in tenant.mailboxes.values():
        folders = {folder["id"] for folder in box["folders"]}
        assert {message["parentFolderId"] for message in box["messages"]} <= folders


def test_ids_are_unique_and_a_mailbox_has_at_most_one_copy_of_a_message_that_was_sent(tenant, messages, events):
    ids = Counter(entity["id"] for entity in (*messages, *events))

    assert set(ids.values()) == {1}
    for box in tenant.mailboxes.values():
        copies = Counter(m["internetMessageId"] for m in box["messages"] if not m["isDraft"])
        assert max(copies.values(), default=1) == 1


def test_a_conversation_has_one_guid_in_every_mailbox_and_each_answer_adds_five_bytes(messages):
    by_thread: dict[bytes, dict[str, tuple[int, str]]] = {}
    for message in messages:
        index = base64.b64decode(message["conversationIndex"])
        assert index[0] == 1
        assert (len(index) - 22) % 5 == 0
        by_thread.setdefault(index[6:22], {})[message["internetMessageId"]] = (len(index), message["sentDateTime"])

    threads = [sorted(thread.values()) for thread in by_thread.values() if len(thread) > 1]
    assert len(threads) > 3_000
    for thread in threads:
        assert [sent for _, sent in thread] == sorted(sent for _, sent in thread)


def test_copies_of_a_message_agree_but_bcc_shows_only_in_the_senders(messages):
    copies: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        copies.setdefault(message["internetMessageId"], []).append(message)

    blind = 0
    for several in copies.values():
        assert len({m["sentDateTime"] for m in several}) == 1
        assert len({str((m["from"], m["toRecipients"], m["ccRecipients"])) for m in several}) == 1
        blind += any(m["bccRecipients"] for m in several)
        assert sum(bool(m["bccRecipients"]) for m in several) <= 1
    assert blind > 20


def test_weekends_are_quiet_and_august_is_slow(messages):
    days = Counter(datetime.fromisoformat(m["sentDateTime"]).date() for m in messages)
    weekend = sum(count for day, count in days.items() if day.weekday() >= 5)
    by_month: Counter[tuple[int, int]] = Counter()
    for day, count in days.items():
        by_month[day.year, day.month] += count

    assert weekend < len(messages) / 20
    assert by_month[2026, 8] < by_month[2026, 6] * 0.6


def test_occurrences_of_a_series_share_an_id_but_for_the_day_in_it(events):
    occurrences = [event for event in events if event["type"] in ("occurrence", "exception")]
    masters = {event["id"] for event in events if event["type"] == "seriesMaster"}
    uids: dict[str, set[tuple[str, str]]] = {}
    for event in occurrences:
        uid = event["iCalUId"].lower()
        assert uid.startswith(UID_PREFIX)
        uids.setdefault(uid[:32] + "0" * 8 + uid[40:], set()).add((uid[32:40], event["start"]["dateTime"][:10]))

    assert len(occurrences) > 2_000
    assert {event["seriesMasterId"] for event in occurrences} <= masters
    for dates in uids.values():
        assert {f"{int(day[:4], 16)}-{int(day[4:6], 16):02}-{int(day[6:], 16):02}" for day, _ in dates} == {
            start for _, start in dates
        }


def test_answers_are_known_to_the_organizer_and_to_nobody_else(events):
    for event in events:
        told = {attendee["status"]["response"] for attendee in event["attendees"]}
        if event["isOrganizer"]:
            assert event["responseStatus"]["response"] == "organizer"
        else:
            assert told == {"none"}


def test_meetings_of_the_days_to_come_are_in_the_calendars_and_mail_of_those_days_is_not(messages, events):
    end = f"{AS_OF:%Y-%m-%dT%H:%M:%SZ}"

    assert any(event["start"]["dateTime"] > end for event in events)
    assert max(message["sentDateTime"] for message in messages) <= end


def test_the_key_account_comes_first(years):
    best = max(years.values(), key=lambda row: row["EngagementScore"])

    assert best["CustomerId"] == "C001"
    assert best["NoOfAccountContactsInvolved_Emails"] == 12
    assert best["NoOfContactsInvolved_Meetings"] == 5


def test_one_account_and_no_other_has_gone_quiet(years):
    def long_ago(days):
        return days is None or days > 60

    stale = {
        c for c, row in years.items() if long_ago(row["DaysSinceLastEmail"]) and long_ago(row["DaysSinceLastMeeting"])
    }
    assert stale == {"C007"}


def test_one_account_is_held_by_a_single_person(years):
    ours = ("NoOfContactsInvolved_Emails", "NoOfContactsInvolved_Meetings")
    alone = {
        c for c, row in years.items() if max(row[column] for column in ours) == 1 and row["NoOfEmails_FromAccount"]
    }

    assert alone == {"C015"}
    assert years["C015"]["NoOfAccountContactsInvolved_Emails"] > 1


def test_one_account_only_receives(years):
    one_way = {
        customer
        for customer, row in years.items()
        if not row["NoOfEmails_FromAccount"] and not row["NoOfMeetings_ToAccount"] + row["NoOfMeetings_FromAccount"]
    }
    assert one_way == {"C023"}
    assert years["C023"]["NoOfEmails_ToAccount"] > 10


def test_two_known_accounts_were_never_engaged(tenant, years):
    known = {row["AccountId"] for row in rows(tenant.accounts_csv) if row["AccountId"].startswith("C")}

    assert known - years.keys() == {"C039", "C040"}


def test_one_account_rises_most_and_one_falls_though_it_is_still_there(published):
    """The means of the last three complete months and of the three before, as segments compare them (interfaces §9)."""
    months: dict[str, Counter[Any]] = {}
    for row in published["Office"]:
        if row["AggregationLevel"] == "Month":
            months.setdefault(row["CustomerId"], Counter())[row["AggregationStartDate"]] = row["EngagementScore"]
    last = sorted({month for scores in months.values() for month in scores})[-6:]
    change = {c: sum(s[m] for m in last[3:]) / 3 - sum(s[m] for m in last[:3]) / 3 for c, s in months.items()}

    assert max(change, key=change.__getitem__) == "C012"
    assert change["C012"] > 30
    assert change["C019"] < -30
    assert min(months["C019"][month] for month in last) > 0


def test_customers_who_write_to_the_mailing_list_are_answered_by_those_behind_it(years, messages):
    to_list = [m for m in messages if any(a["emailAddress"]["address"] == PROJECTS for a in m["toRecipients"])]

    assert {m["from"]["emailAddress"]["address"].lower().partition("@")[2] for m in to_list} == {
        "kestrel-energy.example"
    }
    assert years["C022"]["NoOfContactsInvolved_Emails"] > 2


def test_groups_of_customers_stand_as_one_in_the_hierarchy(published, coverage):
    tops = {row["CustomerId"] for row in published["Office_Hierarchy"]}

    assert {"G01", "G02"} <= tops
    assert not tops & {"C002", "C003", "C004", "C005", "C006"}
    assert coverage["Hierarchy", "MissingParent"] == 1


def test_nearly_every_reason_of_the_coverage_occurs(coverage):
    expected = {
        "Mailbox": ("AccessDenied", "NotEnabled", "Read"),
        "Message": (
            "Counted Draft Duplicate Folder Internal MeetingMessage TooManyRecipients Unrelated".split()  # noqa: SIM905
        ),
        "Meeting": (
            "AllDay Cancelled Counted Draft Duplicate Internal NoContactInvolved NobodyPresent Private "  # noqa: SIM905
            "TooManyAttendees".split()
        ),
        "Contact": ("Incomplete", "OwnOrganisation", "Repeated", "Used"),
        "Guest": ("Skipped",),
    }
    missing = {(scope, reason) for scope, reasons in expected.items() for reason in reasons} - coverage.keys()

    assert missing == set()
    assert coverage["Guest", "Skipped"] == 3


def test_the_list_of_people_reaches_through_nested_groups(tenant, published):
    assert len(published["Office_UserEntity"]) == 39
    assert f"sales@{DOMAIN}" in tenant.enrichment["addresses"]


def test_items_lie_before_the_window_too(messages):
    first = f"{AS_OF - timedelta(days=365):%Y-%m-%d}"

    assert any(m["sentDateTime"] < first for m in messages)
    assert all(a <= b for a, b in itertools.pairwise(sorted(m["sentDateTime"] for m in messages)))
