"""The app's own orchestrators among activities that answer at once, as those of a run over 2,500 mailboxes do.

Nine mailboxes of ten are read in one call, the tenth in three; of a hundred one has another outcome each. Reports carry
every reason that the coverage knows, with numbers as long as a large year's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import azure.durable_functions as df

from orchestrators import await_consent, enrichment_run, extract_group
from shared.core.contracts import (
    EXTRACT_MAILBOX,
    Bucketed,
    Closed,
    Consent,
    Cursor,
    ExtractedPart,
    ExtractOrder,
    Joined,
    Outcome,
    Partitioned,
    Payload,
    Published,
    Resolved,
    RunRequest,
)

Answer = Callable[[dict[str, Any]], dict[str, Any]]

PEOPLE = 2_500
FLAT = "every_mailbox"
CALLS = 3  # for a large mailbox
WINDOWS = 12  # that such a mailbox has left after the first of them
COPIES = 40_000  # of one mailbox: enough of them for the most partitions that there can be

_OUTCOMES: dict[int, Outcome] = {7: "NotEnabled", 23: "AccessDenied", 51: "NotFound", 83: "Unavailable"}
_MESSAGES = ("Draft", "Folder", "MeetingMessage", "Automatic", "Internal", "Unrelated", "TooManyRecipients")
_MEETINGS = ("Draft", "Cancelled", "AllDay", "Private", "Internal", "Unrelated", "TooManyAttendees", "NobodyPresent")
_LEFT_OUT = {
    "Message": dict.fromkeys(_MESSAGES, 12_345_678),
    "Meeting": dict.fromkeys((*_MEETINGS, "NoContactInvolved"), 1_234_567),
}
_JOINED = {scope: reasons | {"Counted": 123_456, "Duplicate": 123_456} for scope, reasons in _LEFT_OUT.items()}
_CONTACTS = {"Contact": dict.fromkeys(("Incomplete", "OwnOrganisation", "Repeated", "Used"), 1_000_000)}
_HIERARCHY = {"Hierarchy": dict.fromkeys(("MissingParent", "Circle", "Used"), 100_000), "Guest": {"Skipped": 100}}


def app() -> df.DFApp:
    """A function app that the local host can serve."""
    made = df.DFApp()
    for part in (enrichment_run, await_consent, extract_group):
        made.register_functions(part.bp)
    made.orchestration_trigger(context_name="context", orchestration=FLAT)(every_mailbox)
    for name, answer in _answers().items():
        _register(made, name, answer)
    return made


def every_mailbox(context: Any) -> Generator[Any, Any, int]:
    """What one would write at first: all mailboxes side by side, each again until it has been read."""
    request = RunRequest.from_wire(context.get_input())
    order = ExtractOrder(
        enrichment=request.enrichment, run_id=request.run_id, mailbox=0, patience=request.mailbox_patience
    ).to_wire()
    parts = [{"mailbox": number} for number in range(PEOPLE)]
    copies = 0
    while parts:
        orders = [order | {"mailbox": one["mailbox"]} | _further(one) for one in parts]
        answers = yield context.task_all([context.call_activity(EXTRACT_MAILBOX.name, one) for one in orders])
        copies += sum(one["copies"] for one in answers)
        parts = [one for one in answers if one["outcome"] == "More"]
    return copies


def _further(part: dict[str, Any]) -> dict[str, Any]:
    return {"part": part["parts"], "cursor": part["cursor"]} if "parts" in part else {}


def _register(made: df.DFApp, name: str, answer: Answer) -> None:
    async def instant(payload: dict[str, Any]) -> dict[str, Any]:
        return answer(payload)

    instant.__name__ = name
    made.activity_trigger(input_name="payload", activity=name)(instant)


def _answers() -> dict[str, Answer]:
    fixed: dict[str, Payload] = {
        "check_consent": Consent(granted=True, state="granted", published=True),
        "resolve_people": Resolved(people=PEOPLE, counts=_CONTACTS | _HIERARCHY),
        "partition_copies": Partitioned(counts=_LEFT_OUT),
        "join_items": Joined(counts=_JOINED, days="f" * 92),
        "aggregate_bucket": Bucketed(accounts=10_000),
        "publish_results": Published(customers=10_000),
        "close_run": Closed(),
    }
    return {"extract_mailbox": extract} | {name: _always(answer.to_wire()) for name, answer in fixed.items()}


def _always(wire: dict[str, Any]) -> Answer:
    return lambda _: wire


def extract(payload: dict[str, Any]) -> dict[str, Any]:
    """A call of `extract_mailbox`."""
    order = ExtractOrder.from_wire(payload)
    outcome = _OUTCOMES.get(order.mailbox % 100, "Read")
    if outcome != "Read":
        return ExtractedPart(mailbox=order.mailbox, outcome=outcome).to_wire()
    is_last = order.mailbox % 10 or order.part == CALLS - 1
    windows = [(1_760_000_000 + 86_400 * day, 1_760_000_000 + 86_400 * (day + 1)) for day in range(WINDOWS)]
    part = ExtractedPart(
        mailbox=order.mailbox,
        outcome="Read" if is_last else "More",
        parts=order.part + 1,
        copies=COPIES,
        cursor=None if is_last else Cursor(messages=windows, meetings=windows, began_us=1_795_188_600_000_000),
        progressed_us=1_795_188_600_000_000,
    )
    return part.to_wire()
