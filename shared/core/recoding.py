"""What an earlier run has read, as it would be without the people who have been erased since (semantics §8).

Facts name people and contacts by numbers into their run's plan. Without the erased these numbers are others: a plan is
made of the plan, and the codes of the facts are exchanged. A copy in which no account has a direction any more is
*unrelated*, as it would be if it was read now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.core.addresses import AddressBook
from shared.core.columns import lists_from, rows_of, take
from shared.core.contacts import UNUSABLE, Sources, UnusableRows
from shared.core.contracts import Counts
from shared.core.erasure import Finds, Found, Tombstone, leave_people, together
from shared.core.facts import OURS, THIRD_PARTY, Contacts, MeetingCopies, MessageCopies, Ragged, contact_code
from shared.core.ledger import IN, REASONS, Ledger
from shared.core.plan import Plan
from shared.core.whose import is_contact, is_ours, is_person, people_of

UNRELATED = "Unrelated"

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recoding:
    """person: old number → new one, −1 for the erased · address: old number of a contact address → its code now."""

    person: NDArray[np.int32]
    address: NDArray[np.int32]

    def of(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """The codes that stand for the same addresses now."""
        new = codes.copy()
        people, contacts = is_person(codes), is_contact(codes)
        new[people] = -2 - self.person[people_of(codes[people])]  # of nobody listed: −1, our organisation's
        new[contacts] = self.address[codes[contacts] - 1]
        return new


@dataclass(frozen=True, slots=True)
class Recoded:
    """The plan without the erased, what becomes of codes, who was found, and its counts of rows of contacts data."""

    plan: Plan
    recoding: Recoding
    sources: Sources
    finds: Finds
    counts: Counts


def without(plan: Plan, sources: Sources, counts: Counts, tombstones: Sequence[Tombstone], key: bytes) -> Recoded:
    """counts: the plan's, by scope and reason."""
    left, people_found = leave_people(plan.people, plan.book, tombstones, key)
    contacts_found = {each.id: Found(contacts=_ids_at(each, plan, sources)) for each in tombstones}
    known = (each.contacts for each in tombstones)
    ids = frozenset[int]().union(*(found.contacts for found in contacts_found.values()), *known)
    erased, rows = _isin(sources.contact, ids), _isin(sources.unusable.contact, ids)
    contacts, stays = _leave_contacts(plan.contacts, erased)
    book = replace(left.book, contacts=plan.book.contacts[stays])
    return Recoded(
        replace(plan, people=left.people, book=book, contacts=contacts),
        Recoding(left.number, _codes_of_addresses(book, stays, sources.untagged)),
        _leave_sources(sources, stays, erased, rows),
        together(people_found, {id: found for id, found in contacts_found.items() if found.contacts}),
        counts | {"Contact": _counts_of_rows(counts.get("Contact", {}), sources, erased, rows)},
    )


def _ids_at(tombstone: Tombstone, plan: Plan, sources: Sources) -> frozenset[int]:
    """Hashes of the contact ids of all rows at the tombstone's address, usable or not."""
    at_address = _isin(plan.book.contacts, tombstone.addresses)
    contacts = plan.contacts.contact[at_address[_address_of_pairs(plan.contacts)]]
    others = sources.unusable.contact[_isin(sources.unusable.address, tombstone.addresses)]
    return frozenset([*sources.contact[contacts].tolist(), *others.tolist()])


def _isin(hashes: NDArray[np.uint64], wanted: frozenset[int]) -> Flags:
    return np.isin(hashes, np.array(sorted(wanted), np.uint64))


def _address_of_pairs(contacts: Contacts) -> NDArray[np.int64]:
    pairs = np.diff(contacts.pair_offsets)
    return np.repeat(np.arange(len(pairs)), pairs)


def _leave_contacts(contacts: Contacts, erased: Flags) -> tuple[Contacts, Flags]:
    """Without the pairs of erased contacts, numbered anew without gaps; and per address whether it has any left."""
    kept = ~erased[contacts.contact]
    pairs = np.bincount(_address_of_pairs(contacts)[kept], minlength=len(contacts.pair_offsets) - 1)
    account = contacts.account[kept]
    accounts = np.bincount(account, minlength=len(contacts.accounts)) > 0
    tops = np.bincount(contacts.top[accounts], minlength=len(contacts.tops)) > 0
    stays = pairs > 0
    left = Contacts(
        pair_offsets=np.concatenate([[0], np.cumsum(pairs[stays])]).astype(np.int64),
        account=_places(accounts)[account],
        contact=_places(~erased)[contacts.contact[kept]],
        accounts=[contacts.accounts[number] for number in np.flatnonzero(accounts)],
        top=_places(tops)[contacts.top[accounts]],
        tops=[contacts.tops[number] for number in np.flatnonzero(tops)],
    )
    return left, stays


