"""§4.2–§4.4 Meetings: what counts, who was there, who began it, how long it took."""

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
    ZOE,
    after,
    attendee,
    calendars,
    contact,
    event,
    meetings,
    user,
)

NOON = "2026-11-02T12:00:00Z"


def counted(published):
    return published.coverage("Meeting").get("Counted", 0)


def average(published):
    return published.row("A|Year")["AverageDuration_Of_Meetings"]


# §4.2 What counts


@pytest.mark.parametrize("kind", ["singleInstance", "occurrence", "exception"])
def test_single_meetings_occurrences_and_exceptions_count(publish, kind):
    """§4.2"""
    assert publish(meetings(event(ADAS, [KIM], type=kind))).meetings() == (1, 0, 1)


def test_series_masters_never_count(publish):
    """§4.2; nor does the coverage know them (§6)."""
    published = publish(meetings(event(ADAS, [KIM], type="seriesMaster")))

    assert (published.rows(), published.coverage("Meeting")) == ([], {})


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        ("2026-11-20T15:00:00Z", "2026-11-20T15:30:00Z", True),
        ("2026-11-20T15:00:00Z", "2026-11-20T15:30:01Z", False),
        ("2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z", False),
        ("2025-11-21T00:00:00Z", "2025-11-21T01:00:00Z", True),
        ("2025-11-20T23:59:00Z", "2025-11-21T01:00:00Z", False),
    ],
)
def test_a_meeting_has_ended_by_as_of_and_starts_in_the_window(publish, start, end, counts):
    """§4.2: "that **ended** by `as_of` (an end equal to `as_of` has ended) and whose start date lies in the window"."""
    published = publish(meetings(event(ADAS, [KIM], start, end=end)))

    assert published.coverage("Meeting") == ({"Counted": 1} if counts else {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"isDraft": True}, "Draft"),
        ({"isCancelled": True}, "Cancelled"),
        ({"isAllDay": True}, "AllDay"),
        ({"sensitivity": "private"}, "Private"),
        ({"sensitivity": "personal"}, "Private"),
        ({"sensitivity": "confidential"}, "Counted"),
        ({"isDraft": "true", "isCancelled": 1, "isAllDay": "true", "sensitivity": 2}, "Counted"),
        ({"isDraft": True, "isCancelled": True}, "Draft"),
        ({"isCancelled": True, "isAllDay": True}, "Cancelled"),
        ({"isAllDay": True, "sensitivity": "private"}, "AllDay"),
        ({"sensitivity": "private", "attendees": []}, "Private"),
    ],
)
def test_drafts_cancelled_all_day_and_private_copies_are_out(publish, change, reason):
    """§4.2, in the order of §6."""
    assert publish(meetings({**event(ADAS, [KIM]), **change})).coverage("Meeting") == {reason: 1}


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("2026-10-20T12:00:00", "2026-10-21T11:59:59", "Counted"),
        ("2026-10-20T12:00:00", "2026-10-21T12:00:00", "AllDay"),
        ("2026-10-24T12:00:00", "2026-10-25T11:30:00", "AllDay"),
        ("2026-03-28T12:00:00", "2026-03-29T12:00:00", "Counted"),
    ],
)
def test_twenty_four_hours_are_elapsed_ones(publish, start, end, reason):
    """§4.2: "24 hours (elapsed) and longer". In Berlin clocks go back on 2026-10-25 and forward on 2026-03-29."""
    local = [{"dateTime": moment, "timeZone": "Europe/Berlin"} for moment in (start, end)]
    told = {**event(ADAS, [KIM]), "start": local[0], "end": local[1]}

    assert publish(meetings(told, zone="Europe/Berlin")).coverage("Meeting") == {reason: 1}


