"""The directory's answers: people, groups and their members, the organisation, its licences, the app itself."""

from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

from localdev.graph import filters
from localdev.graph.context import Asked
from localdev.graph.entra import ROLE_IDS
from localdev.graph.filters import Comparison, Function, Not
from localdev.graph.paging import DIRECTORY, Page, page
from localdev.graph.schema import (
    APP_ROLE_ASSIGNMENT,
    GROUP,
    LICENSE_DETAILS,
    ORGANIZATION,
    SERVICE_PRINCIPAL,
    SUBSCRIBED_SKU,
    USER,
    EntityType,
)
from localdev.graph.selection import Shape, nothing_but_id, shape
from localdev.graph.tenant import Directory
from localdev.graph.wire import Entity, GraphError, bad_request, directory_denied, unknown_object

USERS_READ = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
_GROUPS_READ = ("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All")
_MOST_CLAUSES = 15
_GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


def users(asked: Asked) -> Page:
    basic = _basic_only(asked)
    found = _filtered(asked, asked.emulator.tenant.users, USER, basic)
    return _page(asked, found, shape(asked.call, USER, basic=basic), "users")


def user(asked: Asked) -> Entity:
    found = asked.emulator.tenant.user(asked.names["user-id"])
    return _one(asked, shape(asked.call, USER, basic=_basic_only(asked))(found), "users/$entity")


def license_details(asked: Asked) -> Page:
    tenant = asked.emulator.tenant
    found = tenant.licenses(tenant.user(asked.names["user-id"]))
    return _page(asked, found, shape(asked.call, LICENSE_DETAILS), "licenseDetails")


def groups(asked: Asked) -> Page:
    found = _filtered(asked, asked.emulator.tenant.groups, GROUP, basic=False)
    return _page(asked, found, shape(asked.call, GROUP), "groups")


def group(asked: Asked) -> Entity:
    found = asked.emulator.tenant.group(asked.names["group-id"])
    return _one(asked, shape(asked.call, GROUP)(found), "groups/$entity")


def members(asked: Asked) -> Page:
    return _members(asked, asked.emulator.tenant.members)


def transitive_members(asked: Asked) -> Page:
    return _members(asked, asked.emulator.tenant.transitive_members)


def transitive_users(asked: Asked) -> Page:
    """The cast to users, an advanced query: only with `ConsistencyLevel: eventual` and `$count=true`, on every page."""
    if not asked.advanced:
        raise unsupported("The OData cast needs the header ConsistencyLevel: eventual and $count=true.")
    people = asked.emulator.tenant.users.by_id
    found = [each for each in asked.emulator.tenant.transitive_members(_readable(asked)) if each["id"] in people]
    return _page(asked, found, _typed(asked, USER), "users")


def organization(asked: Asked) -> Page:
    about = asked.emulator.tenant.about
    domains = [{"capabilities": "Email", "type": "Managed", **domain} for domain in about.get("verifiedDomains", ())]
    found = {
        "id": asked.emulator.tenant.id,
        "displayName": about.get("displayName"),
        "countryLetterCode": about.get("countryLetterCode"),
        "tenantType": "AAD",
        "verifiedDomains": domains,
    }
    return _page(asked, [found], shape(asked.call, ORGANIZATION), "organization")


def subscribed_skus(asked: Asked) -> Page:
    look = shape(asked.call, SUBSCRIBED_SKU)
    return Page(asked.context("subscribedSkus"), [look(sku) for sku in asked.emulator.tenant.skus()])


def service_principals(asked: Asked) -> Page:
    found = _filtered(asked, Directory(_principals(asked)), SERVICE_PRINCIPAL, basic=False)
    return _page(asked, found, shape(asked.call, SERVICE_PRINCIPAL), "servicePrincipals")


def service_principal(asked: Asked) -> Entity:
    found = shape(asked.call, SERVICE_PRINCIPAL)(_principal(asked))
    return _one(asked, found, "servicePrincipals/$entity")


def app_role_assignments(asked: Asked) -> Page:
    """The roles consented to, each as an assignment of the app's service principal to Microsoft Graph's."""
    principal = _principal(asked)
    roles = asked.emulator.consent.roles() if principal["appId"] != _GRAPH_APP_ID else []
    graph_id = _principals(asked)[0]["id"]
    found = [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{principal['id']}:{role}")),
            "appRoleId": ROLE_IDS.get(role, str(uuid5(NAMESPACE_URL, role))),
            "principalDisplayName": principal["displayName"],
            "principalId": principal["id"],
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": graph_id,
        }
        for role in roles
    ]
    return _page(asked, found, shape(asked.call, APP_ROLE_ASSIGNMENT), "appRoleAssignments")


