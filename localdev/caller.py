"""A program that uses the app's HTTP interface, as a customer's would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests

SECONDS = 120.0
POLL_SECONDS = 0.4
ENDED = ("Succeeded", "SucceededWithWarnings", "ConsentMissing", "Failed", "Canceled")
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"


class NotDone(RuntimeError):
    """The app refused, or failed; the text is what it said."""


class Caller:
    """Knows the app's address. Every call raises `NotDone` with the app's own words where the app says no."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def save(self, name: str, enrichment: dict[str, Any]) -> dict[str, Any]:
        return self._json("PUT", f"{self._url}/api/enrichments/{name}", json=enrichment)

    def enrichment(self, name: str) -> dict[str, Any] | None:
        """The saved enrichment; None where there is none of this name."""
        answer = self._session.get(f"{self._url}/api/enrichments/{name}", timeout=SECONDS)
        return None if answer.status_code == 404 else _checked(answer).json()

    def start(self, name: str, as_of: str | None = None) -> str:
        """Start a run; its address."""
        body = {"asOf": as_of} if as_of else {}
        answer = self._session.post(f"{self._url}/api/enrichments/{name}/runs", json=body, timeout=SECONDS)
        return _checked(answer).headers["Location"]

    def follow(self, run: str) -> Iterator[dict[str, Any]]:
        """The run's progress, again and again until it has ended."""
        while True:
            status = self._json("GET", run)
            yield status
            if status["state"] in ENDED:
                return
            time.sleep(POLL_SECONDS)

    def table(self, name: str, table: str, form: str = CSV) -> bytes:
        """A published table, whole, as CSV or Parquet."""
        address = f"{self._url}/api/enrichments/{name}/results"
        answer = self._session.get(address, params={"table": table}, headers={"Accept": form}, timeout=SECONDS)
        return _checked(answer).content

    def _json(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = _checked(self._session.request(method, address, timeout=SECONDS, **more)).json()
        return answer


def _checked(answer: requests.Response) -> requests.Response:
    if answer.ok:
        return answer
    problem = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    faults = "".join(f"\n  {fault.get('pointer')}: {fault.get('detail')}" for fault in problem.get("errors", []))
    what = problem.get("detail") or problem.get("title") or answer.reason
    raise NotDone(f"{answer.request.method} {answer.request.path_url} → {answer.status_code}: {what}{faults}")