@pytest.mark.parametrize(
    ("organizer", "attendees", "reason"),
    [
        (ADAS, [BOBS, "anyone@own.example"], "Internal"),
        (ADAS, [], "Internal"),
        (ADAS, [BOBS, attendee(ZOE, type="resource")], "Internal"),
        (ADAS, [BOBS, attendee(KIM, type="resource")], "Internal"),
        (ADAS, [ZOE], "Unrelated"),
        (ZOE, [ADAS], "Unrelated"),
        (None, [ADAS], "Unrelated"),
        (ZOE, [ADAS, attendee(KIM, type="resource")], "Unrelated"),
        (KIM, [], "Counted"),
        (ADAS, [attendee(KIM, type="optional")], "Counted"),
        (ZOE, [ADAS, KIM], "Counted"),
    ],
)
def test_a_copy_that_names_no_account_contact_is_out(publish, organizer, attendees, reason):
    """§4.2: "names no account contact as organizer or attendee"; "Resources (rooms) are nobody, for *internal* and
    *names no account contact* too".
    """
    assert publish(meetings(event(organizer, attendees))).coverage("Meeting") == {reason: 1}


def test_each_copy_is_judged_alone_and_one_that_is_out_contributes_nothing(publish):
    """§4.2: Ada's copy, the organizer's, is cancelled: its attendees, answers and end do not count."""
    hers = event(ADAS, [attendee(BOBS, "declined"), KIM, LEE], minutes=10, isCancelled=True)
    his = event(ADAS, [BOBS, KIM], minutes=25)

    published = publish(calendars(hers, his))

    assert published.coverage("Meeting") == {"Cancelled": 1, "Counted": 1}
    assert (published.accounts(), average(published)) == (["A"], 25.0)
    assert published.people()["Meetings"] == (2, 1)


@pytest.mark.parametrize(("limit", "reason"), [(3, "Counted"), (2, "TooManyAttendees")])
def test_a_meeting_with_too_many_attendees_is_out(publish, limit, reason):
    """§4.2: "more than 100 distinct attendee addresses (normalised, tags kept, resources included, configurable)"; the
    organizer is no attendee.
    """
    told = event(ADAS, [KIM, KIM.upper(), "kim+x@a.example", attendee("room@own.example", type="resource")])

    assert publish(meetings(told, maxAttendees=limit)).coverage("Meeting") == {reason: 1}


def test_the_limit_is_a_hundred(publish):
    """§4.2"""
    crowd = [f"x{number}@third.example" for number in range(100)]
    told = [event(ADAS, [*crowd[:99], KIM], uid="1"), event(ADAS, [*crowd, KIM], uid="2")]

    assert publish(meetings(*told)).coverage("Meeting") == {"Counted": 1, "TooManyAttendees": 1}


def test_one_crowded_copy_takes_the_whole_meeting_out(publish):
    """§4.2: "one of its copies that are in names more than"; the union is not what counts."""
    crowded = calendars(event(ADAS, [KIM, BOBS, ZOE]), event(ADAS, [KIM, BOBS]), maxAttendees=2)
    together = calendars(event(ADAS, [KIM, BOBS]), event(ADAS, [KIM, ZOE]), maxAttendees=2)

    assert publish(crowded).coverage("Meeting") == {"TooManyAttendees": 2}
    assert publish(together).coverage("Meeting") == {"Counted": 1, "Duplicate": 1}


def test_a_crowded_copy_that_is_out_does_not_count(publish):
    """§4.2"""
    hers = event(ADAS, [KIM, BOBS, ZOE], sensitivity="private")

    published = publish(calendars(hers, event(ADAS, [KIM, BOBS]), maxAttendees=2))

    assert published.coverage("Meeting") == {"Counted": 1, "Private": 1}


def test_a_meeting_at_which_nobody_of_m_is_present_is_out(publish):
    """§4.2: the only one of M has declined; Dan is ours but not listed."""
    told = event(KIM, [attendee(ADAS, "declined"), "dan@own.example"], answer="declined")

    assert publish(meetings(told)).coverage("Meeting") == {"NobodyPresent": 1}


def test_a_meeting_without_an_involved_contact_is_out(publish):
    """§4.2"""
    told = event(ADAS, [BOBS, attendee(KIM, "declined")])

    assert publish(calendars(told, told)).coverage("Meeting") == {"NoContactInvolved": 2}


def test_too_many_goes_before_nobody_and_nobody_before_no_contact(publish):
    """§6: "the first that applies"."""
    told = event(ZOE, [attendee(ADAS, "declined"), attendee(KIM, "declined")], answer="declined")

    assert publish(meetings(told, maxAttendees=1)).coverage("Meeting") == {"TooManyAttendees": 1}
    assert publish(meetings(told)).coverage("Meeting") == {"NobodyPresent": 1}


