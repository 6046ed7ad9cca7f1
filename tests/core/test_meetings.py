"""§4.1, §4.2: what one copy of a meeting says, before copies are joined."""

from __future__ import annotations

import pytest

from shared.core.facts import DECLINED, NOT_DECLINED, OURS, SILENT, THIRD_PARTY
from shared.core.meetings import cleaned
from tests.core.wire_items import (
    ADA,
    BOB,
    CODE,
    COLLEAGUE,
    KIM,
    LEE,
    ZOE,
    attendee,
    event,
    read_events,
    window,
    wire_instant,
)

PREFIX = "040000008200E00074C5B7101A82E008"


@pytest.mark.parametrize(
    ("copy", "reason"),
    [
        (event(isDraft=True, isCancelled=True), "Draft"),
        (event(isCancelled=True, isAllDay=True), "Cancelled"),
        (event(isAllDay=True, sensitivity="private"), "AllDay"),
        (event(end="2026-03-03T10:00:00"), "AllDay"),
        (event(end="2026-03-03T09:59:59.9999990"), None),
        (event(sensitivity="private", attendees=[BOB]), "Private"),
        (event(sensitivity="personal"), "Private"),
        (event(sensitivity="confidential"), None),
        (event(ADA, [BOB, COLLEAGUE]), "Internal"),
        (event(ADA, []), "Internal"),
        (event(ADA, [BOB, (KIM, "none", "resource")]), "Internal"),
        (event("", [BOB]), "Unrelated"),
        (event(ADA, [BOB, ZOE]), "Unrelated"),
        (event(ADA, [ZOE, (KIM, "none", "resource")]), "Unrelated"),
        (event(ZOE, [BOB]), "Unrelated"),
        (event(ADA, [(KIM, "declined")]), None),
        (event(KIM, []), None),
        (event("", [KIM]), None),
        (event(isDraft="yes", isCancelled=1, isAllDay="no", sensitivity=3), None),
    ],
)
def test_each_copy_is_in_or_has_the_first_reason_that_applies(copy, reason):
    """§4.2, §6: Draft, Cancelled, AllDay, Private, Internal, Unrelated; resources are nobody."""
    reader = read_events(copy)

    assert dict(reader.counts) == ({reason: 1} if reason else {})
    assert len(reader.copies().item) == (0 if reason else 1)


@pytest.mark.parametrize(
    ("copy", "exists"),
    [
        (event(), True),
        (event(type="occurrence"), True),
        (event(type="exception"), True),
        (event(type="seriesMaster"), False),
        (event(type=None), False),
        (event() | {"start": None}, False),
        (event() | {"end": {"dateTime": 1790000000, "timeZone": "UTC"}}, False),
        (event() | {"end": {"dateTime": "2026-03-02T11:00:00", "timeZone": "Nowhere/City"}}, False),
        (event(start="2026-06-30T11:00:00", end="2026-06-30T12:00:00"), True),
        (event(start="2026-06-30T11:00:00", end="2026-06-30T12:00:00.0000010"), False),
        (event(start="2025-07-01T00:00:00", end="2025-07-01T01:00:00"), True),
        (event(start="2025-06-30T23:59:59", end="2025-07-01T01:00:00"), False),
    ],
)
def test_meetings_exist_that_ended_by_as_of_and_started_in_the_window(copy, exists):
    """§4.2: an end equal to `as_of` has ended; series masters never; §1: none without a usable time."""
    reader = read_events(copy | {"isDraft": True})

    assert dict(reader.counts) == ({"Draft": 1} if exists else {})


def test_the_start_date_is_local():
    """§5"""
    berlin = window("2026-06-30T22:30:00Z", "Europe/Berlin")

    assert len(read_events(event(start="2025-07-01T22:00:00", end="2025-07-01T23:00:00"), at=berlin).copies().item) == 1
    assert len(read_events(event(start="2025-07-01T21:59:00", end="2025-07-01T23:00:00"), at=berlin).copies().item) == 0


def test_a_copy_becomes_codes_times_and_answers():
    copies = read_events(
        event(
            ADA,
            [
                (BOB, "declined"),
                (KIM, "accepted"),
                ("KIM@a.example", "declined"),
                ZOE,
                COLLEAGUE,
                ("room@a", "none", "resource"),
            ],
        ),
        event(ZOE, [KIM], responseStatus={"response": "declined"}),
        event("", [KIM, KIM, ""], responseStatus=None),
    ).copies()
    rows = [
        sorted(zip(copies.attendees.values[a:b].tolist(), copies.declined[a:b].tolist(), strict=True))
        for a, b in zip(copies.attendees.offsets, copies.attendees.offsets[1:], strict=False)
    ]

    assert rows == [
        sorted([(CODE[BOB], True), (CODE[KIM], False), (CODE[KIM], True)]),
        [(CODE[KIM], False)],
        [(CODE[KIM], False)],
    ]
    assert copies.organizer.tolist() == [CODE[ADA], THIRD_PARTY, THIRD_PARTY]
    assert copies.has_organizer.tolist() == [True, True, False]
    assert copies.own_answer.tolist() == [NOT_DECLINED, DECLINED, SILENT]
    assert copies.start.tolist()[0] == wire_instant("2026-03-02T10:00:00Z")
    assert copies.end.tolist()[0] == wire_instant("2026-03-02T11:00:00Z")


