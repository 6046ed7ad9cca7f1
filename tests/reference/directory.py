"""The directory of an organisation as Graph answers for it, as far as the app asks while it resolves addresses."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from tests.reference.organisation import Json, Organisation
from tests.reference.people import members_below


class Directory:
    """Stands in for the Graph client: the filters are those that Graph knows, strings compare without case."""

    def __init__(self, org: Organisation) -> None:
        self._users = {user["id"]: user for user in org.users}
        self._groups = {group["id"]: group for group in org.groups}

    async def pages(
        self, path: str, params: Mapping[str, str], *, decode: Callable[[bytes], Any], headers: Any = None
    ) -> AsyncIterator[Any]:
        yield decode(json.dumps({"value": self._entities(path, params)}).encode())

    def _entities(self, path: str, params: Mapping[str, str]) -> list[Json]:
        if path in ("/users", "/groups"):
            entities = self._users if path == "/users" else self._groups
            return [one for one in entities.values() if _matches(one, params["$filter"])]
        group = re.fullmatch(r"/groups/(.+)/transitiveMembers/microsoft.graph.user", path)
        assert group, path
        below = members_below([group[1]], self._groups)
        return [user for id, user in self._users.items() if id in below]


def _matches(entity: Json, text: str) -> bool:
    literals = {found.replace("''", "'").lower() for found in re.findall(r"'((?:[^']|'')*)'", text)}
    if text.startswith("proxyAddresses/any"):
        return any(proxy.lower() in literals for proxy in entity["proxyAddresses"])
    name, _, rest = text.partition(" ")
    assert rest.startswith("in ("), text
    return (entity.get(name) or "").lower() in literals
