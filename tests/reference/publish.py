"""The whole semantics at once: organisation in, published tables out. Slow, obvious, sharing nothing with the app."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from tests.reference.answers import Answers, answers_of
from tests.reference.hierarchy import hierarchy_reasons, parents_of, tops_of
from tests.reference.involvement import Involvement
from tests.reference.meetings import involve_meeting, read_meetings
from tests.reference.messages import involve_message, read_messages
from tests.reference.organisation import Options, Organisation, Row, options_of
from tests.reference.people import AddressBook, mailbox_reasons, read_mailboxes, select
from tests.reference.periods import Window
from tests.reference.tables import Table, fold, mask, rows

RUN_ID = "*"  # stands for any run id, as in the sample organisations


@dataclass(frozen=True)
class Reading:
    """What was read of an organisation under one set of customer ids."""

    involvements: list[Involvement]
    coverage: dict[str, Counter[str]]
    people: frozenset[str]


@dataclass(frozen=True)
class Publication:
    """`tables`: name → rows in their published order · `answers`: §10, for the accounts of the main table."""

    tables: dict[str, list[Row]]
    answers: Answers


def publish(org: Organisation) -> Publication:
    options = options_of(org.enrichment)
    window = Window(org.as_of, ZoneInfo(options.time_zone))
    output = org.enrichment.get("output", "Office")
    reading = read(org, options, window)
    table = mask(fold(reading.involvements, options, window), options.min_people)
    figures, breakdown = rows(table, options, window)
    tables = {
        output: figures,
        f"{output}_UserEntity": [{"UserId": person} for person in sorted(reading.people)],
        f"{output}_ScoreBreakdown": breakdown,
    }
    coverage = dict(reading.coverage)
    parents = parents_of(org)
    if parents is not None:
        coverage["Hierarchy"] = hierarchy_reasons(org, parents)
        tables[f"{output}_Hierarchy"] = tops_table(org, table, tops_of(org, parents), options, window)
    tables[f"{output}_Coverage"] = coverage_rows(coverage, org)
    return Publication(tables, answers_of(table, options, window))


def read(org: Organisation, options: Options, window: Window, tops: dict[str, str] | None = None) -> Reading:
    """§3 and §4 over all mailboxes of M that can be read."""
    selected, book = select(org), AddressBook(org, tops)
    mailboxes = read_mailboxes(org, selected.people)
    messages, message_reasons = read_messages(mailboxes, book, options, window)
    meetings, meeting_reasons = read_meetings(mailboxes, book, options, window)
    days = {window.date_of(message.sent) for message in messages} | {window.date_of(m.start) for m in meetings}
    return Reading(
        involvements=[one for message in messages for one in involve_message(message, book, window)]
        + [one for meeting in meetings for one in involve_meeting(meeting, book, window)],
        coverage={
            "Mailbox": mailbox_reasons(org, selected.people),
            "Message": message_reasons,
            "Meeting": meeting_reasons,
            "Contact": book.contact_reasons,
            "Days": Counter({"WithItems": len(days), "WithoutItems": 365 - len(days)}),
            "Guest": Counter({"Skipped": len(selected.guests)}),
        },
        people=selected.people,
    )


def tops_table(org: Organisation, table: Table, tops: dict[str, str], options: Options, window: Window) -> list[Row]:
    """§11: "the table that results when every customer id is replaced by that of its topmost ancestor before §3 begins
    … With `min_people`: besides §8, a level of a top is left out where a row of that level of any account that it
    stands for, itself included, was left out."
    """
    involvements = read(org, options, window, tops).involvements
    hidden = frozenset((tops.get(account, account), level) for account, level in table.hidden)
    return rows(mask(fold(involvements, options, window), options.min_people, hidden), options, window)[0]


def coverage_rows(coverage: dict[str, Counter[str]], org: Organisation) -> list[Row]:
    """§6: "one row per scope and reason that occurred, sorted by both"."""
    as_of = org.as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return [
        {"RunId": RUN_ID, "Scope": scope, "Reason": reason, "Count": count, "AsOf": as_of}
        for scope in sorted(coverage)
        for reason, count in sorted(coverage[scope].items())
        if count
    ]
