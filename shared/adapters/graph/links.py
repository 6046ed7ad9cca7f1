"""Addresses of Graph requests: how they are written, and which links of a page may be followed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

_MAILBOX = re.compile(r"/users/([^/]+)/(?:messages|mailfolders|calendarview|calendars?|events)(?:/|$)")
_KEY = re.compile(r"\('?([^()']*)'?\)")  # OData writes users('id') and users/id for the same thing


class ForeignLink(ValueError):
    """A page's nextLink leads somewhere else, or to where we have been: the page cannot be believed."""


def url(base: str, path: str, params: Mapping[str, str] | None = None) -> str:
    """`base` + `path` with its query. Everything but letters, digits and `-._~` in a value is percent-encoded,

    because a bare `#` or `+` of an address would end or change it.
    """
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (params or {}).items())
    return f"{base}{path}?{query}" if query else base + path


def literal(text: str) -> str:
    """An OData string: single quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def segment(identifier: str) -> str:
    """An id as one segment of a path."""
    return quote(identifier, safe="")


def mailbox_of(link: str) -> str | None:
    """Whose mail or calendar the address is about; None for the directory's."""
    found = _MAILBOX.search(_path(link))
    return found[1] if found else None


def check_next(asked: str, following: str) -> None:
    """Raises `ForeignLink` unless `following` has the origin and the path of the address that was asked for."""
    if _origin(asked) != _origin(following) or _path(asked) != _path(following):
        raise ForeignLink("A page's nextLink leads to another place.")


def _origin(link: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(link)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        # A user in front of the host would hide which host it is.
        return parts.scheme, None if "@" in parts.netloc else parts.hostname, port
    except ValueError:
        raise ForeignLink("A page's nextLink is no address.") from None


def _path(link: str) -> str:
    return _KEY.sub(r"/\1", unquote(urlsplit(link).path)).casefold()
