"""Segments: the six named ones and those that are saved with an enrichment (interfaces §9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.core import blob_names, filter_bodies, filters
from shared.core.answer_shapes import SegmentEntry
from shared.core.errors import Conflict, Fault, Invalid, Missing
from shared.core.filters import Filter
from shared.services import Services, readers
from shared.services.documents import Document, change, dump, read
from shared.services.readers import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")
MOST_OWN = 200


@dataclass(frozen=True, slots=True)
class Own:
    """A segment that was saved."""

    title: str
    filter: Filter


def list_all(svc: Services, enrichment: str, reading: Reading) -> list[SegmentEntry]:
    """The named ones in the order of interfaces §9, then the own ones by name."""
    from shared.core.segments import BUILT_IN

    before = readers.previous(svc, enrichment, reading)
    own = all_own(svc, enrichment)
    named = {name: segment.title for name, segment in BUILT_IN.items()}
    titles = named | {name: own[name].title for name in sorted(own)}
    told: list[SegmentEntry] = []
    for name, title in titles.items():
        members = _ids(svc, reading, name, own)
        earlier = _earlier(svc, before, name, own)
        told.append(
            {
                "segment": name,
                "title": title,
                "customers": len(members),
                "joined": None if earlier is None else len(members - earlier),
                "left": None if earlier is None else len(earlier - members),
                "own": name in own,
            }
        )
    return told


def _ids(svc: Services, reading: Reading, segment: str, own: dict[str, Own]) -> set[str]:
    return {reading.standing.ids[row] for row in members(svc, reading, segment, own)}


def _earlier(svc: Services, before: Reading | None, segment: str, own: dict[str, Own]) -> set[str] | None:
    if before is None:
        return None
    try:
        return _ids(svc, before, segment, own)
    except Missing:  # the table went while its index stayed: no result to compare with
        return None


def members(svc: Services, reading: Reading, segment: str, own: dict[str, Own]) -> list[int] | NDArray[np.int64]:
    """Rows of the index. Raises `Missing` where there is no such segment."""
    import numpy as np

    from shared.core.segments import BUILT_IN

    if segment in BUILT_IN:
        return np.flatnonzero(BUILT_IN[segment].holds(reading.standing))
    if segment in own:
        return selected(svc, reading, own[segment].filter)
    raise _missing()


def selected(svc: Services, reading: Reading, wanted: Filter) -> list[int]:
    """Rows of the index of those whom a filter selects."""
    return readers.places(reading, readers.customers(svc, reading, wanted))


def all_own(svc: Services, enrichment: str) -> dict[str, Own]:
    kept = read(svc.storage.config, blob_names.segments(enrichment)) or {}
    return {name: _parse(document) for name, document in kept.items()}


def check_name(segment: str) -> None:
    """Raises `Invalid` where an own segment cannot be called so, `Conflict` for a named one."""
    _check_own(segment)
    if not NAME.fullmatch(segment):
        detail = "The name of a segment is 1–60 of a-z, 0-9 and hyphens, and starts with a letter."
        raise Invalid("Not a name of a segment", detail, [Fault("segment", detail)])


def save(svc: Services, enrichment: str, segment: str, title: str | None, wanted: Filter) -> tuple[Own, bool]:
    """What was kept, and whether it is new. Raises `Conflict` beyond the number that one enrichment has at most."""
    own, new = Own(title or segment, wanted), True

    def with_it(kept: Document) -> Document:
        nonlocal new
        new = segment not in kept
        if new and len(kept) >= MOST_OWN:
            raise Conflict("Too many segments", f"An enrichment has at most {MOST_OWN} own segments. Remove one first.")
        return kept | {segment: to_json(own)}

    config, blob = svc.storage.config, blob_names.segments(enrichment)
    config.create(blob, dump({}))
    if change(config, blob, with_it) is None:
        raise Missing("Enrichment not found", f"The enrichment {enrichment} has just been removed.")
    return own, new


def remove(svc: Services, enrichment: str, segment: str) -> None:
    """Raises `Missing` where there is no such segment, `Conflict` for a named one."""
    _check_own(segment)

    def without_it(kept: Document) -> Document | None:
        return {name: kept[name] for name in kept if name != segment} if segment in kept else None

    if change(svc.storage.config, blob_names.segments(enrichment), without_it) is None:
        raise _missing()


def _check_own(segment: str) -> None:
    from shared.core.segments import BUILT_IN

    if segment in BUILT_IN:
        raise Conflict("The segment is built in", f"{segment} can be neither replaced nor removed.")


def _missing() -> Missing:
    return Missing("Segment not found", "The enrichment has no such segment. They are listed at …/segments.")


def to_json(own: Own) -> dict[str, Any]:
    """As it was sent, with its title."""
    wanted = own.filter
    period = {"period": wanted.period.isoformat()} if wanted.period else {}
    return {"title": own.title, "level": wanted.level, **period, "where": filters.to_json(wanted.where)}


def _parse(document: Document) -> Own:
    wanted, _ = filter_bodies.judge(document, filter_bodies.SegmentBody)
    assert wanted is not None
    return Own(document["title"], wanted)
