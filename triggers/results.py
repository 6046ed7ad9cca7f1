"""Reading published tables: rows as JSON, page by page, or files as CSV and Parquet (interfaces §1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import azure.durable_functions as df
import azure.functions as func

from shared.core.errors import Fault, Invalid
from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services
    from shared.services.results import Result

bp = df.Blueprint()

DEFAULT_ROWS, MOST_ROWS, MOST_FILTERED = 1_000, 10_000, 100_000

Format = Literal["application/json", "text/csv", "application/vnd.apache.parquet"]
FORMATS: tuple[Format, ...] = ("application/json", "text/csv", "application/vnd.apache.parquet")


@dataclass(frozen=True, slots=True)
class Wanted:
    """top, skip: None where they were not given."""

    table: str
    level: str | None
    customer_id: str | None
    top: int | None
    skip: int | None

    @property
    def whole(self) -> bool:
        return (self.level, self.customer_id, self.top, self.skip) == (None,) * 4


@bp.function_name("results_get")
@bp.route(route="api/enrichments/{name}/results", methods=["GET"], auth_level=http.AUTH_LEVEL)
async def results_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, get)


async def get(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import enrichments, results

    stored = await asyncio.to_thread(enrichments.load, svc, req.route_params["name"])
    form = preferred(req.headers.get("Accept"))
    result = await asyncio.to_thread(results.find, svc, stored, req.params.get("runId"))
    wanted = _wanted(req, result, most=MOST_ROWS if form == "application/json" else None)
    if form == "application/json":
        return await asyncio.to_thread(_rows, req, svc, result, wanted)
    return await asyncio.to_thread(_file, svc, result, wanted, form)


def preferred(accept: str | None, formats: Sequence[Format] = FORMATS) -> Format:
    """The format that the caller likes best; JSON where all are alike to them, or none is liked."""
    liked: dict[str, float] = {}
    for part in (accept or "*/*").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        liked[kind] = next((_quality(each) for each in parameters if each.startswith("q=")), 1.0)
    ranges = {form: (form, f"{form.partition('/')[0]}/*", "*/*") for form in formats}
    quality = {form: next((liked[each] for each in ranges[form] if each in liked), 0.0) for form in formats}
    return max(formats, key=lambda form: quality[form])


def _quality(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0


def _wanted(req: func.HttpRequest, result: Result, most: int | None) -> Wanted:
    from shared.core.periods import LEVELS
    from shared.services import results

    table = result.table(req.params.get("table"))
    level, customer_id = req.params.get("level"), req.params.get("customerId")
    if level is not None and level not in LEVELS:
        raise http.bad_parameter("level", f"is none of {', '.join(LEVELS)}")
    given = {"level": level, "customerId": customer_id}
    results.check_filters(result, table, [name for name, value in given.items() if value is not None])
    top = http.whole_number(req, "top", 0, 1, most) if "top" in req.params else None
    skip = http.whole_number(req, "skip", 0, 0) if "skip" in req.params else None
    return Wanted(table, level, customer_id, top, skip)


def _rows(req: func.HttpRequest, svc: Services, result: Result, wanted: Wanted) -> func.HttpResponse:
    from shared.adapters import result_rows
    from shared.services import results

    parquet = results.published_file(svc, result, wanted.table, "parquet")
    selected = result_rows.select(parquet, wanted.level, wanted.customer_id)
    top, skip = wanted.top or DEFAULT_ROWS, wanted.skip or 0
    rows = result_rows.to_json(selected.slice(skip, top))
    more = selected.num_rows > skip + top
    return http.page(req, svc, rows, more, top, skip, runId=result.run_id)


def _file(svc: Services, result: Result, wanted: Wanted, form: Format) -> func.HttpResponse:
    from shared.services import results

    extension = "csv" if form == "text/csv" else "parquet"
    if wanted.whole:
        return _download(results.published_file(svc, result, wanted.table, extension), form)
    from shared.adapters import result_rows

    parquet = results.published_file(svc, result, wanted.table, "parquet")
    rows = result_rows.select(parquet, wanted.level, wanted.customer_id).slice(wanted.skip or 0, wanted.top)
    if rows.num_rows > MOST_FILTERED:
        detail = f"These are {rows.num_rows:,} rows, and a part of a table has at most {MOST_FILTERED:,}. "
        advice = "Ask for fewer with top and skip, or for the whole table without level, customerId, top and skip."
        raise Invalid("Too many rows", detail + advice, [Fault("top", f"is needed, at most {MOST_FILTERED:,}")])
    return _download(result_rows.to_csv(rows) if form == "text/csv" else result_rows.to_parquet(rows), form)


def _download(data: bytes, form: Format) -> func.HttpResponse:
    return func.HttpResponse(data, mimetype=form, charset="utf-8")
