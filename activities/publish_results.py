"""Figures → scores → tables → one conditional write: from then on readers see this run's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names, coverage
from shared.core.contracts import Published, PublishOrder
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.figures import Figures
    from shared.core.plan import Plan
    from shared.core.standing import Standing
    from shared.services import snapshots
    from shared.services.documents import Document
    from shared.services.publishing import Ranged, Survey

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def publish_results(payload: dict) -> dict:
    with answering("publish_results") as answer:
        answer.wire = run(PublishOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: PublishOrder, svc: Services) -> Published:
    """A run that was cancelled publishes nothing; one with an older `asOf` than the current result stays beside it."""
    from shared.adapters.plan_files import load_plan
    from shared.services import enrichments, erasing, history, runs, snapshots

    plan = load_plan(svc.storage.staging, order.enrichment, order.run_id)
    # The output that the enrichment has now: the one it had at the start may be another enrichment's by now.
    name = enrichments.load(svc, order.enrichment).body.output
    if not runs.begin_publishing(svc, order.enrichment, order.run_id):
        return Published(canceled=True)
    tables, customers = _write(order, svc, name, plan)
    config_hash = runs.record_of(svc, order.enrichment, order.run_id)["configHash"]
    current = snapshots.make_current(
        svc.storage.output,
        name,
        order.run_id,
        order.as_of_us,
        tables,
        config_hash,
        is_ours=lambda run_id: runs.find(svc, order.enrichment, run_id) is not None,
        may=lambda: _may_publish(order, svc, name),
    )
    if not runs.is_publishing(svc, order.enrichment, order.run_id):
        return Published(canceled=True)  # another attempt has brought the run to its end
    history.note(svc, order.enrichment, history.Publication(order.as_of_us, order.run_id, name, customers))
    if current:  # beside a later result, that one and its facts are left to what will take its place
        erasing.published(svc, enrichments.load(svc, order.enrichment), order.run_id)
    return Published(customers=customers, current=current)


def _may_publish(order: PublishOrder, svc: Services, name: str) -> bool:
    """Whether the run has not ended meanwhile, and the name is still its enrichment's."""
    from shared.services import enrichments, runs

    is_ours = enrichments.load(svc, order.enrichment).body.output == name
    return is_ours and runs.is_publishing(svc, order.enrichment, order.run_id)


def _write(order: PublishOrder, svc: Services, name: str, plan: Plan) -> tuple[list[Document], int]:
    """All tables, and what readers' answers come from: (what `current.json` says of them, customers with a row)."""
    from shared.adapters import published
    from shared.services import publishing

    place = (name, order.run_id)
    (of_main, of_scores), known = _account_tables(order, svc, name, plan)
    people = publishing.write_small(svc, place, f"{name}_UserEntity", published.people(plan.people))
    counted = published.coverage(_coverage(order), order.run_id, order.as_of_us)
    tables = [of_main, people, of_scores, publishing.write_small(svc, place, f"{name}_Coverage", counted)]
    if plan.hierarchy:
        tables += _top_tables(order, svc, name, plan, known.hidden)
    return tables, known.customers


def _account_tables(order: PublishOrder, svc: Services, name: str, plan: Plan) -> tuple[list[Document], Survey]:
    from shared.adapters import published
    from shared.core import privacy
    from shared.services import publishing, snapshots

    accounts = plan.contacts.accounts
    figures = _figures(order, svc, "accounts", len(accounts))
    kept: list[bytes] = []

    def hide(rows: Figures) -> NDArray[np.bool_]:
        return privacy.hidden_levels(rows, plan.options.min_people, len(accounts))

    known = publishing.survey(figures, len(accounts), hide, plan, kept)
    snapshots.write_index(svc.storage.output, name, order.run_id, _index(order, plan, kept, known))
    tables = {name: published.engagement, f"{name}_ScoreBreakdown": published.breakdown}
    place, ids = (name, order.run_id), published.names(accounts)
    return publishing.write(svc, place, tables, figures, known, plan, ids), known


def _top_tables(order: PublishOrder, svc: Services, name: str, plan: Plan, hidden: NDArray[np.bool_]) -> list[Document]:
    """The table of topmost customers (semantics §11). hidden: which levels of which accounts are left out."""
    from shared.adapters import published
    from shared.core import privacy
    from shared.services import publishing

    tops = plan.contacts.tops
    figures = _figures(order, svc, "tops", len(tops))

    def hide(rows: Figures) -> NDArray[np.bool_]:
        return privacy.hidden_levels_of_tops(rows, plan.options.min_people, hidden, plan.contacts.top)

    known = publishing.survey(figures, len(tops), hide, plan)
    table = {f"{name}_Hierarchy": published.engagement}
    return publishing.write(svc, (name, order.run_id), table, figures, known, plan, published.names(tops))


def _figures(order: PublishOrder, svc: Services, table: str, customers: int) -> Ranged:
    from shared.adapters import shuffles
    from shared.core.figures import Figures, ranges_of
    from shared.services.publishing import Ranged

    names = [blob_names.figures(order.enrichment, order.run_id, part, table) for part in range(order.parts)]
    return Ranged(shuffles.read(svc.storage.staging, Figures, names), ranges_of(customers)[1])


def _coverage(order: PublishOrder) -> list[coverage.CoverageRow]:
    return coverage.rows(order.counts, order.days_with_items)


def _index(order: PublishOrder, plan: Plan, kept: list[bytes], known: Survey) -> snapshots.Index:
    """What cards, lists and segments are answered from. kept: the rows `for_readers`, packed."""
    from shared.adapters import published, standing_files
    from shared.core.score import scores
    from shared.services import snapshots

    standing, newest = _standing(order, plan, kept, known)
    scored = scores(newest, known.references, plan.options.score, plan.window)
    rows = published.engagement(newest, scored, published.names(plan.contacts.accounts), plan.window)
    return snapshots.Index(standing_files.write(standing), published.files([rows]).parquet)


def _standing(order: PublishOrder, plan: Plan, kept: list[bytes], known: Survey) -> tuple[Standing, Figures]:
    """Where the customers stand, and the latest rows; of the rows that are unpacked for it nothing stays in memory."""
    from shared.adapters.shuffles import Shuffle
    from shared.core.figures import Figures
    from shared.core.standing import about_result, latest, stand

    figures, options = Shuffle(Figures, kept).part(0), plan.options
    kept.clear()
    about = about_result(order.run_id, plan.window, _coverage(order), known.references, options)
    standing = stand(figures, known.hidden, known.references, plan.contacts.accounts, plan.customers, options, about)
    return standing, latest(figures, plan.window)
