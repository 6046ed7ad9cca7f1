"""§1 Vocabulary: listed people M, our organisation O, account contacts; and whose address is whose (§2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.reference.addresses import domain_of, is_complete, normalise, normalise_domain, untagged
from tests.reference.organisation import Json, Organisation

Pair = tuple[str, str]  # (customer id, contact id): an account contact


@dataclass(frozen=True)
class Selected:
    """What the configured addresses resolve to: ids of listed people and of guests."""

    people: frozenset[str]
    guests: frozenset[str]


def addresses_of(thing: Json) -> set[str]:
    """§2: "all of `mail`, `userPrincipalName` and the SMTP `proxyAddresses`", normalised."""
    proxies = [proxy for proxy in thing.get("proxyAddresses") or [] if proxy.lower().startswith("smtp:")]
    raw = [thing.get("mail"), thing.get("userPrincipalName"), *proxies]
    return {normalise(address) for address in raw if address}


def own_domains(org: Organisation) -> frozenset[str]:
    """§1: "the tenant's verified domains and … the configured internal domains", each only as it is listed."""
    verified = [domain["name"] for domain in org.tenant["verifiedDomains"]]
    return frozenset(normalise_domain(domain) for domain in verified + org.enrichment.get("internalDomains", []))


def select(org: Organisation) -> Selected:
    """§1: "directory users that the configured addresses and groups (nested ones too) resolve to … Users whose
    `userType` is `Guest` are never listed people; they are reported". An address that two users have stands for the
    smaller directory id (§2), here too.
    """
    users = {user["id"]: user for user in org.users}
    groups = {group["id"]: group for group in org.groups}
    found: set[str] = set()
    for configured in org.enrichment["addresses"]:
        found |= members_below(_stands_for(normalise(configured), org, own_domains(org)), groups)
    found &= users.keys()
    guests = {user for user in found if users[user].get("userType") == "Guest"}
    return Selected(frozenset(found - guests), frozenset(guests))


def _stands_for(address: str, org: Organisation, domains: frozenset[str]) -> set[str]:
    """Ids of the user or the group with this address."""
    for candidate in _spellings(address, domains):
        users = [user["id"] for user in org.users if candidate in _spelt(addresses_of(user), domains)]
        groups = [group["id"] for group in org.groups if candidate in _spelt(addresses_of(group), domains)]
        if users or groups:
            return {min(users)} if users else {min(groups)}
    return set()


def members_below(ids: Iterable[str], groups: dict[str, Json]) -> set[str]:
    """The ids and, for groups among them, all that lies below; groups in a circle are walked once."""
    found: set[str] = set()
    ahead = set(ids)
    while ahead:
        found |= ahead
        ahead = {member for one in ahead if one in groups for member in groups[one].get("members", [])} - found
    return found


def _spellings(address: str, domains: frozenset[str]) -> list[str]:
    """§2: a `+tag` "is always removed in our own domains; elsewhere the exact address is tried first, then without
    the tag".
    """
    if domain_of(address) in domains:
        return [untagged(address)]
    return list(dict.fromkeys([address, untagged(address)]))


def _spelt(addresses: Iterable[str], domains: frozenset[str]) -> set[str]:
    """Addresses in the form under which they are looked up."""
    return {_spellings(address, domains)[0] for address in addresses}


class AddressBook:
    """Whose address is this: one of M, ours (O) of nobody listed, contacts of accounts, or a third party's."""

    def __init__(self, org: Organisation, tops: dict[str, str] | None = None) -> None:
        """`tops`: customer id → the id that replaces it before §3 begins (§11)."""
        self.people = select(org).people
        self.domains = own_domains(org)
        self.person_of: dict[str, str] = {}
        for user in sorted((user for user in org.users if user["id"] in self.people), key=lambda user: str(user["id"])):
            for address in _spelt(addresses_of(user), self.domains):
                self.person_of.setdefault(address, user["id"])
        self.contact_reasons: Counter[str] = Counter()
        self.pairs_of: dict[str, set[Pair]] = {}
        self._read_contacts(org, tops or {})

    def _read_contacts(self, org: Organisation, tops: dict[str, str]) -> None:
        """§1 account contact, and §6 scope `Contact`, "the first that applies".

        "Addresses of contact rows lose tags in our own domains only": a row's address belongs to O where it lies in
        one of our domains or is, tag and all, an address of M.
        """
        columns, seen = org.enrichment["contacts"], set()
        for row in org.contacts:
            contact, customer = row[columns["contactId"]].strip(), row[columns["customerId"]].strip()
            address = normalise(row[columns["email"]])
            values = (contact, customer, address)
            if not customer or not is_complete(address):
                self.contact_reasons["Incomplete"] += 1
            elif self._own_spelling(address):
                self.contact_reasons["OwnOrganisation"] += 1
            else:
                self.contact_reasons["Repeated" if values in seen else "Used"] += 1
                seen.add(values)
                pair = (tops.get(customer, customer), contact or address)
                self.pairs_of.setdefault(address, set()).add(pair)

    def _own_spelling(self, address: str) -> bool:
        return domain_of(address) in self.domains or address in self.person_of

    def person(self, address: str | None) -> str | None:
        """The listed person whose address this is."""
        return self._find(address)[0]

    def contacts(self, address: str | None) -> frozenset[Pair]:
        """The account contacts with this address."""
        return self._find(address)[1]

    def ours(self, address: str | None) -> bool:
        """Whether the address belongs to O."""
        return address is not None and (domain_of(address) in self.domains or self.person(address) is not None)

    def _find(self, address: str | None) -> tuple[str | None, frozenset[Pair]]:
        for spelling in _spellings(address, self.domains) if address else []:
            if spelling in self.person_of:
                return self.person_of[spelling], frozenset()
            if spelling in self.pairs_of:
                return None, frozenset(self.pairs_of[spelling])
        return None, frozenset()


def mailbox_reasons(org: Organisation, people: Iterable[str]) -> Counter[str]:
    """§6 scope `Mailbox`."""
    states: dict[str, Any] = {user["id"]: user["mailbox"] for user in org.users}
    return Counter("Read" if states[person] == "ok" else states[person] for person in people)


def read_mailboxes(org: Organisation, people: Iterable[str]) -> dict[str, Json]:
    """§1: "only what lies in a mailbox of M that can be read exists"."""
    states = {user["id"]: user["mailbox"] for user in org.users}
    return {person: org.mailboxes[person] for person in sorted(people) if states[person] == "ok"}
