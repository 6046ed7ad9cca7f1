"""The frame of the benches, on made-up figures: what is told, stored and marked. Nothing is measured."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from bench import frame, report
from bench.frame import Figure

RATE = Figure("pages", "items/s", "higher", 300.0, {"by hand": 100.0, "the SDK": 0.5}, must=250, aim=350, spread=0.04)
COST = Figure("tables", "CPU s", "lower", 20.0, {"pandas": 60.0}, must=30, aim=15)
MEMORY = Figure("index", "MB", "lower", 30.0, must=250, aim=40)
UNLIMITED = Figure("overview", "ms", "lower", 9.0)
ALL = [RATE, COST, MEMORY, UNLIMITED]


def then(*figures: Figure) -> dict[str, Figure]:
    return {one.name: one for one in figures}


def test_a_figure_is_the_median_of_its_rounds_and_a_multiple_that_of_their_ratios():
    told = frame.figure("x", "s", "lower", [4.0, 1.0, 3.0], {"pandas": [8.0, 9.0, 1.0]})

    assert (told.ours, told.peers) == (3.0, {"pandas": 8.0})
    assert frame.multiple("x", [4.0, 1.0, 3.0], [8.0, 9.0, 1.0], "lower").ours == 2.0
    assert frame.multiple("x", [4.0], [8.0], "higher").ours == 0.5
    assert frame.spread([2.0]) is None
    assert frame.spread([2.0, 2.0, 2.0]) == 0


def test_each_round_runs_every_variant_once_begun_with_another_one_after_a_warm_up_that_is_not_told():
    ran: list[str] = []

    def run(name: str) -> int:
        ran.append(name)
        return len(ran)

    told = frame.interleaved(3, {name: partial(run, name) for name in "abc"})

    assert "".join(ran) == "cab" + "abc" + "bca" + "cab"
    assert told == {"a": [4, 9, 11], "b": [5, 7, 12], "c": [6, 8, 10]}


def test_what_is_stored_has_the_keys_that_readers_of_it_know_and_comes_back(tmp_path):
    path = tmp_path / "results.json"
    frame.store(path, ALL)

    stored = json.loads(path.read_text())
    assert [list(one) for one in stored] == [["name", "unit", "better", "ours", "peers", "must", "aim", "met"]] * 4
    assert stored[0]["peers"] == {"by hand": 100.0, "the SDK": 0.5}
    assert [one["met"] for one in stored] == [True, True, True, None]
    assert frame.load(path) == then(*(replace(one, spread=None) for one in ALL))
    assert frame.load(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("now", "before", "marked"),
    [
        (RATE, RATE, []),
        (replace(RATE, ours=150.0, peers={"by hand": 50.0, "the SDK": 0.25}), RATE, []),
        (replace(RATE, ours=241.0), RATE, []),
        (replace(RATE, ours=239.0), RATE, ["by hand", "the SDK"]),
        (replace(RATE, peers={"by hand": 126.0, "another": 1.0}), RATE, ["by hand"]),
        (replace(COST, ours=40.0, peers={"pandas": 120.0}), COST, []),
        (replace(COST, ours=23.9), COST, []),
        (replace(COST, ours=24.1), COST, ["pandas"]),
        (replace(COST, ours=2.0), COST, []),
        (replace(MEMORY, ours=37.0), MEMORY, ["itself"]),
        (replace(UNLIMITED, ours=90.0), UNLIMITED, []),
        (COST, None, []),
    ],
)
def test_a_figure_is_marked_whose_ratio_to_a_peer_is_more_than_a_fifth_worse_than_the_stored_one(now, before, marked):
    """Not one that is slower with its peer. Without a peer, memory is compared with itself, and time with nothing."""
    assert frame.worse(now, before) == marked


def test_the_table_shows_figures_limits_peers_ratios_and_marks():
    head, rate, cost, memory, unlimited = frame.text(ALL, then(replace(RATE, ours=400.0), MEMORY)).splitlines()

    assert head.split()[:7] == ["figure", "unit", "ours", "spread", "must", "aim", "met"]
    assert rate.split()[:7] == ["pages", "items/s", "300", "4%", "250", "350", "must"]
    assert "by hand 100 (3.00 ×), the SDK 0.5 (600.00 ×)" in rate
    assert rate.endswith("▼ by hand, ▼ the SDK")
    assert cost.split() == ["tables", "CPU", "s", "20", "–", "30", "15", "must", "pandas", "60", "(0.33", "×)"]
    assert memory.split()[-1] == "aim"
    assert unlimited.split() == ["overview", "ms", "9", "–", "–", "–", "–"]
    assert "| no |" in frame.markdown([replace(RATE, ours=200.0)], {})


def test_a_short_run_replaces_what_it_measured_and_a_whole_one_everything(tmp_path):
    results, page = tmp_path / "results.json", tmp_path / "performance.md"
    page.write_text(f"# Before\n{report.BEGIN}\nold\n{report.END}\n# After\n")

    report.keep(ALL, "Quiet.", True, results, page)
    report.keep([replace(COST, ours=60.0)], "Loud.", False, results, page)

    assert [one.ours for one in frame.load(results).values()] == [300.0, 60.0, 30.0, 9.0]
    text = page.read_text()
    assert text.startswith("# Before\n") and text.endswith("# After\n")
    assert "old" not in text and "Quiet" not in text and "Loud." in text
    assert "| tables | CPU s | 60 | – | 30 | 15 | no | pandas 60 (1.00 ×) | ▼ pandas |" in text

    report.keep([COST], "Quiet.", True, results, page)
    assert list(frame.load(results)) == ["tables"]


def test_a_page_without_its_marks_is_not_written_over(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("by hand\n")

    with pytest.raises(AssertionError, match="lost its marks"):
        report.keep(ALL, "", True, tmp_path / "results.json", page)

    assert page.read_text() == "by hand\n"
    assert not (tmp_path / "results.json").exists()
