"""The orchestrators on a stage with stub activities: what a test changes is what its sentence is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from localdev.host.play import START, PlayEvent, Tape, play
from orchestrators import await_consent, carry_out_erasure, enrichment_run, extract_group
from shared.core.contracts import (
    Bucketed,
    Closed,
    Consent,
    ExtractedPart,
    Joined,
    Partitioned,
    Published,
    Resolved,
    RunRequest,
)
from shared.core.periods import to_us

RUN = "sales-20261120T090000Z"
ORCHESTRATORS = {
    "enrichment_run": enrichment_run.run,
    "await_consent": await_consent.run,
    "extract_group": extract_group.run,
    "carry_out_erasure": carry_out_erasure.run,
}
GRANTED = Consent(granted=True, state="granted", published=True)
MISSING = Consent(granted=False, state="missing")

Stub = Callable[[dict[str, Any]], Any]


def request(**changes: Any) -> dict[str, Any]:
    known = {
        "enrichment": "sales",
        "run_id": "20261120T090000Z",
        "started_us": to_us(START),
        "consent_poll": 900,
        "consent_timeout": 30 * 86_400,
        "mailbox_patience": 7_200,
    }
    return RunRequest(**(known | changes)).to_wire()


def read(order: dict[str, Any]) -> dict[str, Any]:
    return ExtractedPart(mailbox=order["mailbox"], outcome="Read", parts=1, copies=10).to_wire()


def stubs(people: int = 5, **changes: Stub) -> dict[str, Stub]:
    """Answers of a run in which all goes well, but for the changes."""
    return {
        "check_consent": lambda _: GRANTED.to_wire(),
        "resolve_people": lambda _: Resolved(people=people, counts={"Contact": {"Used": 3}}).to_wire(),
        "extract_mailbox": read,
        "partition_copies": lambda _: Partitioned(counts={"Message": {"Draft": 1}}).to_wire(),
        "join_items": lambda _: Joined(counts={"Message": {"Counted": 4}}, days="b").to_wire(),
        "aggregate_bucket": lambda _: Bucketed(accounts=2).to_wire(),
        "publish_results": lambda _: Published(customers=2).to_wire(),
        "close_run": lambda _: Closed().to_wire(),
    } | changes


async def run(
    activities: dict[str, Stub] | None = None,
    events: tuple[PlayEvent, ...] = (),
    start: datetime = START,
    one_at_a_time: bool = False,
    **changes: Any,
) -> Tape:
    return await play(
        ORCHESTRATORS,
        "enrichment_run",
        request(**changes),
        activities or stubs(),
        events=events,
        instance_id=RUN,
        start=start,
        one_at_a_time=one_at_a_time,
    )


def orders(tape: Tape, activity: str) -> list[dict[str, Any]]:
    return [sent for kind, name, sent in tape.schedule if kind == "activity" and name == activity]


def task(status: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in status["tasks"] if entry["name"] == name)
    return found
