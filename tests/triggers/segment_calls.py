"""The routes of segments as tests call them."""

from __future__ import annotations

from shared.core.figures import NEVER
from shared.core.periods import DAYS
from tests.triggers.readers_stage import customer
from tests.triggers.world import request, told
from triggers import http, segments
from triggers.http import Access

MANY = {"people_emails": 2, "contacts_emails": 2}
BOTH = {"emails_to": 2, "emails_from": 2}


async def call(what, access, method="GET", body=None, query="", accept=None, name="sales", **route):
    headers = {"Accept": accept} if accept else {}
    req = request(method, f"/api/enrichments/{name}/segments?{query}", body, headers, name=name, **route)
    return await http.respond(req, access, what)


async def all_of_them():
    response = await call(segments.list_all, Access.READ)
    assert response.status_code == 200, response.get_body()
    return {each["segment"]: each for each in told(response)["value"]}


async def get(segment, query="", accept=None):
    return await call(segments.members, Access.READ, query=query, accept=accept, segment=segment)


async def members(segment):
    response = await get(segment, "orderBy=customerId")
    assert response.status_code == 200, response.get_body()
    return [entry["customerId"] for entry in told(response)["value"]]


async def attempt(body, query="orderBy=customerId", accept=None):
    return await call(segments.attempt, Access.READ, "POST", body, query, accept)


async def chosen(where, level="Year", **more):
    response = await attempt({"level": level, "where": where, **more})
    assert response.status_code == 200, response.get_body()
    return "".join(entry["customerId"] for entry in told(response)["value"])


async def put(segment, body):
    return await call(segments.put, Access.WRITE, "PUT", body, segment=segment)


async def delete(segment):
    return await call(segments.delete, Access.WRITE, "DELETE", segment=segment)


def since(email, meeting, account="x"):
    """A customer whose last email and meeting are so many days ago; None: there was none."""
    last = {"last_email_day": email, "last_meeting_day": meeting}
    return customer(account, {11: BOTH}, **{name: _day_of(ago) for name, ago in last.items()}, **MANY)


def _day_of(ago):
    return NEVER if ago is None else DAYS - 1 - ago


def days(op, value):
    return {"column": "DaysSinceLastEmail", "op": op, "value": value}
