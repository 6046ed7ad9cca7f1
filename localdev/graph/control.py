"""The emulator's own controls under `/_emulator`, for tests and demonstrations on this machine only.

GET    /_emulator/stats       requests by kind and status, complaints, the most calls in flight; of prebuilt mailboxes
                              also how many calls found no answer that was made beforehand
POST   /_emulator/reset       forget counts, complaints and throttling; {"faults": true}: the faults too
POST   /_emulator/consent     consent in the admin centre: {"roles": […], "afterSeconds": 0}, both optional
DELETE /_emulator/consent     withdraw it: {"roles": […]}, or all of it and the app's presence in the tenant
POST   /_emulator/scope       mailboxes opened in Exchange: {"mailboxes": [ids], "mail": true, "calendars": true}
POST   /_emulator/faults      put a list of faults in force
DELETE /_emulator/faults      end them
POST   /_emulator/app         the registration: {"clientId", "secret", "secretExpired", "absentCode", …}
POST   /_emulator/tenant      change what the organisation says of itself: {"countryLetterCode": "XX"}
POST   /_emulator/mailboxes   {"user", "state"?, "messages"?, "removed"?}: a mailbox's state, messages that arrive or
                              change (those with a known id), ids of messages that vanish
GET    /_emulator/tenant      what `tenant.json` holds, with the changes
"""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import msgspec

from localdev.graph.context import Emulator, Scope
from localdev.graph.entra import Registration
from localdev.graph.wire import Answer

Body = dict[str, Any]


class Refused(Exception):
    """A control call that cannot be carried out; the text says why."""


def answer(emulator: Emulator, method: str, name: str, raw: bytes) -> Answer:
    """Carry out one control call: 200 with what there is to say, 400 or 404 with the reason."""
    action = _ACTIONS.get((method, name))
    if action is None:
        return Answer.of({"error": f"no control {method} {name}"}, 404)
    try:
        body = json.loads(raw) if raw else {}
        return Answer.of(action(emulator, body) or {}, 200)
    except (Refused, msgspec.ValidationError, ValueError, TypeError, KeyError) as fault:
        return Answer.of({"error": str(fault)}, 400)


def _stats(emulator: Emulator, _body: Body) -> Body:
    most = emulator.throttle.most_at_once
    told = {**emulator.stats.value(), "mostInFlight": max(most.values(), default=0)}
    return told if emulator.prebuilt is None else {**told, "notPrebuilt": emulator.prebuilt.missed}


def _reset(emulator: Emulator, body: Body) -> None:
    emulator.reset()
    if body.get("faults"):
        emulator.faults.clear()


def _grant(emulator: Emulator, body: Body) -> Body:
    roles = body.get("roles", emulator.entra.registration.asked_roles)
    emulator.consent.grant(roles, body.get("afterSeconds", 0.0))
    return {"roles": sorted(emulator.consent.roles_from)}


def _revoke(emulator: Emulator, body: Body) -> Body:
    emulator.consent.revoke(body.get("roles"))
    return {"roles": sorted(emulator.consent.roles_from)}


def _scope(emulator: Emulator, body: Body) -> None:
    mailboxes = frozenset(body.get("mailboxes") or ())
    emulator.scope = Scope(mailboxes, body.get("mail", True), body.get("calendars", True))
    # The app must be in the tenant for Exchange to know it, even if Entra has granted it nothing.
    emulator.consent.present = emulator.consent.present or bool(mailboxes)


def _add_faults(emulator: Emulator, body: Any) -> None:
    emulator.faults.add(*body)


def _clear_faults(emulator: Emulator, _body: Body) -> None:
    emulator.faults.clear()


def _app(emulator: Emulator, body: Body) -> None:
    names = {_camel(each.name): each.name for each in dataclasses.fields(Registration)}
    changes = {names[name]: value for name, value in body.items()}
    if "asked_roles" in changes:
        changes["asked_roles"] = tuple(changes["asked_roles"])
    emulator.entra.registration = dataclasses.replace(emulator.entra.registration, **changes)


def _change_tenant(emulator: Emulator, body: Body) -> None:
    emulator.tenant.about.update(body)


def _tenant(emulator: Emulator, _body: Body) -> Body:
    return emulator.tenant.about


def _mailbox(emulator: Emulator, body: Body) -> None:
    user = emulator.tenant.users.get(body["user"])
    if user is None:
        raise Refused(f"no user {body['user']}")
    if "state" in body:
        user["mailbox"] = body["state"]
    if "messages" in body:
        emulator.deliver(user["id"], body["messages"])
    if "removed" in body:
        emulator.remove(user["id"], body["removed"])


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_ACTIONS: dict[tuple[str, str], Callable[[Emulator, Any], Body | None]] = {
    ("GET", "stats"): _stats,
    ("POST", "reset"): _reset,
    ("POST", "consent"): _grant,
    ("DELETE", "consent"): _revoke,
    ("POST", "scope"): _scope,
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "app"): _app,
    ("POST", "tenant"): _change_tenant,
    ("GET", "tenant"): _tenant,
    ("POST", "mailboxes"): _mailbox,
}
