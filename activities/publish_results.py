"""Figures → scores → tables → one conditional write: from then on readers see this run's result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df

from shared.core import blob_names, coverage
from shared.core.contracts import Published, PublishOrder
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from shared.core.figures import Figures
    from shared.core.periods import Window
    from shared.core.plan import Plan
    from shared.core.score import Scores
    from shared.services import snapshots

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def publish_results(payload: dict) -> dict:
    with answering("publish_results") as answer:
        answer.wire = run(PublishOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: PublishOrder, svc: Services) -> Published:
    """A run that was cancelled publishes nothing; one with an older `asOf` than the current result stays beside it."""
    from shared.adapters.plan_files import load_plan
    from shared.core import privacy
    from shared.core.periods import LEVELS
    from shared.services import enrichments, erasing, history, runs, snapshots

    plan = load_plan(svc.storage.staging, order.enrichment, order.run_id)
    # The output that the enrichment has now: the one it had at the start may be another enrichment's by now.
    name = enrichments.load(svc, order.enrichment).body.output
    figures = _read(order, svc, "accounts")
    hidden = privacy.hidden_levels(figures, plan.options.min_people, len(plan.contacts.accounts))
    shown = privacy.shown(figures, hidden)
    customers = int((shown.level == LEVELS.index("Year")).sum())
    frames = _account_tables(order, name, plan, shown)
    index = _index(order, plan, shown, hidden)
    del figures, shown  # they live as long as their tables are written; then come those of the tops
    if not runs.begin_publishing(svc, order.enrichment, order.run_id):
        return Published(canceled=True)
    if plan.hierarchy:
        frames = chain(frames, _top_tables(order, svc, name, plan, hidden))
    tables = snapshots.write_tables(svc.storage.output, name, order.run_id, frames)
    snapshots.write_index(svc.storage.output, name, order.run_id, index)
    config_hash = runs.record_of(svc, order.enrichment, order.run_id)["configHash"]
    current = snapshots.make_current(
        svc.storage.output,
        name,
        order.run_id,
        order.as_of_us,
        tables,
        config_hash,
        is_ours=lambda run_id: runs.find(svc, order.enrichment, run_id) is not None,
    )
    history.note(svc, order.enrichment, history.Publication(order.as_of_us, order.run_id, name, customers))
    if current:  # beside a later result, that one and its facts are left to what will take its place
        erasing.published(svc, enrichments.load(svc, order.enrichment), order.run_id)
    return Published(customers=customers, current=current)


def _read(order: PublishOrder, svc: Services, table: str) -> Figures:
    """All buckets' figures, sorted by customer, level and period."""
    import numpy as np

    from shared.adapters import fact_files
    from shared.core.columns import take
    from shared.core.figures import Figures
    from shared.core.periods import DAYS, LEVELS

    names = [blob_names.figures(order.enrichment, order.run_id, number, table) for number in range(order.buckets)]
    figures = fact_files.read_all(svc.storage.staging, Figures, names)
    key = (figures.account.astype(np.int64) * len(LEVELS) + figures.level) * DAYS + figures.period
    return take(figures, np.argsort(key))


def _account_tables(
    order: PublishOrder, name: str, plan: Plan, figures: Figures
) -> Iterator[tuple[str, Iterable[pd.DataFrame]]]:
    """The tables that every run publishes, by their names (semantics §6)."""
    from shared.adapters import published

    ids = published.names(plan.contacts.accounts)
    counted = _coverage(order)
    yield name, _scored(published.engagement, figures, plan, ids)
    yield f"{name}_UserEntity", [published.people(plan.people)]
    yield f"{name}_ScoreBreakdown", _scored(published.breakdown, figures, plan, ids)
    yield f"{name}_Coverage", [published.coverage(counted, order.run_id, order.as_of_us)]


def _coverage(order: PublishOrder) -> list[coverage.CoverageRow]:
    return coverage.rows(order.counts, order.days_with_items)


def _index(order: PublishOrder, plan: Plan, shown: Figures, hidden: NDArray[np.bool_]) -> snapshots.Index:
    """What cards, lists and segments are answered from. shown: the rows that `hidden` leaves."""
    from shared.adapters import published, standing_files
    from shared.core.score import references_of, scores
    from shared.core.standing import about_result, latest, stand
    from shared.services import snapshots

    references = references_of(shown, plan.options.score)
    about = about_result(order.run_id, plan.window, _coverage(order), references, plan.options)
    accounts = plan.contacts.accounts
    standing = stand(shown, hidden, references, accounts, plan.customers, plan.options, about)
    newest = latest(shown, plan.window)
    scored = scores(newest, references, plan.options.score, plan.window)
    rows = published.engagement(newest, scored, published.names(accounts), plan.window)
    return snapshots.Index(standing_files.write(standing), published.files([rows]).parquet)


def _top_tables(
    order: PublishOrder, svc: Services, name: str, plan: Plan, hidden: NDArray[np.bool_]
) -> Iterator[tuple[str, Iterable[pd.DataFrame]]]:
    """The table of topmost customers (semantics §11). hidden: which levels of which accounts are left out."""
    from shared.adapters import published
    from shared.core import privacy

    figures = _read(order, svc, "tops")
    hidden_tops = privacy.hidden_levels_of_tops(figures, plan.options.min_people, hidden, plan.contacts.top)
    shown = privacy.shown(figures, hidden_tops)
    yield f"{name}_Hierarchy", _scored(published.engagement, shown, plan, published.names(plan.contacts.tops))


def _scored(
    frame: Callable[[Figures, Scores, Any, Window], pd.DataFrame], figures: Figures, plan: Plan, ids: Any
) -> Iterator[pd.DataFrame]:
    """A table of scored rows, some at a time: one frame at least, if only to name the columns."""
    import numpy as np

    from shared.adapters.published import CHUNK
    from shared.core.columns import take
    from shared.core.score import references_of, scores

    references = references_of(figures, plan.options.score)
    rows = len(figures.account)
    for begin in range(0, max(rows, 1), CHUNK):
        some = take(figures, np.arange(begin, min(begin + CHUNK, rows)))
        yield frame(some, scores(some, references, plan.options.score, plan.window), ids, plan.window)
