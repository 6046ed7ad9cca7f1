"""One call to Graph from its arrival to its answer: token, throttling, faults, roles, handler."""

import asyncio
from contextlib import ExitStack

from localdev.graph import batch, faults
from localdev.graph.context import Asked, Emulator
from localdev.graph.faults import Fault
from localdev.graph.paging import Page
from localdev.graph.routes import Route, find
from localdev.graph.schema import PRIVATE
from localdev.graph.tenant import mailbox_refusal
from localdev.graph.throttle import DIRECTORY
from localdev.graph.wire import Answer, Call, Entity, GraphError, bad_request

_QUERY_OPTIONS = frozenset(
    ("$top", "$skip", "$select", "$filter", "$orderby", "$count", "$skiptoken", "$deltatoken", "$expand", "$search")
)


async def answer(emulator: Emulator, call: Call) -> Answer:
    """Answer one call, whatever becomes of it; refusals leave in Graph's own shape."""
    found = find(call.method, call.segments)
    try:
        if found is None:
            emulator.stats.requests["unknown"] += 1
            emulator.stats.complain("unknown route", call.path, call.method)
            raise bad_request(f"Resource not found for the segment '{call.segments[-1] if call.segments else ''}'.")
        route, names = found
        emulator.stats.requests[route.kind] += 1
        result = await _routed(emulator, call, route, names)
    except GraphError as refusal:
        result = refusal.answer(call.headers.get("client-request-id"))
    emulator.stats.statuses[result.status] += 1
    return result


async def _routed(emulator: Emulator, call: Call, route: Route, names: dict[str, str]) -> Answer:
    _complain(emulator, call, route)
    user = emulator.tenant.users.get(names["user-id"]) if "user-id" in names else None
    key = user["id"] if user is not None and route.service in ("mail", "calendar") else DIRECTORY
    with ExitStack() as held:
        early = emulator.throttle.too_early(key)
        if key == DIRECTORY:
            emulator.throttle.directory(_price(call, route))
        else:
            _take_place(emulator, call, key, held)
        if early:
            emulator.stats.complain("before Retry-After", call.path)
        # Even without latency the other calls that have arrived get their turn, so that the gate sees them together.
        await asyncio.sleep(emulator.latency)
        claims = emulator.entra.claims(call.headers.get("authorization"))
        asked = Asked(emulator, call, claims, names, user)
        struck = emulator.faults.strike(call, user)
        for fault in struck:
            if (refused := await _before(asked, fault, key)) is not None:
                return refused
        result = await batch.answer(emulator, call, answer) if route.service == "batch" else _handled(asked, route)
    for fault in struck:
        if fault.kind not in ("slow", "shortPages", "arrivals"):
            result = faults.change(fault, call, result)
    return result


async def faulty(emulator: Emulator, call: Call) -> Answer | None:
    """What scripted faults make of a call to Entra; None where it is to be answered as usual."""
    for fault in emulator.faults.strike(call, None):
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "reset":
            return Answer(0, b"", reset=True)
        elif (refusal := emulator.faults.refusal(fault)) is not None:
            return refusal.answer()
        else:
            return faults.change(fault, call, Answer.of({}))
    return None


def _take_place(emulator: Emulator, call: Call, key: str, held: ExitStack) -> None:
    try:
        held.enter_context(emulator.throttle.mailbox(key))
    except GraphError:
        emulator.stats.complain("throttled", call.path, "more than 4 in flight, or 10,000 in ten minutes")
        raise


