"""The language of `$filter`, and what it means for an entity."""

import pytest

from localdev.graph.filters import clauses, holds, parse, paths
from localdev.graph.wire import GraphError

ENTITY = {
    "name": "Ada O'Hara",
    "age": 36,
    "on": True,
    "none": None,
    "at": "2026-05-01T12:00:00Z",
    "tags": ["a", "B"],
    "from": {"emailAddress": {"address": "Ada@contoso.example"}},
}


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'ADA O''HARA'",
        "age gt 35 and age le 36",
        "age eq 36.0 or on eq true",
        "none eq null",
        "name ne null",
        "not (age eq 1)",
        "not age eq 1 and on eq true",
        "at ge 2026-05-01T14:00:00+02:00 and at lt 2026-05-01T12:00:00.0000001Z or false eq true or on eq true",
        "tags/any(t:t eq 'b')",
        "from/emailAddress/address eq 'ada@contoso.example'",
        "age in (1, 36)",
        "startswith(name,'ada') and endswith(name,'HARA') and contains(name,'o''h')",
        "age eq 1 and age eq 2 or on eq true",
        "missing ne 'x'",
    ],
)
def test_a_filter_that_holds(text):
    assert holds(parse(text), ENTITY)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'ada'",
        "none gt 1",
        "age eq '36'",
        "at gt 2026-05-01T12:00:00Z",
        "name gt 2026-05-01T12:00:00Z",
        "tags/any(t:t eq 'c')",
        "name/any(t:t eq 'c')",
        "on eq true and (age eq 1 or age eq 2)",
        "startswith(age,'3')",
        "missing eq 'x'",
    ],
)
def test_a_filter_that_does_not_hold(text):
    assert not holds(parse(text), ENTITY)


@pytest.mark.parametrize(
    "text",
    ["", "name", "name eq", "name eq 'open", "name like 'a'", "(name eq 'a'", "name eq 'a')", "name eq a", "a in ()",
     "startswith(name,1)", "name eq 'a' name", "name eq 'a';"],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(text):
    with pytest.raises(GraphError) as refused:
        parse(text)

    assert refused.value.status == 400


def test_properties_are_named_in_order_and_variables_are_none():
    assert paths(parse("b eq 1 and tags/any(t:t eq 'x') and a eq 2")) == ["b", "tags", "a"]


def test_alternatives_are_counted_across_or_and_in():
    assert clauses(parse("a eq 1 or b in (1,2,3) or tags/any(t:t eq 'x')")) == 5