@pytest.mark.parametrize(
    ("response", "answer"),
    [("accepted", NOT_DECLINED), ("notResponded", NOT_DECLINED), ("declined", DECLINED), (None, SILENT), (7, SILENT)],
)
def test_the_owners_answer_is_what_the_copy_says(response, answer):
    """§4.2: accepted, tentative and unanswered all count."""
    copies = read_events(event(responseStatus={"response": response})).copies()

    assert copies.own_answer.tolist() == [answer]


def test_an_entry_without_an_answer_has_not_declined():
    copies = read_events(event(attendees=[]) | {"attendees": [attendee(KIM) | {"status": 3}]}).copies()

    assert copies.declined.tolist() == [False]


def test_a_colleague_may_organise():
    assert read_events(event(COLLEAGUE)).copies().organizer.tolist() == [OURS]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Uid@X", "uid@x"),
        (f"{PREFIX}07EA0103A5BC", f"{PREFIX.lower()}00000000a5bc"),
        (f"{PREFIX}00000000A5BC", f"{PREFIX.lower()}00000000a5bc"),
        (f"{PREFIX}07EA", f"{PREFIX.lower()}0000"),
        (PREFIX, PREFIX.lower()),
        (f"{PREFIX}07EA0103A5B", f"{PREFIX}07EA0103A5B".lower()),
        (f"{PREFIX}07EA0103A5BX", f"{PREFIX}07EA0103A5BX".lower()),
        (f"00{PREFIX}07EA0103", f"00{PREFIX}07EA0103".lower()),
        (f"{PREFIX}07EA0103 A5", f"{PREFIX}07EA0103 A5".lower()),
    ],
)
def test_a_cleaned_id_has_no_occurrence_date(text, clean):
    """§4.1: if it is hex and begins with the 16-byte prefix, bytes 16–19 are set to zero."""
    assert cleaned(text) == clean


def same_item(first, second):
    return len(set(read_events(first, second).copies().item.tolist())) == 1


NO_ID = {"iCalUId": None}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (event(iCalUId="UID"), event(KIM, [ADA], iCalUId="uid"), True),
        (event(iCalUId=f"{PREFIX}07EA0103A5BC"), event(iCalUId=f"{PREFIX}00000000A5BC"), True),
        (event(end="2026-03-02T12:00:00"), event(), True),
        (event(start="2026-03-02T10:30:00"), event(), False),
        (event(iCalUId="a"), event(iCalUId="b"), False),
        (event(**NO_ID), event(iCalUId=""), True),
        (event(**NO_ID), event(iCalUId=" "), True),
        (event(ADA, [KIM, LEE], **NO_ID), event("ADA@own.example", [LEE, (KIM, "declined"), LEE], **NO_ID), True),
        (event(ADA, [KIM], **NO_ID), event(ADA, [KIM, ("room@own.example", "none", "resource")], **NO_ID), True),
        (event(ADA, [KIM], **NO_ID), event(ADA, [KIM, ""], **NO_ID), True),
        (event(ADA, [KIM], **NO_ID), event(ADA, ["kim+x@a.example"], **NO_ID), False),
        (event(ADA, [KIM], **NO_ID), event(BOB, [KIM], **NO_ID), False),
        (event(ADA, [KIM], **NO_ID), event(ADA, [KIM, ZOE], **NO_ID), False),
        (event(ADA, [KIM], **NO_ID), event(ADA, [KIM], end="2026-03-02T11:30:00", **NO_ID), False),
        (event(ADA, [KIM], **NO_ID), event(ADA, [KIM], start="2026-03-02T10:30:00", **NO_ID), False),
    ],
)
def test_what_identifies_a_meeting(first, second, same):
    """§4.1: (cleaned iCalUId, start); without an id organizer, start, end and attendees; resources are nobody."""
    assert same_item(first, second) is same


@pytest.mark.parametrize(
    ("attendees", "crowded"),
    [
        ([KIM, BOB, ZOE], False),
        ([KIM, BOB, ZOE, LEE], True),
        ([KIM, BOB, ("room@a", "none", "resource"), ("hall@a", "none", "resource")], True),
        ([KIM, BOB, ZOE, "KIM@a.example", ""], False),
        ([KIM, "kim+1@a.example", "kim+2@a.example", "kim+3@a.example"], True),
    ],
)
def test_more_distinct_attendees_than_the_limit_are_a_crowd(attendees, crowded):
    """§4.2: normalised, tags kept, resources included; the organizer counts only as an attendee."""
    assert read_events(event(ADA, attendees), max_attendees=3).copies().crowded.tolist() == [crowded]


def test_without_copies_the_columns_are_empty():
    copies = read_events().copies()

    assert (len(copies.item), copies.attendees.offsets.tolist()) == (0, [0])
