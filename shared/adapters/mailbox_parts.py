"""What reading a mailbox leaves in staging: parts of its facts, and a marker that says how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.adapters import tables
from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.contracts import Outcome
from shared.core.errors import TryAgain
from shared.core.meetings import MeetingReader
from shared.core.messages import MessageReader

Readers = tuple[MessageReader, MeetingReader]
Kind = Literal["messages", "meetings"]


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

    def write_part(self, claim: Claim, readers: Readers, outcome: Outcome) -> int:
        """Write a part of the facts, then the marker; how many rows of facts it has.

        Raises `Overtaken` where the part is no longer what the claim found.
        """
        messages, meetings = readers[0].copies(), readers[1].copies()
        counts = {"Message": dict(readers[0].counts), "Meeting": dict(readers[1].counts)}
        self._write_first(claim, tables.write_message_copies(messages, counts))
        self.staging.write(self._name(claim.part, "meetings"), tables.write_meeting_copies(meetings))
        read = {
            "messages": len(messages.item) + sum(counts["Message"].values()),
            "meetings": len(meetings.item) + sum(counts["Meeting"].values()),
        }
        self._mark(self._progress(claim.part, outcome, read))
        return len(messages.item) + len(meetings.item)

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
