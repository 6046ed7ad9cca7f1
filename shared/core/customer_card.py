"""The card of a customer, and the overview of a result (interfaces §8)."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.core.answer_shapes import Card, Change, Month, Overview, Part, People, Totals
from shared.core.change import BANDS
from shared.core.customer_lists import day_or_none
from shared.core.enrichment import PARTS
from shared.core.periods import rfc3339
from shared.core.standing import HIDDEN, RANGES, SHOWN, Standing


def card(standing: Standing, row: int) -> Card:
    shown = standing.presence[row] == SHOWN
    first_day = int(standing.first_day[row])
    told: Card = {
        "customerId": standing.ids[row],
        "name": standing.names[row],
        "score": int(standing.score[row]) if shown else None,
        "band": BANDS[standing.band[row]],
        "change": _change(standing, row, known=bool(shown and not standing.months_hidden[row])),
        "breakdown": _breakdown(standing, row, shown=bool(shown)),
        "totals": _totals(standing, row),
        "months": _months(standing, row),
        "people": _people(standing, row),
        "engagementStartDate": standing.about.window.date_of(first_day) if shown else None,
        "daysSinceLastEmail": day_or_none(standing.since_email[row]),
        "daysSinceLastMeeting": day_or_none(standing.since_meeting[row]),
        "averageMeetingMinutes": _mean(standing.meeting_minutes[row]),
        "averageReplyMinutes": _mean(standing.reply_minutes[row]),
    }
    if standing.presence[row] == HIDDEN:
        blank: Card = _blank(told) | {"customerId": told["customerId"], "name": told["name"]}
        return blank
    return told


def _blank(told: Any) -> Any:
    """Null, but for objects, which stay and hold nulls."""
    return {name: _blank(inner) for name, inner in told.items()} if isinstance(told, dict) else None


def _change(standing: Standing, row: int, known: bool) -> Change:
    if not known:
        return {"points": None, "own": None, "others": None}
    points, own = int(standing.change[row]), int(standing.own[row])
    return {"points": points, "own": own, "others": points - own}


def _breakdown(standing: Standing, row: int, shown: bool) -> list[Part]:
    """Without a Year row nothing was measured: no reference, no days, no score that one more would raise."""
    return [
        {
            "part": part,
            "value": int(standing.values[row, place]) if shown or part != "Recency" else None,
            "reference": standing.about.references[place] if shown else None,
            "points": int(standing.points[row, place]),
            "maximum": standing.about.maxima[place],
            "oneMore": int(standing.one_more[row, place]) if shown else None,
        }
        for place, part in enumerate(PARTS)
    ]


def _totals(standing: Standing, row: int) -> Totals:
    emails_to, emails_from, meetings_to, meetings_from = standing.totals[row].tolist()
    others = int(standing.meetings[row]) - meetings_to - meetings_from
    return {
        "emails": {"to": emails_to, "from": emails_from},
        "meetings": {"to": meetings_to, "from": meetings_from, "others": others},
    }


def _months(standing: Standing, row: int) -> list[Month]:
    """Every month that the window touches; without figures where `min_people` left the customer's months out."""
    window, counts = standing.about.window, standing.months[row].T.tolist()
    hidden = bool(standing.months_hidden[row])
    return [
        {
            "start": window.period_start("Month", month),
            "emails": None if hidden else {"to": emails_to, "from": emails_from},
            "meetings": None if hidden else {"to": meetings_to, "from": meetings_from},
        }
        for month, (emails_to, emails_from, meetings_to, meetings_from) in enumerate(counts)
    ]


def _people(standing: Standing, row: int) -> People:
    our_emails, our_meetings, their_emails, their_meetings = standing.sides[row].tolist()
    return {
        "ours": {"emails": our_emails, "meetings": our_meetings},
        "theirs": {"emails": their_emails, "meetings": their_meetings},
    }


def _mean(minutes: np.float64) -> float | None:
    return None if np.isnan(minutes) else float(minutes)


def overview(standing: Standing, published: list[tuple[str, int, int]]) -> Overview:
    """published: (run id, `asOf` in microseconds, customers) of the enrichment's results, in order."""
    about = standing.about
    scores = standing.score[standing.presence == SHOWN]
    return {
        "runId": about.run_id,
        "asOf": rfc3339(about.as_of_us),
        "addresses": {"selected": about.counted("Mailbox"), "processed": about.counted("Mailbox", "Read")},
        "emails": about.counted("Message", "Counted"),
        "meetings": about.counted("Meeting", "Counted"),
        "days": about.counted("Days", "WithItems"),
        "customers": {"enriched": standing.enriched(), "all": len(standing.ids)},
        "coverage": [{"scope": row.scope, "reason": row.reason, "count": row.number} for row in about.coverage],
        "scores": [
            {"from": begin, "to": end, "customers": int(((scores >= begin) & (scores <= end)).sum())}
            for begin, end in RANGES
        ],
        "enrichedOverTime": [
            {"runId": run_id, "asOf": rfc3339(as_of_us), "customers": customers}
            for run_id, as_of_us, customers in published
        ],
    }
