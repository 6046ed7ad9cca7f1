"""How a mailbox answers about meetings: what overlaps a window, in which zone, from which calendar."""

import pytest

ADA = "/users/00000000-0000-0000-0000-00000000000a"
MAY = "startDateTime=2026-05-01T00:00:00Z&endDateTime=2026-06-01T00:00:00Z"


async def test_single_meetings_come_first_then_occurrences_and_never_the_master(graph):
    found = await graph.get(f"{ADA}/calendarView?{MAY}&$select=id,type")

    assert [(each["id"], each["type"]) for each in found.body["value"]] == [
        ("AAMkEvt0002", "singleInstance"),
        ("AAMkEvt0001", "occurrence"),
    ]


async def test_an_order_may_be_asked_for(graph):
    found = await graph.get(f"{ADA}/calendarView?{MAY}&$select=id&$orderby=start/dateTime")

    assert found.ids == ["AAMkEvt0001", "AAMkEvt0002"]


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [
        ("2026-05-05T08:00:00", "2026-05-05T09:00:00", False),
        ("2026-05-05T08:00:00", "2026-05-05T09:00:01", True),
        ("2026-05-05T09:59:59", "2026-05-05T11:00:00", True),
        ("2026-05-05T10:00:00", "2026-05-05T11:00:00", False),
        ("2026-05-05T11:00:00%2B02:00", "2026-05-05T11:30:00%2B02:00", True),
    ],
)
async def test_a_meeting_is_in_view_when_it_overlaps_the_window(graph, start, end, seen):
    found = await graph.get(f"{ADA}/calendarView?startDateTime={start}&endDateTime={end}&$select=id")

    assert ("AAMkEvt0002" in found.ids) is seen


async def test_only_the_named_calendar_is_shown_the_default_one_where_none_is(graph):
    side = await graph.get(f"{ADA}/calendars/AAMkSide/calendarView?{MAY}&$select=id")
    default = await graph.get(f"{ADA}/calendar/calendarView?{MAY}&$select=id")
    unknown = await graph.get(f"{ADA}/calendars/nonsense/calendarView?{MAY}&$select=id")

    assert side.ids == ["AAMkEvt0003"]
    assert set(default.ids) == {"AAMkEvt0001", "AAMkEvt0002"}
    assert unknown.code == "ErrorItemNotFound"


async def test_pages_of_a_view_have_ten_meetings(open_emulator):
    async with open_emulator() as graph:
        ada = graph.emulator.tenant.mailbox(ADA.removeprefix("/users/"))
        side = ada._events["AAMkSide"]
        side.extend(side * 11)
        first = await graph.get(f"{ADA}/calendars/AAMkSide/calendarView?{MAY}&$select=id")
        second = await graph.get(first.next)

    assert (len(first.ids), len(second.ids)) == (10, 2)


async def test_a_view_needs_a_window_of_at_most_1825_days(graph):
    missing = await graph.get(f"{ADA}/calendarView?$select=id")
    longest = await graph.get(f"{ADA}/calendarView?startDateTime=2022-01-01&endDateTime=2026-12-31&$select=id")
    longer = await graph.get(f"{ADA}/calendarView?startDateTime=2022-01-01&endDateTime=2027-01-01&$select=id")

    assert missing.code == "ErrorInvalidParameter"
    assert longest.status == 200
    assert longer.code == "ErrorInvalidRequest"
    assert "1825" in longer.body["error"]["message"]


async def test_the_preferred_zone_changes_times_and_nothing_else(graph):
    path = f"{ADA}/events/AAMkEvt0002?$select=start"
    usual = await graph.get(path)
    iana = await graph.get(path, Prefer='outlook.timezone="Europe/Berlin"')
    windows = await graph.get(path, Prefer='outlook.timezone="Eastern Standard Time"')
    unknown = await graph.get(path, Prefer='outlook.timezone="Middle Earth"')

    assert usual.body["start"] == {"dateTime": "2026-05-05T09:00:00.0000000", "timeZone": "UTC"}
    assert iana.body["start"] == {"dateTime": "2026-05-05T11:00:00.0000000", "timeZone": "Europe/Berlin"}
    assert windows.body["start"] == {"dateTime": "2026-05-05T05:00:00.0000000", "timeZone": "Eastern Standard Time"}
    assert unknown.status == 400


async def test_times_of_change_cannot_be_had_from_a_view(graph):
    found = await graph.get(f"{ADA}/calendarView?{MAY}&$select=id,lastModifiedDateTime,createdDateTime")

    assert all(each.keys() == {"id", "@odata.etag"} for each in found.body["value"])


async def test_an_event_without_a_usable_start_is_in_no_view(open_emulator):
    async with open_emulator() as graph:
        ada = graph.emulator.tenant.mailbox(ADA.removeprefix("/users/"))
        wrong = {"id": "AAMkWrong", "start": {"dateTime": 5, "timeZone": "UTC"}, "end": None}
        ada._events["AAMkSide"].append(type(ada._events["AAMkSide"][0])(wrong))
        found = await graph.get(f"{ADA}/calendars/AAMkSide/calendarView?{MAY}&$select=id")

    assert found.ids == ["AAMkEvt0003"]


async def test_a_master_is_found_by_its_id(graph):
    found = await graph.get(f"{ADA}/events/AAMkEvt0009?$select=id,type")

    assert found.body["type"] == "seriesMaster"
