"""Publishing: all tables, then `current.json` in one conditional write (interfaces §3, §6)."""

from __future__ import annotations

import json
from typing import Any

from activities import aggregate_bucket, join_items, partition_copies, publish_results
from shared.core import blob_names
from shared.core.contracts import BucketOrder, JoinOrder, PartitionOrder, PublishOrder, Spread
from shared.core.enrichment import Options
from shared.services import runs
from tests.activities.stage import NAME, begin, contents, leave, run_id, stage
from tests.facts import AS_OF_US, DAY, address, at, contacts, meeting_copies, message_copies

BOOK = contacts([("A", "a1")], [("B", "b1")], parents={"A": "T", "B": "T"})
ONE = Spread(partitions=1, buckets=1, per_call=1)
COUNTS = {"Mailbox": {"Read": 2, "NotEnabled": 1}}


def publish(svc, run, as_of_us=AS_OF_US):
    order = PublishOrder(enrichment=NAME, run_id=run, as_of_us=as_of_us, parts=1, counts=COUNTS, days_with_items=1)
    return publish_results.run(order, svc)


def fold(svc, run):
    """Ada has written to A twice, Bob (whose mailbox is number 1) to B once."""
    leave(
        svc,
        run,
        0,
        message_copies(
            {"item": 1, "recipients": [address(0)]},
            {"item": 2, "recipients": [address(0)], "sent": at("2026-03-01T10:00")},
        ),
        meeting_copies({"attendees": [(address(1), False), (-3, False)]}),
    )
    key: dict[str, Any] = {"enrichment": NAME, "run_id": run}
    as_of: dict[str, Any] = {"as_of_us": AS_OF_US}
    partition_copies.run(PartitionOrder(**key, group=0, first=0, count=1, spread=ONE), svc)
    join_items.run(JoinOrder(**key, **as_of, call=0, groups=1, spread=ONE), svc)
    aggregate_bucket.run(BucketOrder(**key, **as_of, call=0, spread=ONE), svc)


def made(**how):
    svc, run = stage(BOOK, **how)
    fold(svc, run)
    return svc, run


def current(svc):
    data = svc.storage.output.read(blob_names.current("Office"))
    return data and json.loads(data)


def csv(svc, run, table):
    return svc.storage.output.read(blob_names.table("Office", run, table, "csv")).decode().splitlines()


def test_an_attempt_that_is_late_leaves_what_is_current_now(monkeypatch):
    """Another attempt has ended the run while this one wrote; a later result, of another `asOf` or not, stays."""
    svc, run = made()
    closing = publish_results._write

    def slowly(*args):
        written = closing(*args)
        runs.close(svc, NAME, run, {"state": "Succeeded"})
        later = {"runId": "later", "asOf": "2026-07-01T12:00:00Z"}
        svc.storage.output.write(blob_names.current("Office"), json.dumps(later).encode())
        return written

    monkeypatch.setattr(publish_results, "_write", slowly)
    publish(svc, run)

    assert current(svc)["runId"] == "later"


def test_every_table_lies_there_in_both_formats_and_current_json_names_them():
    """Interfaces §6: `current.json`: {runId, asOf, tables: [{name, rows, parquet, csv}], configHash}."""
    svc, run = made(hierarchy=True)
    published = publish(svc, run)

    snapshot = current(svc)
    assert (published.customers, published.current, published.canceled) == (2, True, False)
    assert (snapshot["runId"], snapshot["asOf"], snapshot["configHash"]) == (run, "2026-06-30T12:00:00Z", "c0ffee")
    assert {table["name"]: table["rows"] for table in snapshot["tables"]} == {
        "Office": 8,
        "Office_UserEntity": 3,
        "Office_ScoreBreakdown": 8,
        "Office_Coverage": 4,
        "Office_Hierarchy": 5,
    }
    for table in snapshot["tables"]:
        assert len(csv(svc, run, table["name"])) == table["rows"] + 1
        assert svc.storage.output.read(table["parquet"]).startswith(b"PAR1")
        assert svc.storage.output.read(table["csv"]) is not None


def test_without_a_parent_there_is_no_hierarchy_table():
    """§11: the table exists where `customers.parent` is configured."""
    svc, run = made()
    publish(svc, run)

    assert "Office_Hierarchy" not in [table["name"] for table in current(svc)["tables"]]


def test_a_cancelled_run_publishes_nothing():
    """Interfaces §3: readers see the previous result until the new one is complete."""
    svc, run = made()
    svc.storage.config.write(blob_names.run(NAME, run), json.dumps({"phase": "canceled"}).encode())

    assert publish(svc, run).canceled
    assert contents(svc.storage.output) == {}