def _places(kept: Flags) -> NDArray[np.int32]:
    """Old number → new number, of what is kept."""
    return (np.cumsum(kept) - 1).astype(np.int32)


def _codes_of_addresses(book: AddressBook, stays: Flags, untagged: NDArray[np.uint64]) -> NDArray[np.int32]:
    """An address that is no contact's any more is whose it is without its tag (§2), else a third party's."""
    codes = np.where(stays, contact_code(0) + _places(stays), THIRD_PARTY).astype(np.int32)
    tagged = ~stays & (untagged > 0)
    codes[tagged] = book.codes(untagged[tagged])
    return codes


def _leave_sources(sources: Sources, stays: Flags, erased: Flags, rows: Flags) -> Sources:
    """rows: the unusable ones of the erased."""
    other = sources.unusable
    return Sources(
        sources.untagged[stays],
        sources.contact[~erased],
        sources.used[~erased],
        sources.repeated[~erased],
        UnusableRows(other.address[~rows], other.contact[~rows], other.reason[~rows]),
    )


def _counts_of_rows(counts: dict[str, int], sources: Sources, erased: Flags, rows: Flags) -> dict[str, int]:
    """Rows of the contacts data, without those of the erased, by what became of them."""
    gone = {"Used": int(sources.used[erased].sum()), "Repeated": int(sources.repeated[erased].sum())}
    for reason, name in enumerate(UNUSABLE):
        gone[name] = int(np.count_nonzero(sources.unusable.reason[rows] == reason))
    left = {reason: count - gone.get(reason, 0) for reason, count in counts.items()}
    return {reason: count for reason, count in left.items() if count}


def messages(copies: MessageCopies, recoding: Recoding, owner: int) -> tuple[MessageCopies, Flags]:
    """The copies that are still in, under their new codes, and which ones these are. owner: the mailbox's person."""
    sender = recoding.of(copies.sender)
    recipients = _named(copies.recipients, recoding)
    to_contact = _has_contact(recipients)
    is_in = is_contact(sender) | (is_ours(sender) & to_contact)
    owners = np.full(len(sender), owner, np.int32)
    return take(replace(copies, owner=owners, sender=sender, recipients=recipients), np.flatnonzero(is_in)), is_in


def meetings(copies: MeetingCopies, recoding: Recoding, owner: int) -> tuple[MeetingCopies, Flags]:
    """As for messages."""
    organizer = recoding.of(copies.organizer)
    codes = recoding.of(copies.attendees.values)
    named = _is_somebody(codes)
    attendees = _where(copies.attendees, codes, named)
    is_in = is_contact(organizer) | _has_contact(attendees)
    owners = np.full(len(organizer), owner, np.int32)
    left = replace(copies, owner=owners, organizer=organizer, attendees=attendees, declined=copies.declined[named])
    return take(left, np.flatnonzero(is_in)), is_in


def ledger(read: Ledger, is_in: Flags) -> Ledger:
    """The ledger of the copies of which `is_in` says whether they still are, in the ledger's order."""
    verdict = read.verdict.copy()
    verdict[np.flatnonzero(verdict == IN)[~is_in]] = REASONS.index(UNRELATED) + 1
    return replace(read, verdict=verdict)


def _named(lists: Ragged, recoding: Recoding) -> Ragged:
    codes = recoding.of(lists.values)
    return _where(lists, codes, _is_somebody(codes))


def _is_somebody(codes: NDArray[np.int32]) -> Flags:
    """Facts name listed people and contacts only."""
    return (codes < OURS) | (codes > THIRD_PARTY)


def _where(lists: Ragged, values: NDArray[np.int32], kept: Flags) -> Ragged:
    return lists_from(rows_of(lists)[kept], values[kept], len(lists.offsets) - 1)


def _has_contact(lists: Ragged) -> Flags:
    found: Flags = np.bincount(rows_of(lists)[is_contact(lists.values)], minlength=len(lists.offsets) - 1) > 0
    return found
