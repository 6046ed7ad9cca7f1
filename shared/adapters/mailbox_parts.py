"""What reading a mailbox leaves in staging: parts of facts, their ledgers, and a marker that says how far it came.

A call of extraction may be made twice, at once or long after. Of its attempts one fills the part, and from then on
every other one gives the same answer: a part and the cursor that belongs to it never come from two attempts (`claim`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from shared.adapters import tables
from shared.adapters.blobs import Container, Entry
from shared.core import blob_names
from shared.core import ledger as ledgers
from shared.core import recoding as recodings
from shared.core.contracts import ExtractedPart, Outcome
from shared.core.errors import FactsGone, TryAgain
from shared.core.facts import MeetingCopies, MessageCopies
from shared.core.ledger import Kept, Ledger, Reading, Taken
from shared.core.meetings import MeetingReader
from shared.core.progress import add_counts
from shared.core.recoding import UNRELATED, Recoding
from shared.core.weights import weight


class Reads(Protocol):
    """Who has judged messages."""

    def reading(self) -> Reading: ...


Readers = tuple[Reads, MeetingReader]
Kind = Literal["messages", "meetings", "ledger"]
KINDS: tuple[Kind, ...] = ("messages", "meetings", "ledger")
FACTS: tuple[Kind, ...] = ("messages", "meetings")


class Overtaken(TryAgain):
    """Another attempt of the same call has taken this part's place meanwhile."""

    def __init__(self) -> None:
        super().__init__("A part of a mailbox's facts was taken by another attempt meanwhile.")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to fill a part, for as long as nobody claims it after us. etag: of the answer's place · files: etags of
    what an attempt before has left.
    """

    part: int
    etag: str
    files: dict[Kind, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailboxParts:
    """The place of one mailbox of a run."""

    staging: Container
    enrichment: str
    run_id: str
    mailbox: int

    def claim(self, part: int) -> Claim | ExtractedPart:
        """To be taken before reading: the right to fill a part, or what the attempt answered that has filled it.

        Whoever claims a part changes the place of its answer, and looks before that at what lies there. So those who
        claimed it earlier can write nothing any more over what is written from now on, nor answer.
        Raises `Overtaken` where another attempt claims or fills it at the same time.
        """
        name = self._answer_name(part)
        etag = self.staging.create(name, b"")
        if etag is not None:
            return Claim(part, etag)
        there = self.staging.read_tagged(name)
        if there is None:
            raise Overtaken
        if there[0]:
            return self._answered(there[0])
        left = {kind: self.staging.etag(self._name(part, kind)) for kind in KINDS}
        etag = self.staging.replace(name, b"", there[1])
        if etag is None:
            raise Overtaken
        return Claim(part, etag, {kind: found for kind, found in left.items() if found is not None})

    def write_part(
        self, claim: Claim, readers: Readers, answer: Callable[[int], ExtractedPart], taken: Taken | None = None
    ) -> ExtractedPart:
        """Write a part of the facts, then the answer, which is made of their weight, then the marker.

        taken: how it was read; without it no later run can build on this one. Raises `Overtaken`.
        """
        reading, meetings = readers[0].reading(), readers[1].copies()
        messages = reading.copies
        counts = {"Message": ledgers.counts(reading.ledger), "Meeting": dict(readers[1].counts)}
        files: dict[Kind, bytes] = {
            "messages": tables.write_message_copies(messages, counts),
            "meetings": tables.write_meeting_copies(meetings),
        }
        if taken is not None:
            files["ledger"] = tables.write_ledger(reading.ledger, taken)
        read = {
            "messages": len(messages.item) + sum(counts["Message"].values()),
            "meetings": len(meetings.item) + sum(counts["Meeting"].values()),
        }
        self._write(claim, files)
        told = answer(weight(messages) + weight(meetings))
        return self._answer(claim, told, self._progress(claim.part, told.outcome, read))

    def close(self, claim: Claim, answer: ExtractedPart) -> ExtractedPart:
        """The mailbox is not read; what was read of it so far counts for nothing. Raises `Overtaken`."""
        marker = {"outcome": answer.outcome, "part": str(claim.part), "messages": "0", "meetings": "0"}
        return self._answer(claim, answer, marker)

    def kept(self) -> Kept | None:
        """The mailbox as it was read; None where it was not, or not all of that is there any more."""
        readings, takings = [], []
        for part in range(self._parts_read()):
            ledger, copies = (
                self.staging.read(self._name(part, "ledger")),
                self.staging.read(self._name(part, "messages")),
            )
            if ledger is None or copies is None:
                return None
            readings.append(Reading(tables.read(Ledger, ledger), tables.read(MessageCopies, copies)))
            takings.append(tables.read_taken(ledger))
        if not readings:
            return None
        alike = all(taken.folders == takings[0].folders for taken in takings)
        first = replace(takings[0], folders=takings[0].folders if alike else "")
        return Kept(ledgers.latest(ledgers.together(readings)), first)

    def take_over(self, claim: Claim, earlier: MailboxParts) -> ExtractedPart | None:
        """Make what another run has read of this mailbox this run's, as it is.

        None where that run did not read it, or not all of that is there any more. claim: of the first part.
        Raises `Overtaken`.
        """
        copies, parts = 0, earlier._parts_read()
        for part in reversed(range(parts)):
            files = earlier._files(part)
            if not files.keys() >= set(FACTS):
                return None
            copies += weight(tables.read(MessageCopies, files["messages"]))
            copies += weight(tables.read(MeetingCopies, files["meetings"]))
            self._write(self._claim_after(claim, part), files)
        if not parts:
            return None
        answer = ExtractedPart(mailbox=self.mailbox, outcome="Read", parts=parts, copies=copies)
        return self._answer(claim, answer, earlier._marked())

    def recode(self, claim: Claim, earlier: MailboxParts, recoding: Recoding) -> ExtractedPart:
        """Make what another run has read of this mailbox this run's, in other codes. claim: of the first part.

        A mailbox that was given up between two calls is as `Unavailable` as that run said.
        Raises `FactsGone` where not all of that is there any more, `Overtaken`.
        """
        marker = earlier._marked()
        if not marker:
            raise FactsGone
        outcome = cast(Outcome, marker["outcome"])
        copies, parts = 0, earlier._parts_read()
        if not parts:
            given_up: Outcome = "Unavailable" if outcome == "More" else outcome
            return self.close(claim, ExtractedPart(mailbox=self.mailbox, outcome=given_up, parts=0))
        for part in reversed(range(parts)):
            files, weighed = self._recoded(earlier._files(part), recoding)
            self._write(self._claim_after(claim, part), files)
            copies += weighed
        return self._answer(
            claim, ExtractedPart(mailbox=self.mailbox, outcome=outcome, parts=parts, copies=copies), marker
        )

    def _recoded(self, files: dict[Kind, bytes], recoding: Recoding) -> tuple[dict[Kind, bytes], int]:
        """The files of a part in other codes, and the weight of their facts."""
        if not files.keys() >= set(FACTS):
            raise FactsGone
        copies, is_in = recodings.messages(tables.read(MessageCopies, files["messages"]), recoding, self.mailbox)
        events, is_in_event = recodings.meetings(tables.read(MeetingCopies, files["meetings"]), recoding, self.mailbox)
        out = {"Message": _out(is_in), "Meeting": _out(is_in_event)}
        counts = add_counts(tables.read_counts(files["messages"]), out)
        after: dict[Kind, bytes] = {
            "messages": tables.write_message_copies(copies, counts),
            "meetings": tables.write_meeting_copies(events),
        }
        if "ledger" in files:
            left = recodings.ledger(tables.read(Ledger, files["ledger"]), is_in)
            after["ledger"] = tables.write_ledger(left, tables.read_taken(files["ledger"]))
        return after, weight(copies) + weight(events)

    def _files(self, part: int) -> dict[Kind, bytes]:
        found = {kind: self.staging.read(self._name(part, kind)) for kind in KINDS}
        return {kind: data for kind, data in found.items() if data is not None}

    def _claim_after(self, first: Claim, part: int) -> Claim:
        """The claim of a part that is taken over together with the first one; only that one has an answer."""
        claim = first if part == first.part else self.claim(part)
        if isinstance(claim, ExtractedPart):
            raise Overtaken
        return claim

    def _parts_read(self) -> int:
        """How many parts a mailbox has that was read to its end; 0 for any other."""
        marker = self._marked()
        return int(marker["part"]) + 1 if marker.get("outcome") == "Read" else 0

    def _write(self, claim: Claim, files: dict[Kind, bytes]) -> None:
        for kind in KINDS:
            name, there = self._name(claim.part, kind), claim.files.get(kind)
            if kind not in files:
                is_written = there is None or self.staging.delete(name, there)
            elif there is None:
                is_written = self.staging.create(name, files[kind]) is not None
            else:
                is_written = self.staging.replace(name, files[kind], there) is not None
            if not is_written:
                raise Overtaken

    def _answer(self, claim: Claim, answer: ExtractedPart, marker: dict[str, str]) -> ExtractedPart:
        told = json.dumps({"answer": answer.to_wire(), "marker": marker}).encode()
        if self.staging.replace(self._answer_name(claim.part), told, claim.etag) is None:
            raise Overtaken
        self._mark(marker)
        return answer

    def _answered(self, told: bytes) -> ExtractedPart:
        """What another attempt has answered, which may have died before it left its marker."""
        known = json.loads(told)
        self._mark(known["marker"])
        return ExtractedPart.from_wire(known["answer"])

    def _answer_name(self, part: int) -> str:
        return blob_names.mailbox_answer(self.enrichment, self.run_id, self.mailbox, part)

    def _name(self, part: int, kind: Kind) -> str:
        return blob_names.mailbox_part(self.enrichment, self.run_id, self.mailbox, part, kind)

    def _progress(self, part: int, outcome: Outcome, read: dict[str, int]) -> dict[str, str]:
        """The marker after this part: what it read, on top of what the marker of the part before says."""
        before = self._marked() if part else {}
        numbers = {kind: str(int(before.get(kind, 0)) + number) for kind, number in read.items()}
        return {"outcome": outcome, "part": str(part), **numbers}

    def _marked(self) -> dict[str, str]:
        entry = self._marker()
        return entry.metadata if entry else {}

    def _marker(self) -> Entry | None:
        name = self._marker_name()
        return next((entry for entry in self.staging.entries(name) if entry.name == name), None)

    def _mark(self, marker: dict[str, str]) -> None:
        """Leave the marker, unless one of a later part is there: whose attempt was held up says nothing new."""
        name = self._marker_name()
        while True:
            there = self._marker()
            if there is None:
                is_left = self.staging.create(name, b"", marker) is not None
            elif int(there.metadata["part"]) >= int(marker["part"]):
                return
            else:
                is_left = self.staging.replace(name, b"", there.etag, marker) is not None
            if is_left:
                return

    def _marker_name(self) -> str:
        return blob_names.mailbox_progress(self.enrichment, self.run_id, self.mailbox)


def are_whole(staging: Container, enrichment: str, run_id: str, mailboxes: int) -> bool:
    """Whether all that a run has put down of its mailboxes is there, so that it can be taken over."""
    markers = {entry.name: entry.metadata for entry in staging.entries(blob_names.progress(enrichment, run_id))}
    there = {entry.name for entry in staging.entries(blob_names.mailboxes(enrichment, run_id))}
    for mailbox in range(mailboxes):
        place = MailboxParts(staging, enrichment, run_id, mailbox)
        marker = markers.get(place._marker_name())
        if marker is None:
            return False
        parts = int(marker["part"]) + 1 if marker.get("outcome") == "Read" else 0
        if not there.issuperset(place._name(part, kind) for part in range(parts) for kind in FACTS):
            return False
    return True


def _out(is_in: NDArray[Any]) -> dict[str, int]:
    """Copies that are not in any more."""
    out = int(np.count_nonzero(~is_in))
    return {UNRELATED: out} if out else {}
