"""Erasures as they are kept: who (by keyed hashes alone), how far it has come, which tables it has recomputed.

All of them are one document: each run needs every tombstone, and health looks at their keys. A tombstone counts from
the moment of its request on, whatever becomes of the rest.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from shared.core import blob_names
from shared.core.erasure import Finds, Found, Tombstone, bury, key_id
from shared.core.errors import Conflict, Missing
from shared.core.periods import to_us
from shared.core.progress import instant
from shared.services import Services, history
from shared.services.documents import Document, change, dump, read

State = Literal["waiting", "running", "done", "failed"]
OPEN: tuple[State, ...] = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Recomputing:
    """An enrichment whose tables are recomputed. run_id: by which run · is_done: it has published."""

    name: str
    run_id: str
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """tombstone: without contact ids, since those of two enrichments' data may be two systems' · contacts: hashes of
    the contact ids that were found in an enrichment's data, by its name.
    """

    tombstone: Tombstone
    requested_us: int
    state: State = "waiting"
    ended_us: int | None = None
    enrichments: tuple[Recomputing, ...] = ()
    contacts: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def tombstone_in(self, enrichment: str | None) -> Tombstone:
        """With the contact ids of this enrichment's data; None: of one that is not kept yet."""
        return replace(self.tombstone, contacts=self.contacts.get(enrichment or "", frozenset()))

    @property
    def id(self) -> str:
        return self.tombstone.id

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def run_of(self, enrichment: str) -> Recomputing | None:
        return next((each for each in self.enrichments if each.name == enrichment), None)

    def with_run(self, run: Recomputing) -> Erasure:
        others = [each for each in self.enrichments if each.name != run.name]
        return replace(self, enrichments=tuple(sorted([*others, run], key=lambda each: each.name)))

    def to_json(self) -> dict[str, Any]:
        """As interfaces §1 shows it; never the address."""
        return {
            "id": self.id,
            "state": self.state,
            "requestedAt": instant(self.requested_us),
            "endedAt": instant(self.ended_us),
            "enrichments": [{"name": each.name, "runId": each.run_id} for each in self.enrichments],
        }


def request(svc: Services, address: str) -> Erasure:
    """Keep a tombstone for whoever has this address. Raises `Conflict` where it could not be carried out."""
    check_keys(svc)
    now = svc.now()
    id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    erasure = Erasure(bury(id, address, svc.settings.pseudonym_key), to_us(now))
    _change(svc, lambda all: [*all, erasure])
    return erasure


def take_back(svc: Services, id: str) -> None:
    """Undo a request that could not be begun."""
    _change(svc, lambda all: [each for each in all if each.id != id])


def every(svc: Services) -> list[Erasure]:
    """Oldest first."""
    document = read(svc.storage.config, blob_names.ERASURES)
    return _parse(document) if document else []


def find(svc: Services, id: str) -> Erasure:
    found = next((each for each in every(svc) if each.id == id), None)
    if found is None:
        raise Missing("Erasure not found", "There is no erasure with this id. All are listed at /api/erasures.")
    return found


def tombstones(svc: Services, enrichment: str | None = None) -> list[Tombstone]:
    """Who has been erased, as an enrichment's data may name them. Raises `Conflict` where the key of one is unknown:
    that one could not be recognised.
    """
    all = every(svc)
    strange = _strange_keys(svc, all)
    if strange:
        raise Conflict("The key of an erasure is unknown", unknown_keys_detail(strange))
    return [each.tombstone_in(enrichment) for each in all]


def check_keys(svc: Services) -> None:
    """Raises `Conflict` as `tombstones` does."""
    tombstones(svc)


def recognised(svc: Services, enrichment: str | None = None) -> list[Tombstone]:
    """As `tombstones`, of those whose key is known."""
    key = key_id(svc.settings.pseudonym_key)
    return [each.tombstone_in(enrichment) for each in every(svc) if each.tombstone.key == key]


def unknown_keys(svc: Services) -> list[str]:
    """Ids of keys under which people were erased, and which are not that of PSEUDONYM_KEY."""
    return _strange_keys(svc, every(svc))


def unknown_keys_detail(strange: Sequence[str]) -> str:
    return (
        f"People were erased under another PSEUDONYM_KEY (key id {', '.join(strange)}), and cannot be recognised "
        "without it. No run starts until PSEUDONYM_KEY is that key again."
    )


def _strange_keys(svc: Services, all: Sequence[Erasure]) -> list[str]:
    return sorted({each.tombstone.key for each in all} - {key_id(svc.settings.pseudonym_key)})


def check_none_pending(svc: Services, enrichment: str) -> None:
    """Raises `Conflict` while an erasure has yet to recompute, or recomputes, the enrichment's tables."""
    if is_pending(svc, enrichment):
        raise Conflict(
            "A person is being erased",
            f"The tables of the enrichment {enrichment} are recomputed without somebody who is being erased. Start the "
            "run when that has ended; GET /api/erasures says how far it is.",
        )


