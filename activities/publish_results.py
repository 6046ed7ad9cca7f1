"""Figures → scores → tables → one conditional write: from then on readers see this run's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names, coverage
from shared.core.contracts import Published, PublishOrder
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.core.figures import Figures
    from shared.core.plan import Plan
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
    )
    history.note(svc, order.enrichment, history.Publication(order.as_of_us, order.run_id, name, customers))
    if current:  # beside a later result, that one and its facts are left to what will take its place
        erasing.published(svc, enrichments.load(svc, order.enrichment), order.run_id)
    return Published(customers=customers, current=current)


def _write(order: PublishOrder, svc: Services, name: str, plan: Plan) -> tuple[list[Document], int]:
    """All tables, and what readers' answers come from: (what `current.json` says of them, customers with a row)."""
    from shared.adapters import published
    from shared.core import privacy
    from shared.services import publishing, snapshots

    place, few = (name, order.run_id), plan.options.min_people
    accounts, tops = plan.contacts.accounts, plan.contacts.tops
    figures = _figures(order, svc, "accounts", len(accounts))
    kept: list[Figures] = []
    known = publishing.survey(
        figures, len(accounts), lambda rows: privacy.hidden_levels(rows, few, len(accounts)), plan, kept
    )
    snapshots.write_index(svc.storage.output, *place, _index(order, plan, kept, known))
    kept.clear()
    scored = {name: published.engagement, f"{name}_ScoreBreakdown": published.breakdown}
    of_main, of_scores = publishing.write(svc, place, scored, figures, known, plan, published.names(accounts))
    people = publishing.write_small(svc, place, f"{name}_UserEntity", published.people(plan.people))
    counted = published.coverage(_coverage(order), order.run_id, order.as_of_us)
    tables = [of_main, people, of_scores, publishing.write_small(svc, place, f"{name}_Coverage", counted)]
    if plan.hierarchy:  # the table of topmost customers (semantics §11)
        of_tops = _figures(order, svc, "tops", len(tops))
        top = plan.contacts.top
        known_tops = publishing.survey(
            of_tops, len(tops), lambda rows: privacy.hidden_levels_of_tops(rows, few, known.hidden, top), plan
        )
        hierarchy = {f"{name}_Hierarchy": published.engagement}
        tables += publishing.write(svc, place, hierarchy, of_tops, known_tops, plan, published.names(tops))
    return tables, known.customers


def _figures(order: PublishOrder, svc: Services, table: str, customers: int) -> Ranged:
    from shared.adapters import shuffles
    from shared.core.figures import Figures, ranges_of
    from shared.services.publishing import Ranged

    names = [blob_names.figures(order.enrichment, order.run_id, part, table) for part in range(order.parts)]
    return Ranged(shuffles.read(svc.storage.staging, Figures, names), ranges_of(customers)[1])


def _coverage(order: PublishOrder) -> list[coverage.CoverageRow]:
    return coverage.rows(order.counts, order.days_with_items)


def _index(order: PublishOrder, plan: Plan, kept: list[Figures], known: Survey) -> snapshots.Index:
    """What cards, lists and segments are answered from. kept: the rows `for_readers`."""
    from shared.adapters import published, standing_files
    from shared.core.columns import concat
    from shared.core.score import scores
    from shared.core.standing import about_result, latest, stand
    from shared.services import snapshots

    figures, references, options = concat(kept), known.references, plan.options
    about = about_result(order.run_id, plan.window, _coverage(order), references, options)
    accounts = plan.contacts.accounts
    standing = stand(figures, known.hidden, references, accounts, plan.customers, options, about)
    newest = latest(figures, plan.window)
    scored = scores(newest, references, options.score, plan.window)
    rows = published.engagement(newest, scored, published.names(accounts), plan.window)
    return snapshots.Index(standing_files.write(standing), published.files([rows]).parquet)
