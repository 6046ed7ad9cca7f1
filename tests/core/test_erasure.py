"""Whom a tombstone stands for, and what is left without them (semantics §8)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shared.core.addresses import AddressBook, people_index
from shared.core.contacts import ContactRows, read
from shared.core.erasure import Tombstone, bury, key_id, leave_people, leave_rows
from shared.core.facts import OURS, THIRD_PARTY, person_code
from shared.core.hashes import ADDRESS, hasher

KEY, ANOTHER_KEY = bytes(range(32)), bytes(32)
DOMAINS = frozenset({"own.example"})
PEOPLE = {
    "a-ada": ("ada@own.example", "ada@brand.example", "desk@own.example"),
    "b-bob": ("bob@own.example", "bob+list@brand.example", "desk@own.example"),
    "c-cem": ("cem@own.example", "bob@brand.example"),
}
ROWS = (
    ("K1", "A", "kim@a.example"),
    ("K1", "B", "kim@home.example"),
    ("K2", "A", "kim+news@a.example"),
    ("K3", "A", "Lou <LOU+x@a.example>"),
    ("", "C", "max@c.example"),
    ("max@c.example", "C", "other@c.example"),
    ("K4", "", "kim@a.example"),
    ("K4", "D", "nia@d.example"),
    ("K5", "E", "ada+crm@own.example"),
    ("K5", "E", "eve@e.example"),
    ("", "", ""),
)


def book() -> AddressBook:
    hashes, numbers = people_index(enumerate(PEOPLE.values()), DOMAINS, KEY)
    return AddressBook(hashes, numbers, np.zeros(0, np.uint64), DOMAINS)


def contact_rows(rows: tuple[tuple[str, str, str], ...] = ROWS) -> ContactRows:
    return ContactRows(*(pa.chunked_array([list(column)], pa.string()) for column in zip(*rows, strict=True)))


def listed(*addresses: str) -> list[str]:
    """Who is still listed once these are erased."""
    return leave_people(list(PEOPLE), book(), [bury(each, each, KEY) for each in addresses], KEY)[0].people


def left(*addresses: str) -> set[str]:
    """The addresses of the rows that still exist."""
    rows, _ = leave_rows(contact_rows(), book(), [bury(each, each, KEY) for each in addresses], KEY)
    emails: list[str] = rows.email.to_pylist()  # type: ignore[assignment]
    return set(emails)


@pytest.mark.parametrize(
    ("address", "gone"),
    [
        ("ADA <Ada@Own.Example>", "a-ada"),
        ("ada+anything@own.example", "a-ada"),
        ("ada@brand.example", "a-ada"),
        ("bob+list@brand.example", "b-bob"),
        ("bob+other@brand.example", "c-cem"),
        ("desk@own.example", "a-ada"),
    ],
)
def test_one_of_ours_leaves_the_listed_people(address: str, gone: str):
    """§8: leaves M. §2: a tag never counts in our own domains; elsewhere the exact address goes first; an address that
    two users have stands for the smaller directory id.
    """
    assert listed(address) == [person for person in PEOPLE if person != gone]


def test_nobody_leaves_where_nobody_has_the_address():
    assert listed("zoe@own.example", "ada+x@brand.example.org") == list(PEOPLE)


def test_the_addresses_of_the_erased_stay_in_our_organisation_as_nobodys():
    """§8: "counts nowhere as a person", "the address stays in O"; one that another has too does not become theirs."""
    people, _ = leave_people(list(PEOPLE), book(), [bury("e", "ada@own.example", KEY)], KEY)
    codes = people.book.reader(KEY)

    assert [codes[each] for each in PEOPLE["a-ada"]] == [OURS, OURS, OURS]
    assert people.book.is_ours("ada@brand.example", hasher(KEY, ADDRESS)(b"ada@brand.example"))
    assert codes["bob@own.example"] == person_code(0)
    assert codes["someone@brand.example"] == THIRD_PARTY
    assert people.number.tolist() == [-1, 0, 1]


def test_whoever_was_found_is_recognised_by_directory_id_when_the_address_has_changed():
    _, finds = leave_people(list(PEOPLE), book(), [bury("e", "ada@own.example", KEY)], KEY)
    known = Tombstone("e", key_id(KEY), 1, 2, people=finds["e"].people)

    assert leave_people(list(PEOPLE), book(), [known], KEY)[0].people == ["b-bob", "c-cem"]


def test_a_second_look_does_not_take_the_next_person_with_the_address():
    """The book that knows an erased person's addresses as nobody's is what a later erasure starts from."""
    first, _ = leave_people(list(PEOPLE), book(), [bury("e", "desk@own.example", KEY)], KEY)
    second, finds = leave_people(first.people, first.book, [bury("e", "desk@own.example", KEY)], KEY)

    assert second.people == ["b-bob", "c-cem"]
    assert finds == {}


@pytest.mark.parametrize(
    ("address", "stands"),
    [
        # Every contact with a row at this address, with all its rows: K1 at home too, K4 whose row there is unusable.
        (
            "kim@a.example",
            {"kim+news@a.example", "LOU+x", "max@c.example", "other@c.example", "eve@e.example", "ada+crm"},
        ),
        # At its untagged form too; a row with another tag stands.
        ("kim+sale@a.example", {"kim+news@a.example", "LOU+x", "max@c.example", "other@c.example", "eve", "ada+crm"}),
        ("kim+news@a.example", {"LOU+x", "max@c.example", "other@c.example", "eve@e.example", "ada+crm"}),
        ("lou@a.example", None),
        ("lou+X@A.Example", {"kim", "nia", "max@c.example", "other@c.example", "eve@e.example", "ada+crm"}),
        # Where the id is blank the address stands for it, and one that spells it is the same contact.
        ("max@c.example", {"kim", "LOU+x", "nia", "eve@e.example", "ada+crm"}),
        # A row that is our own says whose the other rows are.
        ("ada@own.example", {"kim", "LOU+x", "nia", "max@c.example", "other@c.example"}),
    ],
)
def test_every_contact_at_the_address_or_its_untagged_form_does_not_exist(address: str, stands: set[str] | None):
    everything = {email for _, _, email in ROWS}
    wanted = everything if stands is None else {each for each in everything if any(part in each for part in stands)}

    assert left(address) == wanted | {""}


def test_a_contact_that_was_found_stays_away_with_a_new_address():
    _, finds = leave_rows(contact_rows(), book(), [bury("e", "kim@a.example", KEY)], KEY)
    known = Tombstone("e", key_id(KEY), 1, 2, contacts=finds["e"].contacts)
    moved = contact_rows((("K1", "A", "kim@new.example"), ("k1", "A", "ken@new.example"), ("K2", "A", "kit@a.example")))
    rows, _ = leave_rows(moved, book(), [known], KEY)

    assert rows.email.to_pylist() == ["ken@new.example", "kit@a.example"]


def test_rows_of_the_erased_are_not_counted_for_any_reason():
    """§8: they do not exist; of the coverage's scope Contact too."""
    rows, _ = leave_rows(contact_rows(), book(), [bury("e", "kim@a.example", KEY)], KEY)

    assert read(contact_rows(), book(), KEY).counts == {"Incomplete": 2, "OwnOrganisation": 1, "Used": 8}
    assert read(rows, book(), KEY).counts == {"Incomplete": 1, "OwnOrganisation": 1, "Used": 5}


def test_a_tombstone_knows_nobody_under_another_key():
    tombstone = bury("e", "kim@a.example", ANOTHER_KEY)

    assert tombstone.key != key_id(KEY)
    assert leave_rows(contact_rows(), book(), [tombstone], KEY)[1] == {}
    assert KEY.hex() not in key_id(KEY)