@pytest.mark.parametrize("answer", ["none", "accepted", "tentativelyAccepted", "notResponded", "organizer"])
def test_accepted_tentative_and_unanswered_all_count(publish, answer):
    """§4.2"""
    told = event(ADAS, [attendee(BOBS, answer), attendee(KIM, answer)])

    assert publish(meetings(told)).people()["Meetings"] == (2, 1)


def test_the_organizer_is_present_whatever_an_attendee_entry_says(publish):
    """§4.2, of ours and of theirs."""
    ours = event(ADAS, [attendee(ADAS, "declined"), KIM], answer="declined", uid="1")
    theirs = event(KIM, [attendee(KIM, "declined"), ADAS], after(NOON, days=-1), uid="2")

    assert publish(meetings(ours)).people()["Meetings"] == (1, 1)
    assert publish(meetings(theirs)).people()["Meetings"] == (1, 1)


def test_an_organizing_contact_is_involved_under_all_addresses(publish):
    """§4.2: "an attendee is a person, known by directory id or contact id, whatever the address"."""
    rows = [contact("K1", "A", KIM), contact("K1", "B", "kim@b.example")]
    told = event(KIM, [attendee("kim@b.example", "declined"), ADAS])

    published = publish(meetings(told, contacts=rows))

    assert [published.meetings(one) for one in "AB"] == [(0, 1, 1), (0, 0, 1)]


def test_invited_through_a_group_the_owners_who_have_not_declined_are_present(publish):
    """§4.2: "if no one of M is named as organizer or attendee (invited through a group), the owners of the copies whose
    own answer is not declined".
    """
    told = [event(KIM, ["team@own.example"], answer=answer) for answer in ("accepted", "declined", None)]

    assert publish(calendars(*told)).people()["Meetings"] == (2, 1)


def test_where_one_of_m_is_named_owners_do_not_stand_in(publish):
    """§4.2: Bob is named and has declined, Ada came through the group."""
    told = event(KIM, ["team@own.example", attendee(BOBS, "declined")])

    assert publish(meetings(told)).coverage("Meeting") == {"NobodyPresent": 1}


def test_a_resource_of_m_is_not_named(publish):
    """§4.2: "Resources (rooms) are nobody": Bob's mailbox is a room here, Ada came through a group."""
    told = event(KIM, ["team@own.example", attendee(BOBS, "accepted", type="resource")])

    assert publish(meetings(told)).people()["Meetings"] == (1, 1)


def test_attendees_are_the_union_over_the_calendars(publish):
    """§4.2"""
    published = publish(calendars(event(ADAS, [KIM]), event(ADAS, [LEE, BOBS, CYDS])))

    assert [published.people(one)["Meetings"] for one in "AB"] == [(3, 1), (3, 1)]


@pytest.mark.parametrize(
    ("in_organizers", "own", "in_others", "present"),
    [
        ("declined", "accepted", "accepted", False),
        ("none", "declined", "declined", True),
        (None, "declined", "accepted", False),
        (None, "none", "declined", True),
        (None, None, "declined", False),
        (None, None, "tentativelyAccepted", True),
    ],
)
def test_whose_word_counts_for_an_answer(publish, in_organizers, own, in_others, present):
    """§4.2: "the organizer's copy if it names the attendee; else the `responseStatus` of the attendee's own copy; else
    declined if any copy says so, else what the copies say". Ada organizes, Bob is asked for, Cyd's copy names him.
    """
    named = [attendee(BOBS, in_organizers)] if in_organizers else []
    told = [
        event(ADAS, [KIM, *named]),
        event(ADAS, [KIM, attendee(BOBS, in_others)], answer=own),
        event(ADAS, [KIM, attendee(BOBS, in_others)]),
    ]

    assert publish(calendars(*told)).people()["Meetings"] == (2 if present else 1, 1)


@pytest.mark.parametrize(("answers", "involved"), [(["declined", "none"], False), (["accepted", "none"], True)])
def test_a_contact_has_declined_if_any_copy_says_so(publish, answers, involved):
    """§4.2: where neither the organizer's copy nor one of its own tells."""
    told = [event(ZOE, [ADAS, BOBS, attendee(KIM, answer)]) for answer in answers]

    assert counted(publish(calendars(*told))) == involved


