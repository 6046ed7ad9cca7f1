"""What crosses between an orchestrator and its activities: one `Activity(name, request, result)` each.

On the wire always plain JSON. Histories keep it, so it holds ids, numbers, counts and blob names; never an address, a
row or a secret. Fields that are added get a default: a run that started yesterday finishes under today's code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    # Each is built when it is first used: a worker that starts needs few of them.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    def to_wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls.model_validate(wire or {})


Req = TypeVar("Req", bound=Payload)
Res = TypeVar("Res", bound=Payload)


@dataclass(frozen=True, slots=True)
class Activity(Generic[Req, Res]):
    """`attempts`: how often a call that raised (its worker died, storage was away) is made before the run fails."""

    name: str
    request: type[Req]
    result: type[Res]
    attempts: int = 5


# What may become of a mailbox; all but "More" and "ConsentWithdrawn" are reasons of the coverage (semantics §6).
Outcome = Literal["More", "Read", "NotEnabled", "AccessDenied", "NotFound", "Unavailable", "ConsentWithdrawn"]
Counts = dict[str, dict[str, int]]  # coverage: scope → reason → count


class Pointed(Payload):
    """A fault at a place of the configuration."""

    pointer: str
    detail: str


class Problem(Payload):
    """Why a run failed; shown as it is."""

    title: str
    detail: str
    errors: list[Pointed] = []


class Refusal(Payload):
    """What an activity or a group answers, in the place of its result, where no other attempt will do better."""

    refused: Problem


class RunRequest(Payload):
    """What a run is started with. Instants in microseconds, durations in seconds.

    `full`: facts that are kept are not used · `retry`: the run of which only what it could not read is read again ·
    `recompute`: of an erasure, the run whose kept facts are to be counted anew.
    """

    enrichment: str
    run_id: str
    kind: Literal["manual", "scheduled", "retry", "erasure"] = "manual"
    as_of_us: int | None = None
    full: bool = False
    retry: str | None = None
    recompute: str | None = None
    started_us: int
    consent_poll: int
    consent_timeout: int
    mailbox_patience: int


class ConsentQuery(Payload):
    enrichment: str
    run_id: str


class ConsentWatch(Payload):
    """Wait for consent until `until_us`; look every `poll` seconds, every 30 until `eager_until_us`."""

    enrichment: str
    run_id: str
    poll: int
    until_us: int
    eager_until_us: int = 0


class Consent(Payload):
    """`ready_us`: when the first-run delay is over; `published`: a run of this enrichment has published before."""

    granted: bool
    state: str = "missing"
    published: bool = False
    ready_us: int | None = None
    problem: Problem | None = None


class ResolveOrder(Payload):
    """`full`, `retry`, `recompute`: as in `RunRequest`."""

    enrichment: str
    run_id: str
    as_of_us: int
    full: bool = False
    retry: str | None = None
    recompute: str | None = None


class Resolved(Payload):
    """`people`: listed people, numbered 0…people−1 in the order of their directory ids in the run's plan ·
    `counts`: the coverage's scopes Contact, Guest and, where a parent is configured, Hierarchy · `must_wait`: another
    run of the enrichment, an erasure's, is reading or counting.
    """

    people: int = 0
    must_wait: bool = False
    counts: Counts = {}
    warnings: int = 0
    consent_withdrawn: bool = False
    problem: Problem | None = None


class Cursor(Payload):
    """What is still to be read of a mailbox: half-open windows of whole seconds, and the page size that works.

    `began_us`: when the mailbox's reading began · `reruns`: how many calls have tried in vain to read only what is new
    since an earlier run; while there are no windows, the next one tries again.
    """

    messages: list[tuple[int, int]] = []
    meetings: list[tuple[int, int]] = []
    top: int = 1000
    began_us: int | None = None
    reruns: int = 0


class ExtractOrder(Payload):
    """Read mailbox number `mailbox` on from `cursor` (None: from the start) into part number `part` of its facts.

    `progressed_us`: when this mailbox last made progress, None before the first call.
    """

    enrichment: str
    run_id: str
    mailbox: int
    part: int = 0
    cursor: Cursor | None = None
    progressed_us: int | None = None
    patience: int


class ExtractedPart(Payload):
    """`wait`: seconds for which Graph wants to be left alone · `parts`: parts written so far, all calls together ·
    `copies`: rows of facts that this call wrote, those with long lists weighed as several.
    """

    mailbox: int
    outcome: Outcome
    parts: int = 0
    copies: int = 0
    cursor: Cursor | None = None
    wait: float = 0
    progressed_us: int | None = None


class GroupOrder(Payload):
    """The mailboxes `first` … `first + count − 1`."""

    enrichment: str
    run_id: str
    group: int
    first: int
    count: int
    patience: int


class GroupReport(Payload):
    """`reasons`: outcome → mailboxes · `not_read`: their numbers · `many`: mailbox → parts, where they are not one ·
    `copies`: rows of facts of the mailboxes that were read, those with long lists weighed as several.
    """

    reasons: dict[str, int] = {}
    not_read: list[int] = []
    many: dict[int, int] = {}
    copies: int = 0
    consent_withdrawn: bool = False


class Spread(Payload):
    """How facts are spread, so that every part fits into memory: copies by item over `partitions`, items by topmost
    customer over `buckets`. One call takes `per_call` parts, one after the other; the last one what is left."""

    partitions: int
    buckets: int
    per_call: int

    @property
    def joins(self) -> int:
        """Calls that join partitions."""
        return -(-self.partitions // self.per_call)

    @property
    def aggregations(self) -> int:
        """Calls that aggregate buckets."""
        return -(-self.buckets // self.per_call)

    def of_call(self, number: int, parts: int) -> range:
        """The parts of this call, of so many parts."""
        return range(number * self.per_call, min((number + 1) * self.per_call, parts))


class PartitionOrder(Payload):
    """Sort the copies of the mailboxes `first` … `first + count − 1` into partitions by item."""

    enrichment: str
    run_id: str
    group: int
    first: int
    count: int
    not_read: list[int] = []
    many: dict[int, int] = {}
    spread: Spread


class Partitioned(Payload):
    """`counts`: the reasons for which copies were left out before the join, by scope."""

    counts: Counts = {}


class JoinOrder(Payload):
    """Join the copies of some partitions, from all groups; sort the items into buckets by topmost customer."""

    enrichment: str
    run_id: str
    as_of_us: int
    call: int
    groups: int
    spread: Spread


class Joined(Payload):
    """`days`: the days of the window with a counted item, as a hexadecimal number, bit i for day i."""

    counts: Counts = {}
    days: str = "0"


class BucketOrder(Payload):
    enrichment: str
    run_id: str
    as_of_us: int
    call: int
    spread: Spread


class Bucketed(Payload):
    accounts: int = 0


class PublishOrder(Payload):
    """`parts`: how many calls have left figures · `counts`: the coverage as far as it is known from the stages before,
    by scope and reason."""

    enrichment: str
    run_id: str
    as_of_us: int
    parts: int
    counts: Counts = {}
    days_with_items: int = 0


class Published(Payload):
    """`canceled`: the run was cancelled before it published; `current`: the result became the current one."""

    customers: int = 0
    current: bool = True
    canceled: bool = False


class CloseOrder(Payload):
    """The run has ended: keep its last status (the object of interfaces §4), let the next one start."""

    enrichment: str
    run_id: str
    status: dict[str, Any]
    consent_withdrawn: bool = False


class Closed(Payload):
    pass


class RunEnd(Payload):
    """What a run as a whole gives back: its last status, of which only this is looked at."""

    state: str = "Failed"


class ErasureOrder(Payload):
    """`looks`: how often it has been looked whether the erasure can go on."""

    erasure: str
    looks: int = 0


class ErasureBegun(Payload):
    """`runs`: those that are to recompute tables now · `waiting`: enrichments whose run is still reading."""

    runs: list[RunRequest] = []
    waiting: int = 0


class ErasureEnd(Payload):
    pass


# Both ask the directory, which may be busy or away for longer than a worker takes to come back: for some ten minutes.
CHECK_CONSENT = Activity("check_consent", ConsentQuery, Consent, attempts=8)
RESOLVE_PEOPLE = Activity("resolve_people", ResolveOrder, Resolved, attempts=8)
EXTRACT_MAILBOX = Activity("extract_mailbox", ExtractOrder, ExtractedPart)
PARTITION_COPIES = Activity("partition_copies", PartitionOrder, Partitioned)
JOIN_ITEMS = Activity("join_items", JoinOrder, Joined)
AGGREGATE_BUCKET = Activity("aggregate_bucket", BucketOrder, Bucketed)
PUBLISH_RESULTS = Activity("publish_results", PublishOrder, Published)
CLOSE_RUN = Activity("close_run", CloseOrder, Closed)
BEGIN_ERASURE = Activity("begin_erasure", ErasureOrder, ErasureBegun)
END_ERASURE = Activity("end_erasure", ErasureOrder, ErasureEnd)

ACTIVITIES = (
    CHECK_CONSENT,
    RESOLVE_PEOPLE,
    EXTRACT_MAILBOX,
    PARTITION_COPIES,
    JOIN_ITEMS,
    AGGREGATE_BUCKET,
    PUBLISH_RESULTS,
    CLOSE_RUN,
    BEGIN_ERASURE,
    END_ERASURE,
)