def is_pending(svc: Services, enrichment: str) -> bool:
    still_open = [each for each in every(svc) if each.is_open]
    if not still_open or not history.of(svc, enrichment):
        return False
    runs = (each.run_of(enrichment) for each in still_open)
    return any(run is None or not run.is_done for run in runs)


def learn(svc: Services, enrichment: str, finds: Finds) -> None:
    """Keep which directory ids, and which contact ids of the enrichment's data, were found at tombstones' addresses."""

    def knowing(erasure: Erasure) -> Erasure:
        found, known = finds.get(erasure.id, Found()), erasure.tombstone_in(enrichment)
        tombstone = replace(erasure.tombstone, people=known.people | found.people)
        contacts = known.contacts | found.contacts
        told = {**erasure.contacts, enrichment: contacts} if contacts else erasure.contacts
        return replace(erasure, tombstone=tombstone, contacts=told)

    if finds:
        _change(svc, lambda all: [knowing(each) for each in all])


def note_run(svc: Services, id: str, run: Recomputing) -> None:
    """Which run recomputes the tables of one of the enrichments; nothing where the erasure has come further."""

    def noted(erasure: Erasure) -> Erasure:
        before = erasure.run_of(run.name)
        if not erasure.is_open or (before is not None and before.run_id >= run.run_id):
            return erasure
        return replace(erasure.with_run(run), state="running")

    _change_one(svc, id, noted)


def note_published(svc: Services, enrichment: str, run_id: str, applied: Sequence[str]) -> None:
    """The enrichment's tables are without those whom these erasures are about, earlier ones are gone.

    Of an erasure whose own recomputing has failed this is the end, too.
    """
    now_us = to_us(svc.now())

    def published(erasure: Erasure) -> Erasure:
        run = erasure.run_of(enrichment)
        if erasure.id not in applied or run is None or run.is_done:
            return erasure
        after = erasure.with_run(Recomputing(enrichment, run_id, is_done=True))
        if erasure.state == "failed" and all(each.is_done for each in after.enrichments):
            return replace(after, state="done", ended_us=now_us)
        return after

    _change(svc, lambda all: [published(each) for each in all])


def conclude(svc: Services, id: str, existing: Collection[str]) -> None:
    """All that could be done is done. existing: names of enrichments; of any other one the tables are gone too.

    So an erasure that has failed with enrichments which were removed since is done by the end of the next one.
    """
    now_us = to_us(svc.now())

    def ended(erasure: Erasure) -> Erasure:
        failed = any(not each.is_done and each.name in existing for each in erasure.enrichments)
        is_this = erasure.id == id and erasure.is_open
        if is_this or (erasure.state == "failed" and not failed):
            return replace(erasure, state="failed" if failed else "done", ended_us=now_us)
        return erasure

    _change(svc, lambda all: [ended(each) for each in all])


def _change_one(svc: Services, id: str, how: Callable[[Erasure], Erasure]) -> None:
    _change(svc, lambda all: [how(each) if each.id == id else each for each in all])


def _change(svc: Services, how: Callable[[list[Erasure]], list[Erasure]]) -> None:
    config = svc.storage.config

    def changed(document: Document) -> Document | None:
        before = _parse(document)
        after = how(before)
        return None if after == before else {"erasures": [_serialise(each) for each in after]}

    if config.read(blob_names.ERASURES) is None:
        config.create(blob_names.ERASURES, dump({"erasures": []}))
    change(config, blob_names.ERASURES, changed)


def _serialise(erasure: Erasure) -> Document:
    tombstone = erasure.tombstone
    return {
        "id": tombstone.id,
        "key": tombstone.key,
        "address": _hex(tombstone.address),
        "untagged": _hex(tombstone.untagged),
        "people": sorted(map(_hex, tombstone.people)),
        "contacts": {name: sorted(map(_hex, ids)) for name, ids in sorted(erasure.contacts.items())},
        "requestedUs": erasure.requested_us,
        "endedUs": erasure.ended_us,
        "state": erasure.state,
        "enrichments": [asdict(each) for each in erasure.enrichments],
    }


def _parse(document: Document) -> list[Erasure]:
    return [
        Erasure(
            Tombstone(
                each["id"],
                each["key"],
                int(each["address"], 16),
                int(each["untagged"], 16),
                _hashes(each["people"]),
            ),
            each["requestedUs"],
            each["state"],
            each["endedUs"],
            tuple(Recomputing(**one) for one in each["enrichments"]),
            {name: _hashes(ids) for name, ids in each["contacts"].items()},
        )
        for each in document["erasures"]
    ]


def _hashes(texts: Sequence[str]) -> frozenset[int]:
    return frozenset(int(text, 16) for text in texts)


def _hex(number: int) -> str:
    return f"{number:016x}"
