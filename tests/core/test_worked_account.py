"""The account worked by hand in `docs/semantics-in-plain-words.md`: the app's own code finds each figure it gives."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from shared.core.change import BANDS
from shared.core.enrichment import PARTS, ScoreOptions
from shared.core.score import BILLION, parts_of
from shared.core.standing import Standing
from tests.conftest import ROOT
from tests.reference import builders
from tests.reference.organisation import Json, Organisation
from tests.reference.pipeline import publish_by_kernels
from tests.reference.published import Published

TEXT = (ROOT / "docs/semantics-in-plain-words.md").read_text("utf-8").partition("## One account by hand")[2]
OURS = {"Ada": builders.ADA, "Bob": builders.BOB}
NORTHWIND, FIRST_MONTH = "Northwind", "2025-10"
Cells = dict[str, str]


def table(*header: str) -> list[Cells]:
    """The rows of the document's table with this header."""
    (block,) = [block for block in TEXT.split("\n\n") if block.startswith(f"| {' | '.join(header)} |\n")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()[2:]]
    return [dict(zip(header, row, strict=True)) for row in rows]


CONTACTS = {name: row["customer"] for row in table("customer", "contacts") for name in row["contacts"].split(", ")}


def address(name: str) -> str:
    domain = "own" if name in OURS else CONTACTS.get(name, "agency").lower()
    return f"{name.lower()}@{domain}.example"


def names(cell: str) -> list[str]:
    return [name.removesuffix(" (no)") for name in cell.split(", ") if name]


def emails() -> list[tuple[list[str], Json]]:
    """(who is on it, the message) of each row."""
    told = []
    for row in table("email", "sent", "from", "to", "cc", "conversation", "becomes"):
        to, cc = names(row["to"]), names(row["cc"])
        message = builders.message(
            address(row["from"]),
            [address(name) for name in to],
            row["sent"].replace(" ", "T") + ":00Z",
            cc=[address(name) for name in cc],
            id=row["email"],
            conversation=row["conversation"],
        )
        told.append(([row["from"], *to, *cc], message))
    return told


def meetings() -> list[tuple[list[str], Json]]:
    told = []
    for row in table("meeting", "begins", "minutes", "called by", "invited", "becomes"):
        answers = ["declined" if "(no)" in cell else "accepted" for cell in row["invited"].split(", ")]
        invited = [address(name) for name in names(row["invited"])]
        event = builders.event(
            address(row["called by"]),
            [builders.attendee(*pair) for pair in zip(invited, answers, strict=True)],
            row["begins"].replace(" ", "T") + ":00Z",
            minutes=int(row["minutes"]),
            uid=row["meeting"],
        )
        told.append(([row["called by"], *names(row["invited"])], event))
    return told


def worked() -> Organisation:
    sent, met = emails(), meetings()
    return builders.organisation(
        {
            owner: builders.mailbox(
                [message for people, message in sent if name in people],
                [event for people, event in met if name in people],
            )
            for name, owner in OURS.items()
        },
        contacts=[builders.contact(name, customer, address(name)) for name, customer in CONTACTS.items()],
        as_of="2026-09-30T18:00:00Z",
    )


@pytest.fixture(scope="module")
def found() -> Published:
    return publish_by_kernels(worked())


@pytest.fixture(scope="module")
def standing(found: Published) -> Standing:
    return cast("Standing", found.standing)


@pytest.fixture(scope="module")
def northwind(standing: Standing) -> int:
    """The customer's row in the index."""
    return standing.rows[NORTHWIND]


def exactly(row: Any, measured_by: Any | None = None) -> np.ndarray:
    """The five parts of a row of the breakdown, by its own references or by another row's."""
    values = np.array([[row[f"{part}_Value"] for part in PARTS]])
    references = np.array([[(measured_by or row)[f"{part}_Reference"] for part in PARTS]])
    parts: np.ndarray = parts_of(values, references, ScoreOptions())[0] / BILLION
    return parts


def month_key(month: str) -> str:
    return f"{NORTHWIND}|Month|{month.replace('-', '')}01"


def test_each_figure_of_the_year(found):
    cells = next(row for row in found.tables["Office"] if row["PrimaryKey"] == f"{NORTHWIND}|Year")

    for row in table("figure", "value", "because"):
        assert cells[row["figure"]] == row["value"], row["figure"]


def test_the_yardsticks_and_the_values_that_they_come_from(found):
    breakdown = [row for row in found.rows("_ScoreBreakdown") if row["PrimaryKey"].endswith("|Year")]
    floors = ScoreOptions().floors.year.model_dump(by_alias=True)
    told = table("part", "the three values", "the second", "at least", "yardstick")

    assert [row["part"] for row in told] == list(PARTS[:4])
    for row in told:
        part = row["part"]
        values = sorted(each[f"{part}_Value"] for each in breakdown)
        assert row["the three values"] == ", ".join(str(value) for value in values), part
        assert row["the second"] == str(values[1]), part
        assert row["at least"] == str(floors[part[0].lower() + part[1:]]), part
        assert row["yardstick"] == str(breakdown[0][f"{part}_Reference"]), part


