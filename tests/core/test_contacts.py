"""§1, §2, §6: which rows of the contacts data are account contacts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from shared.core import hierarchy
from shared.core.addresses import AddressBook, people_index
from shared.core.contacts import ContactRows, ReadContacts, read
from shared.core.facts import THIRD_PARTY

KEY = bytes(range(32))
DOMAINS = frozenset({"own.example"})


def own() -> AddressBook:
    hashes, person = people_index([(0, ["ada@own.example", "ada@oldbrand.example"])], DOMAINS, KEY)
    return AddressBook(hashes, person, np.array([], np.uint64), DOMAINS)


def judged(*rows: tuple[str, str, str], **more: Any) -> ReadContacts:
    """(contact id, customer id, email) of each row."""
    columns = [pa.chunked_array([list(column)], pa.string()) for column in zip(*rows, strict=True)]
    return read(ContactRows(*columns), own(), KEY, **more)


def pairs_of(found: ReadContacts, address: str) -> set[tuple[str, int]]:
    """(customer id, contact number) of each account contact with this address."""
    number = found.book.reader(KEY)[address] - 1
    rows = range(found.contacts.pair_offsets[number], found.contacts.pair_offsets[number + 1])
    return {(found.contacts.accounts[found.contacts.account[row]], int(found.contacts.contact[row])) for row in rows}


def test_each_row_has_the_first_reason_that_applies():
    """§6: Incomplete, OwnOrganisation, Repeated, Used."""
    found = judged(
        ("K1", "A", "kim@a.example"),
        ("K2", " ", "lee@a.example"),
        ("K3", "A", "lee"),
        ("K4", "A", "@a.example"),
        ("K5", "", "ada@own.example"),
        ("K6", "A", "Anybody+x@OWN.example"),
        ("K7", "A", "ada@oldbrand.example"),
        (" K1 ", " A ", "SMTP:KIM@a.example."),
        ("K1", "A", "kim@a.example"),
        ("K1", "B", "kim@a.example"),
    )

    assert found.counts == {"Incomplete": 4, "OwnOrganisation": 2, "Repeated": 2, "Used": 2}


def test_our_own_addresses_are_never_contacts():
    """§1: an address that belongs to O is never an account contact; a subdomain counts only if it is itself listed."""
    found = judged(("K1", "A", "ada@oldbrand.example"), ("K2", "A", "kim@sub.own.example"))

    assert found.counts == {"OwnOrganisation": 1, "Used": 1}
    assert found.contacts.pair_offsets.tolist() == [0, 1]


def test_ids_are_text_trimmed_and_case_sensitive():
    """§1: `007`, `NA`, `1E5` stay text."""
    found = judged(("1E5", " 007 ", "a@x.example"), ("1e5", "7", "b@x.example"), ("NA", "NA", "c@x.example"))

    assert found.contacts.accounts == ["007", "7", "NA"]
    assert len(set(found.contacts.contact.tolist())) == 3


def test_accounts_are_sorted_by_code_point():
    found = judged(*(("K", customer, "k@x.example") for customer in ("b", "\U0001f600", "a", "Z", "\ufb01", "é")))

    assert found.contacts.accounts == ["Z", "a", "b", "é", "\ufb01", "\U0001f600"]


def test_where_the_contact_id_is_blank_the_address_stands_for_it():
    """§1: two rows without an id are two contacts, the same address twice is one."""
    found = judged(
        ("", "A", "kim@a.example"),
        (" ", "A", "lee@a.example"),
        ("", "B", "KIM@a.example"),
        ("kim@a.example", "C", "lee@a.example"),
    )
    ((_, kim),) = {pair for pair in pairs_of(found, "kim@a.example") if pair[0] == "A"}

    assert found.counts == {"Used": 4}
    assert pairs_of(found, "kim@a.example") == {("A", kim), ("B", kim)}
    assert ("C", kim) in pairs_of(found, "lee@a.example")
    assert ("A", kim) not in pairs_of(found, "lee@a.example")


def test_a_blank_contact_id_and_the_address_itself_are_one_contact():
    """§6: the values differ, so neither row is Repeated; §2: people of an account are counted by contact id."""
    found = judged(("", "A", "kim@a.example"), ("kim@a.example", "A", "kim@a.example"))

    assert found.counts == {"Used": 2}
    assert len(pairs_of(found, "kim@a.example")) == 1


def test_a_contact_of_several_accounts_belongs_to_each():
    """§2: counts once in each of them; two contact ids with one address are two contacts."""
    found = judged(("K1", "A", "kim@a.example"), ("K1", "B", "kim@a.example"), ("K2", "A", "kim@a.example"))
    pairs = pairs_of(found, "kim@a.example")

    assert sorted(account for account, _ in pairs) == ["A", "A", "B"]
    assert len({contact for _, contact in pairs}) == 2


def test_contact_rows_lose_tags_in_our_own_domains_only():
    """§2: elsewhere a tagged address is another one."""
    found = judged(("K1", "A", "kim+sales@a.example"))

    assert found.book.reader(KEY)["kim@a.example"] == THIRD_PARTY
    assert len(pairs_of(found, "kim+sales@a.example")) == 1


def test_tops_replace_customers_where_there_is_a_hierarchy():
    """§11: one whose customer has no row in the customers data is its own top."""
    tree = hierarchy.build([("leaf", "top"), ("top", "")])
    rows = [("K1", customer, "kim@a.example") for customer in ("leaf", "stray", "other")]
    with_tops, without = judged(*rows, hierarchy=tree).contacts, judged(*rows).contacts

    assert [with_tops.tops[top] for top in with_tops.top] == ["top", "other", "stray"]
    assert with_tops.tops == ["other", "stray", "top"]
    assert [without.tops[top] for top in without.top] == without.accounts == without.tops


def test_nothing_usable_is_an_empty_book():
    found = judged(("K1", "A", "nobody"))

    assert (found.counts, len(found.book.contacts), found.contacts.accounts) == ({"Incomplete": 1}, 0, [])
    assert found.contacts.pair_offsets.tolist() == [0]


def test_rows_of_many_chunks_are_one_table():
    half = [f"k{number}@a.example" for number in range(70_000)]
    column = pa.chunked_array([half, half], pa.string())
    customers = pa.chunked_array([["A"] * 140_000], pa.string())

    found = read(ContactRows(column, customers, column), own(), KEY)

    assert found.counts == {"Used": 70_000, "Repeated": 70_000}


def test_the_order_of_the_rows_does_not_matter():
    """A rerun builds on what was read only under the same numbers: a file sorted otherwise must not change them."""
    rows = [
        ("K2", "B", "kim@a.example"),
        ("", "A", "lee@a.example"),
        ("K1", "C", "kim@a.example"),
        ("K2", "A", "mo@c.ex"),
    ]
    one, other = judged(*rows), judged(*reversed(rows))

    assert one.contacts.contact.tolist() == other.contacts.contact.tolist()
    assert one.contacts.account.tolist() == other.contacts.account.tolist()
    assert one.sources.contact.tolist() == other.sources.contact.tolist()
