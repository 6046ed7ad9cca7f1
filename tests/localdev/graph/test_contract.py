"""What the emulator says agrees with the contract that lies beside the project."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from localdev.graph.app import create_app
from localdev.graph.context import Emulator
from localdev.graph.routes import ROUTES
from localdev.graph.schema import TYPES

_ROOT = Path(__file__).parents[3]
_CONTRACT = _ROOT / "../shared/graph/graph-v1.0-subset.openapi.yaml"
_COVERAGE = _ROOT / "localdev/graph/COVERAGE.md"
ADA = "00000000-0000-0000-0000-00000000000a"

ASKED = [
    ("/users", "/users?$select=id,mail,proxyAddresses,assignedPlans,birthday"),
    ("/users", "/users"),
    ("/users/{user-id}", f"/users/{ADA}?$select=id,displayName,userType,assignedPlans"),
    ("/users/{user-id}/licenseDetails", f"/users/{ADA}/licenseDetails?$select=id,skuId,servicePlans"),
    ("/groups", "/groups?$select=id,mail,groupTypes,visibility"),
    ("/groups/{group-id}", "/groups/00000000-0000-0000-0000-000000000101?$select=id,mail"),
    ("/groups/{group-id}/members", "/groups/00000000-0000-0000-0000-000000000101/members?$select=id,mail,userType"),
    ("/groups/{group-id}/transitiveMembers", "/groups/00000000-0000-0000-0000-000000000102/transitiveMembers"),
    (
        "/groups/{group-id}/transitiveMembers/microsoft.graph.user",
        "/groups/00000000-0000-0000-0000-000000000102/transitiveMembers/microsoft.graph.user?$select=id&$count=true",
    ),
    ("/organization", "/organization?$select=id,displayName,countryLetterCode,verifiedDomains"),
    ("/subscribedSkus", "/subscribedSkus?$select=id,skuId,skuPartNumber,capabilityStatus,servicePlans,prepaidUnits"),
    ("/subscribedSkus", "/subscribedSkus"),
    ("/users/{user-id}/messages", f"/users/{ADA}/messages?$select=id,from,toRecipients,isDraft&$top=5&$count=true"),
    ("/users/{user-id}/messages", f"/users/{ADA}/messages?$top=50"),
    ("/users/{user-id}/messages/{message-id}", f"/users/{ADA}/messages/AAMkMsg0003?$select=id,from"),
    ("/users/{user-id}/mailFolders", f"/users/{ADA}/mailFolders?$select=id,displayName,totalItemCount"),
    ("/users/{user-id}/mailFolders/delta", f"/users/{ADA}/mailFolders/delta?$select=id,parentFolderId"),
    ("/users/{user-id}/mailFolders/{mailFolder-id}", f"/users/{ADA}/mailFolders/inbox"),
    (
        "/users/{user-id}/mailFolders/{mailFolder-id}/childFolders",
        f"/users/{ADA}/mailFolders/inbox/childFolders?$select=id,displayName",
    ),
    ("/users/{user-id}/mailFolders/{mailFolder-id}/messages", f"/users/{ADA}/mailFolders/inbox/messages?$select=id"),
    (
        "/users/{user-id}/calendarView",
        f"/users/{ADA}/calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01&$select=id,start,end,attendees,type",
    ),
    ("/users/{user-id}/calendarView", f"/users/{ADA}/calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01"),
    (
        "/users/{user-id}/calendar/calendarView",
        f"/users/{ADA}/calendar/calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01&$select=id",
    ),
    (
        "/users/{user-id}/calendars/{calendar-id}/calendarView",
        f"/users/{ADA}/calendars/AAMkSide/calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01&$select=id",
    ),
    ("/users/{user-id}/calendars", f"/users/{ADA}/calendars?$select=id,name,isDefaultCalendar"),
    ("/users/{user-id}/events/{event-id}", f"/users/{ADA}/events/AAMkEvt0009?$select=id,type,start"),
    ("/servicePrincipals", "/servicePrincipals?$filter=appId eq 'client'&$select=id,appId"),
    ("/servicePrincipals(appId='{appId}')", "/servicePrincipals(appId='client')?$select=id,appId"),
]


@pytest.fixture(scope="module")
def contract() -> Any:
    if not _CONTRACT.exists():
        pytest.skip("the contract does not lie beside this checkout")
    return yaml.load(_CONTRACT.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def validate(contract: Any, schema: dict[str, Any], body: Any) -> None:
    # A schema of the response may itself be a bare $ref into the document, so both are given at once.
    Draft202012Validator({**contract, **schema}, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(body)


def response_schema(contract: Any, method: str, path: str) -> dict[str, Any]:
    responses = contract["paths"][path][method]["responses"]
    found: dict[str, Any] = responses.get("2XX", responses.get("200"))["content"]["application/json"]["schema"]
    return found


@pytest.mark.parametrize(("path", "asked"), ASKED)
async def test_answers_validate_against_the_contract(graph, contract, path, asked):
    graph.emulator.consent.grant(["Application.Read.All"])
    graph.token = graph.emulator.entra.issue("client")

    reply = await graph.get(asked, ConsistencyLevel="eventual")

    assert reply.status == 200
    validate(contract, response_schema(contract, "get", path), reply.body)


async def test_role_assignments_and_batches_validate_against_the_contract(graph, contract):
    graph.emulator.consent.grant(["Application.Read.All"])
    graph.token = graph.emulator.entra.issue("client")
    principal = (await graph.get("/servicePrincipals(appId='client')?$select=id")).body["id"]

    assigned = await graph.get(f"/servicePrincipals/{principal}/appRoleAssignments?$select=id,appRoleId,resourceId")
    one = await graph.get(f"/servicePrincipals/{principal}?$select=id,appId")
    batch = await graph.send(
        "POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/users?$select=id"}]}
    )

    route = "/servicePrincipals/{servicePrincipal-id}"
    validate(contract, response_schema(contract, "get", f"{route}/appRoleAssignments"), assigned.body)
    validate(contract, response_schema(contract, "get", route), one.body)
    validate(contract, response_schema(contract, "post", "/$batch"), batch.body)
    assert "693c5e45-0940-467d-9b8a-1022fb9d42ef" in [each["appRoleId"] for each in assigned.body["value"]]


@pytest.mark.parametrize(
    "asked", ["/users/nobody?$select=id", "/nothing/here", f"/users/{ADA}/messages?$select=nonsense", "/directoryRoles"]
)
async def test_refusals_validate_against_the_contract(graph, contract, asked):
    reply = await graph.get(asked)

    assert reply.status >= 400
    validate(contract, {"$ref": "#/components/schemas/microsoft.graph.ODataErrors.ODataError"}, reply.body)


def test_every_route_that_is_answered_is_validated():
    asked = {path for path, _ in ASKED} | {"/servicePrincipals/{servicePrincipal-id}", "/$batch"}
    asked.add("/servicePrincipals/{servicePrincipal-id}/appRoleAssignments")

    assert {route.path for route in ROUTES if route.handler is not None or route.service == "batch"} == asked


def test_routes_and_the_roles_that_open_them_are_the_contracts(contract):
    theirs = {
        f"{method.upper()} {path}": tuple(operation.get("x-app-permissions-any-of", ()))
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }

    ours = {route.kind: route.roles for route in ROUTES}

    assert list(ours) == list(theirs)
    answered = {route.kind for route in ROUTES if route.handler is not None}
    assert {kind: ours[kind] for kind in answered} == {kind: theirs[kind] for kind in answered}


def test_properties_are_the_contracts(contract):
    for each in TYPES:
        schema = contract["components"]["schemas"][f"microsoft.graph.{each.name}"]
        properties = {name: told for name, told in schema["properties"].items() if name != "@odata.type"}

        assert set(each.properties) == set(properties)
        assert each.collections == {name for name, told in properties.items() if told.get("type") == "array"}
        withheld = set(schema.get("x-readbasic-withheld", ())) & set(properties)
        assert each.withheld == withheld


def test_the_coverage_page_lists_exactly_the_routes(graph_rows=re.compile(r"^\| `([A-Z*]+ /[^`]*)` \| (\w+)", re.M)):
    """COVERAGE.md names every route once, and says `not` of those that nobody answers."""
    text = _COVERAGE.read_text("utf-8")
    graph_part, other_part = text.split("## Entra")

    states = dict(graph_rows.findall(graph_part))
    assert list(states) == [route.kind for route in ROUTES]
    answered = {route.kind for route in ROUTES if route.handler is not None or route.service == "batch"}
    assert {kind for kind, state in states.items() if state in ("done", "partly")} == answered
    assert {kind for kind, state in states.items() if state == "not"} == states.keys() - answered
    listed = {name.split()[1] for name in re.findall(r"^\| `([^`]+)`", other_part, re.M)}
    assert listed == _served_paths()


def _served_paths() -> set[str]:
    from localdev.graph.tenant_files import TenantFiles

    app = create_app(Emulator(TenantFiles({"tenantId": "t"}, [], [], {})))
    return {resource.canonical for resource in app.router.resources()}
