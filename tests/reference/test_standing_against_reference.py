"""What the app tells readers beside the tables is what the slow reference gives, on random small organisations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import BANDS
from shared.core.enrichment import PARTS
from shared.core.standing import HIDDEN, SHOWN, Standing
from tests.reference.answers import Answers
from tests.reference.organisation import Organisation
from tests.reference.pipeline import publish_by_kernels
from tests.reference.publish import publish
from tests.reference.strategies import organisations, tried


@tried(60)
@given(org=organisations(), order=st.integers(0, 3))
def test_both_give_the_same_bands_changes_and_one_more(org: Organisation, order: int):
    """§10, with the references and masks of §7 and §8."""
    found = publish_by_kernels(org, order, partitions=3, buckets=2)

    assert found.standing is not None
    assert of_the_index(found.standing) == of_the_reference(publish(org).answers)
    check_against_table(found.standing, found.rows())


def of_the_index(standing: Standing) -> dict[str, Any]:
    told = {}
    for row, customer in enumerate(standing.ids):
        if standing.presence[row] == SHOWN:
            points, own = int(standing.change[row]), int(standing.own[row])
            change = {"points": points, "own": own, "others": points - own}
            told[customer] = (
                BANDS[standing.band[row]],
                None if standing.months_hidden[row] else change,
                dict(zip(PARTS, standing.one_more[row].tolist(), strict=True)),
            )
    return told


def of_the_reference(answers: Answers) -> dict[str, Any]:
    return {
        customer: (band, answers.changes[customer], answers.one_more[customer])
        for customer, band in answers.bands.items()
    }


def check_against_table(standing: Standing, rows: list[dict[str, Any]]) -> None:
    """§5: the sum over months is the year; what the index has of a customer is what the table has."""
    years = {row["CustomerId"]: row for row in rows if row["AggregationLevel"] == "Year"}
    for row, customer in enumerate(standing.ids):
        year = years.get(customer)
        assert (year is not None) == (standing.presence[row] == SHOWN)
        if year is None:
            assert not standing.score[row] and not standing.months[row].any() and not standing.totals[row].any()
            assert standing.presence[row] == HIDDEN or not standing.months_hidden[row]
            continue
        assert standing.score[row] == year["EngagementScore"]
        if not standing.months_hidden[row]:
            assert standing.months[row].sum(axis=1).tolist() == standing.totals[row].tolist()
        mean = standing.meeting_minutes[row]
        assert year["AverageDuration_Of_Meetings"] == (None if mean != mean else pytest.approx(mean, rel=0, abs=0))
