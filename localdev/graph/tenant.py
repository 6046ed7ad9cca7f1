"""The tenant in memory: its people and groups by every name they answer to, its mailboxes when first asked for."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from uuid import NAMESPACE_URL, uuid5

from localdev.graph.filters import Comparison, Joined, Node, Some, Within
from localdev.graph.mailbox import Mailbox, empty
from localdev.graph.tenant_files import TenantFiles
from localdev.graph.wire import Entity, GraphError, unknown_object

_KEPT_MAILBOXES = 300
_PLAN_NAMES = {
    "efb87545-963c-4e0d-99df-69c6916d9eb0": "EXCHANGE_S_ENTERPRISE",
    "9aaf7827-d63c-4b61-89c3-182f06f82e5c": "EXCHANGE_S_STANDARD",
    "4a82b400-a79f-41a4-b4e2-e94f5787b113": "EXCHANGE_S_DESKLESS",
    "113feb6c-3fe4-4440-bddc-54d774bf0318": "EXCHANGE_S_FOUNDATION",
}


class Directory:
    """Users or groups, found by id, by principal name or by a filter; the order of the files is kept."""

    def __init__(self, entities: list[Entity]) -> None:
        self.all = entities
        self.by_id = {entity["id"]: entity for entity in entities}
        self._indexes: dict[str, dict[str, list[Entity]]] = {"id": {}, "mail": {}, "userPrincipalName": {}}
        self._proxies: dict[str, list[Entity]] = {}
        for entity in entities:
            for name, index in self._indexes.items():
                if isinstance(entity.get(name), str):
                    index.setdefault(entity[name].casefold(), []).append(entity)
            for address in entity.get("proxyAddresses") or ():
                self._proxies.setdefault(address.casefold(), []).append(entity)

    def get(self, name: str) -> Entity | None:
        """By object id or by user principal name, never by an alias."""
        found = self._indexes["id"].get(name.casefold()) or self._indexes["userPrincipalName"].get(name.casefold())
        return found[0] if found else None

    def candidates(self, node: Node | None) -> list[Entity]:
        """Everything that may fulfil a filter: few where it names addresses or ids, else all."""
        found = None if node is None else self._indexed(node)
        if found is None:
            return self.all
        return list({entity["id"]: entity for entity in found}.values())

    def _indexed(self, node: Node) -> list[Entity] | None:
        match node:
            case Comparison(path=path, operator="eq", value=str(value)) if path in self._indexes:
                return self._indexes[path].get(value.casefold(), [])
            case Within(path=path, values=values) if path in self._indexes:
                return [entity for value in values for entity in self._indexes[path].get(str(value).casefold(), [])]
            case Some(path="proxyAddresses", condition=Comparison(operator="eq", value=str(value))):
                return self._proxies.get(value.casefold(), [])
            case Joined(operator="or", conditions=conditions):
                parts = [self._indexed(condition) for condition in conditions]
                return None if None in parts else [entity for part in parts if part for entity in part]
            case _:
                return None


class Tenant:
    """One Microsoft 365 tenant, as the emulator serves it; `about` may be changed while it runs."""

    def __init__(self, files: TenantFiles) -> None:
        self.about: Entity = dict(files.tenant)
        self.id: str = files.tenant["tenantId"]
        self.users = Directory(files.users)
        self.groups = Directory(files.groups)
        self._contents = files.mailboxes
        self._mailboxes: OrderedDict[str, Mailbox] = OrderedDict()
        self._changed: set[str] = set()

    def is_called(self, name: str) -> bool:
        """Whether a path segment of Entra means this tenant: its id or one of its domains."""
        domains = [domain["name"].casefold() for domain in self.about.get("verifiedDomains", ())]
        return name.casefold() in (self.id.casefold(), *domains)

    def user(self, name: str) -> Entity:
        found = self.users.get(name)
        if found is None:
            raise unknown_object(name)
        return found

    def group(self, group_id: str) -> Entity:
        found = self.groups.by_id.get(group_id)
        if found is None:
            raise unknown_object(group_id)
        return found

    def mailbox(self, user_id: str) -> Mailbox:
        """The mailbox of a user, read when it is first asked for; the least used ones are dropped again."""
        if user_id not in self._mailboxes:
            content = self._contents[user_id] if user_id in self._contents else empty(user_id)
            self._mailboxes[user_id] = Mailbox(content)
            self._drop_old()
        self._mailboxes.move_to_end(user_id)
        return self._mailboxes[user_id]

    def changing(self, user_id: str) -> Mailbox:
        """A mailbox that is to be changed; from then on it stays in memory."""
        self._changed.add(user_id)
        return self.mailbox(user_id)

    def members(self, group: Entity) -> list[Entity]:
        """Direct members; ids that are neither user nor group are left out."""
        found = (self.users.by_id.get(each) or self.groups.by_id.get(each) for each in group.get("members", ()))
        return [member for member in found if member is not None]

    def transitive_members(self, group: Entity) -> list[Entity]:
        """Every user and group below a group, once each, nearest first; groups may contain one another."""
        seen = {group["id"]}
        found: list[Entity] = []
        waiting = [group]
        while waiting:
            for member in self.members(waiting.pop(0)):
                if member["id"] not in seen:
                    seen.add(member["id"])
                    found.append(member)
                    if member["id"] in self.groups.by_id:
                        waiting.append(member)
        return found

    def skus(self) -> list[Entity]:
        """What the tenant has subscribed to: as told in `subscribedSkus`, else every plan that a user has."""
        told: list[Entity] | None = self.about.get("subscribedSkus")
        if told is not None:
            return told
        plans = service_plans(plan for user in self.users.all for plan in user.get("assignedPlans") or ())
        return [self._sku(plans, len(self.users.all))] if plans else []

    def licenses(self, user: Entity) -> list[Entity]:
        plans = service_plans(user.get("assignedPlans") or ())
        if not plans:
            return []
        sku = self._sku(plans, 1)
        return [{name: sku[name] for name in ("id", "skuId", "skuPartNumber", "servicePlans")}]

    def _sku(self, plans: list[Entity], units: int) -> Entity:
        sku_id = str(uuid5(NAMESPACE_URL, f"sku:{self.id}"))
        return {
            "id": f"{self.id}_{sku_id}",
            "accountId": self.id,
            "accountName": self.about.get("displayName"),
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": units,
            "prepaidUnits": {"enabled": units, "lockedOut": 0, "suspended": 0, "warning": 0},
            "servicePlans": plans,
            "skuId": sku_id,
            "skuPartNumber": "ENTERPRISEPACK",
            "subscriptionIds": [],
        }

    def _drop_old(self) -> None:
        droppable: Iterator[str] = (each for each in list(self._mailboxes) if each not in self._changed)
        while len(self._mailboxes) > _KEPT_MAILBOXES:
            oldest = next(droppable, None)
            if oldest is None:
                return
            del self._mailboxes[oldest]


def service_plans(assigned: Iterable[Entity]) -> list[Entity]:
    """Assigned plans as the service plans of a subscription, once each."""
    found: dict[str, Entity] = {}
    for plan in assigned:
        if plan.get("capabilityStatus") == "Enabled":
            plan_id = plan["servicePlanId"]
            name = _PLAN_NAMES.get(plan_id, str(plan.get("service", "")).upper())
            found[plan_id] = {
                "servicePlanId": plan_id,
                "servicePlanName": name,
                "provisioningStatus": "Success",
                "appliesTo": "User",
            }
    return list(found.values())


def mailbox_refusal(state: str, times: int) -> GraphError | None:
    """What a mailbox in this state answers; `times` counts its refusals, for one state answers by turns."""
    match state:
        case "AccessDenied":
            return GraphError(403, "ErrorAccessDenied", "Access to OData is disabled.")
        case "NotFound":
            return GraphError(404, "ErrorInvalidUser", "The requested user is invalid.")
        case "NotEnabled" if times % 2 == 0:
            return GraphError(404, "ResourceNotFound", "Resource could not be discovered.")
        case "NotEnabled":
            text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            return GraphError(404, "MailboxNotEnabledForRESTAPI", text)
        case _:
            return None
