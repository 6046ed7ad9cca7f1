"""Enrichments as they are kept: one blob each, changed by conditional writes; an output table belongs to one of them.

A claim blob per output (`blob_names.output`) keeps two enrichments that are saved at once from getting the same one. A
claim whose holder does not use the output, and is not just being saved, counts for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec

from shared.core import blob_names
from shared.core.enrichment import Enrichment, check_name
from shared.core.errors import Conflict, Missing
from shared.core.periods import from_us, to_us
from shared.services import Services
from shared.services.conditions import Condition
from shared.services.documents import dump

# Longer than any call may last: a claim this old whose holder does not use the output is left over.
SAVING = timedelta(minutes=15)

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Entry:
    """An address and who stands behind it; `pending` (then people and guests are None) until it has been looked up."""

    address: str
    kind: Literal["pending", "user", "group", "unknown"] = "pending"
    people: int | None = None
    guests: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"address": self.address, "kind": self.kind, "people": self.people, "guests": self.guests}


@dataclass(frozen=True, slots=True)
class Removal:
    """The enrichment is being removed. purge: its published tables too."""

    since_us: int
    purge: bool


@dataclass(frozen=True, slots=True)
class StoredEnrichment:
    """entries: one per distinct address · people: listed people, None while pending · ever_resolved: these addresses
    have been looked up before, so that one that has gone is a warning · activated_us: when it last became active, 0
    where it always was · former_outputs: where it has published before · etag: as the storage gives it.
    """

    name: str
    body: Enrichment
    state: Literal["active", "inactive"]
    created_us: int
    saved_us: int
    entries: tuple[Entry, ...]
    people: int | None
    activated_us: int = 0
    former_outputs: tuple[str, ...] = ()
    removal: Removal | None = None
    etag: str = ""

    @property
    def ever_resolved(self) -> bool:
        return self.people is not None

    @property
    def is_active(self) -> bool:
        """Whether runs may start."""
        return self.state == "active" and self.removal is None


def load(svc: Services, name: str) -> StoredEnrichment:
    """Raises `Missing` where there is none of this name, `Invalid` where none could be called so."""
    check_name(name)
    found = find(svc, name)
    if found is None:
        raise Missing("Enrichment not found", f"There is no enrichment called {name}.")
    return found


def find(svc: Services, name: str) -> StoredEnrichment | None:
    tagged = svc.storage.config.read_tagged(blob_names.enrichment(name))
    return _parse(name, *tagged) if tagged else None


def list_all(svc: Services) -> Iterator[StoredEnrichment]:
    """All enrichments, in the order of their names."""
    for name in names(svc):
        found = find(svc, name)
        if found:
            yield found


def names(svc: Services) -> list[str]:
    prefix, suffix = blob_names.enrichment("\0").split("\0")
    found = (entry.name.removeprefix(prefix).removesuffix(suffix) for entry in svc.storage.config.entries(prefix))
    return sorted(found)


def save(
    svc: Services, name: str, body: Enrichment, entries: Sequence[Entry], people: int | None, condition: Condition
) -> tuple[StoredEnrichment, bool]:
    """Keep the enrichment; what was kept, and whether it is new. One that is replaced keeps its state and its age.

    Raises `Conflict` where another enrichment has the output, `Outdated` where the condition does not hold.
    """
    _claim(svc, name, body.output)
    try:
        stored, before = _write(svc, name, body, entries, people, condition)
    except BaseException:
        _release(svc, name, body.output)
        raise
    if before:
        _release(svc, name, before.body.output)
    return stored, before is None


def _write(
    svc: Services, name: str, body: Enrichment, entries: Sequence[Entry], people: int | None, condition: Condition
) -> tuple[StoredEnrichment, StoredEnrichment | None]:
    config, blob = svc.storage.config, blob_names.enrichment(name)
    while True:
        before = find(svc, name)
        condition.check(before.etag if before else None)
        now_us = to_us(svc.now())
        stored = StoredEnrichment(name, body, "active", now_us, now_us, tuple(entries), people)
        if before:
            refuse_removed(before)
            stored = replace(
                stored,
                state=before.state,
                created_us=before.created_us,
                activated_us=before.activated_us,
                former_outputs=_former_outputs(before, body.output),
            )
        data = _serialise(stored)
        etag = config.replace(blob, data, before.etag) if before else config.create(blob, data)
        if etag is not None:
            return replace(stored, etag=etag), before


def _former_outputs(before: StoredEnrichment, output: str) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys((*before.former_outputs, before.body.output)) if name != output)


def change(
    svc: Services, name: str, condition: Condition, how: Callable[[StoredEnrichment], StoredEnrichment]
) -> StoredEnrichment:
    """The enrichment as `how` made it of the stored one; again from the start where somebody else was faster.

    Raises `Missing`, or `Outdated` where the condition does not hold.
    """
    while True:
        before = load(svc, name)
        condition.check(before.etag)
        after = how(before)
        if after == before:
            return before
        etag = svc.storage.config.replace(blob_names.enrichment(name), _serialise(after), before.etag)
        if etag is not None:
            return replace(after, etag=etag)


def refuse_removed(stored: StoredEnrichment) -> None:
    """Raises `Conflict` for an enrichment that is being removed."""
    if stored.removal:
        raise Conflict(
            "The enrichment is being removed",
            "It is being deleted. Try again in a moment; where the deletion broke off, DELETE it again.",
        )


def keep_resolved(svc: Services, stored: StoredEnrichment, entries: Sequence[Entry], people: int) -> None:
    """Keep who stands behind the addresses, unless the enrichment has been saved anew meanwhile."""
    config, blob = svc.storage.config, blob_names.enrichment(stored.name)
    while True:
        now = find(svc, stored.name)
        if now is None or now.saved_us != stored.saved_us:
            return
        resolved = replace(now, entries=tuple(entries), people=people)
        if resolved == now:
            return  # whoever is editing it keeps a good etag
        data = _serialise(resolved)
        if config.replace(blob, data, now.etag) is not None:
            return


def _claim(svc: Services, name: str, output: str) -> None:
    config, blob = svc.storage.config, blob_names.output(output)
    claim = dump({"enrichment": name, "sinceUs": to_us(svc.now())})
    while config.create(blob, claim) is None:
        tagged = config.read_tagged(blob)
        if tagged is None:
            continue
        if _holds(svc, json.loads(tagged[0]), name, output):
            raise Conflict("The output is taken", f"Another enrichment has the output {output}. Choose another one.")
        if config.replace(blob, claim, tagged[1]) is not None:
            return


def _holds(svc: Services, claim: dict[str, Any], name: str, output: str) -> bool:
    """Whether the claim is another enrichment's, and good."""
    if claim["enrichment"] == name:
        return False
    return _uses(svc, claim["enrichment"], output) or svc.now() - from_us(claim["sinceUs"]) < SAVING


