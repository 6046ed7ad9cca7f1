"""Figures → scores → tables → one conditional write: from then on readers see this run's result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names, coverage
from shared.core.contracts import Published, PublishOrder
from shared.core.errors import without_values
from shared.services import Services, enrichments, runs, services, snapshots

if TYPE_CHECKING:
    import pandas as pd

    from shared.core.figures import Figures
    from shared.core.plan import Plan

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def publish_results(payload: dict) -> dict:
    with without_values("publish_results"):
        return run(PublishOrder.from_wire(payload), services()).to_wire()


def run(order: PublishOrder, svc: Services) -> Published:
    """A run that was cancelled publishes nothing; one with an older `asOf` than the current result stays beside it."""
    from shared.adapters.plan_files import load_plan
    from shared.core.periods import LEVELS

    plan = load_plan(svc.storage.staging, order.enrichment, order.run_id)
    # The output that the enrichment has now: the one it had at the start may be another enrichment's by now.
    name = enrichments.load(svc, order.enrichment).body.output
    shown = _shown(order, svc, plan)
    frames = _frames(order, name, plan, *shown)
    if not runs.begin_publishing(svc, order.enrichment, order.run_id):
        return Published(canceled=True)
    output = svc.storage.output
    tables = snapshots.write_tables(output, name, order.run_id, frames)
    config_hash = runs.record_of(svc, order.enrichment, order.run_id)["configHash"]
    current = snapshots.make_current(output, name, order.run_id, order.as_of_us, tables, config_hash)
    customers = int((shown[0].level == LEVELS.index("Year")).sum())
    return Published(customers=customers, current=current)


def _shown(order: PublishOrder, svc: Services, plan: Plan) -> tuple[Figures, Figures | None]:
    """The figures of accounts and, where there is a hierarchy, of tops, that `min_people` lets through, as sorted."""
    from shared.core import privacy

    figures = _read(order, svc, "accounts")
    min_people, top = plan.options.min_people, plan.contacts.top
    hidden = privacy.hidden_levels(figures, min_people, len(plan.contacts.accounts))
    if not plan.hierarchy:
        return privacy.shown(figures, hidden), None
    of_tops = _read(order, svc, "tops")
    hidden_tops = privacy.hidden_levels_of_tops(of_tops, min_people, hidden, top)
    return privacy.shown(figures, hidden), privacy.shown(of_tops, hidden_tops)


def _read(order: PublishOrder, svc: Services, table: str) -> Figures:
    """All buckets' figures, sorted by customer, level and period."""
    import numpy as np

    from shared.adapters import fact_files
    from shared.core.columns import take
    from shared.core.figures import Figures

    names = [blob_names.figures(order.enrichment, order.run_id, number, table) for number in range(order.buckets)]
    figures = fact_files.read_all(svc.storage.staging, Figures, names)
    return take(figures, np.lexsort((figures.period, figures.level, figures.account)))


def _frames(
    order: PublishOrder, name: str, plan: Plan, figures: Figures, of_tops: Figures | None
) -> dict[str, Callable[[], pd.DataFrame]]:
    """The tables by their names (semantics §6, §11)."""
    from shared.adapters import published
    from shared.core.score import scores

    window, ids = plan.window, plan.contacts.accounts
    scored = scores(figures, plan.options.score, window)
    counted = coverage.rows(order.counts, order.days_with_items)
    frames = {
        name: lambda: published.engagement(figures, scored, ids, window),
        f"{name}_UserEntity": lambda: published.people(plan.people),
        f"{name}_ScoreBreakdown": lambda: published.breakdown(figures, scored, ids, window),
        f"{name}_Coverage": lambda: published.coverage(counted, order.run_id, order.as_of_us),
    }
    if of_tops is not None:
        tops = scores(of_tops, plan.options.score, window)
        frames[f"{name}_Hierarchy"] = lambda: published.engagement(of_tops, tops, plan.contacts.tops, window)
    return frames