async def _before(asked: Asked, fault: Fault, key: str) -> Answer | None:
    """What a fault does before the call is handled; an answer where it refuses."""
    emulator = asked.emulator
    refusal = emulator.faults.refusal(fault)
    if refusal is not None:
        wait = refusal.headers.get("Retry-After")
        if wait is not None and wait.replace(".", "", 1).isdigit():
            emulator.throttle.told_to_wait(key, float(wait))
        raise refusal
    match fault.kind:
        case "reset":
            return Answer(0, b"", reset=True)
        case "expireToken":
            emulator.entra.expire(asked.claims)
            emulator.entra.claims(asked.call.headers.get("authorization"))
        case "slow":
            await asyncio.sleep(fault.seconds)
        case "shortPages":
            asked.call.page_limit = fault.size
        case "arrivals" if asked.user is not None:
            emulator.deliver(asked.user["id"], fault.messages or _copies(asked, fault.size))
    return None


def _handled(asked: Asked, route: Route) -> Answer:
    for option in asked.call.query:
        if option.startswith("$") and option not in _QUERY_OPTIONS:
            raise bad_request(f"The query parameter '{option}' is not supported.")
    if route.service == "directory":
        asked.need(*route.roles) if route.roles else None
    else:
        _open_mailbox(asked, route)
        if (made := _prebuilt(asked)) is not None:
            return made
    if route.handler is None or "$expand" in asked.call.query or "$search" in asked.call.query:
        raise GraphError(501, "NotImplemented", f"The emulator does not answer {route.kind}.")
    found = route.handler(asked)
    body = found.value() if isinstance(found, Page) else found
    headers: dict[str, str] = {}
    if route.service == "directory":
        headers["x-ms-resource-unit"] = str(_price(asked.call, route))
        share = asked.emulator.throttle.directory_share()
        if share >= 0.8:
            headers["x-ms-throttle-limit-percentage"] = f"{share:.2f}"
    return Answer.of(body, 200, headers)


def _prebuilt(asked: Asked) -> Answer | None:
    prebuilt = asked.emulator.prebuilt
    return None if prebuilt is None or asked.user is None else prebuilt.answer(asked.user["id"], asked.call)


def _open_mailbox(asked: Asked, route: Route) -> None:
    """GraphError unless the mailbox exists, is in a state to be read, and a role or the scope opens it."""
    emulator, user = asked.emulator, asked.user
    scoped = user is not None and emulator.scope.opens(user["id"], mail=route.service == "mail")
    if not scoped and asked.roles.isdisjoint(route.roles):
        if emulator.scope.mailboxes:
            raise GraphError(403, "ErrorAccessDenied", "Access to OData is disabled.")
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    if user is None:
        name = asked.names["user-id"]
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")
    refused = mailbox_refusal(user.get("mailbox", "ok"), emulator.refusals[user["id"]])
    if refused is not None:
        emulator.refusals[user["id"]] += 1
        raise refused


def _complain(emulator: Emulator, call: Call, route: Route) -> None:
    """Note what a careful caller does not do: entities without `$select`, properties that are nobody's business."""
    select = call.query.get("$select")
    if select is None:
        if route.returns_entities:
            emulator.stats.complain("no $select", call.path, route.kind)
        return
    names = {name.strip() for name in select.split(",")}
    if private := sorted(names & PRIVATE):
        emulator.stats.complain("private property", call.path, ",".join(private))
    if "internetMessageHeaders" in names:
        emulator.stats.headers_read += 1


def _price(call: Call, route: Route) -> int:
    """Resource units: fewer with `$select` and with small pages, never less than one."""
    small = call.query.get("$top", "")
    cheap = small.isascii() and small.isdigit() and int(small) < 20
    return max(1, route.units - ("$select" in call.query) - cheap + ("$expand" in call.query))


def _copies(asked: Asked, number: int) -> list[Entity]:
    """Messages to let arrive: the newest one of the mailbox anew, each with ids of its own."""
    assert asked.user is not None
    known = asked.emulator.tenant.mailbox(asked.user["id"]).received_between(None, None)
    newest = known[-1] if known else {}
    return [
        {
            **newest,
            "id": f"{newest.get('id', 'AAMk')}-arrived-{len(known)}-{each}",
            "internetMessageId": f"<arrived-{len(known)}-{each}@emulator.invalid>",
        }
        for each in range(number)
    ]
