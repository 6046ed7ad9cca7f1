"""What reaches the emulator and what leaves it, apart from any web framework: calls, answers, pages, errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec

Entity = dict[str, Any]

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


@dataclass
class Call:
    """One request: `segments` are the decoded parts of the path below `/v1.0`, header names are lower case."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: Mapping[str, str]
    base: str
    body: bytes = b""
    page_limit: int | None = None
    """The most items a page may hold, whatever the caller asked for; None: no such limit."""

    @property
    def path(self) -> str:
        return "/" + "/".join(self.segments)

    def link(self, query: Mapping[str, str]) -> str:
        """This call's own address with another query, absolute and percent-encoded."""
        path = "/".join(quote(segment, safe="@.$=') (") for segment in self.segments)
        return f"{self.base}/{path.replace(' ', '%20')}?{urlencode(query, quote_via=quote, safe='$,:@()')}"

    def prefers(self, name: str) -> str | None:
        """The value of one preference in the `Prefer` header, without quotes; None where it is not given."""
        for preference in self.headers.get("prefer", "").split(","):
            key, _, value = preference.partition("=")
            if key.strip().lower() == name.lower():
                return value.strip().strip('"')
        return None


@dataclass
class Answer:
    """A finished response; `reset` stands for a connection that is torn down instead of answered."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
        return cls(status, msgspec.json.encode(value), {"Content-Type": JSON, **(headers or {})})


class GraphError(Exception):
    """A refusal in Graph's own shape."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def answer(self, client_request_id: str | None = None) -> Answer:
        request_id = str(uuid4())
        inner = {
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        }
        error = {"code": self.code, "message": self.message, "innerError": inner}
        return Answer.of({"error": error}, self.status, self.headers)


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def unauthorized(message: str) -> GraphError:
    challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def unknown_object(name: str) -> GraphError:
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )


def directory_denied() -> GraphError:
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def item_not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
