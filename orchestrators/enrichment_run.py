"""A run, from consent to the published tables. It reads like interfaces §3; what is done lies in the activities."""

from __future__ import annotations

import math
from collections.abc import Generator
from itertools import count
from typing import Any

import azure.durable_functions as df

from orchestrators.calls import StepFailed, StepRefused, call, call_each, pause, sub_each
from shared.core.contracts import (
    AGGREGATE_BUCKET,
    CHECK_CONSENT,
    CLOSE_RUN,
    JOIN_ITEMS,
    PARTITION_COPIES,
    PUBLISH_RESULTS,
    RESOLVE_PEOPLE,
    BucketOrder,
    CloseOrder,
    Consent,
    ConsentQuery,
    ConsentWatch,
    GroupOrder,
    GroupReport,
    JoinOrder,
    PartitionOrder,
    Problem,
    PublishOrder,
    ResolveOrder,
    RunRequest,
    Spread,
)
from shared.core.periods import MICROSECONDS, from_us, to_us
from shared.core.progress import Progress, add_counts

bp = df.Blueprint()

# Copies that are joined at once, in bounded memory; a bucket has a part of all items as large. What lies between two
# stages is a file for each pair of a writer and a reader, so that each takes several parts.
COPIES_PER_PARTITION, MOST_PARTITIONS, PER_CALL = 300_000, 256, 4


@bp.orchestration_trigger(context_name="context", orchestration="enrichment_run")
def enrichment_run(context: df.DurableOrchestrationContext):  # type: ignore[no-untyped-def]
    return (yield from run(context))


class RunEnded(Exception):
    """The run ends here, without a result: consent never came, it was withdrawn, or what it needs is not there."""

    def __init__(self, state: str, problem: Problem | None = None, *, consent_withdrawn: bool = False) -> None:
        super().__init__(state)
        self.state, self.problem, self.consent_withdrawn = state, problem, consent_withdrawn


def run(context: Any) -> Generator[Any, Any, dict[str, Any]]:
    return (yield from _Run(context).run())