def unsupported(message: str) -> GraphError:
    return bad_request(message, "Request_UnsupportedQuery")


def _page(asked: Asked, found: list[Entity], look: Shape, context: str) -> Page:
    counted = asked.advanced
    result = page(asked.emulator.links, asked.call, found, DIRECTORY, asked.context(context), counted)
    result.items = [look(entity) for entity in result.items]
    return result


def _one(asked: Asked, entity: Entity, context: str) -> Entity:
    return {"@odata.context": asked.context(context), **entity}


def _basic_only(asked: Asked) -> bool:
    return asked.roles.isdisjoint(USERS_READ)


def _filtered(asked: Asked, directory: Directory, entity_type: EntityType, basic: bool) -> list[Entity]:
    """What fulfils the call's `$filter`, in the order asked for; GraphError 400 for what needs an advanced query."""
    query = asked.call.query
    if "$orderby" in query and "$filter" in query and not asked.advanced:
        raise unsupported("Sorting not supported for current query.")
    node = filters.parse(query["$filter"]) if "$filter" in query else None
    if node is not None:
        _check(asked, node, entity_type, basic)
    matches = filters.entity_matches(node)
    found = [entity for entity in directory.candidates(node) if matches(entity)]
    if "$orderby" in query:
        name, _, direction = query["$orderby"].partition(" ")
        found.sort(key=lambda entity: str(entity.get(name) or "").casefold(), reverse=direction == "desc")
    return found


def _check(asked: Asked, node: filters.Node, entity_type: EntityType, basic: bool) -> None:
    filters.known(node, frozenset(entity_type.properties), entity_type.name)
    if filters.clauses(node) > _MOST_CLAUSES:
        found = filters.clauses(node)
        text = f"Too many child clauses specified in search filter expression containing 'OR' operators: {found}."
        raise unsupported(f"{text} Max allowed: {_MOST_CLAUSES}.")
    if basic and entity_type.basic is not None and not entity_type.basic.issuperset(filters.paths(node)):
        raise directory_denied()
    if not asked.advanced and any(_needs_advanced(each) for each in filters.nodes(node)):
        raise unsupported("Unsupported or invalid query filter clause specified.")


def _needs_advanced(node: filters.Node) -> bool:
    match node:
        case Comparison(operator="ne") | Not() | Function(name="endswith" | "contains"):
            return True
        case _:
            return False


def _members(asked: Asked, of: Callable[[Entity], list[Entity]]) -> Page:
    user_look, group_look = _typed(asked, USER, GROUP), _typed(asked, GROUP, USER)
    people = asked.emulator.tenant.users.by_id

    def look(entity: Entity) -> Entity:
        if entity["id"] in people:
            return {"@odata.type": "#microsoft.graph.user", **user_look(entity)}
        return {"@odata.type": "#microsoft.graph.group", **group_look(entity)}

    return _page(asked, of(_readable(asked)), look, "directoryObjects")


def _typed(asked: Asked, entity_type: EntityType, *others: EntityType) -> Shape:
    """How members of one type look: with limited information where the token may not read that type."""
    roles = (*USERS_READ, "User.ReadBasic.All") if entity_type is USER else _GROUPS_READ
    if asked.roles.isdisjoint(roles):
        return nothing_but_id(asked.call, entity_type, *others)
    basic = entity_type is USER and _basic_only(asked)
    return shape(asked.call, entity_type, *others, basic=basic, keep_id=bool(others))


def _readable(asked: Asked) -> Entity:
    """The group whose members are asked for; hidden membership needs a role of its own."""
    found = asked.emulator.tenant.group(asked.names["group-id"])
    if found.get("visibility") == "HiddenMembership" and "Member.Read.Hidden" not in asked.roles:
        raise directory_denied()
    return found


def _principals(asked: Asked) -> list[Entity]:
    app_id = str(asked.claims.get("appid", ""))
    named = ((_GRAPH_APP_ID, "Microsoft Graph"), (app_id, "Account engagement"))
    return [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{asked.emulator.tenant.id}:{each}")),
            "appId": each,
            "displayName": name,
            "servicePrincipalType": "Application",
            "accountEnabled": True,
        }
        for each, name in named
    ]


def _principal(asked: Asked) -> Entity:
    wanted = asked.names.get("servicePrincipal-id") or asked.names.get("appId") or ""
    key = "id" if "servicePrincipal-id" in asked.names else "appId"
    for principal in _principals(asked):
        if principal[key] == wanted:
            return principal
    raise unknown_object(wanted)
