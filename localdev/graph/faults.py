"""Scripted faults: what Graph and Entra do on bad days, made to happen to chosen calls a chosen number of times.

Each fault is a JSON object (`Fault` names its fields in camelCase). `path` is matched part by part, `*` for any
part: `/users/*/messages`, `/*/oauth2/v2.0/token`. `mailbox` is a user's id, mail or principal name.

kinds that refuse    throttle · status · gatewayTimeoutAbove · mailboxInfoStale · freshMailbox · expireToken · reset
kinds that change    slow · shortPages · arrivals · html · halfJson · wrongShape · badItem · emptyPage
                     foreignNextLink · repeatingNextLink · missingNextLink
"""

import copy
import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec

from localdev.graph.throttle import application_throttled
from localdev.graph.wire import Answer, Call, Entity, GraphError

Kind = Literal[
    "throttle", "status", "gatewayTimeoutAbove", "mailboxInfoStale", "freshMailbox", "expireToken", "reset",
    "slow", "shortPages", "arrivals", "html", "halfJson", "wrongShape", "badItem", "emptyPage",
    "foreignNextLink", "repeatingNextLink", "missingNextLink",
]  # fmt: skip
_REFUSING = ("throttle", "status", "gatewayTimeoutAbove", "mailboxInfoStale", "freshMailbox", "expireToken", "reset")


class Fault(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """One fault and whom it strikes: the calls after the first `after` matching ones, `times` of them (null: all)."""

    kind: Kind
    method: str | None = None
    path: str | None = None
    mailbox: str | None = None
    after: int = 0
    times: int | None = 1
    seconds: float = 0.0
    """throttle, freshMailbox: for so long after the first strike, however often; slow: how long an answer takes."""
    retry_after: str | msgspec.UnsetType | None = msgspec.UNSET
    """The header of throttle and status as it is sent; null leaves it out."""
    status: int = 503
    code: str | None = None
    message: str = ""
    top: int = 100
    """gatewayTimeoutAbove: pages bigger than this time out."""
    size: int = 1
    """shortPages: items on a page; arrivals: copies of the newest message where no `messages` are given."""
    item: Any = "broken"
    """badItem: what stands among the good items."""
    messages: list[Entity] = []
    url: str = "https://graph.invalid/v1.0/users?$skiptoken=x"
    """foreignNextLink: where the link leads."""
    _seen: int = 0
    _struck: int = 0
    _first: float | None = None

    def matches(self, call: Call, user: Entity | None) -> bool:
        if self.method not in (None, call.method) or not self._path_matches(call):
            return False
        top = call.query.get("$top", "10")
        if self.kind == "gatewayTimeoutAbove" and not (top.isdecimal() and int(top) > self.top):
            return False
        if self.mailbox is None:
            return True
        names = ("id", "mail", "userPrincipalName")
        return user is not None and self.mailbox.casefold() in {str(user.get(name)).casefold() for name in names}

    def strikes(self, now: float) -> bool:
        """Whether this matching call is struck; each call of it counts as one match."""
        self._seen += 1
        if self._seen <= self.after:
            return False
        if self.seconds and self.kind in ("throttle", "freshMailbox"):
            self._first = now if self._first is None else self._first
            return now < self._first + self.seconds
        if self.times is not None and self._struck >= self.times:
            return False
        self._struck += 1
        return True

    def wait(self, now: float, default: str | None) -> str | None:
        """The `Retry-After` to send: as scripted, else what is left of `seconds`, else the default."""
        if self.retry_after is not msgspec.UNSET:
            return self.retry_after
        left = self.seconds - (now - self._first) if self._first is not None else 0
        return str(max(1, round(left))) if left > 0 else default

    def _path_matches(self, call: Call) -> bool:
        if self.path is None:
            return True
        parts = self.path.strip("/").split("/")
        return len(parts) == len(call.segments) and all(map(fnmatchcase, call.segments, parts))


class Faults:
    """The faults in force, struck in their order; one refusal per call, after any number of changes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._faults: list[Fault] = []

    def add(self, *faults: Fault | Mapping[str, Any]) -> None:
        """Put faults in force; a mapping is read as JSON is (msgspec.ValidationError where it is no fault)."""
        read = [each if isinstance(each, Fault) else msgspec.convert(dict(each), Fault) for each in faults]
        self._faults += [copy.copy(fault) for fault in read]

    def load(self, path: Path) -> None:
        """Put a JSON file with a list of faults in force."""
        self.add(*json.loads(path.read_text("utf-8")))

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, call: Call, user: Entity | None) -> list[Fault]:
        """The faults that strike this call, in order, up to and with the first one that refuses it."""
        struck: list[Fault] = []
        for fault in self._faults:
            if fault.matches(call, user) and fault.strikes(self._clock()):
                struck.append(fault)
                if fault.kind in _REFUSING:
                    break
        return struck

    def refusal(self, fault: Fault) -> GraphError | None:
        """The error of a fault that refuses by one; None for the others."""
        now = self._clock()
        match fault.kind:
            case "throttle":
                return application_throttled(fault.wait(now, "1"))
            case "status":
                wait = fault.wait(now, None)
                headers = {} if wait is None else {"Retry-After": wait}
                return GraphError(fault.status, fault.code or "UnknownError", fault.message, headers)
            case "gatewayTimeoutAbove":
                return GraphError(504, "UnknownError", "")
            case "mailboxInfoStale":
                return GraphError(503, "MailboxInfoStale", "Mailbox info is stale.")
            case "freshMailbox":
                return GraphError(404, fault.code or "ResourceNotFound", "Resource could not be discovered.")
            case _:
                return None


def change(fault: Fault, call: Call, answer: Answer) -> Answer:
    """A good answer as the fault leaves it; what has no `value` is not changed by faults that are about pages."""
    match fault.kind:
        case "html":
            page = b"<!doctype html><html><body><h1>Our services aren't available right now</h1></body></html>"
            return Answer(200, page, {"Content-Type": "text/html"})
        case "halfJson":
            return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
        case _:
            body = json.loads(answer.body)
            if answer.status == 200 and isinstance(body, dict) and "value" in body:
                _change_page(fault, call, body)
            return Answer.of(body, answer.status, answer.headers)


def _change_page(fault: Fault, call: Call, body: dict[str, Any]) -> None:
    match fault.kind:
        case "wrongShape":
            body["value"] = {"items": body["value"]}
        case "badItem":
            body["value"].insert(len(body["value"]) // 2, fault.item)
        case "emptyPage":
            body["value"] = []
            body["@odata.nextLink"] = call.link(call.query)
        case "foreignNextLink":
            body["@odata.nextLink"] = fault.url
        case "repeatingNextLink":
            body["@odata.nextLink"] = call.link(call.query)
        case "missingNextLink":
            body.pop("@odata.nextLink", None)