class _Run:
    """One run: its request, and what is known of it so far."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.request = RunRequest.from_wire(context.get_input())
        self.key = {"enrichment": self.request.enrichment, "run_id": self.request.run_id}
        self.progress = Progress(self.request)

    @property
    def now_us(self) -> int:
        return to_us(self.context.current_utc_datetime)

    def tell(self) -> None:
        """Set the custom status. Each episode plays from the start, so each sets it; else it would be cleared."""
        self.context.set_custom_status(self.progress.to_json())

    def begin(self, task: str, total: int = 1) -> None:
        self.progress.begin(task, self.now_us, total)
        self.tell()

    def finish(self, task: str, warnings: int = 0) -> None:
        self.progress.finish(task, self.now_us, warnings)
        self.tell()

    def run(self) -> Generator[Any, Any, dict[str, Any]]:
        self.tell()
        withdrawn = False
        try:
            yield from self._steps()
        except RunEnded as ended:
            withdrawn = ended.consent_withdrawn
            if ended.problem:
                self.progress.fail(ended.problem, self.now_us)
            else:
                self.progress.end(ended.state, self.now_us)
        except StepRefused as refused:
            self.progress.fail(refused.problem, self.now_us)
        except StepFailed as failed:
            self.progress.fail(_step_problem(failed), self.now_us)
        if self.progress.state != "Canceled":  # then who cancelled it has closed it
            yield from self._close(withdrawn)
        self.tell()
        return self.progress.to_json()

    def _close(self, consent_withdrawn: bool) -> Generator[Any, Any, None]:
        """A run is told to have ended when nothing of it is moved any more."""
        order = CloseOrder(**self.key, status=self.progress.to_json(), consent_withdrawn=consent_withdrawn)
        try:
            yield from call(self.context, CLOSE_RUN, order)
        except StepFailed:
            self.tell()
            raise

    def _steps(self) -> Generator[Any, Any, None]:
        yield from self._begin()
        people = yield from self._resolve()
        reports = yield from self._extract(people)
        parts, days = yield from self._aggregate(reports)
        yield from self._publish(parts, days)

    def _begin(self) -> Generator[Any, Any, None]:
        """Consent, and the time that a tenant is given after it; an erasure counts what was read before."""
        if self.request.kind == "erasure":
            self.progress.skip("consent")
            self.progress.skip("delay")
            self.tell()
            return
        consent = yield from self._consent()
        yield from self._delay(consent)

    def _consent(self) -> Generator[Any, Any, Consent]:
        self.begin("consent")
        consent = yield from call(self.context, CHECK_CONSENT, ConsentQuery(**self.key))
        if not consent.granted and not consent.problem:
            self.progress.state = "WaitingForConsent"
            self.tell()
            consent = yield from self._await_consent()
        if consent.problem:
            raise RunEnded("Failed", consent.problem)
        if not consent.granted:
            raise RunEnded("ConsentMissing")
        self.progress.state = "Running"
        self.finish("consent")
        return consent

    def _await_consent(self) -> Generator[Any, Any, Consent]:
        watch = ConsentWatch(
            **self.key,
            poll=self.request.consent_poll,
            until_us=self.now_us + self.request.consent_timeout * MICROSECONDS,
        )
        (consent,) = yield from sub_each(
            self.context, "await_consent", [watch], Consent, [f"{self.context.instance_id}:consent"]
        )
        return consent

    def _delay(self, consent: Consent) -> Generator[Any, Any, None]:
        """A tenant that has just said yes keeps filling in for hours; reading sooner reads too little."""
        if consent.published or consent.ready_us is None or consent.ready_us <= self.now_us:
            self.progress.skip("delay")
        else:
            self.progress.state, self.progress.delayed_until_us = "Delayed", consent.ready_us
            self.begin("delay")
            yield self.context.create_timer(from_us(consent.ready_us))
            self.progress.state = "Running"
            self.finish("delay")
        if self.progress.as_of_us is None:
            self.progress.as_of_us = self.now_us // MICROSECONDS * MICROSECONDS
        self.tell()

    @property
    def as_of_us(self) -> int:
        assert self.progress.as_of_us is not None
        return self.progress.as_of_us

    def _resolve(self) -> Generator[Any, Any, int]:
        self.begin("resolve")
        order = ResolveOrder(
            **self.key,
            as_of_us=self.as_of_us,
            full=self.request.full,
            retry=self.request.retry,
            recompute=self.request.recompute,
        )
        resolved = yield from call(self.context, RESOLVE_PEOPLE, order)
        for attempt in count():
            if not resolved.must_wait:
                break
            yield self.context.create_timer(self.context.current_utc_datetime + pause(attempt))
            resolved = yield from call(self.context, RESOLVE_PEOPLE, order)
        if resolved.consent_withdrawn:
            raise _withdrawn()
        if resolved.problem:
            raise RunEnded("Failed", resolved.problem)
        self.progress.selected = resolved.people
        self.progress.counts = add_counts({}, resolved.counts)
        self.finish("resolve", resolved.warnings)
        return resolved.people

    def _extract(self, people: int) -> Generator[Any, Any, list[tuple[GroupOrder, GroupReport]]]:
        """√n groups of √n mailboxes: a flat fan costs the square of n in replays, and chunks in one history too."""
        self.begin("extract", people)
        size = math.isqrt(max(people - 1, 0)) + 1
        orders = [
            GroupOrder(
                **self.key,
                group=group,
                first=first,
                count=min(size, people - first),
                patience=self.request.mailbox_patience,
            )
            for group, first in enumerate(range(0, people, size))
        ]
        ids = [f"{self.context.instance_id}:{order.group}" for order in orders]
        reports = yield from sub_each(self.context, "extract_group", orders, GroupReport, ids)
        if any(report.consent_withdrawn for report in reports):
            raise _withdrawn()
        for report in reports:
            self.progress.counts = add_counts(self.progress.counts, {"Mailbox": report.reasons})
        reasons = self.progress.counts.get("Mailbox", {})
        self.progress.read = reasons.get("Read", 0)
        self.progress.refused = people - self.progress.read
        # Where an erasure leaves no mailbox, a result without rows takes the place of the one with that person.
        if not self.progress.read and self.request.kind != "erasure":
            raise RunEnded("Failed", _nothing_read(reasons))
        self.finish("extract", self.progress.refused)
        return list(zip(orders, reports, strict=True))

    def _aggregate(self, groups: list[tuple[GroupOrder, GroupReport]]) -> Generator[Any, Any, tuple[int, int]]:
        """Copies by item, items by topmost customer, figures by customer: (how many files of figures, days)."""
        spread = spread_of(sum(report.copies for _, report in groups))
        self.begin("aggregate", len(groups) + spread.joins + spread.aggregations)
        partitioned = yield from call_each(
            self.context, PARTITION_COPIES, [_partition_order(order, report, spread) for order, report in groups]
        )
        self._step(len(groups))
        key = {**self.key, "as_of_us": self.as_of_us, "spread": spread}
        joins = [JoinOrder(**key, call=number, groups=len(groups)) for number in range(spread.joins)]
        joined = yield from call_each(self.context, JOIN_ITEMS, joins)
        self._step(spread.joins)
        buckets = [BucketOrder(**key, call=number) for number in range(spread.aggregations)]
        yield from call_each(self.context, AGGREGATE_BUCKET, buckets)
        for counts in (*(part.counts for part in partitioned), *(join.counts for join in joined)):
            self.progress.counts = add_counts(self.progress.counts, counts)
        self.finish("aggregate")
        days = 0
        for join in joined:
            days |= int(join.days, 16)
        return spread.aggregations, days.bit_count()

    def _step(self, done: int) -> None:
        self.progress.tasks["aggregate"].done += done
        self.tell()

    def _publish(self, parts: int, days: int) -> Generator[Any, Any, None]:
        self.begin("publish")
        published = yield from call(
            self.context,
            PUBLISH_RESULTS,
            PublishOrder(
                **self.key,
                as_of_us=self.as_of_us,
                parts=parts,
                counts=self.progress.counts,
                days_with_items=days,
            ),
        )
        if published.canceled:
            raise RunEnded("Canceled")
        self.progress.customers = published.customers
        self.finish("publish")
        self.progress.succeed(self.now_us)


def spread_of(copies: int) -> Spread:
    parts = max(1, min(-(-copies // COPIES_PER_PARTITION), MOST_PARTITIONS))
    return Spread(partitions=parts, buckets=parts, per_call=PER_CALL)


def _partition_order(order: GroupOrder, report: GroupReport, spread: Spread) -> PartitionOrder:
    return PartitionOrder(
        enrichment=order.enrichment,
        run_id=order.run_id,
        group=order.group,
        first=order.first,
        count=order.count,
        not_read=report.not_read,
        many=report.many,
        spread=spread,
    )


def _withdrawn() -> RunEnded:
    detail = (
        "The app no longer has the permissions it was given. Nothing was published; the former result stays. "
        "Ask an administrator for consent again, then start a run."
    )
    problem = Problem(title="Consent was withdrawn", detail=detail)
    return RunEnded("Failed", problem, consent_withdrawn=True)


def _nothing_read(reasons: dict[str, int]) -> Problem:
    counted = ", ".join(f"{many} {reason}" for reason, many in sorted(reasons.items())) or "all have been erased"
    return Problem(
        title="No mailbox could be read",
        detail=f"Of the listed people's mailboxes none was read: {counted}. Nothing was published; the former result "
        "stays. Check the app's access in Exchange and the people's licences, then start a run.",
    )


def _step_problem(failed: StepFailed) -> Problem:
    return Problem(
        title="A step kept failing",
        detail=f"The step {failed.name} failed {failed.attempts} times in a row and was given up. Nothing was "
        "published; the former result stays. The app's log says why; when that is mended, start a run.",
    )
