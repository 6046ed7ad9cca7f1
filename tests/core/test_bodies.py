"""From the bytes of a body to a tree: what is no JSON object is told so (interfaces §1)."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest

from shared.core import bodies
from shared.core.errors import Invalid


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1}x',
        b"{'a':1}",
        b"\xff\xfe{\x00}\x00",
        b"[" * 200_000,
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":1e99999999999999999999}',
        b'{"a":1e-99999999999999999999}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda raw: raw[:12],
)
def test_what_is_no_json_object_is_refused_as_a_whole(raw):
    with pytest.raises(Invalid) as caught:
        bodies.tree(raw)

    assert [fault.pointer for fault in caught.value.faults] == [""]


def test_fields_given_twice_are_faults_at_their_places():
    with pytest.raises(Invalid) as caught:
        bodies.tree(b'{"a":{"b":1,"b":2},"c":[{"d":1,"d":1}],"x@y.example":1,"x@y.example":1}')

    assert [fault.pointer for fault in caught.value.faults] == ["", "/a/b", "/c/0/d"]
    assert "@" not in str([fault.detail for fault in caught.value.faults])


def test_a_field_among_very_many_may_be_given_twice():
    raw = b'{"a0":1,' + b",".join(b'"a%d":1' % number for number in range(70_000)) + b"}"

    with pytest.raises(Invalid) as caught:
        bodies.tree(raw)

    assert [fault.pointer for fault in caught.value.faults] == ["/a0"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_body_is_taken_or_refused_however_deep_it_is(opening):
    closing = b"]" if opening == b"[" else b"}"
    for depth in range(800, 1_100):
        with suppress(Invalid):
            bodies.tree(b'{"a":' + opening * depth + b"1" + closing * depth + b"}")


def test_half_a_character_is_a_fault():
    with pytest.raises(Invalid) as caught:
        bodies.tree(b'{"a":["ok","\\ud800"],"\\udc00":1,"smile":"\\ud83d\\ude00"}')

    assert [fault.pointer for fault in caught.value.faults] == ["", "/a/1"]


def test_a_pointer_passes_through_no_field_that_is_called_like_an_address():
    """interfaces §1: error bodies name an address by where it stands, never by itself."""
    with pytest.raises(Invalid) as caught:
        bodies.tree(b'{"a":{"zoe@x.example":{"b":"\\ud800","c":1,"c":2}}}')

    assert [fault.pointer for fault in caught.value.faults] == ["/a", "/a"]


def test_a_mark_at_the_beginning_is_nothing():
    assert bodies.tree(b'\xef\xbb\xbf{"a":0.10}') == {"a": Decimal("0.10")}


def test_a_body_of_a_megabyte_is_taken_and_a_byte_more_is_413():
    largest = b'{"a":1}' + b" " * (1_048_576 - 7)

    assert bodies.tree(largest) == {"a": 1}
    with pytest.raises(bodies.TooLarge) as caught:
        bodies.tree(largest + b" ")
    assert caught.value.status == 413
