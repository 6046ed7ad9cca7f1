"""The mailbox's answers about meetings: calendars, what overlaps a window, single events; recurrences expanded."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from localdev.graph import filters
from localdev.graph.context import Asked
from localdev.graph.mail import ordering
from localdev.graph.mailbox import Mailbox, moment, zone
from localdev.graph.paging import MAIL, Page, page
from localdev.graph.schema import CALENDAR, EVENT
from localdev.graph.selection import Shape, shape
from localdev.graph.wire import Entity, bad_request

_LONGEST_WINDOW = timedelta(days=1825)
_NOT_IN_A_VIEW = ("createdDateTime", "lastModifiedDateTime")


def calendars(asked: Asked) -> Page:
    look = shape(asked.call, CALENDAR, keep_id=True)
    counted = asked.call.query.get("$count") == "true"
    found = _mailbox(asked).calendars
    result = page(asked.emulator.links, asked.call, found, MAIL, asked.context("users('')/calendars"), counted)
    result.items = [look(each) for each in result.items]
    return result


def view(asked: Asked) -> Page:
    """What overlaps the window in one calendar, the default one unless the path names another."""
    mailbox = _mailbox(asked)
    calendar = mailbox.calendar_id(asked.names.get("calendar-id"))
    start, end = _window(asked)
    query = asked.call.query
    node = filters.parse(query["$filter"]) if "$filter" in query else None
    if node is not None:
        filters.known(node, frozenset(EVENT.properties), EVENT.name)
    order, downwards = ordering(asked, node)
    found = [each for each in mailbox.view(calendar, start, end) if node is None or filters.holds(node, each)]
    if order:
        found.sort(key=lambda each: _sort_key(each, order), reverse=downwards)
    look = _look(asked)
    counted = query.get("$count") == "true"
    result = page(asked.emulator.links, asked.call, found, MAIL, asked.context("users('')/calendarView"), counted)
    result.items = [_without(look(each)) for each in result.items]
    return result


def event(asked: Asked) -> Entity:
    found = _mailbox(asked).event(asked.names["event-id"])
    return {"@odata.context": asked.context("users('')/events/$entity"), **_look(asked)(found)}


def _window(asked: Asked) -> tuple[datetime, datetime]:
    """The window of the call as instants; GraphError 400 where it is missing or longer than 1825 days."""
    query = asked.call.query
    if "startDateTime" not in query or "endDateTime" not in query:
        text = "This request requires a time window specified by the query string parameters"
        raise bad_request(f"{text} StartDateTime and EndDateTime.", "ErrorInvalidParameter")
    start, end = _instant(query["startDateTime"]), _instant(query["endDateTime"])
    if end < start:
        raise bad_request("End date precedes start date.", "ErrorInvalidParameter")
    if end - start > _LONGEST_WINDOW:
        text = "Your request can't be completed. The range between the start and end dates is greater than the allowed"
        raise bad_request(f"{text} range. Maximum number of days: 1825", "ErrorInvalidRequest")
    return start, end


def _instant(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"The value '{text}' is not a date.", "ErrorInvalidParameter") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _look(asked: Asked) -> Shape:
    """Events as this call sees them: its properties, its time zone, and what its role withholds."""
    assert asked.user is not None
    full = asked.emulator.scope.opens(asked.user["id"], mail=False)
    basic = not full and asked.roles.isdisjoint(("Calendars.Read", "Calendars.ReadWrite"))
    pick = shape(asked.call, EVENT, basic=basic, keep_id=True)
    name = asked.call.prefers("outlook.timezone") or "UTC"
    try:
        target = zone(name)
    except KeyError:
        raise bad_request(f"The time zone '{name}' is not supported.", "TimeZoneNotSupportedException") from None

    def look(event: Entity) -> Entity:
        picked = pick(event)
        for edge in ("start", "end"):
            if edge in picked:
                picked[edge] = _in_zone(picked[edge], target, name)
        picked["@odata.etag"] = f'W/"{event["id"]}"'
        return picked

    return look


def _in_zone(value: object, target: ZoneInfo, name: str) -> object:
    """A `dateTimeTimeZone` in another zone, seven decimals and no offset; what has no usable shape stays as it is."""
    if isinstance(value, dict) and value.get("timeZone") == name:
        return value
    at = moment(value)
    if at is None:
        return value
    local = at.astimezone(target)
    return {"dateTime": f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond:06d}0", "timeZone": name}


def _sort_key(event: Entity, path: str) -> str:
    found: object = event
    for step in path.split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return str(found or "")


def _without(event: Entity) -> Entity:
    for name in _NOT_IN_A_VIEW:
        event.pop(name, None)
    return event


def _mailbox(asked: Asked) -> Mailbox:
    assert asked.user is not None
    return asked.emulator.tenant.mailbox(asked.user["id"])
