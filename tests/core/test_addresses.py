"""§2 Addresses: one spelling for each, and whose it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.core.addresses import NOBODY, AddressBook, is_complete, normalise, normalise_domain, people_index, untagged
from shared.core.facts import OURS, THIRD_PARTY, contact_code, person_code
from shared.core.hashes import ADDRESS, HASH, hasher
from tests.reference import addresses as reference

KEY = bytes(range(32))
DOMAINS = frozenset({"own.example", "xn--bcher-kva.example"})
CONTACTS = ["kim@a.example", "kim+sales@a.example", "lee@b.example", "bob+sales@elsewhere.example"]


def book(people: dict[int, list[str]] | None = None) -> AddressBook:
    """Ada is person 0, Bob person 1; the number of a contact address is its place in `CONTACTS`, by `number_of`."""
    people = people or {
        0: ["Ada@own.example", "ada+x@oldbrand.example"],
        1: ["bob@own.example", "bob@elsewhere.example"],
    }
    hashes, person = people_index(people.items(), DOMAINS, KEY)
    return AddressBook(hashes, person, np.sort(np.array([hashed(one) for one in CONTACTS], np.uint64)), DOMAINS)


def hashed(address: str) -> int:
    return int(np.frombuffer(hasher(KEY, ADDRESS)(address.encode()), HASH)[0])


def code_of(contact: str) -> int:
    return contact_code(sorted(map(hashed, CONTACTS)).index(hashed(contact)))


@pytest.mark.parametrize(
    ("raw", "spelling"),
    [
        ("  Kim@A.Example \t", "kim@a.example"),
        ("Kim Doe <kim@a.example>", "kim@a.example"),
        ('"Doe, Kim <sales>" <kim@a.example>', "kim@a.example"),
        ("<kim@a.example>", "kim@a.example"),
        ("SMTP:kim@a.example", "kim@a.example"),
        ("MailTo:kim@a.example", "kim@a.example"),
        ("Kim <smtp:kim@a.example>", "kim@a.example"),
        ("mailto: kim@a.example", "kim@a.example"),
        ("kim@a.example.", "kim@a.example"),
        ("kim@BÜCHER.example", "kim@xn--bcher-kva.example"),
        ("kim@bücher。example。", "kim@xn--bcher-kva.example"),
        ("kim@XN--BCHER-KVA.example", "kim@xn--bcher-kva.example"),
        ("kim@xn--bcher-kva.example.", "kim@xn--bcher-kva.example"),
        ("rene\u0301@a.example", "ren\u00e9@a.example"),
        ("STRASSE@straße.example", "strasse@strasse.example"),
        ("straße@a.example", "strasse@a.example"),
        ("\u03aa\u0301@a.example", "\u0390@a.example"),
        ("p@" + "ü" * 70 + ".example", "p@" + "ü" * 70 + ".example"),
        ("p@snow_☃.example.", "p@snow_☃.example"),
        ("kim+sales@a.example", "kim+sales@a.example"),
        ("/O=ExchangeLabs/CN=Kim", "/o=exchangelabs/cn=kim"),
        ("", ""),
        ("  <> ", ""),
        ("SMTP:", ""),
    ],
)
def test_an_address_has_one_spelling(raw, spelling):
    """§2: trim; drop a display name and prefixes; NFC, full casefold, NFC again; domain to its A-label."""
    assert normalise(raw) == spelling


LABELS = st.text("abcXYZ019-_", min_size=1, max_size=8)
PLAIN = st.builds("{}@{}.{}".format, st.text("abXZ09.+'-", min_size=1), LABELS, LABELS)
WRAPPED = st.one_of(
    PLAIN,
    PLAIN.map("  {}\n".format),
    PLAIN.map("Some One <{}>".format),
    PLAIN.map("SMTP:{}".format),
    PLAIN.map("mailto:{}".format),
    PLAIN.map("{}.".format),
    st.builds("{}@{}.é".format, LABELS, LABELS),
)


@given(WRAPPED)
def test_the_short_way_for_plain_addresses_ends_where_the_long_one_does(raw):
    assert normalise(raw) == reference.normalise(raw)


@given(st.one_of(st.text(max_size=30), WRAPPED, st.builds("{}@{}".format, st.text(max_size=8), st.text(max_size=12))))
@example("a@b .")
@example("Name <mailto:<SMTP:a@b.>.>")
def test_normalising_twice_changes_nothing(raw):
    assert normalise(normalise(raw)) == normalise(raw)


def test_domains_are_spelt_as_behind_the_at():
    assert [normalise_domain(text) for text in (" Sister.Example ", "bücher.example.", "")] == [
        "sister.example",
        "xn--bcher-kva.example",
        "",
    ]


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("kim+a+b@a.example", "kim@a.example"),
        ("+41@a.example", "+41@a.example"),
        ("+41+x@a.example", "+41+x@a.example"),
        ("kim@a+b.example", "kim@a+b.example"),
        ("kim", "kim"),
    ],
)
def test_a_tag_begins_at_the_first_plus_unless_nothing_is_left(address, plain):
    """§2: from the first `+`, unless nothing would be left before it."""
    assert untagged(address) == plain


@pytest.mark.parametrize(("address", "whole"), [("a@b", True), ("@b", False), ("a@", False), ("a", False), ("", False)])
def test_a_contact_needs_a_local_part_and_a_domain(address, whole):
    """§6: Incomplete is what is no `local@domain`."""
    assert is_complete(address) is whole


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("ADA@own.example", person_code(0)),
        ("ada+news@own.example", person_code(0)),
        ("Bob <bob@elsewhere.example>", person_code(1)),
        ("bob+news@elsewhere.example", person_code(1)),
        ("ada+x@oldbrand.example", person_code(0)),
        ("ada@oldbrand.example", THIRD_PARTY),
        ("colleague@own.example", OURS),
        ("colleague+kim@bücher.example", OURS),
        ("kim@sub.own.example", THIRD_PARTY),
        ("own.example", THIRD_PARTY),
        ("KIM@a.example", "kim@a.example"),
        ("kim+sales@a.example", "kim+sales@a.example"),
        ("kim+other@a.example", "kim@a.example"),
        ("lee+x@b.example", "lee@b.example"),
        ("bob+sales@elsewhere.example", "bob+sales@elsewhere.example"),
        ("zoe@third.example", THIRD_PARTY),
        ("", NOBODY),
        (" <> ", NOBODY),
        (None, NOBODY),
    ],
)
def test_whose_address_it_is(raw, code):
    """§1, §2: tags never count in our own domains; elsewhere the exact address is tried first, then without the tag."""
    reader = book().reader(KEY)
    wanted = code_of(code) if isinstance(code, str) else code

    assert [reader[raw], reader[raw]] == [wanted, wanted]


def test_many_addresses_at_once_are_whose_each_is_by_itself():
    """§2; new ones, known ones and repeated ones stand beside each other."""
    raws = ["ada@own.example", "KIM@a.example", "kim+other@a.example", "desk+x@own.example", None, "zoe@third.example"]
    reader = book().reader(KEY)
    wanted = [book().reader(KEY)[raw] for raw in raws]

    assert reader.codes(raws[:2]).tolist() == wanted[:2]
    assert reader.codes([*raws, *raws]).tolist() == wanted + wanted
    assert reader.codes([]).tolist() == []


def test_an_address_of_two_users_stands_for_the_smaller_directory_id():
    """§2; people are numbered in the order of their directory ids."""
    reader = book({1: ["desk@own.example"], 0: ["desk+x@own.example"]}).reader(KEY)

    assert reader["desk@own.example"] == person_code(0)


def test_another_key_finds_nobody():
    assert book().reader(bytes(32))["bob@elsewhere.example"] == THIRD_PARTY


def test_a_reader_forgets_rather_than_grow_without_end(monkeypatch):
    monkeypatch.setattr("shared.core.addresses._MEMO_LIMIT", 3)
    reader: Any = book().reader(KEY)

    codes = [reader[f"{name}@own.example"] for name in ("ada", "bob", "c", "d", "e", "ada")]

    assert codes == [person_code(0), person_code(1), OURS, OURS, OURS, person_code(0)]
    assert len(reader) <= 3
