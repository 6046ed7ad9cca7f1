"""What answers hold, field by field (interfaces §2, §4, §8, §9): the types that the OpenAPI document is made from."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from shared.core.contracts import Pointed, Problem
from shared.core.enrichment import Enrichment, PartName

Count = Annotated[int, Field(ge=0)]
Points = Annotated[int, Field(ge=0, le=100)]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Band = Literal["none", "low", "medium", "high"]
Scalar = str | int | float | bool | None
V = TypeVar("V")


class Page(TypedDict, Generic[V]):
    """nextLink: the absolute address of the next page, null on the last."""

    value: list[V]
    nextLink: str | None


class Task(TypedDict):
    """done of total, in the task's own unit (mailboxes, partitions, buckets).

    rate, remainingSeconds: only of `extract`, while it runs: mailboxes that ended per minute, and how long those that
    are left take at that rate; null until it can be known.
    """

    name: Literal["consent", "delay", "resolve", "extract", "aggregate", "publish"]
    state: Literal["waiting", "running", "done", "warning", "failed", "skipped"]
    done: Count
    total: Count
    startedAt: Instant | None
    endedAt: Instant | None
    warnings: Count
    errors: Count
    rate: NotRequired[Annotated[float, Field(ge=0)] | None]
    remainingSeconds: NotRequired[Count | None]


class MailboxCounts(TypedDict):
    selected: Count
    read: Count
    refused: Count


class ItemCounts(TypedDict):
    read: Count
    counted: Count


class RunCounts(TypedDict):
    mailboxes: MailboxCounts
    messages: ItemCounts
    meetings: ItemCounts
    customers: Count


class RunStatus(TypedDict):
    """asOf: nothing after it exists to the run; null until consent and delay are over, where nobody gave it."""

    runId: str
    kind: Literal["manual", "scheduled", "retry", "erasure"]
    enrichment: str
    state: Literal[
        "WaitingForConsent",
        "Delayed",
        "Running",
        "Succeeded",
        "SucceededWithWarnings",
        "ConsentMissing",
        "Failed",
        "Canceled",
    ]
    asOf: Instant | None
    startedAt: Instant
    endedAt: Instant | None
    delayedUntil: Instant | None
    tasks: list[Task]
    counts: RunCounts
    problem: Problem | None


class RunLinks(TypedDict):
    self: str
    cancel: str
    results: str


class Run(RunStatus):
    links: RunLinks


class Entry(TypedDict):
    """people, guests: who stands behind the address; null while it is pending."""

    address: str
    kind: Literal["pending", "user", "group", "unknown"]
    people: Count | None
    guests: Count | None


class Resolved(TypedDict):
    entries: list[Entry]
    people: Count | None


class Consent(TypedDict):
    """url: where an administrator consents · problem: why the last mail to the administrators did not go out."""

    state: Literal["missing", "requested", "granted", "refused", "withdrawn"]
    url: str
    requestedAt: Instant | None
    grantedAt: Instant | None
    problem: str | None


class ContactRows(TypedDict):
    """What became of the rows of the contacts data."""

    rows: Count
    used: Count
    incomplete: Count
    ownOrganisation: Count
    customers: Count


class Minutes(TypedDict):
    low: Count
    high: Count


class Estimate(TypedDict):
    """countedIn: the number of mailboxes that were counted, where not all have answered in time."""

    mailboxes: Count
    messages: Count
    meetings: Count
    requests: Count
    minutes: Minutes
    countedIn: NotRequired[Count]


class Preview(TypedDict):
    addresses: Resolved
    contacts: ContactRows
    estimate: Estimate


class EnrichmentAnswer(Enrichment):
    """What was sent, with every default, and what has become of it."""

    model_config = ConfigDict(title="Enrichment")

    name: str
    state: Literal["active", "inactive"]
    resolved: Resolved
    consent: Consent
    next_run_at: Instant | None
    last_run: RunStatus | None


class CustomerEntry(TypedDict):
    """A customer in a list; a hidden one has id and name, and nulls."""

    customerId: str
    name: str | None
    score: Points | None
    band: Band | None
    change: int | None
    emails: Count | None
    meetings: Count | None
    daysSinceLastEmail: Count | None
    daysSinceLastMeeting: Count | None


Directions = TypedDict("Directions", {"to": Count | None, "from": Count | None})


class MeetingDirections(Directions):
    others: Count | None


class Change(TypedDict):
    """own: what the customer's own figures did to the points · others: what moving references did."""

    points: int | None
    own: int | None
    others: int | None