def _uses(svc: Services, name: str, output: str) -> bool:
    holder = find(svc, name)
    return holder is not None and holder.body.output.lower() == output.lower()


def give_up(svc: Services, name: str, output: str) -> None:
    """Give the output free, though the enrichment, which is going, still uses it."""
    config, blob = svc.storage.config, blob_names.output(output)
    tagged = config.read_tagged(blob)
    if tagged and json.loads(tagged[0])["enrichment"] == name:
        config.delete(blob, tagged[1])


def _release(svc: Services, name: str, output: str) -> None:
    """Give the output free, unless the enrichment uses it."""
    if not _uses(svc, name, output):
        give_up(svc, name, output)


def _serialise(stored: StoredEnrichment) -> bytes:
    return _ENCODER.encode(
        {
            "state": stored.state,
            "createdUs": stored.created_us,
            "savedUs": stored.saved_us,
            "entries": [[entry.address, entry.kind, entry.people, entry.guests] for entry in stored.entries],
            "people": stored.people,
            "activatedUs": stored.activated_us,
            "formerOutputs": stored.former_outputs,
            "removal": stored.removal and {"sinceUs": stored.removal.since_us, "purge": stored.removal.purge},
            "body": stored.body.to_json(),
        }
    )


def _parse(name: str, data: bytes, etag: str) -> StoredEnrichment:
    kept = json.loads(data, parse_float=Decimal)
    removal = kept.get("removal")
    return StoredEnrichment(
        name=name,
        body=Enrichment.model_validate(kept["body"]),
        state=kept["state"],
        created_us=kept["createdUs"],
        saved_us=kept["savedUs"],
        entries=tuple(Entry(*entry) for entry in kept["entries"]),
        people=kept["people"],
        activated_us=kept.get("activatedUs", 0),
        former_outputs=tuple(kept.get("formerOutputs", ())),
        removal=Removal(removal["sinceUs"], removal["purge"]) if removal else None,
        etag=etag,
    )
