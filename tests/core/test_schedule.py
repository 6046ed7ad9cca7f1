"""When an enrichment is due (interfaces §2, Schedule)."""

from datetime import UTC, datetime

import pytest

from shared.core.schedule import due_slot, next_run


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        ("daily", "UTC", "2026-11-25T02:00:00Z"),
        ("weekly", "Europe/Berlin", "2026-11-30T01:00:00Z"),
        ("0 30 9 1 * *", "America/New_York", "2026-12-01T14:30:00Z"),
    ],
)
def test_slots_are_on_the_clock_of_the_enrichments_zone(schedule, zone, expected):
    assert next_run(schedule, zone, at("2026-11-24T12:00:00Z")) == at(expected)


def test_a_schedule_that_is_off_has_no_slots():
    assert next_run("off", "UTC", at("2026-11-24T12:00:00Z")) is None
    assert due_slot("off", "UTC", at("2020-01-01T00:00:00Z"), at("2026-11-24T12:00:00Z")) is None


def test_of_missed_slots_only_the_latest_is_due():
    due = due_slot("daily", "UTC", at("2026-11-20T12:00:00Z"), at("2026-11-24T12:00:00Z"))

    assert due == at("2026-11-24T02:00:00Z")


def test_a_slot_that_was_dealt_with_is_not_due_again():
    assert due_slot("daily", "UTC", at("2026-11-24T02:00:00Z"), at("2026-11-24T12:00:00Z")) is None


def test_what_passed_before_saving_was_no_slot():
    assert due_slot("weekly", "UTC", at("2026-11-24T11:00:00Z"), at("2026-11-24T12:00:00Z")) is None
