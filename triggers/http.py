"""What every route does alike: who may call, what a body may be, how an answer and a refusal look (interfaces §1)."""

from __future__ import annotations

import base64
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec
from urllib.parse import parse_qsl, urlencode, urlsplit

import azure.functions as func
import msgspec

from shared.core import bodies
from shared.core.errors import AppError, Fault, Invalid, Refused, TryAgain, Unexpected, without_values
from shared.services import Services, services
from shared.services.conditions import Condition
from shared.settings import Settings, SettingsFault, registration

log = logging.getLogger(__name__)

AUTH_LEVEL = func.AuthLevel.ANONYMOUS if registration().auth_mode == "entra" else func.AuthLevel.FUNCTION
"""Of every route that is not open to anybody: with `entra` the app itself looks at who calls."""

DEFAULT_TOP, MOST_TOP = 100, 1_000
RETRY_AFTER = 10  # seconds, where whoever is away does not say

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")

P = ParamSpec("P")


class Access(Enum):
    """What a route is for, and with it the app roles that open it."""

    ANYBODY = ()
    READ = ("Enrichment.Reader", "Enrichment.Admin")
    WRITE = ("Enrichment.Admin",)


class NotSignedIn(Refused):
    status = 401


class NotAllowed(Refused):
    status = 403


async def respond(
    req: func.HttpRequest,
    access: Access,
    run: Callable[Concatenate[func.HttpRequest, Services, P], Awaitable[func.HttpResponse]],
    *more: P.args,
    **named: P.kwargs,
) -> func.HttpResponse:
    """The answer of `run`, or what to tell the caller where it cannot be had. Never raises."""
    label = f"{run.__module__}.{run.__qualname__}"  # for logs: an address of a route may hold anything
    try:
        with without_values(label):
            svc = services()
            authorise(req, access, svc.settings)
            bodies.check_size(req.get_body())
            return await run(req, svc, *more, **named)
    except SettingsFault as fault:
        _log_once(str(fault))
        names = [each.name for each in fault.faults]
        return problem(503, "The app is not set up", f"Settings are missing or wrong: {fault}.", settings=names)
    except Refused as refused:
        return refusal(refused)
    except TryAgain as away:
        log.warning("%s: %s", label, away)
        wait = RETRY_AFTER if away.wait is None else max(1, math.ceil(away.wait))
        return problem(503, "Try again later", str(away), headers={"Retry-After": str(wait)})
    except AppError as error:
        return _failed(label, error)


def _failed(label: str, error: AppError) -> func.HttpResponse:
    if isinstance(error, Unexpected):
        log.error("%s", error)
        return problem(500, "Something went wrong in the app", "The request was not done. The app's log says where.")
    log.error("%s: %s", label, error)
    return problem(503, "What the app needs does not work", str(error))


@lru_cache(maxsize=1)
def _log_once(text: str) -> None:
    log.error("Settings are missing or wrong, every route answers 503: %s", text)


def authorise(req: func.HttpRequest, access: Access, settings: Settings) -> None:
    """Raises `NotSignedIn` or `NotAllowed`. With `keys` the platform has looked at the key already."""
    if settings.auth_mode == "keys" or access is Access.ANYBODY:
        return
    roles = _roles(req.headers.get("X-MS-CLIENT-PRINCIPAL"))
    if roles is None:
        raise NotSignedIn("Sign in first", "The request names nobody who has signed in.")
    if roles.isdisjoint(access.value):
        raise NotAllowed("Your role does not allow this", f"Needed is the app role {' or '.join(access.value)}.")


def _roles(header: str | None) -> frozenset[str] | None:
    """The app roles of the principal that App Service Authentication has put before us; None where there is none."""
    if not header:
        return None
    try:
        principal = json.loads(base64.b64decode(header, validate=True))
        role_claims = {*_ROLE_CLAIMS, principal.get("role_typ")}
        claims = [(claim["typ"], claim["val"]) for claim in principal.get("claims") or []]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return frozenset(value for kind, value in claims if kind in role_claims and isinstance(value, str))


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """JSON; `Decimal` keeps its text."""
    return func.HttpResponse(_ENCODER.encode(body), status_code=status, headers=headers, mimetype="application/json")


def problem(
    status: int,
    title: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> func.HttpResponse:
    """An RFC 9457 problem."""
    told = {"title": title, "status": status, "detail": detail} | ({"errors": errors} if errors else {}) | members
    return func.HttpResponse(
        _ENCODER.encode(told), status_code=status, headers=headers, mimetype="application/problem+json"
    )


def refusal(refused: Refused) -> func.HttpResponse:
    faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in refused.faults]
    return problem(refused.status, refused.title, refused.detail, faults)


def fields(req: func.HttpRequest) -> dict[str, Any]:
    """The JSON object in the body; one that is missing is an object without fields. Raises `Invalid`."""
    raw = req.get_body()
    return bodies.tree(raw) if raw.strip() else {}


def whole_number(req: func.HttpRequest, name: str, default: int, least: int, most: int | None = None) -> int:
    """A query parameter. Raises `Invalid` where it is no whole number between `least` and `most`."""
    text = req.params.get(name)
    if text is None:
        return default
    number = int(text) if re.fullmatch(r"[0-9]{1,10}", text) else -1
    if number < least or (most is not None and number > most):
        limits = f"from {least} to {most}" if most is not None else f"of {least} or more"
        raise bad_parameter(name, f"is not a whole number {limits}")
    return number


def flag(req: func.HttpRequest, name: str) -> bool:
    """A query parameter, false where it is missing. Raises `Invalid` where it is neither true nor false."""
    text: str = req.params.get(name, "false")
    if text not in ("true", "false"):
        raise bad_parameter(name, "is neither true nor false")
    return text == "true"


def condition(req: func.HttpRequest) -> Condition:
    """What the request demands of what is stored. Raises `Invalid` for a malformed header."""
    return Condition(req.headers.get("If-Match"), req.headers.get("If-None-Match"))


def bad_parameter(name: str, detail: str) -> Invalid:
    return Invalid("A parameter is wrong", f"{name} {detail}.", [Fault(name, detail)])


def paging(req: func.HttpRequest, default: int = DEFAULT_TOP, most: int = MOST_TOP) -> tuple[int, int]:
    """(top, skip)"""
    return whole_number(req, "top", default, 1, most), whole_number(req, "skip", 0, 0)


def page(
    req: func.HttpRequest, svc: Services, value: list[Any], more: bool, top: int, skip: int, **fixed: str
) -> func.HttpResponse:
    """One page of a list. `fixed`: parameters that the next link names beside those of this request."""
    following = next_link(req, svc, top, skip + top, fixed) if more else None
    return answer({"value": value, "nextLink": following})


def next_link(req: func.HttpRequest, svc: Services, top: int, skip: int, fixed: dict[str, str]) -> str:
    """This request's address with another `skip`; a function key is the caller's to add again."""
    url = urlsplit(req.url)
    asked = {name: value for name, value in parse_qsl(url.query) if name.lower() not in ("code", "top", "skip")}
    return f"{origin(req, svc)}{url.path}?{urlencode(asked | fixed | {'top': top, 'skip': skip})}"


def origin(req: func.HttpRequest, svc: Services) -> str:
    """The address under which the app is reached, without a slash at the end."""
    url = urlsplit(req.url)
    return svc.settings.public_url or f"{url.scheme}://{url.netloc}"
