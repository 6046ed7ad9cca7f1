"""Enrichments as they are kept: conditional writes, and one enrichment per output."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.core import blob_names
from shared.core.enrichment import Enrichment
from shared.core.errors import Conflict, Missing, StorageAway
from shared.services import enrichments
from shared.services.conditions import Condition, Outdated
from shared.services.enrichments import Entry
from tests.fakes import fake_services
from tests.triggers.world import BODY, NOW


def body(**changes):
    return Enrichment.model_validate(BODY | changes, by_alias=True, by_name=False)


def save(svc, name="sales", entries=(), people=None, condition=None, **changes):
    return enrichments.save(svc, name, body(**changes), entries, people, condition or Condition())


def later(svc, **how):
    return replace(svc, now=lambda: NOW + timedelta(**how))


def test_what_is_kept_comes_back():
    svc = fake_services(NOW)
    options = {"score": {"percentile": Decimal("0.90000000000000000001")}}
    stored, created = save(svc, entries=[Entry("a@b.example", "user", 1, 0)], people=1, options=options)

    assert created
    assert enrichments.load(svc, "sales") == stored


def test_a_replaced_enrichment_keeps_its_age_and_tells_when_it_was_saved():
    svc = fake_services(NOW)
    first, _ = save(svc)
    second, created = save(later(svc, hours=1), displayName="Other")

    assert not created
    assert second.created_us == first.created_us
    assert second.saved_us > first.saved_us


def test_what_is_not_there_is_missing():
    with pytest.raises(Missing):
        enrichments.load(fake_services(), "sales")


def test_enrichments_are_listed_by_name():
    svc = fake_services()
    for name in ("b", "a-1", "a"):
        save(svc, name, output=name.replace("-", "_"))

    assert [stored.name for stored in enrichments.list_all(svc)] == ["a", "a-1", "b"]


def test_an_output_is_one_enrichments_whatever_its_case():
    svc = fake_services(NOW)
    save(svc)
    with pytest.raises(Conflict):
        save(svc, "other", output="oFFICE")

    assert enrichments.names(svc) == ["sales"]


def test_a_claim_that_a_dead_save_left_counts_for_nothing_after_a_while():
    svc = fake_services(NOW)
    enrichments._claim(svc, "dead", "Office")

    with pytest.raises(Conflict):
        save(svc)
    assert save(later(svc, minutes=16))[1]


def test_a_save_that_fails_gives_its_output_free(monkeypatch):
    svc = fake_services(NOW)
    create = svc.storage.config.create

    def away(name, data):
        if name.startswith("enrichments/"):
            raise StorageAway("away")
        return create(name, data)

    monkeypatch.setattr(svc.storage.config, "create", away)
    with pytest.raises(StorageAway):
        save(svc)
    monkeypatch.undo()

    assert save(svc, "other")[1]


def test_of_two_writers_none_is_undone_and_one_output_stays(monkeypatch):
    """The second writer comes between the first one's read and write."""
    svc = fake_services(NOW)
    save(svc)
    replaced = svc.storage.config.replace
    calls: list[str] = []

    def in_between(name, data, etag):
        if name.startswith("enrichments/") and not calls:
            calls.append(name)
            save(svc, output="Between")
        return replaced(name, data, etag)

    monkeypatch.setattr(svc.storage.config, "replace", in_between)
    save(svc, output="Last")

    assert enrichments.load(svc, "sales").body.output == "Last"
    assert svc.storage.config.read(blob_names.output("Last")) is not None
    assert svc.storage.config.read(blob_names.output("Between")) is None
    assert svc.storage.config.read(blob_names.output("Office")) is None


@pytest.mark.parametrize(
    ("condition", "there", "good"),
    [
        (Condition(if_match="*"), True, True),
        (Condition(if_match="*"), False, False),
        (Condition(if_match='"other"'), True, False),
        (Condition(if_none_match="*"), False, True),
        (Condition(if_none_match="*"), True, False),
    ],
)
def test_conditions_are_held(condition, there, good):
    svc = fake_services(NOW)
    if there:
        save(svc)
    if good:
        save(svc, condition=condition)
    else:
        with pytest.raises(Outdated):
            save(svc, condition=condition, output="Other")
        assert svc.storage.config.read(blob_names.output("Other")) is None


def test_an_etag_that_is_listed_matches():
    svc = fake_services(NOW)
    stored, _ = save(svc)

    assert save(svc, condition=Condition(if_match=f'"x", {stored.etag}'))[1] is False


def test_what_a_run_has_resolved_is_kept_unless_the_enrichment_was_saved_anew():
    svc = fake_services(NOW)
    stored, _ = save(svc)
    enrichments.keep_resolved(svc, stored, [Entry("ada@contoso.example", "user", 1, 0)], 1)

    assert enrichments.load(svc, "sales").people == 1
    assert enrichments.load(svc, "sales").ever_resolved

    save(later(svc, seconds=1))
    enrichments.keep_resolved(svc, stored, [], 5)
    assert enrichments.load(svc, "sales").people is None
