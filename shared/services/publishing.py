"""From figures to published tables (semantics §6, §7), range by range of customers: no table is whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shared.adapters import published
from shared.adapters.shuffles import Shuffle, pack
from shared.core import privacy
from shared.core.columns import concat, cut, take
from shared.core.figures import Figures
from shared.core.periods import DAYS, LEVELS
from shared.core.plan import Plan
from shared.core.score import Tally, added, references_of, scores, tally
from shared.core.standing import for_readers
from shared.services import Services, snapshots
from shared.services.documents import Document

Hide = Callable[[Figures], NDArray[np.bool_]]
Frame = Callable[..., pd.DataFrame]

_YEAR = LEVELS.index("Year")


@dataclass(frozen=True, slots=True)
class Ranged:
    """Figures of accounts or of tops; all rows of a customer are in one range. ranges: how many there are."""

    shuffle: Shuffle[Figures]
    ranges: int

    def each(self) -> Iterator[Figures]:
        """The rows of each range, sorted by customer, level and period."""
        for number in range(self.ranges):
            figures = self.shuffle.part(number)
            key = (figures.account.astype(np.int64) * len(LEVELS) + figures.level) * DAYS + figures.period
            yield take(figures, np.argsort(key))


@dataclass(frozen=True, slots=True)
class Survey:
    """What must be known of all rows before the first is written.

    hidden: which levels of which customers are left out · references: of the rows that are shown · customers: how many
    have a row of the Year that is shown.
    """

    hidden: NDArray[np.bool_]
    references: NDArray[np.int64]
    customers: int


def survey(figures: Ranged, customers: int, hide: Hide, plan: Plan, keep: list[bytes] | None = None) -> Survey:
    """hide: which levels of which customers are left out, from the rows of these customers · keep: takes up the shown
    rows that readers' answers come from, packed as a `Shuffle` has them."""
    hidden = np.zeros((customers, len(LEVELS)), np.bool_)
    tallies: list[Tally] = []
    enriched = 0
    for some in figures.each():
        hidden |= hide(some)
        shown = privacy.shown(some, hidden)
        tallies = [added([*tallies, tally(shown)])]
        enriched += int((shown.level == _YEAR).sum())
        if keep is not None:
            keep.append(pack([for_readers(shown, plan.window)]))
    return Survey(hidden, references_of(tallies[0], plan.options.score), enriched)


def write(
    svc: Services,
    place: tuple[str, str],
    tables: dict[str, Frame],
    figures: Ranged,
    known: Survey,
    plan: Plan,
    ids: Any,
) -> list[Document]:
    """These tables of scored rows, side by side; what `current.json` says of them. place: output and run · tables: by
    their names, how a frame of each is made · ids: of the customers, as `published.names` has them."""
    with ExitStack() as open_tables, ThreadPoolExecutor(2 * len(tables)) as pool:
        files = {
            table: open_tables.enter_context(snapshots.writing(svc.storage.output, *place, table)) for table in tables
        }
        under_way: list[Future[None]] = []
        for some in _chunks(figures, known.hidden):
            scored = scores(some, known.references, plan.options.score, plan.window)
            frames = [(files[table], frame(some, scored, ids, plan.window)) for table, frame in tables.items()]
            _done(under_way)  # the chunk before was written while this one was made
            under_way = [pool.submit(step) for file, frame in frames for step in file.steps(frame)]
        _done(under_way)
    return [snapshots.about_table(*place, table, file.rows) for table, file in files.items()]


def _done(under_way: Iterable[Future[None]]) -> None:
    for one in under_way:
        one.result()


def write_small(svc: Services, place: tuple[str, str], table: str, frame: pd.DataFrame) -> Document:
    """A table of one frame."""
    with snapshots.writing(svc.storage.output, *place, table) as file:
        file.add(frame)
    return snapshots.about_table(*place, table, file.rows)


def _chunks(figures: Ranged, hidden: NDArray[np.bool_]) -> Iterator[Figures]:
    """The shown rows, so many at a time as a row group has, at least once: whatever the ranges, the same rows give the
    same file."""
    rest: list[Figures] = []
    whole_chunks = 0
    for some in figures.each():
        rows = concat([*rest, privacy.shown(some, hidden)])
        many = len(rows.account)
        for begin in range(0, many - published.CHUNK + 1, published.CHUNK):
            yield cut(rows, begin, begin + published.CHUNK)
            whole_chunks += 1
        rest = [cut(rows, many - many % published.CHUNK, many)]
    if len(rest[0].account) or not whole_chunks:
        yield rest[0]
