"""Whose address is this: normalising (semantics §2), and the book of our people, our domains and the contacts."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import idna
import numpy as np
from numpy.typing import NDArray

from shared.core.facts import OURS, THIRD_PARTY, contact_code, person_code
from shared.core.hashes import ADDRESS, HASH, hasher

# The code of an address that is blank after normalising: its owner is nobody in every rule (§1). Never stored.
NOBODY = -(2**31)

_PREFIXES = ("smtp:", "mailto:")
_MEMO_LIMIT = 200_000


def normalise(text: str) -> str:
    """The one spelling of an address (§2); blank where the text names none."""
    if text.isascii():
        text = text.lower()
        if "<" not in text and ":" not in text and not text.endswith(".") and text == text.strip():
            return text
    else:
        text = _folded(text)
    bare = _bare(text)
    local, at, domain = bare.rpartition("@")
    return f"{local}@{_a_label(domain)}" if at else bare


def normalise_domain(text: str) -> str:
    """A domain as it stands behind the @ of a normalised address."""
    return domain_of(normalise(f"x@{text.strip()}"))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _bare(text: str) -> str:
    """Without blanks around it, a display name, `SMTP:`, `mailto:` and trailing dots, in whatever order they come."""
    while True:
        inner = text.strip()
        if inner.endswith(">") and "<" in inner:
            inner = inner[inner.rindex("<") + 1 : -1]
        for prefix in _PREFIXES:
            inner = inner.removeprefix(prefix)
        if "@" in inner:
            inner = inner.rstrip(".")
        if inner == text:
            return text
        text = inner


def _a_label(domain: str) -> str:
    if domain.isascii():
        return domain  # already lower case, and all that UTS 46 does to ASCII
    try:
        return idna.encode(domain, uts46=True).decode("ascii").rstrip(".")
    except UnicodeError:
        return domain


def untagged(address: str) -> str:
    """A normalised address without its `+tag`: from the first `+`, unless nothing would be left before it (§2)."""
    local, at, domain = address.rpartition("@")
    kept = local.partition("+")[0]
    return f"{kept}{at}{domain}" if kept else address


def domain_of(address: str) -> str:
    """The domain of a normalised address; blank where there is none."""
    _, at, domain = address.rpartition("@")
    return domain if at else ""


def is_complete(address: str) -> bool:
    """Whether a normalised address is `local@domain`."""
    local, _, domain = address.rpartition("@")
    return bool(local and domain)


@dataclass(frozen=True, eq=False)
class AddressBook:
    """Our people's addresses, our domains and the contacts' addresses, as hashes.

    people: sorted hashes (u64) of the addresses of M · person: for each, the number of its person (i32), −1 for one
    who has been erased: the address stays in O, as nobody's ·
    contacts: sorted hashes (u64) of the contact addresses; the position is the address number ·
    domains: our own domains, normalised.
    """

    people: NDArray[np.uint64]
    person: NDArray[np.int32]
    contacts: NDArray[np.uint64]
    domains: frozenset[str]

    @cached_property
    def _sorted(self) -> tuple[memoryview, memoryview]:
        # Their elements are Python's own numbers, which bisect compares twice as fast as numpy's; nothing is copied.
        return self.people.data, self.contacts.data

    def owns_domain_of(self, address: str) -> bool:
        """Whether a normalised address lies in one of our domains; a subdomain counts only if listed (§1)."""
        return domain_of(address) in self.domains

    def is_ours(self, address: str, digest: bytes) -> bool:
        """Whether a normalised address with this hash belongs to O: our domains', or one of our people's."""
        return self.owns_domain_of(address) or self.lookup(digest) <= OURS

    def reader(self, key: bytes) -> AddressReader:
        """Codes of raw addresses, remembered; one reader per mailbox."""
        return AddressReader(self, key)

    def lookup(self, digest: bytes) -> int:
        """The code of the person or contact with this address hash, or THIRD_PARTY."""
        people, contacts = self._sorted
        value = int.from_bytes(digest, "little")
        position = bisect_left(people, value)
        if position < len(people) and people[position] == value:
            return person_code(int(self.person[position]))
        position = bisect_left(contacts, value)
        if position < len(contacts) and contacts[position] == value:
            return contact_code(position)
        return THIRD_PARTY


class AddressReader(dict[str | None, int]):
    """Raw address → code, as in `facts`, and NOBODY where there is no address; remembers what it has seen."""

    def __init__(self, book: AddressBook, key: bytes) -> None:
        super().__init__()
        self._book = book
        self._hash: Callable[[bytes], bytes] = hasher(key, ADDRESS)

    def __missing__(self, raw: str | None) -> int:
        if len(self) >= _MEMO_LIMIT:
            self.clear()
        code = self[raw] = self._code(normalise(raw)) if raw else NOBODY
        return code

    def _code(self, address: str) -> int:
        """§2: in our own domains a tag never counts; elsewhere the exact address goes first."""
        if not address:
            return NOBODY
        if self._book.owns_domain_of(address):
            return min(self._find(untagged(address)), OURS)
        code = self._find(address)
        return self._find(untagged(address)) if code == THIRD_PARTY and "+" in address else code

    def _find(self, address: str) -> int:
        return self._book.lookup(self._hash(address.encode()))


def people_index(
    addresses: Iterable[tuple[int, Iterable[str]]], domains: frozenset[str], key: bytes
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Sorted hashes of our people's addresses, and whose each is.

    `addresses`: person number → raw addresses. One that two people have stands for the smaller number, which is the
    smaller directory id (§2).
    """
    digest = hasher(key, ADDRESS)
    owner: dict[bytes, int] = {}
    for person, raw in sorted(((person, list(raw)) for person, raw in addresses), key=lambda pair: pair[0]):
        for address in filter(None, map(normalise, raw)):
            plain = untagged(address) if domain_of(address) in domains else address
            owner.setdefault(digest(plain.encode()), person)
    return _sorted_index(owner)


def _sorted_index(owner: Mapping[bytes, int]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    hashes = np.frombuffer(b"".join(owner), HASH).astype(np.uint64)
    order = np.argsort(hashes)
    return hashes[order], np.fromiter(owner.values(), np.int32, len(owner))[order]
