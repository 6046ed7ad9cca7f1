"""What reading a mailbox leaves in staging: parts of facts, their ledgers, and a marker that says how far it came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from shared.adapters import tables
from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core import ledger as ledgers
from shared.core import recoding as recodings
from shared.core.contracts import Outcome
from shared.core.errors import FactsGone, TryAgain
from shared.core.facts import MeetingCopies, MessageCopies
from shared.core.ledger import Kept, Ledger, Reading, Taken
from shared.core.meetings import MeetingReader
from shared.core.progress import add_counts
from shared.core.recoding import UNRELATED, Recoding


class Reads(Protocol):
    """Who has judged messages."""

    def reading(self) -> Reading: ...


Readers = tuple[Reads, MeetingReader]
Kind = Literal["messages", "meetings", "ledger"]
KINDS: tuple[Kind, ...] = ("messages", "meetings", "ledger")
FACTS: tuple[Kind, ...] = ("messages", "meetings")


class Overtaken(TryAgain):
    """Another attempt of the same call, which nobody waits for any more, has written this part meanwhile."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What lay in a part's place as its reading began."""

    part: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class MailboxParts:
    """The place of one mailbox of a run. Whatever is written again overwrites what the same call left before."""

    staging: Container
    enrichment: str
    run_id: str
    mailbox: int

    def claim(self, part: int) -> Claim:
        """To be taken before reading.

        An attempt that was given up may still go on, and stop at another page than the one that took its place: it must
        not exchange the part under the cursor that belongs to it.
        """
        return Claim(part, self.staging.etag(self._name(part, "messages")))

    def write_part(self, claim: Claim, readers: Readers, outcome: Outcome, taken: Taken | None = None) -> int:
        """Write a part of the facts, then the marker; how many rows of facts it has.

        taken: how it was read; without it no later run can build on this one.
        Raises `Overtaken` where the part is no longer what the claim found.
        """
        reading, meetings = readers[0].reading(), readers[1].copies()
        messages = reading.copies
        counts = {"Message": ledgers.counts(reading.ledger), "Meeting": dict(readers[1].counts)}
        self._write_first(claim, tables.write_message_copies(messages, counts))
        self.staging.write(self._name(claim.part, "meetings"), tables.write_meeting_copies(meetings))
        if taken is not None:
            self.staging.write(self._name(claim.part, "ledger"), tables.write_ledger(reading.ledger, taken))
        read = {
            "messages": len(messages.item) + sum(counts["Message"].values()),
            "meetings": len(meetings.item) + sum(counts["Meeting"].values()),
        }
        self._mark(self._progress(claim.part, outcome, read))
        return len(messages.item) + len(meetings.item)

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

    def take_over(self, earlier: MailboxParts) -> tuple[int, int] | None:
        """Make what another run has read of this mailbox this run's, as it is: (parts, rows of facts).

        None where that run did not read it, or not all of that is there any more.
        """
        copies, parts = 0, earlier._parts_read()
        for part in range(parts):
            contents = {kind: self.staging.read(earlier._name(part, kind)) for kind in KINDS}
            messages, meetings = contents["messages"], contents["meetings"]
            if messages is None or meetings is None:
                return None
            copies += len(tables.read(MessageCopies, messages).item) + len(tables.read(MeetingCopies, meetings).item)
            for kind, content in contents.items():
                if content is not None:
                    self.staging.write(self._name(part, kind), content)
        if parts:
            self._mark(earlier._marked())
        return (parts, copies) if parts else None

    def recode(self, earlier: MailboxParts, recoding: Recoding) -> tuple[Outcome, int, int]:
        """Make what another run has read of this mailbox this run's, in other codes: (outcome, parts, rows of facts).

        A mailbox that was given up between two calls is as `Unavailable` as that run said.
        Raises `FactsGone` where not all of that is there any more.
        """
        marker = earlier._marked()
        if not marker:
            raise FactsGone
        if marker["outcome"] == "More":
            self.mark_unread("Unavailable")
            return "Unavailable", 0, 0
        copies, parts = 0, earlier._parts_read()
        for part in range(parts):
            copies += self._recode_part(earlier, part, recoding)
        self._mark(marker)
        return cast(Outcome, marker["outcome"]), parts, copies

    def _recode_part(self, earlier: MailboxParts, part: int, recoding: Recoding) -> int:
        contents = {kind: self.staging.read(earlier._name(part, kind)) for kind in KINDS}
        messages, meetings, ledger = contents["messages"], contents["meetings"], contents["ledger"]
        if messages is None or meetings is None:
            raise FactsGone
        copies, is_in = recodings.messages(tables.read(MessageCopies, messages), recoding, self.mailbox)
        events, is_in_event = recodings.meetings(tables.read(MeetingCopies, meetings), recoding, self.mailbox)
        out = {"Message": _out(is_in), "Meeting": _out(is_in_event)}
        counts = add_counts(tables.read_counts(messages), out)
        self.staging.write(self._name(part, "messages"), tables.write_message_copies(copies, counts))
        self.staging.write(self._name(part, "meetings"), tables.write_meeting_copies(events))
        if ledger is not None:
            left = recodings.ledger(tables.read(Ledger, ledger), is_in)
            self.staging.write(self._name(part, "ledger"), tables.write_ledger(left, tables.read_taken(ledger)))
        return len(copies.item) + len(events.item)

    def _parts_read(self) -> int:
        """How many parts a mailbox has that was read to its end; 0 for any other."""
        marker = self._marked()
        return int(marker["part"]) + 1 if marker.get("outcome") == "Read" else 0

    def mark_unread(self, outcome: Outcome) -> None:
        """The mailbox is not read; what was read of it so far counts for nothing."""
        self._mark({"outcome": outcome, "messages": "0", "meetings": "0"})

    def _write_first(self, claim: Claim, content: bytes) -> None:
        """The messages: who may write them writes the rest too."""
        name = self._name(claim.part, "messages")
        if claim.etag is None:
            written = self.staging.create(name, content)
        else:
            written = self.staging.replace(name, content, claim.etag)
        if written is None:
            raise Overtaken("A part of a mailbox's facts was written by another attempt meanwhile.")

    def _name(self, part: int, kind: Kind) -> str:
        return blob_names.mailbox_part(self.enrichment, self.run_id, self.mailbox, part, kind)

    def _progress(self, part: int, outcome: Outcome, read: dict[str, int]) -> dict[str, str]:
        """The marker after this part: what it read, on top of what the marker of the part before says."""
        marker = {"outcome": outcome, "part": str(part)}
        before = self._marked() if part else {}
        # A call that is made again finds its own marker, which remembers what lay before it.
        prefix = "before_" if before.get("part") == str(part) else ""
        for kind, number in read.items():
            earlier = int(before.get(prefix + kind, 0))
            marker |= {kind: str(earlier + number), f"before_{kind}": str(earlier)}
        return marker

    def _marked(self) -> dict[str, str]:
        name = self._marker_name()
        return next((entry.metadata for entry in self.staging.entries(name) if entry.name == name), {})

    def _mark(self, marker: dict[str, str]) -> None:
        self.staging.write(self._marker_name(), b"", marker)

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
