"""From what was measured to the whole year of 2,500 people: how long a run takes, and what it asks for. Pure.

requests   = mailboxes × requests of one mailbox
in flight  = instances × mailboxes at once × requests in flight of one mailbox
extraction = the longer of
               mailboxes ÷ (instances × mailboxes at once) × rounds of one mailbox × latency
               CPU of extraction ÷ (instances × cores)
CPU of extraction = mailboxes × c(mailbox) + messages × c(message) + meetings × c(meeting)
aggregation = CPU of aggregation × items ÷ items measured ÷ (instances × cores)
publishing  = CPU of publishing: one activity
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Year:
    """messages, meetings: in all mailboxes · items: copies that name a contact, which is what is aggregated."""

    mailboxes: int = 2_500
    messages: int = 75_000_000
    meetings: int = 8_000_000
    items: int = 50_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """One mailbox. rounds: how many times the latency of a request its reading takes, since some go side by side ·
    messages, meetings: that are transferred.
    """

    requests: float
    rounds: float
    messages: float
    meetings: float


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds, of one core of the machine on which it was measured. mailbox: beside its messages and meetings ·
    item: of aggregation · publishing: of one run.
    """

    mailbox: float
    message: float
    meeting: float
    item: float
    publishing: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is assumed. latency: seconds until a page of Graph's is there · at_once: mailboxes that an instance reads
    side by side (`maxConcurrentActivityFunctions`) · cores: of an instance · speed: of its core, beside the one on
    which it was measured.
    """

    latency: float
    instances: int = 1
    at_once: int = 16
    cores: float = 1.0
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Projected:
    """Seconds of the stages. cpu: of all of them · bound: what decides how long extraction takes."""

    extraction: float
    aggregation: float
    publishing: float
    requests: float
    cpu: float
    bound: str

    @property
    def seconds(self) -> float:
        return self.extraction + self.aggregation + self.publishing


def mailbox_cost(spent: float, mailboxes: int, messages: int, meetings: int, message: float, meeting: float) -> float:
    """What a mailbox costs beside its items. spent: CPU seconds of extraction in all · messages, meetings: of one
    mailbox · message, meeting: CPU seconds of each.
    """
    return max(0.0, spent / mailboxes - messages * message - meetings * meeting)


def project(year: Year, reading: Reading, costs: Costs, plan: Plan) -> Projected:
    cores = plan.instances * plan.cores * plan.speed
    of_mailbox = costs.mailbox + reading.messages * costs.message + reading.meetings * costs.meeting
    extracting, aggregating = year.mailboxes * of_mailbox, year.items * costs.item
    by_latency = year.mailboxes / (plan.instances * plan.at_once) * reading.rounds * plan.latency
    by_cpu = extracting / cores
    return Projected(
        extraction=max(by_latency, by_cpu),
        aggregation=aggregating / cores,
        publishing=costs.publishing / min(plan.cores, 1.0) / plan.speed,
        requests=year.mailboxes * reading.requests,
        cpu=extracting + aggregating + costs.publishing,
        bound="latency" if by_latency > by_cpu else "CPU",
    )


def shuffled(items: int, groups: int, items_per_call: int) -> int:
    """Blobs of both shuffles: a file of messages and one of meetings for each pair of a writer and a reader."""
    calls = max(1, math.ceil(items / items_per_call))
    return 2 * (groups * calls + calls * calls)