def test_the_score_with_its_five_parts_and_one_more(found, standing, northwind):
    *told, together = table("part", "value", "yardstick", "reckoning", "exactly", "cut", "lost", "points", "one more")
    row = found.row(f"{NORTHWIND}|Year", "_ScoreBreakdown")
    parts = exactly(row)

    assert [each["part"] for each in told] == list(PARTS)
    for each, part, exact, one_more in zip(told, PARTS, parts, standing.one_more[northwind], strict=True):
        cut = int(exact)
        expected = [row[f"{part}_Value"], row[f"{part}_Reference"], f"{exact:.3f}", cut, f"{exact - cut:.3f}"]
        shown = [each[name] for name in ("value", "yardstick", "exactly", "cut", "lost", "points", "one more")]
        assert shown == [str(cell) for cell in (*expected, row[part], one_more)], part
    score = found.row(f"{NORTHWIND}|Year")["EngagementScore"]
    assert [together["exactly"], together["points"]] == [f"{parts.sum():.3f}", str(score)]
    assert together["cut"] == str(sum(int(part) for part in parts))
    lost_most = sorted(zip(parts % 1, PARTS, strict=True), reverse=True)[: score - int(together["cut"])]
    assert ", ".join(f"{part} ({lost:.3f})" for lost, part in lost_most) in TEXT.replace("\n", " ")


def test_what_one_more_meeting_would_make(found, standing, northwind):
    row = found.row(f"{NORTHWIND}|Year", "_ScoreBreakdown")
    before, after = exactly(row), exactly(row | {"Meetings_Value": row["Meetings_Value"] + 1})
    score = standing.one_more[northwind, PARTS.index("Meetings")]

    told = f"{after[2]:.3f} in place of {before[2]:.3f} makes {after.sum():.3f}, so {score}. No other step"
    assert told in TEXT.replace("\n", " ")
    assert score == standing.one_more[northwind].max()


def test_its_months(found):
    told = table("month", "emails to, from", "meetings", "people", "days to the end", "exactly", "score")
    keys = found.primary_keys("_ScoreBreakdown")

    assert [month_key(row["month"]) for row in told if row["score"] != "0"] == [
        key for key in keys if key.startswith(f"{NORTHWIND}|Month")
    ]
    for row in told:
        key = month_key(row["month"])
        if key not in keys:
            assert set(row.values()) == {row["month"], "", "0"}
            continue
        figures, values = found.row(key), found.row(key, "_ScoreBreakdown")
        assert row["emails to, from"] == f"{figures['NoOfEmails_ToAccount']}, {figures['NoOfEmails_FromAccount']}"
        counted = [values["Meetings_Value"], values["Breadth_Value"], values["Recency_Value"]]
        assert [row["meetings"], row["people"], row["days to the end"]] == [str(value) for value in counted]
        assert [row["exactly"], row["score"]] == [f"{exactly(values).sum():.3f}", str(figures["EngagementScore"])]


def test_the_band_and_the_change_with_its_two_causes(found, standing, northwind):
    def reckoned(month: str, measured_as: str) -> float:
        rows = {row["PrimaryKey"]: row for row in found.rows("_ScoreBreakdown")}
        key, measure = month_key(month), month_key(measured_as)
        # Where the customer has no row of that month, the yardsticks are the least ones, as in any month until August.
        return exactly(rows[key], rows.get(measure, rows[month_key("2026-06")])).sum() if key in rows else 0.0

    pairs = table("month", "measured as", "exactly", "less", "makes")
    for row in pairs:
        now, before = reckoned(row["month"], row["measured as"]), reckoned(row["measured as"], row["measured as"])
        assert [float(row[name]) for name in ("exactly", "less", "makes")] == pytest.approx(
            [now, before, now - before], abs=0.0005
        )

    points, own = int(standing.change[northwind]), int(standing.own[northwind])
    assert f"rounded **{points}**" in TEXT
    assert f"**own {own}**" in TEXT
    assert f"**others {points - own}**".replace("-", "−") in TEXT
    assert f"the band is **{BANDS[standing.band[northwind]]}**" in TEXT
    assert f"is {sum(float(row['makes']) for row in pairs) / 3:.3f}" in TEXT


def test_what_was_looked_at(found):
    told = table("of", "reason", "number", "which")
    scopes = {row["of"] for row in told}

    assert {scope: found.coverage(scope) for scope in scopes} == {
        scope: {row["reason"]: int(row["number"]) for row in told if row["of"] == scope} for scope in scopes
    }
