"""§4.1 Meetings: which copies are one meeting, and whose word counts where they differ."""

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    BOBS,
    CYDS,
    KIM,
    LEE,
    after,
    attendee,
    calendars,
    event,
    mailbox,
    meetings,
    organisation,
)

NOON = "2026-11-02T12:00:00Z"
PREFIX = "040000008200E00074C5B7101A82E008"
REST = "00000000112233445566778899AABBCC"


def counted(published):
    return published.coverage("Meeting").get("Counted", 0)


def average(published):
    return published.row("A|Year")["AverageDuration_Of_Meetings"]


def test_copies_with_one_id_and_start_are_one_meeting(publish):
    """§4.1"""
    published = publish(calendars(event(ADAS, [KIM, BOBS]), event(ADAS, [KIM, BOBS])))

    assert published.meetings() == (1, 0, 1)
    assert published.coverage("Meeting") == {"Counted": 1, "Duplicate": 1}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Straße", "STRASSE", True),
        (PREFIX + "07EA0B02" + REST, PREFIX.lower() + "07ea0b03" + REST.lower(), True),
        (PREFIX + "00000000" + REST, PREFIX + "07EA0B03" + REST, True),
        (PREFIX + "07EA0B02" + REST, PREFIX + "07EA0B02" + REST[:-1] + "D", False),
        (PREFIX[:-1] + "9" + "07EA0B02" + REST, PREFIX[:-1] + "9" + "07EA0B03" + REST, False),
        (PREFIX + "07EA0B02" + REST + "XY", PREFIX + "07EA0B03" + REST + "XY", False),
        ("xx" + PREFIX + "07EA0B02", "xx" + PREFIX + "07EA0B03", False),
    ],
)
def test_ids_are_casefolded_and_the_occurrence_date_in_them_does_not_count(publish, one, other, same):
    """§4.1: "casefolded; if it is hex and begins with the 16-byte prefix …, bytes 16–19 (the occurrence date) are
    set to zero".
    """
    assert counted(publish(calendars(event(ADAS, [KIM], uid=one), event(ADAS, [KIM], uid=other)))) == (1 if same else 2)


def test_copies_with_different_starts_are_different_meetings(publish):
    """§4.1: occurrences of a series, for example."""
    told = [event(ADAS, [KIM], after(NOON, days=-7 * week), type="occurrence") for week in range(3)]

    assert counted(publish(meetings(*told))) == 3


def test_starts_are_compared_as_instants(publish):
    """§4.1: "start in UTC"."""
    local = {"dateTime": "2026-11-02T13:00:00.0000000", "timeZone": "Europe/Berlin"}
    told = event(ADAS, [KIM], NOON)

    assert counted(publish(calendars(told, {**told, "start": local}))) == 1


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"attendees": [attendee("KIM@A.example."), attendee(BOBS), attendee(KIM)]}, True),
        ({"attendees": [attendee(BOBS, "accepted"), attendee(KIM, "tentativelyAccepted")]}, True),
        ({"attendees": [attendee(KIM)]}, False),
        ({"attendees": [attendee("kim+x@a.example"), attendee(BOBS)]}, False),
        ({"organizer": {"emailAddress": {"address": "ADA@own.example"}}}, True),
        ({"organizer": {"emailAddress": {"address": CYDS}}}, False),
        ({"end": {"dateTime": "2026-11-02T12:31:00", "timeZone": "UTC"}}, False),
        ({"iCalUId": 5}, True),
        ({"iCalUId": "uid"}, False),
    ],
)
def test_without_an_id_organizer_times_and_attendees_identify_a_meeting(publish, change, same):
    """§4.1: "Without an `iCalUId`: hash of (organizer, start, end, sorted distinct attendees), addresses normalised,
    tags kept".
    """
    told = event(ADAS, [KIM, BOBS], NOON, uid=None)

    assert counted(publish(calendars(told, {**told, **change}))) == (1 if same else 2)


def test_where_only_the_ends_differ_the_organizers_copy_decides(publish):
    """§4.1: Bob's copy is the organizer's, though it is neither the first nor the longest."""
    published = publish(calendars(*(event(BOBS, [KIM, ADAS, CYDS], minutes=minutes) for minutes in (60, 20, 40))))

    assert average(published) == 20.0


def test_without_the_organizers_copy_the_latest_end_counts(publish):
    """§4.1"""
    published = publish(calendars(*(event(KIM, [ADAS, BOBS], minutes=minutes) for minutes in (60, 20))))

    assert average(published) == 60.0


def test_where_organizers_differ_the_copy_of_its_own_organizer_decides(publish):
    """§4.1: Ada's copy says Kim, Bob's says Bob."""
    published = publish(calendars(event(KIM, [ADAS, BOBS]), event(BOBS, [ADAS, KIM])))

    assert published.meetings() == (1, 0, 1)


def test_else_the_copy_of_the_smallest_directory_id_decides(publish):
    """§4.1: Ada's copy says Kim, Bob's says Lee; neither is the owner."""
    published = publish(calendars(event(KIM, [ADAS, LEE]), event(LEE, [ADAS, KIM])))

    assert [published.meetings(one) for one in "AB"] == [(0, 1, 1), (0, 0, 1)]


def test_only_the_default_calendar_is_read(publish):
    """§4.1"""
    published = publish(organisation({ADA: mailbox(other=[event(ADAS, [KIM])])}))

    assert (published.rows(), published.coverage("Meeting")) == ([], {})
