"""What hardly anybody has, each alone in a process: time, and memory, which is what breaks first.

`python -m bench big_ones [--part 0.1] [--only mailbox …]`: a mailbox of two million messages, and the group that holds
it; an account with half of ten million items; 200,000 accounts with one message each; messages to 500 people; a daily
meeting of 300 for a year. A million contacts are measured by `resolving` and `contacts`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from bench import big_copies, big_mailbox, frame
from bench.big_mailbox import CROWDED, MANY
from bench.folder import storage
from bench.frame import Figure
from bench.fresh import Measured, Stage, in_fresh_process
from bench.synthetic import Size
from orchestrators.enrichment_run import spread_of
from shared.core.weights import NAMED

if TYPE_CHECKING:
    from shared.services import Services

QUICK = ("--part", "0.05")
MUST, AIM = 400, 250  # MB
MESSAGES, MAILBOXES, ITEMS, ACCOUNTS, TO_MANY, CUSTOMERS = 2_000_000, 50, 10_000_000, 200_000, 20_000, 20_000
PER_PART = 200_000  # messages that one call of extraction takes
FULL_SIZE = 50_000_000
ADDRESS = "address.txt"


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench big_ones")
    parser.add_argument("--part", type=float, default=1, help="of the full size")
    parser.add_argument("--only", nargs="+", choices=ONES, default=list(ONES))
    given = parser.parse_args(arguments)
    told = []
    for name in given.only:
        with tempfile.TemporaryDirectory() as folder:
            told += ONES[name](Path(folder), given.part)
    return told


def _told(what: str, measured: Measured) -> list[Figure]:
    return [
        frame.figure(f"{what}: CPU time", "CPU s", "lower", [measured.cpu]),
        frame.figure(f"{what}: memory at its peak", "MB", "lower", [measured.peak], must=MUST, aim=AIM),
    ]


def _mailbox(folder: Path, part: float) -> list[Figure]:
    messages, crowded = int(MESSAGES * part), int(TO_MANY * part)
    with big_mailbox.serving(messages, crowded) as url:
        _plan_mailboxes(folder, url)
        many, to_many = (in_fresh_process("big_ones", name, folder) for name in (MANY, CROWDED))
    parts = len(list(folder.rglob("mailboxes/0001/*.answer.json")))
    name = f"a mailbox of {messages:,} messages, read"
    to_500 = f"a mailbox of {crowded:,} messages to 500 each, read"
    return [
        frame.figure(f"{name}: calls", "calls", "lower", [parts]),
        frame.figure(f"{name}: messages", "items/s/core", "higher", [messages / many.cpu]),
        *_told(name, many),
        frame.figure(f"{to_500}: CPU time of one message", "ms", "lower", [to_many.cpu / crowded * 1000]),
        *_told(to_500, to_many),
    ]


def _plan_mailboxes(folder: Path, url: str) -> None:
    from bench.extraction_activity import NAME
    from shared.adapters.plan_files import write_plan

    (folder / ADDRESS).write_text(url)
    write_plan(storage(folder).staging, NAME, NAME, big_mailbox.plan())


def _read(person: str, folder: Path) -> None:
    """Call after call, as a group does."""
    from activities import extract_mailbox
    from bench.extraction_activity import NAME
    from shared.core.contracts import ExtractOrder

    svc = _services(folder)
    order = ExtractOrder(enrichment=NAME, run_id=NAME, mailbox=(CROWDED, MANY).index(person), patience=3600)
    for _ in range(1_000):
        part = asyncio.run(extract_mailbox.run(order, svc))
        if part.outcome != "More":
            break
        order = order.model_copy(
            update={"part": part.parts, "cursor": part.cursor, "progressed_us": part.progressed_us}
        )
    assert part.outcome == "Read", part.outcome


def _services(folder: Path) -> Services:
    """Over the folder, and the server of pages."""
    from bench.extraction_pages import KEY
    from shared.adapters.graph.client import connect
    from shared.services import Services

    async def token() -> str:
        return "x" * 1_500

    told = cast("Any", SimpleNamespace(graph_base_url=f"{(folder / ADDRESS).read_text()}/v1.0", pseudonym_key=KEY))
    tokens = cast("Any", SimpleNamespace(token=token, fresh=token))
    return Services(told, storage(folder), tokens, lambda: connect(told, tokens))


def _group(folder: Path, part: float) -> list[Figure]:
    """The mailbox, all of it with contacts, and 49 others, in as many partitions as the full size has."""
    import numpy as np

    from bench import synthetic
    from bench.synthetic import NAME, RUN
    from shared.adapters import tables
    from shared.core import blob_names
    from shared.core.columns import cut

    random, staging = np.random.default_rng(5), storage(folder).staging
    contacts = synthetic.some_contacts(random, 20_000)
    parts = max(1, int(MESSAGES * part) // PER_PART)
    facts = [(mailbox, 0, int(20_000 * part)) for mailbox in range(MAILBOXES - 1)]
    facts += [(MAILBOXES - 1, number, int(MESSAGES * part) // parts) for number in range(parts)]
    for mailbox, number, count in facts:
        copies = cut(synthetic.message_copies(random, count, contacts), 0, count)
        meetings = big_copies.no_meetings(random, 0, contacts)
        for kind, data in (
            ("messages", tables.write_message_copies(copies, {})),
            ("meetings", tables.write_meeting_copies(meetings)),
        ):
            staging.write(blob_names.mailbox_part(NAME, RUN, mailbox, number, kind), data)
    (folder / "parts.txt").write_text(str(parts))
    total = sum(count for *_, count in facts)
    return _told(
        f"a group with that mailbox, {total:,} copies, partitioned", in_fresh_process("big_ones", "partition", folder)
    )


def _partition(folder: Path) -> None:
    from activities import partition_copies
    from bench.aggregation import services_of
    from bench.synthetic import NAME, RUN
    from shared.core.contracts import PartitionOrder

    many = {MAILBOXES - 1: int((folder / "parts.txt").read_text())}
    order = PartitionOrder(
        enrichment=NAME, run_id=RUN, group=0, first=0, count=MAILBOXES, many=many, spread=spread_of(FULL_SIZE)
    )
    partition_copies.run(order, services_of(folder))


def _half(folder: Path, part: float) -> list[Figure]:
    items = int(ITEMS * part)
    size = Size(items * 9 // 10, items // 10, max(10, items // 600), spread_of(items + items // 3))
    _write(folder, size, big_copies.half_of_one, big_copies.half_with_one)
    return _staged(f"half of {items:,} items with one account", folder, ("join", "aggregate", "publish"))


def _one_each(folder: Path, part: float) -> list[Figure]:
    accounts = int(ACCOUNTS * part)
    _write(folder, Size(accounts, 0, accounts, spread_of(accounts)), big_copies.one_each, big_copies.no_meetings)
    return _staged(f"{accounts:,} accounts with a message each", folder, ("join", "aggregate", "publish"))


def _to_many(folder: Path, part: float) -> list[Figure]:
    count = int(TO_MANY * part)
    spread = spread_of(count * big_copies.RECIPIENTS // NAMED)
    count = count // spread.partitions * spread.partitions
    _write(folder, Size(count, 0, CUSTOMERS, spread), big_copies.to_many, big_copies.no_meetings)
    return _staged(f"{count:,} messages to 500 contacts each", folder, ("join", "aggregate"))


def _daily(folder: Path, part: float) -> list[Figure]:
    days = int(big_copies.DAYS * part)
    spread = spread_of(days * big_copies.OURS * big_copies.ATTENDEES // NAMED)
    days = days // spread.partitions * spread.partitions
    _write(folder, Size(0, days, CUSTOMERS, spread), big_copies.no_messages, big_copies.daily)
    name = f"a meeting of 300 on {days:,} days, {days * big_copies.OURS:,} copies"
    return _staged(name, folder, ("join", "aggregate"))


def _write(folder: Path, size: Size, messages: Any, meetings: Any) -> None:
    from bench import synthetic
    from bench.aggregation import services_of

    synthetic.write_everything(services_of(folder), size, messages, meetings)
    (folder / "spread.json").write_text(json.dumps(size.spread.to_wire()))


def _staged(what: str, folder: Path, stages: tuple[str, ...]) -> list[Figure]:
    done = {"join": "joined", "aggregate": "to figures", "publish": "published"}
    return [
        one
        for stage in stages
        for one in _told(f"{what}, {done[stage]}", in_fresh_process("aggregation", stage, folder))
    ]


ONES: dict[str, Callable[[Path, float], list[Figure]]] = {
    "mailbox": _mailbox,
    "group": _group,
    "half": _half,
    "one_each": _one_each,
    "to_many": _to_many,
    "daily": _daily,
}
STAGES: dict[str, Stage] = {
    MANY: partial(_read, MANY),
    CROWDED: partial(_read, CROWDED),
    "partition": _partition,
}