def test_the_answer_in_an_own_copy_that_is_out_does_not_count(publish):
    """§4.2: "one that is out contributes nothing"."""
    told = [event(KIM, [ADAS, BOBS]), event(KIM, [ADAS, BOBS], answer="declined", sensitivity="private")]

    assert publish(calendars(*told)).people()["Meetings"] == (2, 1)


@pytest.mark.parametrize(("second", "present"), [("declined", 1), ("none", 2)])
def test_someone_listed_twice_in_a_copy_has_declined_only_if_each_entry_says_so(publish, second, present):
    """§4.2: Bob is named under two addresses."""
    users = [user(ADA), user(BOB, "bob@brand.example"), user(CYD)]
    told = event(ADAS, [KIM, attendee(BOBS, "declined"), attendee("bob@brand.example", second)])

    assert publish(calendars(told, users=users)).people()["Meetings"] == (present, 1)


@pytest.mark.parametrize(("second", "involved"), [("declined", 0), ("none", 1)])
def test_a_contact_listed_under_two_addresses_is_one_attendee(publish, second, involved):
    """§4.2"""
    rows = [contact("K1", "A", KIM), contact("K1", "A", "kim@home.example")]
    told = event(ADAS, [attendee(KIM, "declined"), attendee("kim@home.example", second)])

    published = publish(calendars(told, contacts=rows))

    assert published.people()["Meetings"] == (involved, involved)


def test_two_contacts_with_one_address_attend_both(publish):
    """§4.2, §2"""
    rows = [contact("K1", "A", KIM), contact("K2", "A", KIM)]

    assert publish(meetings(event(ADAS, [KIM]), contacts=rows)).people()["Meetings"] == (1, 2)


def test_the_time_of_an_answer_is_ignored(publish):
    """§4.2"""
    declined = {**attendee(KIM), "status": {"response": "declined", "time": "0001-01-01T00:00:00Z"}}

    assert publish(meetings(event(ADAS, [declined]))).coverage("Meeting") == {"NoContactInvolved": 1}


# §4.3 Initiator, per account


@pytest.mark.parametrize(
    ("organizer", "expected"),
    [
        (ADAS, (1, 0, 1)),
        ("colleague@own.example", (1, 0, 1)),
        (KIM, (0, 1, 1)),
        (ZOE, (0, 0, 1)),
        (LEE, (0, 0, 1)),
        (None, (0, 0, 1)),
    ],
)
def test_the_organizer_is_the_initiator(publish, organizer, expected):
    """§4.3: "Organizer ∈ O → **to account** … Organizer is a contact of the account → **from account**. A third party →
    neither".
    """
    assert publish(meetings(event(organizer, [ADAS, KIM]))).meetings() == expected


def test_a_third_partys_meeting_counts_for_people_duration_and_dates(publish):
    """§4.3: "it counts for people, duration, days since and start date"."""
    published = publish(meetings(event(ZOE, [ADAS, BOBS, KIM], "2026-11-10T10:00:00Z", minutes=45)))

    row = published.row("A|Year")
    assert published.people()["Meetings"] == (2, 1)
    assert (row["AverageDuration_Of_Meetings"], row["DaysSinceLastMeeting"], row["DaysSinceLastEmail"]) == (
        45.0,
        10,
        None,
    )
    assert row["EngagementStartDate"].isoformat() == "2026-11-10"


def test_only_accounts_with_an_involved_contact_have_the_meeting(publish):
    """§4.2, §4.3: Lee has declined."""
    published = publish(meetings(event(ADAS, [KIM, attendee(LEE, "declined")])))

    assert published.accounts() == ["A"]


# §4.4 Duration


def test_the_mean_counts_each_meeting_once_however_many_people(publish):
    """§4.4: "end − start in minutes, once per meeting however many people"."""
    rows = [contact("K1", "A", KIM), contact("K2", "A", "kay@a.example")]
    told = [
        event(ADAS, [KIM, "kay@a.example", BOBS], minutes=60, uid="1"),
        event(ADAS, [KIM], minutes=15, uid="2"),
        event(ADAS, [KIM], minutes=0, uid="3"),
        event(ADAS, [KIM], minutes=0.75, uid="4"),
    ]

    assert average(publish(meetings(*told, contacts=rows))) == 75.75 / 4
