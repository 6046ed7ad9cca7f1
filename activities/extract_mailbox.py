"""Reads one mailbox, for as long as a call may take, into a part of its facts.

A refusal is an answer. What Graph does not give now is an answer too: "More", with a cursor and the seconds to wait;
the group calls again. One call at a time owns a mailbox, so that four requests to it are never exceeded.
"""

from __future__ import annotations

import asyncio
import gc
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df

from shared.core import roles
from shared.core.contracts import Cursor, ExtractedPart, ExtractOrder, Outcome
from shared.core.errors import GraphAway
from shared.core.periods import MICROSECONDS, to_us
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.adapters.graph.client import GraphClient
    from shared.adapters.graph.mailbox import Rest
    from shared.adapters.graph.refusals import RequestRefused
    from shared.adapters.mailbox_parts import Claim, MailboxParts, Readers
    from shared.core.ledger import Kept, Taken
    from shared.core.meetings import MeetingReader
    from shared.core.messages import MessageReader
    from shared.core.plan import MailboxPlan

bp = df.Blueprint()

BUDGET = 240.0  # seconds; what is under way then may take two more minutes, well within functionTimeout
PROBED = 20  # where access is scoped in Exchange, one of so many mailboxes has to answer
# Seconds by which a durable timer and the group that waits for it may come too early; Graph counts early requests.
_EARLY = 3
_A_MINUTE = 60.0
_RERUNS = 3  # calls that try to build on an earlier run, before the mailbox is read in full
_AT_LEAST = 20.0  # seconds in which even a slow Graph should show the folders and a first page
# A page is some thousand objects, of which none stays. By the usual threshold of 700 they would set off collections of
# the whole heap, which take a quarter of the time of reading.
_GC_THRESHOLD = 50_000


@bp.activity_trigger(input_name="payload")
async def extract_mailbox(payload: dict) -> dict:
    with answering("extract_mailbox") as answer:
        answer.wire = (await run(ExtractOrder.from_wire(payload), services())).to_wire()
    return answer.wire


async def run(order: ExtractOrder, svc: Services, budget: float = BUDGET) -> ExtractedPart:
    """Read on from the order's cursor, for `budget` seconds. Raises `StorageAway`, `Overtaken` or `FactsGone`."""
    from shared.adapters.graph.refusals import RequestRefused
    from shared.adapters.identity import CredentialRefused, NotConsented
    from shared.adapters.mailbox_parts import MailboxParts
    from shared.adapters.plan_files import load_mailbox_plan

    gc.set_threshold(_GC_THRESHOLD)
    plan = await asyncio.to_thread(load_mailbox_plan, svc.storage.staging, order.enrichment, order.run_id)
    place = MailboxParts(svc.storage.staging, order.enrichment, order.run_id, order.mailbox)
    claim = await asyncio.to_thread(place.claim, order.part)
    if isinstance(claim, ExtractedPart):
        return claim
    if plan.recoded:
        return await asyncio.to_thread(_recoded, order, svc, plan, place, claim)
    if plan.as_is and order.cursor is None and order.part == 0 and plan.base:
        earlier = replace(place, run_id=plan.base)
        taken_over = await asyncio.to_thread(place.take_over, claim, earlier)
        if taken_over is not None:
            return taken_over
    call = _Call(order, svc, plan, place, claim, to_us(svc.now()))
    async with svc.graph() as graph:
        try:
            try:
                return await call.read(graph, graph.clock() + call.time(budget))
            except RequestRefused as refusal:
                return await call.refused(graph, refusal)
        except NotConsented:
            return call.part("ConsentWithdrawn")
        except CredentialRefused:
            return await call.put_off(_A_MINUTE)
        except GraphAway as away:
            return await call.put_off(away.wait or _A_MINUTE)


def _recoded(order: ExtractOrder, svc: Services, plan: MailboxPlan, place: MailboxParts, claim: Claim) -> ExtractedPart:
    """Of an erasure: what the base has read of this person's mailbox, which may have had another number there."""
    import numpy as np

    from shared.adapters.plan_files import read_recoding

    assert plan.base is not None
    recoding = read_recoding(svc.storage.staging, order.enrichment, order.run_id)
    number = int(np.flatnonzero(recoding.person == order.mailbox)[0])
    earlier = replace(place, run_id=plan.base, mailbox=number)
    return place.recode(claim, earlier, recoding)


