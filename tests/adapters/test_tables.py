"""Facts in and out of Parquet."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters import tables
from shared.core.columns import concat
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


@pytest.mark.parametrize("sent", [1_780_000_000_000_000, 1_780_000_000_000_001])
@pytest.mark.parametrize("delay", [-90_000_000, 0, 3_000_000, 3_000_001, 3 * 10**14])
def test_instants_are_kept_to_the_microsecond_whether_or_not_they_are_whole_seconds(sent, delay):
    mail = message_copies({"sent": sent, "received": sent + delay}, {"sent": 0, "received": -1_000_000})

    for files in ([mail], [mail, MAIL]):
        read = tables.read(MessageCopies, *map(tables.write, files))
        assert repr(read) == repr(concat(files))


def test_whole_seconds_take_few_bytes():
    """Staging: a fact takes 20 bytes at most, 8 of which are the item's hash."""
    random = np.random.default_rng(1)
    sent = np.cumsum(random.integers(1, 2_000, 5_000)) * 1_000_000
    rows = [
        {"item": int(item), "conversation": int(item) // 4 * 4, "sent": int(at), "received": int(at) + 2_000_000}
        for item, at in zip(random.integers(0, 2**63, 5_000), sent, strict=True)
    ]

    assert len(tables.write(message_copies(*rows))) / len(rows) < 20


def test_facts_of_an_earlier_version_are_read_as_they_are():
    """Files without a unit hold the instants themselves; kept facts outlive the app's version."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_batches([tables.to_arrow(MAIL)]), sink)

    assert repr(tables.read(MessageCopies, sink.getvalue())) == repr(MAIL)


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