def test_a_retry_publishes_the_same_again():
    """Interfaces §3: the same facts, configuration and `asOf` give the same bytes in every table."""
    svc, run = made(hierarchy=True)
    publish(svc, run)
    before = contents(svc.storage.output)

    assert publish(svc, run).current
    assert contents(svc.storage.output) == before


def test_a_run_with_an_older_as_of_is_kept_but_does_not_become_current():
    """Interfaces §3: a run with an older `asOf` than the current result is kept, but does not become current."""
    svc, run = made()
    publish(svc, run)
    older = run_id()
    begin(svc, older, BOOK)
    fold(svc, older)

    assert not publish(svc, older, AS_OF_US - DAY).current
    assert current(svc)["runId"] == run
    assert len(csv(svc, older, "Office")) == 9


def test_beside_a_later_result_an_older_one_without_an_erased_person_deletes_nothing():
    """§8: earlier snapshots are deleted with the recomputed one; readers are not left without any meanwhile."""
    svc, run = made()
    publish(svc, run)
    older = run_id()
    begin(svc, older, BOOK)
    runs.remember_configuration(svc, NAME, older, {}, "c0ffee", ["e1"])
    fold(svc, older)
    publish(svc, older, AS_OF_US - DAY)

    assert current(svc)["runId"] == run
    assert len(csv(svc, run, "Office")) == len(csv(svc, older, "Office"))
    assert contents(svc.storage.staging).keys() >= {blob_names.plan(NAME, run, "run.json")}


def test_what_an_enrichment_that_is_gone_has_left_under_the_outputs_name_gives_way_whatever_its_as_of():
    svc, run = made()
    left = {"runId": "20300101T000000Z", "asOf": "2030-01-01T00:00:00Z", "tables": [], "configHash": "x"}
    svc.storage.output.write(blob_names.current("Office"), json.dumps(left).encode())

    assert publish(svc, run).current
    assert current(svc)["runId"] == run


def test_a_run_with_the_same_or_a_newer_as_of_becomes_current():
    svc, run = made()
    publish(svc, run)
    for as_of_us in (AS_OF_US, AS_OF_US + DAY):
        newer = run_id()
        begin(svc, newer, BOOK)
        fold(svc, newer)

        assert publish(svc, newer, as_of_us).current
        assert current(svc)["runId"] == newer


def test_rows_with_too_few_people_are_in_no_table():
    """§8: rows left out take no part in anything that is shown; the breakdown has the keys of the table."""
    svc, run = made(hierarchy=True, options=Options(min_people=2))
    published = publish(svc, run)
    keys = [line.split(",")[0] for line in csv(svc, run, "Office")[1:]]

    # Behind A stands Ada alone, behind B Ada and Bob: of T the levels go that A lost.
    assert keys == ["B|Year", "B|Month|20260601", "B|Week|20260601"]
    assert [line.split(",")[0] for line in csv(svc, run, "Office_ScoreBreakdown")[1:]] == keys
    assert csv(svc, run, "Office_Hierarchy")[1:] == []
    assert published.customers == 1


def test_the_coverage_adds_the_days_and_the_people_are_those_listed():
    """§6: `_Coverage`: one row per scope and reason, no addresses; `_UserEntity`: one row per listed person."""
    svc, run = made()
    publish(svc, run)

    assert csv(svc, run, "Office_Coverage")[1:] == [
        f"{run},Days,WithItems,1,2026-06-30T12:00:00Z",
        f"{run},Days,WithoutItems,364,2026-06-30T12:00:00Z",
        f"{run},Mailbox,NotEnabled,1,2026-06-30T12:00:00Z",
        f"{run},Mailbox,Read,2,2026-06-30T12:00:00Z",
    ]
    assert csv(svc, run, "Office_UserEntity") == ["UserId", "ada", "bob", "cem"]


def test_a_snapshot_that_another_run_replaces_meanwhile_is_weighed_again():
    """Interfaces §6: it is replaced in one conditional write."""
    svc, run = made()
    other = run_id()
    begin(svc, other, BOOK)
    output, replace = svc.storage.output, svc.storage.output.replace
    output.write(blob_names.current("Office"), json.dumps({"runId": "a", "asOf": "2026-01-01T00:00:00Z"}).encode())

    def overtaken(name, data, etag):
        output.replace = replace
        output.write(name, json.dumps({"runId": other, "asOf": "2026-07-01T00:00:00+02:00"}).encode())
        return replace(name, data, etag)

    output.replace = overtaken
    assert not publish(svc, run).current
    assert current(svc)["runId"] == other
