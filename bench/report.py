"""What is left of a measurement: `bench/results.json`, and the table between two lines of docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import frame, machine
from bench.frame import Figure

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench/results.json"
PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def keep(measured: Sequence[Figure], noise: str, whole: bool, results: Path = RESULTS, page: Path = PAGE) -> None:
    """Store the figures, and put them into the page. whole: nothing else was stored; else the other figures stay."""
    then = frame.load(results)
    now = {one.name: one for one in measured}
    figures = list(now.values()) if whole else list((then | now).values())
    page_filled = filled(page.read_text(), _section(figures, then, noise))
    frame.store(results, figures)
    page.write_text(page_filled)


def _section(figures: Sequence[Figure], then: Mapping[str, Figure], noise: str) -> str:
    day = datetime.now(UTC).date().isoformat()
    told = f"Last measured on {day}: {machine.described()}. {noise} No spread: from an earlier measurement."
    return f"{told}\n\n{frame.markdown(figures, then)}"


def filled(page: str, section: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """The page with the section between these lines of it."""
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    assert begin and end, "the page has lost its marks"
    return f"{before}{begin}\n\n{section}\n\n{end}{after}"
