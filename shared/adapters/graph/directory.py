"""Who stands behind the addresses of an enrichment: users, members of groups, guests (interfaces §2)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import idna
import msgspec

from shared.adapters.graph import links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.refusals import RequestRefused
from shared.adapters.graph.together import together
from shared.core.addresses import normalise, untagged

Kind = Literal["user", "group", "unknown"]
_Found = dict[str, "_Entity"]

_USER = "id,userType,mail,userPrincipalName,proxyAddresses"
_GROUP = "id,mail,proxyAddresses"
_PAGE = "999"
_IN_ONE_FILTER = 15  # Graph's limit of expressions
_FILTER_CHARS = 6000  # of an encoded filter; URLs end at 8 KB on their way through some gateways
_AROUND_EACH = len("proxyAddresses%2Fany%28p%3Ap%20eq%20%27smtp%3A%27%29%20or%20")
# Casting the members of a group to users is an advanced query, on each of its pages.
_ADVANCED = {"ConsistencyLevel": "eventual"}


class _Entity(msgspec.Struct, frozen=True):
    """A user or a group; a member that the app may not look into comes with nothing but its id."""

    id: str
    user_type: str | None = msgspec.field(default=None, name="userType")
    mail: str | None = None
    principal: str | None = msgspec.field(default=None, name="userPrincipalName")
    proxies: list[str] | None = msgspec.field(default=None, name="proxyAddresses")

    @property
    def is_guest(self) -> bool:
        return (self.user_type or "").casefold() == "guest"

    @property
    def addresses(self) -> frozenset[str]:
        """As the directory writes them: `mail`, `userPrincipalName` and the SMTP ones of `proxyAddresses`."""
        by_smtp = [proxy[5:] for proxy in self.proxies or [] if proxy[:5].casefold() == "smtp:"]
        return frozenset(address for address in (self.mail, self.principal, *by_smtp) if address)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(normalise(address) for address in self.addresses)


class _Entities(msgspec.Struct):
    value: list[_Entity]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_decode_page = msgspec.json.Decoder(_Entities).decode
_decode_one = msgspec.json.Decoder(_Entity).decode


@dataclass(frozen=True, slots=True)
class ResolvedEntry:
    """One configured address. people, guests: distinct, behind this entry alone."""

    pointer: str
    address: str
    kind: Kind
    people: int
    guests: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """people: directory id → the person's addresses as the directory writes them · guests: directory ids, never listed.

    entries: one per distinct address, in the order given; the pointer is that of its first place.
    """

    entries: list[ResolvedEntry]
    people: dict[str, frozenset[str]]
    guests: frozenset[str]


async def resolve(graph: GraphClient, addresses: Sequence[str]) -> Resolution:
    """Look up each address as a user's, then as a group's; groups are opened with all that is nested in them."""
    wanted: dict[str, int] = {}
    for position, address in enumerate(addresses):
        wanted.setdefault(normalise(address), position)
    spelled = {key: addresses[position] for key, position in wanted.items()}
    users = await _find(graph, "users", spelled)
    groups = await _find(graph, "groups", {key: text for key, text in spelled.items() if key not in users})
    members = await _members_of(graph, {group.id for group in groups.values()})

    entries, found = [], {}
    for key, position in wanted.items():
        behind = [users[key]] if key in users else members[groups[key].id] if key in groups else []
        kind: Kind = "user" if key in users else "group" if key in groups else "unknown"
        guests = sum(user.is_guest for user in behind)
        entries.append(ResolvedEntry(f"/addresses/{position}", addresses[position], kind, len(behind) - guests, guests))
        found.update({user.id: user for user in behind})
    return Resolution(
        entries,
        {id_: found[id_].addresses for id_ in sorted(found) if not found[id_].is_guest},
        frozenset(id_ for id_ in found if found[id_].is_guest),
    )


async def _find(graph: GraphClient, kind: Literal["users", "groups"], spelled: Mapping[str, str]) -> _Found:
    """Who has these addresses (normalised → as given); failing that, who has them without their tags.

    Tags mean nothing in our own domains (§2), and what the directory answers for lies in one of them.
    """
    found = await _find_exactly(graph, kind, spelled)
    tagged = {key: untagged(key) for key in spelled if key not in found and untagged(key) != key}
    plain = await _find_exactly(graph, kind, {bare: bare for bare in sorted(set(tagged.values()))})
    return found | {key: plain[bare] for key, bare in tagged.items() if bare in plain}


async def _find_exactly(graph: GraphClient, kind: Literal["users", "groups"], spelled: Mapping[str, str]) -> _Found:
    keys = [key for key in spelled if "@" in key]
    spellings = list(dict.fromkeys(spelling for key in keys for spelling in _spellings(key, spelled[key])))
    filters = [text for chunk in _chunks(spellings) for text in _filters(kind, chunk)]
    holders: dict[str, dict[str, _Entity]] = defaultdict(dict)

    async def ask(text: str) -> None:
        select = _USER if kind == "users" else _GROUP
        async for entity in _all(graph, f"/{kind}", {"$filter": text, "$select": select, "$top": _PAGE}):
            for key in entity.keys:
                holders[key][entity.id] = entity

    await together(ask(text) for text in filters)
    # An address that two users have stands for the smaller directory id (§2).
    return {key: min(holders[key].items())[1] for key in keys if key in holders}


def _filters(kind: str, keys: Sequence[str]) -> Iterator[str]:
    """The filters that find every entity with one of these addresses, in whatever property."""
    in_list = f"in ({','.join(map(links.literal, keys))})"
    yield f"mail {in_list}"
    if kind == "users":
        yield f"userPrincipalName {in_list}"
    yield " or ".join(f"proxyAddresses/any(p:p eq {links.literal('smtp:' + key)})" for key in keys)


def _spellings(key: str, given: str) -> Iterator[str]:
    """How a directory may hold the address: normalised, as it was given, its domain in its own script."""
    yield key
    given = given.strip().lower()
    if not re.search(r"[<>:\s]", given):
        yield given
    local, _, domain = key.rpartition("@")
    if "xn--" in domain:
        with suppress(idna.IDNAError):  # a domain that only looks encoded has one spelling
            yield f"{local}@{idna.decode(domain)}"


def _chunks(keys: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    chars = 0
    for key in keys:
        more = len(quote(key, safe="")) + _AROUND_EACH
        if chunk and (len(chunk) == _IN_ONE_FILTER or chars + more > _FILTER_CHARS):
            yield chunk
            chunk, chars = [], 0
        chunk.append(key)
        chars += more
    if chunk:
        yield chunk


async def _members_of(graph: GraphClient, groups: Iterable[str]) -> Mapping[str, list[_Entity]]:
    """For each group its distinct users, nested ones too; Graph itself follows the nesting, circles included."""
    members: dict[str, list[_Entity]] = {}

    async def open_group(group: str) -> None:
        path = f"/groups/{links.segment(group)}/transitiveMembers/microsoft.graph.user"
        params = {"$select": _USER, "$top": _PAGE, "$count": "true"}
        found: dict[str, _Entity] = {}
        with _unless_gone():
            found = {user.id: user async for user in _all(graph, path, params, _ADVANCED)}
        members[group] = [await _whole(graph, user) for user in found.values()]

    await together(open_group(group) for group in groups)
    return members


async def _whole(graph: GraphClient, user: _Entity) -> _Entity:
    """The user with its properties. Every user has a principal name; one without is one that we were not shown."""
    if user.principal is None:
        with _unless_gone():
            return await graph.fetch(f"/users/{links.segment(user.id)}", {"$select": _USER}, decode=_decode_one)
    return user


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Passes over what was removed from the directory while we read it."""
    try:
        yield
    except RequestRefused as refusal:
        if refusal.status != 404:
            raise


async def _all(
    graph: GraphClient, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> AsyncIterator[_Entity]:
    async for page in graph.pages(path, params, decode=_decode_page, headers=headers):
        for entity in page.value:
            yield entity