class Part(TypedDict):
    """value, reference: the raw ones; for Recency days and half-life · oneMore: the score it would give."""

    part: PartName
    value: Count | None
    reference: Count | None
    points: Points
    maximum: Points
    oneMore: Points | None


class Totals(TypedDict):
    emails: Directions
    meetings: MeetingDirections


class Month(TypedDict):
    start: date
    emails: Directions | None
    meetings: Directions | None


class Side(TypedDict):
    emails: Count | None
    meetings: Count | None


class People(TypedDict):
    ours: Side
    theirs: Side


class Card(TypedDict):
    """Of a hidden customer only id and name are told: objects stay, everything in them, and lists, are null."""

    customerId: str
    name: str | None
    score: Points | None
    band: Band | None
    change: Change
    breakdown: list[Part] | None
    totals: Totals
    months: list[Month] | None
    people: People
    engagementStartDate: date | None
    daysSinceLastEmail: Count | None
    daysSinceLastMeeting: Count | None
    averageMeetingMinutes: float | None
    averageReplyMinutes: float | None


class AddressCounts(TypedDict):
    selected: Count
    processed: Count


class CustomerCounts(TypedDict):
    enriched: Count
    all: Count


class CoverageCount(TypedDict):
    scope: str
    reason: str
    count: Count


ScoreRange = TypedDict("ScoreRange", {"from": Points, "to": Points, "customers": Count})


class Enriched(TypedDict):
    runId: str
    asOf: Instant
    customers: Count


class Overview(TypedDict):
    """days: days with items · enrichedOverTime: the enrichment's results, the oldest first."""

    runId: str
    asOf: Instant
    addresses: AddressCounts
    emails: Count
    meetings: Count
    days: Count
    customers: CustomerCounts
    coverage: list[CoverageCount]
    scores: list[ScoreRange]
    enrichedOverTime: list[Enriched]


class SegmentEntry(TypedDict):
    """joined, left: members since the previous result; null where there is none."""

    segment: str
    title: str
    customers: Count
    joined: Count | None
    left: Count | None
    own: bool


class SavedFilter(TypedDict):
    """An own segment as it was saved."""

    title: str
    level: Literal["Year", "Month", "Week"]
    period: NotRequired[date]
    where: dict[str, Any]


class SavedSegment(SavedFilter):
    segment: str
    own: Literal[True]


class Members(TypedDict):
    """filter: of an own segment, how it is made."""

    value: list[CustomerEntry]
    nextLink: str | None
    filter: NotRequired[SavedFilter]


class Rows(TypedDict):
    """Rows of a published table, under the table's own column names (semantics §6, §11)."""

    value: list[dict[str, Scalar]]
    nextLink: str | None


class Recomputed(TypedDict):
    """An enrichment whose tables are recomputed, and the run that does it."""

    name: str
    runId: str


class Erasure(TypedDict):
    """state: `waiting` for runs that read, `running`, `done`, or `failed`: a run could not recompute its tables."""

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    requestedAt: Instant
    endedAt: Instant | None
    enrichments: list[Recomputed]


class Health(TypedDict):
    state: Literal["healthy"]
    checks: dict[str, str]


class ProblemDetails(TypedDict):
    """RFC 9457. errors: every fault of a body or a data file · settings: the names of those that are wrong."""

    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: NotRequired[list[Pointed]]
    settings: NotRequired[list[str]]


class PreviewRefused(ProblemDetails):
    """consent: where it is missing, with the link."""

    consent: NotRequired[Consent]


class Illness(ProblemDetails):
    state: NotRequired[Literal["unhealthy"]]
    checks: NotRequired[dict[str, str]]
