"""The configuration: every field, every bound, every fault at its place (interfaces §2)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.core import bodies
from shared.core.enrichment import Enrichment, Options, check_name, config_hash, judge
from shared.core.errors import Invalid

MINIMAL: dict[str, Any] = {
    "addresses": ["ada@contoso.example", "bob@contoso.example"],
    "consentAgreed": True,
    "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
}


def read(raw=None, **changes) -> Enrichment:
    found, faults = judge("sales", bodies.tree(raw or json.dumps(MINIMAL | changes).encode()))
    assert faults == []
    assert found is not None
    return found


def faults(**changes):
    """Pointer → detail of each fault of the minimal body with these changes; None removes a field."""
    fields = {name: value for name, value in (MINIMAL | changes).items() if value is not ...}
    _, found = judge("sales", bodies.tree(json.dumps(fields).encode()))
    return {fault.pointer: fault.detail for fault in found}


def score(**changes):
    return {"options": {"score": changes}}


def test_what_is_left_out_has_its_default():
    body = read()

    assert (body.display_name, body.output, body.schedule, body.time_zone) == ("sales", "Office", "weekly", "UTC")
    assert (body.administrators, body.internal_domains, body.customers) == ((), (), None)
    assert body.options == Options()


def test_defaults_inside_a_part_that_is_given_are_those_of_its_place():
    floors = read(**score(floors={"month": {"breadth": 9}})).options.score.floors

    assert floors.month.model_dump() == {"email_volume": 4, "email_two_way": 2, "meetings": 2, "breadth": 9}
    assert floors.week.email_volume == 2
    assert floors.year.email_volume == 24


@pytest.mark.parametrize("name", ["addresses", "consentAgreed", "contacts"])
def test_required_fields_are_required(name):
    assert list(faults(**{name: ...})) == [f"/{name}"]


def test_contacts_are_required_whole():
    assert set(faults(contacts={})) == {
        "/contacts/blob",
        "/contacts/contactId",
        "/contacts/customerId",
        "/contacts/email",
    }


def test_name_and_parent_of_customers_are_optional():
    assert read(customers={"blob": "a.csv", "customerId": "Id"}).customers is not None
    assert list(faults(customers={"blob": "a.csv"})) == ["/customers/customerId"]


@pytest.mark.parametrize("value", [False, 1, "true", None, []])
def test_consent_is_agreed_to_by_true_alone(value):
    assert list(faults(consentAgreed=value)) == ["/consentAgreed"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"displayName": 5}, "/displayName"),
        ({"displayName": ""}, "/displayName"),
        ({"output": None}, "/output"),
        ({"output": "1Office"}, "/output"),
        ({"output": "Of-fice"}, "/output"),
        ({"output": "Office\n"}, "/output"),
        ({"output": "a" * 61}, "/output"),
        ({"administrators": "it@contoso.example"}, "/administrators"),
        ({"administrators": ["it"]}, "/administrators/0"),
        ({"addresses": []}, "/addresses"),
        ({"addresses": {"0": "ada@contoso.example"}}, "/addresses"),
        ({"addresses": ["ada@contoso.example", 5]}, "/addresses/1"),
        ({"addresses": ["ada@contoso.example", "a b@contoso.example"]}, "/addresses/1"),
        ({"addresses": ["ada@contoso.example", "ada@bob@contoso.example"]}, "/addresses/1"),
        ({"addresses": ["ada@contoso.example", "@contoso.example"]}, "/addresses/1"),
        ({"addresses": ["ada@contoso.example", "ada@con..example"]}, "/addresses/1"),
        ({"contacts": []}, "/contacts"),
        ({"contacts": MINIMAL["contacts"] | {"blob": "a\u0000b"}}, "/contacts/blob"),
        ({"contacts": MINIMAL["contacts"] | {"blob": "../enrichment-config/enrichments/sales.json"}}, "/contacts/blob"),
        ({"contacts": MINIMAL["contacts"] | {"blob": "a/./b.csv"}}, "/contacts/blob"),
        ({"customers": {"blob": "a\\..\\b.csv", "customerId": "Id"}}, "/customers/blob"),
        ({"addresses": ["ada@contoso.example", "smtp:" * 200_000 + "bob@contoso.example"]}, "/addresses/1"),
        ({"internalDomains": ["ü." * 50_000]}, "/internalDomains/0"),
        ({"timeZone": "Mars/Olympus"}, "/timeZone"),
        ({"timeZone": "europe/berlin"}, "/timeZone"),
        ({"timeZone": "../UTC"}, "/timeZone"),
        ({"internalDomains": ["a@contoso.example"]}, "/internalDomains/0"),
        ({"internalDomains": ["con toso"]}, "/internalDomains/0"),
        ({"schedule": "hourly"}, "/schedule"),
        ({"schedule": "0 2 * * *"}, "/schedule"),
        ({"schedule": "0 0 25 * * *"}, "/schedule"),
        ({"options": None}, "/options"),
        ({"options": {"maxRecipients": 0}}, "/options/maxRecipients"),
        ({"options": {"maxAttendees": True}}, "/options/maxAttendees"),
        ({"options": {"replyLimitDays": "30"}}, "/options/replyLimitDays"),
        ({"options": {"replyLimitDays": 1.5}}, "/options/replyLimitDays"),
        ({"options": {"readHeaders": 1}}, "/options/readHeaders"),
        ({"options": {"minPeople": -1}}, "/options/minPeople"),
        ({"options": {"max_recipients": 5}}, "/options/max_recipients"),
        ({"options": {"bands": {"high": 101}}}, "/options/bands/high"),
        ({"options": {"bands": {"medium": -1}}}, "/options/bands/medium"),
        ({"options": {"bands": {"high": 30}}}, "/options/bands"),
        (score(weights={"meetings": 36}), "/options/score/weights"),
        (score(weights={"meetings": -1}), "/options/score/weights/meetings"),
        (score(floors={"week": {"breadth": 0}}), "/options/score/floors/week/breadth"),
        (score(halfLifeDays=0), "/options/score/halfLifeDays"),
        (score(percentile=0), "/options/score/percentile"),
        (score(percentile=1.01), "/options/score/percentile"),
        (score(percentile="0.95"), "/options/score/percentile"),
        (score(percentile=True), "/options/score/percentile"),
        ({"display_name": "x"}, "/display_name"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_a_fault_points_to_its_place(change, pointer):
    assert list(faults(**change)) == [pointer]


@pytest.mark.parametrize(
    "change",
    [
        {"output": "a" * 60},
        {
            "addresses": [
                "Ada <ada@contoso.example>",
                "SMTP:bob+x@contoso.example",
                "eve@bücher.example",
                "o'n@x.example",
            ]
        },
        {"internalDomains": ["Sister.Example", "bücher.example"]},
        {"schedule": "0 0 2 * * MON-FRI"},
        {"schedule": "off"},
        {"timeZone": "Australia/Lord_Howe"},
        {"customers": None},
        {"options": {"bands": {"high": 0, "medium": 0}}},
        {"options": {"minPeople": 0, "maxRecipients": 1}},
        score(percentile=1),
        score(weights={"emailVolume": 100, "emailTwoWay": 0, "meetings": 0, "breadth": 0, "recency": 0}),
    ],
)
def test_what_lies_within_the_bounds_is_taken(change):
    read(**change)


def test_all_faults_come_at_once_and_repeat_no_address():
    found = faults(
        addresses=["secret@who", "not one at all"],
        administrators=["boss @contoso.example"],
        options={"minPeople": -1, "score": {"percentile": 2}},
        **{"secret@contoso.example": 1, "colour": "red"},
    )

    assert set(found) == {
        "/addresses/1",
        "/administrators/0",
        "/options/minPeople",
        "/options/score/percentile",
        "",
        "/colour",
    }
    assert "secret" not in str(found)
    assert "boss" not in str(found)


def test_the_percentile_is_what_its_decimal_text_says():
    """interfaces §2: 0 < percentile ≤ 1 (as its decimal text says)."""
    raw = json.dumps(MINIMAL | score(percentile=0.5)).replace("0.5", "0.90000000000000000001").encode()

    assert read(raw).options.score.percentile == Decimal("0.90000000000000000001")
    assert read(raw).to_json()["options"]["score"]["percentile"] == Decimal("0.90000000000000000001")


def test_a_percentile_has_a_bounded_number_of_decimals_because_it_is_reckoned_with_exactly():
    def told(text):
        raw = json.dumps(MINIMAL | score(percentile=0.5)).replace("0.5", text).encode()
        return [fault.pointer for fault in judge("sales", bodies.tree(raw))[1]]

    assert told("1e-1000") == []
    assert told("1e-1001") == told("1e-999999999") == ["/options/score/percentile"]


def test_an_address_given_twice_counts_once_where_it_is_first_named():
    body = read(addresses=["ada@contoso.example", "Ada <ADA@contoso.example>", "bob@contoso.example"])

    assert body.distinct_addresses() == ((0, "ada@contoso.example"), (2, "bob@contoso.example"))


def test_the_hash_is_of_the_whole_configuration():
    assert config_hash(read()) == config_hash(read(output="Office", schedule="weekly"))
    hashes = {
        config_hash(read(**change))
        for change in (
            {},
            {"displayName": "x"},
            {"addresses": ["ada@contoso.example"]},
            {"schedule": "off"},
            {"administrators": ["it@contoso.example"]},
            {"options": {"minPeople": 1}},
            score(percentile=0.9),
        )
    }
    assert len(hashes) == 7


def test_a_stored_configuration_reads_as_the_same_one():
    body = read(**score(percentile=0.9), customers={"blob": "a", "customerId": "b", "parent": "c"})

    assert Enrichment.model_validate(body.to_json()) == body
    assert Options.model_validate_json(body.options.model_dump_json()) == body.options
    assert Options.model_validate(body.options.model_dump(mode="json")) == body.options


@pytest.mark.parametrize("name", ["a", "sales-2", "a" * 60])
def test_good_names(name):
    check_name(name)


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a_b", "a/b", "a" * 61, "a\n", "é"])
def test_bad_names(name):
    with pytest.raises(Invalid):
        check_name(name)
