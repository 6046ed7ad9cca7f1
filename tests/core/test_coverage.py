"""The coverage's rows (semantics §6)."""

from __future__ import annotations

from shared.core.coverage import rows


def test_rows_are_sorted_by_scope_and_reason_and_none_is_empty():
    """§6: one row per scope and reason that occurred, sorted by both; the days add up to the window."""
    counts = {"Message": {"Draft": 2, "Counted": 5, "Folder": 0}, "Contact": {"Used": 1}, "Hierarchy": {}}

    assert rows(counts, 360) == [
        ("Contact", "Used", 1),
        ("Days", "WithItems", 360),
        ("Days", "WithoutItems", 5),
        ("Message", "Counted", 5),
        ("Message", "Draft", 2),
    ]


def test_a_window_full_of_items_has_no_day_without():
    assert rows({}, 365) == [("Days", "WithItems", 365)]
