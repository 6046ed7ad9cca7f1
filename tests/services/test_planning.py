"""From data and people to the plan, and from the plan and pages to copies: held against the sample organisations."""

from __future__ import annotations

import csv
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from shared.adapters.datafiles import CustomerRows
from shared.adapters.graph import wire
from shared.adapters.graph.directory import Resolution
from shared.core.enrichment import judge
from shared.core.meetings import MeetingReader
from shared.core.messages import MessageReader
from shared.core.periods import to_us
from shared.services import planning
from tests.fakes import fake_services
from tests.reference import messages as reference
from tests.reference.organisation import load
from tests.reference.people import read_mailboxes, select

JOINED_LATER = {
    "Message": {"TooManyRecipients", "Counted", "Duplicate"},
    "Meeting": {"TooManyAttendees", "NobodyPresent", "NoContactInvolved", "Counted", "Duplicate"},
}


@pytest.fixture(scope="module", params=["berlin", "new-york", "lord-howe"])
def folder(request, shared_folder):
    return shared_folder / "fixtures" / "organisations" / request.param


@pytest.fixture(scope="module")
def organisation(folder):
    return load(folder)


@pytest.fixture(scope="module")
def coverage(folder):
    found: dict[str, dict[str, int]] = {}
    with (folder / "expected" / "Office_Coverage.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["Scope"], {})[row["Reason"]] = int(row["Count"])
    return found


@pytest.fixture(scope="module")
def planned(folder, organisation):
    body, faults = judge("sales", organisation.enrichment)
    assert body and not faults
    svc = fake_services()
    for name in ("contacts.csv", "accounts.csv"):
        svc.storage.input.write(name, (folder / name).read_bytes())
    selected = select(organisation)
    people = {user["id"]: raw_addresses(user) for user in organisation.users if user["id"] in selected.people}
    domains = tuple(domain["name"] for domain in organisation.tenant["verifiedDomains"])
    resolution = Resolution([], people, selected.guests)
    data = planning.read_data(svc, body)
    return planning.make(svc.settings.pseudonym_key, body, data, resolution, domains, to_us(organisation.as_of))


def raw_addresses(user: Any) -> frozenset[str]:
    proxies = [proxy[5:] for proxy in user["proxyAddresses"] if proxy[:5].lower() == "smtp:"]
    return frozenset(filter(None, [user["mail"], user["userPrincipalName"], *proxies]))


def test_rows_of_contacts_and_customers_and_guests_have_their_reasons(planned, coverage):
    """§6: scopes Contact, Guest and Hierarchy."""
    assert planned.counts == {scope: coverage[scope] for scope in ("Contact", "Guest", "Hierarchy")}


@pytest.mark.parametrize("scope", ["Message", "Meeting"])
def test_copies_that_are_out_before_the_join_have_their_reasons(scope, planned, organisation, coverage):
    """§6: scopes Message and Meeting; what is in is left to the join."""
    found: dict[str, int] = {}
    rows = 0
    for mailbox in read(organisation, planned.plan, scope):
        rows += len(mailbox.copies().item)
        for reason, count in mailbox.counts.items():
            found[reason] = found.get(reason, 0) + count

    assert found == {r: n for r, n in coverage[scope].items() if r not in JOINED_LATER[scope]}
    assert rows == sum(n for r, n in coverage[scope].items() if r in JOINED_LATER[scope])


def read(organisation: Any, plan: Any, scope: str) -> Any:
    key = fake_services().settings.pseudonym_key
    for owner, mailbox in read_mailboxes(organisation, plan.people).items():
        number = plan.people.index(owner)
        if scope == "Message":
            excluded = frozenset(reference.excluded_folders(mailbox))
            messages = MessageReader(plan.book, plan.window, plan.options, key, number, excluded)
            messages.add(wire.decode_messages(page(mailbox["messages"])).items)
            yield messages
        else:
            meetings = MeetingReader(plan.book, plan.window, plan.options, key, number)
            calendar = next(c["id"] for c in mailbox["calendars"] if c["isDefaultCalendar"])
            meetings.add(wire.decode_events(page(mailbox["events"][calendar])).items)
            yield meetings


def page(items: Any) -> bytes:
    return msgspec.json.encode({"value": items})


def test_customers_have_the_name_of_their_first_row_and_none_where_it_is_blank():
    """§11: "A customer id given twice: the first row counts"; ids are text, trimmed (§1)."""
    rows = [(" 007 ", " Bond Ltd "), ("007", "Other"), ("B", ""), ("  ", "Nobody")]
    ids, names = (pa.chunked_array([list(column)], pa.string()) for column in zip(*rows, strict=True))

    assert planning.names_of(CustomerRows(ids, names, None)) == {"007": "Bond Ltd", "B": None}
    assert planning.names_of(CustomerRows(ids, None, None)) == {"007": None, "B": None}