@dataclass(slots=True)
class _Call:
    """One call of the activity. began_us: when, on the wall clock."""

    order: ExtractOrder
    svc: Services
    plan: MailboxPlan
    place: MailboxParts
    claim: Claim
    began_us: int

    def time(self, budget: float) -> float:
        """Seconds for this call: no more than what is left of the patience, within which no progress is to be told."""
        before = self.order.cursor is not None and self.order.progressed_us
        idle = (self.began_us - before) / MICROSECONDS if before else 0.0
        return min(budget, max(self.order.patience - idle, _AT_LEAST))

    async def read(self, graph: GraphClient, deadline: float) -> ExtractedPart:
        from shared.adapters.graph import folders, mailbox
        from shared.core.meetings import MeetingReader
        from shared.core.messages import MessageReader

        plan, owner, key = self.plan, self.order.mailbox, self.svc.settings.pseudonym_key
        user_id = plan.people[owner]
        excluded = await folders.excluded(graph, user_id, deadline)
        messages = MessageReader(plan.book, plan.window, plan.options, key, owner, excluded)
        meetings = MeetingReader(plan.book, plan.window, plan.options, key, owner)
        how: dict[str, Any] = {"deadline": deadline, "now": self.svc.now, "with_headers": plan.options.read_headers}
        taken = self._taken(excluded)
        kept = await asyncio.to_thread(self._kept) if self._may_build_on_base else None
        if kept is not None and kept.taken.folders == taken.folders:
            return await self._read_again(graph, kept, (messages, meetings), taken, how)
        sinks = mailbox.Sinks(messages.add, meetings.add)
        rest = await mailbox.read(graph, user_id, self._cursor(), sinks, **how)
        return await self._conclude(rest, (messages, meetings), taken)

    async def _read_again(
        self, graph: GraphClient, kept: Kept, readers: tuple[MessageReader, MeetingReader], taken: Taken, how: Any
    ) -> ExtractedPart:
        """Read only what is new or in doubt since an earlier run. What could not be read to its end is void."""
        from shared.adapters.graph import rerun
        from shared.adapters.graph.mailbox import Rest

        messages, meetings = readers
        again = rerun.Rerun(kept, messages, self.plan.window)
        rest = await rerun.read(graph, self.plan.people[self.order.mailbox], again, meetings.add, **how)
        if rest.cursor is None:
            return await self._conclude(rest, (again, meetings), taken)
        # Graph was away: once more. What takes longer than a call is read as if there were no earlier run.
        cursor = self._try_again() if rest.wait else self._whole()
        return await self._conclude(Rest(cursor, progressed=rest.progressed, wait=rest.wait), None)

    async def put_off(self, wait: float) -> ExtractedPart:
        """Nothing could be read now."""
        from shared.adapters.graph.mailbox import Rest

        cursor = self._try_again() if self._may_build_on_base else self._cursor()
        return await self._conclude(Rest(cursor, wait=wait), None)

    async def refused(self, graph: GraphClient, refusal: RequestRefused) -> ExtractedPart:
        """Whether this mailbox was refused, or the whole tenant. Raises what is neither: a request that is wrong."""
        from shared.adapters.graph.refusals import MailboxRefused, TenantRefused

        if isinstance(refusal, MailboxRefused) and refusal.reason != "AccessDenied":
            return await self._close(refusal.reason)
        if not isinstance(refusal, MailboxRefused | TenantRefused):
            raise refusal
        by_roles, roles_are_new = await self._roles_suffice()
        if roles_are_new:
            return await self.put_off(_A_MINUTE)  # the token was older than the consent; Exchange may take a while
        if isinstance(refusal, MailboxRefused) and by_roles:
            return await self._close("AccessDenied")
        if not await self._any_answers(graph):
            return self.part("ConsentWithdrawn")
        return await (self._close("AccessDenied") if isinstance(refusal, MailboxRefused) else self.put_off(_A_MINUTE))

    async def _roles_suffice(self) -> tuple[bool, bool]:
        """Whether a token of just now has the roles for mailboxes, and whether the one before had not."""
        from shared.adapters.identity import roles as held_in

        before = roles.reads_mailboxes(held_in(await self.svc.tokens.token()))
        now = roles.reads_mailboxes(held_in(await self.svc.tokens.fresh()))
        return now, now and not before

    async def _any_answers(self, graph: GraphClient) -> bool:
        from shared.adapters.graph import tenant

        return await tenant.any_answers(graph, self.plan.people[:PROBED])

    @property
    def _may_build_on_base(self) -> bool:
        """Whether nothing of this mailbox has been read yet, and an earlier run may have."""
        begins = self.order.part == 0 and not _has_windows(self.order.cursor)
        return begins and self.plan.base is not None and not self.plan.as_is

    def _kept(self) -> Kept | None:
        """What is worth building on: an empty mailbox is read in full as fast."""
        assert self.plan.base is not None
        kept = replace(self.place, run_id=self.plan.base).kept()
        return kept if kept is not None and len(kept.reading.ledger.id) else None

    def _taken(self, excluded: frozenset[str]) -> Taken:
        from shared.core import hashes
        from shared.core.ledger import Taken

        # Of what was received after `as_of` too little is kept, though it was read.
        since = min(self._first_began_us, self.plan.window.as_of_us) // MICROSECONDS
        digest = hashes.hasher(self.svc.settings.pseudonym_key, hashes.FOLDERS)
        return Taken(since, digest("\n".join(sorted(excluded)).encode()).hex())

    @property
    def _first_began_us(self) -> int:
        """When the reading of this mailbox began, all calls together."""
        cursor = self.order.cursor
        return self.began_us if cursor is None or cursor.began_us is None else cursor.began_us

    def _cursor(self) -> Cursor:
        cursor = self.order.cursor
        return cursor if cursor is not None and _has_windows(cursor) else self._whole()

    def _whole(self) -> Cursor:
        from shared.adapters.graph.mailbox import whole

        return whole(self.plan.window).model_copy(update={"began_us": self._first_began_us})

    def _try_again(self) -> Cursor:
        """Where it would be in vain too often, the cursor of the whole mailbox."""
        reruns = self.order.cursor.reruns + 1 if self.order.cursor else 1
        return Cursor(reruns=reruns, began_us=self._first_began_us) if reruns < _RERUNS else self._whole()

    async def _conclude(self, rest: Rest, facts: Readers | None, taken: Taken | None = None) -> ExtractedPart:
        """Keep what was read whole; say whether there is more, and when to come back."""
        wait = math.ceil(rest.wait) + _EARLY if rest.wait > 0 else 0
        first = self.order.cursor is None or self.order.progressed_us is None
        progressed_us = self.began_us if first else self.order.progressed_us or 0
        if rest.progressed is not None:
            progressed_us = to_us(rest.progressed)
        idle = (to_us(self.svc.now()) - progressed_us) / MICROSECONDS + wait
        if rest.cursor is not None and idle >= self.order.patience:
            return await self._close("Unavailable")
        outcome: Outcome = "More" if rest.cursor is not None else "Read"
        answer = partial(self.part, outcome, cursor=rest.cursor, wait=wait, progressed_us=progressed_us)
        if facts is None or (rest.cursor is not None and not rest.items):
            return answer()

        def filled(copies: int) -> ExtractedPart:
            return answer(parts=self.order.part + 1, copies=copies)

        return await asyncio.to_thread(self.place.write_part, self.claim, facts, filled, taken)

    async def _close(self, outcome: Outcome) -> ExtractedPart:
        """The mailbox is not read; what was read of it so far is discarded."""
        return await asyncio.to_thread(self.place.close, self.claim, self.part(outcome))

    def part(self, outcome: Outcome, **more: Any) -> ExtractedPart:
        return ExtractedPart(mailbox=self.order.mailbox, outcome=outcome, **{"parts": self.order.part, **more})


def _has_windows(cursor: Cursor | None) -> bool:
    return cursor is not None and bool(cursor.messages or cursor.meetings)
