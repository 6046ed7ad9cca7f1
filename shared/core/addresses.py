"""Whose address is this: normalising (semantics §2), and the book of our people, our domains and the contacts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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
_UNKNOWN = 2**31 - 1  # in place of the code of an address that was not looked up yet
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
    def _hashes_of_people(self) -> frozenset[int]:
        return frozenset(self.people.tolist())

    def owns_domain_of(self, address: str) -> bool:
        """Whether a normalised address lies in one of our domains; a subdomain counts only if listed (§1)."""
        return domain_of(address) in self.domains

    def is_ours(self, address: str, digest: bytes) -> bool:
        """Whether a normalised address with this hash belongs to O: our domains', or one of our people's."""
        return self.owns_domain_of(address) or int.from_bytes(digest, "little") in self._hashes_of_people

    def reader(self, key: bytes) -> AddressReader:
        """Codes of raw addresses, remembered; one reader per mailbox."""
        return AddressReader(self, key)

    def codes(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The codes of the people and contacts with these address hashes, THIRD_PARTY where there is none."""
        place, known = _places(self.contacts, hashes)
        codes = np.where(known, contact_code(0) + place, THIRD_PARTY).astype(np.int32)
        place, known = _places(self.people, hashes)
        codes[known] = person_code(0) - self.person[place[known]]
        return codes


def _places(index: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each hash stands in the sorted index, if it does, and whether it does."""
    place = np.searchsorted(index, hashes)
    known = place < len(index)
    known[known] = index[place[known]] == hashes[known]
    return place, known


class AddressReader:
    """Raw address → code, as in `facts`, and NOBODY where there is no address; remembers what it has seen."""

    def __init__(self, book: AddressBook, key: bytes) -> None:
        self._book = book
        self._hash = hasher(key, ADDRESS)
        self._known = _Known()

    def __len__(self) -> int:
        """How many addresses it remembers."""
        return len(self._known)

    def __getitem__(self, raw: str | None) -> int:
        return int(self.codes([raw])[0])

    def codes(self, raws: Sequence[str | None]) -> NDArray[np.int32]:
        """The code of each. Those that are new here are looked up side by side."""
        known = self._known
        codes = np.fromiter(map(known.__getitem__, raws), np.int32, len(raws))
        unknown = np.flatnonzero(codes == _UNKNOWN)
        if len(unknown):
            new = [raws[row] for row in unknown.tolist()]
            self._learn(list(dict.fromkeys(new)))
            codes[unknown] = [known[raw] for raw in new]
        return codes

    def _learn(self, raws: list[str | None]) -> None:
        if len(self._known) + len(raws) > _MEMO_LIMIT:
            self._known.clear()
        self._known.update(zip(raws, self._look_up([normalise(raw) if raw else "" for raw in raws]), strict=True))

    def _look_up(self, addresses: list[str]) -> list[int]:
        """§2: in our own domains a tag never counts; elsewhere the exact address goes first."""
        ours = [self._book.owns_domain_of(address) for address in addresses]
        codes = self._find(
            [untagged(address) if own else address for address, own in zip(addresses, ours, strict=True)]
        )
        tagged = [row for row, address in enumerate(addresses) if "+" in address and codes[row] == THIRD_PARTY]
        if tagged:
            for row, code in zip(tagged, self._find([untagged(addresses[row]) for row in tagged]), strict=True):
                codes[row] = code
        return [
            NOBODY if not address else min(code, OURS) if own else code
            for address, own, code in zip(addresses, ours, codes, strict=True)
        ]

    def _find(self, addresses: list[str]) -> list[int]:
        digest = self._hash
        hashes = np.frombuffer(b"".join([digest(address.encode()) for address in addresses]), HASH)
        codes: list[int] = self._book.codes(hashes).tolist()
        return codes


class _Known(dict[str | None, int]):
    def __missing__(self, raw: str | None) -> int:
        return _UNKNOWN


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
