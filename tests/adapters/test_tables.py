"""Facts in and out of Parquet."""

from __future__ import annotations

import io

import numpy as np
import pyarrow.parquet as pq
import pytest

from shared.adapters import tables
from shared.core.facts import MeetingCopies, MeetingItems, MessageCopies, MessageItems
from shared.core.figures import Figures
from tests.facts import ADA, address, meeting_copies, meeting_items, message_copies, message_items

HUGE = 2**64 - 3
MAIL = message_copies({"item": HUGE, "recipients": [ADA, address(4)], "crowded": True}, {"conversation": HUGE})
MEETING = meeting_copies(
    {"attendees": [(ADA, True), (address(0), False)]}, {"item": HUGE}, {"attendees": [(ADA, True)]}
)
SENT = {"sent": 1_780_000_000_000_000, "direction": 2, "conversations": [HUGE, 1]}
STARTED = {"start": 1_780_000_000_000_000, "direction": 0, "minutes": 1 / 3}


@pytest.mark.parametrize("facts", [MAIL, MEETING, message_items(SENT, SENT), meeting_items(STARTED)])
def test_what_is_written_is_read_back(facts):
    assert repr(tables.read(type(facts), tables.write(facts))) == repr(facts)


@pytest.mark.parametrize("kind", [MessageCopies, MeetingCopies, MessageItems, MeetingItems, Figures])
def test_nothing_is_written_and_read_back_with_its_types(kind):
    nothing = tables.empty(kind)

    read = tables.read(kind, tables.write(nothing))
    assert repr(read) == repr(nothing)
    assert [column.dtype for column in vars_of(read)] == [column.dtype for column in vars_of(nothing)]


def vars_of(table):
    columns = (getattr(table, name) for name in type(table).__dataclass_fields__)
    return [column if isinstance(column, np.ndarray) else column.values for column in columns]


def test_counts_travel_with_the_messages_of_a_part():
    counts = {"Message": {"Draft": 2}, "Meeting": {"Private": 1}}

    assert tables.read_counts(tables.write_message_copies(MAIL, counts)) == counts
    assert tables.read_counts(tables.write_meeting_copies(MEETING)) == {}


def test_facts_hold_numbers_only():
    """§8: what is stored per copy: keyed hashes, times, answers, numbers; never an address."""
    for data in (tables.write_message_copies(MAIL, {}), tables.write_meeting_copies(MEETING)):
        schema = pq.read_schema(io.BytesIO(data))
        assert "string" not in schema.to_string().replace(str(schema.metadata), "")


def test_the_same_facts_give_the_same_bytes():
    """Interfaces §3: the same facts give the same bytes; a retry overwrites its output with itself."""
    assert tables.write(MAIL) == tables.write(MAIL)
