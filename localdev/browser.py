"""An administrator at Entra's consent page: opens the link, reads it, presses a button, follows where it leads."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

SECONDS = 30.0


class PageUnexpected(RuntimeError):
    """The page is not the one that asks for consent."""


class _Form(HTMLParser):
    """The page's form: where it goes, its hidden fields, its buttons by what is written on them, and listed items."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, tuple[str, str]] = {}
        self.items: list[str] = []
        self._inside: tuple[str, tuple[str, str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        pair = (values.get("name", ""), values.get("value", ""))
        if tag == "form":
            self.action = values.get("action", "")
        elif tag == "input" and pair[0]:
            self.fields[pair[0]] = pair[1]
        elif tag in ("button", "li"):
            self._inside = (tag, pair)

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[0] == "button":
            self.buttons[data.strip()] = self._inside[1]
        elif self._inside:
            self.items.append(data.strip())
        self._inside = None


def permissions(address: str) -> list[str]:
    """What the page behind a consent link asks for."""
    return _read(_session().get(address, timeout=SECONDS)).items


def decide(address: str, button: str = "Accept") -> str:
    """Press a button of the page behind a consent link; the address at which the browser ends up."""
    session = _session()
    page = session.get(address, timeout=SECONDS)
    form = _read(page)
    if button not in form.buttons:
        raise PageUnexpected(f"There is no button “{button}” on the page: {sorted(form.buttons)}")
    name, value = form.buttons[button]
    # Without an action a form goes to the page's own address.
    answer = session.post(urljoin(page.url, form.action), data={**form.fields, name: value}, timeout=SECONDS)
    if not answer.ok:
        raise PageUnexpected(f"After “{button}” the answer was {answer.status_code}.")
    return answer.url


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # loopback needs no proxy and no certificates
    return session


def _read(page: requests.Response) -> _Form:
    if not page.ok:
        raise PageUnexpected(f"The consent page answered {page.status_code}.")
    form = _Form()
    form.feed(page.text)
    return form
