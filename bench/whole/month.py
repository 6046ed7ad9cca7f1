"""What a month in Azure costs: what is used, by the list prices that are named beside it. Pure.

Functions   = (GB × active seconds − free) × price + (executions − free) × price
Blobs       = writes, lists, reads × price ÷ 10,000 + GB × price
Durable     = requests to queues and tables × price ÷ 10,000
telemetry   = (GB − free) × price
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TEN_THOUSAND = 10_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars, East US, pay as you go, LRS. free: how much of it a month is free · source: where it was found."""

    name: str
    unit: str
    dollars: float
    source: str
    free: float = 0.0

    def of(self, used: float) -> float:
        return max(0.0, used - self.free) * self.dollars


_FLEX = "modal.com/blog/azure-function-pricing-guide, 2025-05-22"
_BLOBS = "api-evangelist/microsoft-azure-blob-storage, plans, 2026-05-05"
_KNOWN = "not found: the last public price known to us"

PRICES: Mapping[str, Price] = {
    "gb_seconds": Price("Flex Consumption, on demand", "GB-s", 0.000026, f"{_FLEX}; free grant: {_KNOWN}", 100_000),
    "executions": Price("Flex Consumption, executions", "execution", 0.40 / 1e6, _KNOWN, 250_000),
    "blob_writes": Price("Blobs, hot, writes", "10,000", 0.055, _BLOBS),
    "blob_lists": Price("Blobs, hot, lists", "10,000", 0.055, f"as writes: {_KNOWN}"),
    "blob_reads": Price("Blobs, hot, reads", "10,000", 0.0044, _BLOBS),
    "gb_kept": Price("Blobs, hot, kept", "GB-month", 0.018, _BLOBS),
    "queue_requests": Price("Queues, requests", "10,000", 0.004, _KNOWN),
    "table_requests": Price("Tables, requests", "10,000", 0.00036, _KNOWN),
    "gb_told": Price("Log Analytics, ingestion", "GB", 2.30, "monitoringcost.com/azure-monitor-cost, 2026", 5.0),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a month. gb_seconds: of the instances' memory while they are active · gb_kept: on an average day · gb_told: of
    telemetry. Requests are counted one by one.
    """

    gb_seconds: float = 0.0
    executions: float = 0.0
    blob_writes: float = 0.0
    blob_lists: float = 0.0
    blob_reads: float = 0.0
    gb_kept: float = 0.0
    queue_requests: float = 0.0
    table_requests: float = 0.0
    gb_told: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, name) + getattr(other, name) for name in Usage.__slots__))

    def times(self, number: float) -> Usage:
        return Usage(*(number * getattr(self, name) for name in Usage.__slots__))


def cost(usage: Usage, prices: Mapping[str, Price] = PRICES) -> dict[str, float]:
    """Dollars by meter, and `all`."""
    each = {
        name: price.of(getattr(usage, name)) / (TEN_THOUSAND if price.unit == "10,000" else 1)
        for name, price in prices.items()
    }
    return {**each, "all": sum(each.values())}


@dataclass(frozen=True, slots=True)
class Durable:
    """What a run's orchestrations were: numbers of activities, of orchestrations started by others, of episodes, and of
    the history's rows.
    """

    activities: float
    orchestrations: float
    episodes: float
    rows: float


def durable_requests(run: Durable) -> tuple[float, float]:
    """Requests to queues and to tables that the Azure Storage back end makes for a run (polling apart).

    An activity is a message there and one back, an orchestration a message there and one back: each is put, got and
    deleted. An episode reads its history (1,000 rows an answer), writes new rows (100 at once) and the instance.
    """
    queues = 3.0 * 2 * (run.activities + run.orchestrations)
    tables = run.episodes * 3.0 + run.rows / 100 + run.orchestrations
    return queues, tables


def polling(seconds: float, instances: float, every: float, control_queues: int = 4) -> float:
    """Requests to queues that only ask whether there is something. every: seconds between two on an idle queue.

    The queues of orchestrations are each asked by one instance, that of activities by all.
    """
    return seconds / every * (control_queues + instances)
