"""What Graph's answers other than a page mean: by status first, by error code second, never by message.

RequestRefused       Graph does not take this request: another one might do
├── MailboxRefused   this mailbox cannot be read, and the reason that the coverage gives (semantics §6)
└── TenantRefused    the app may not read this tenant (any more)
TooSlow              the page was too large for Graph to answer in time: ask for a smaller one
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from shared.core.errors import AppError, GraphAway

MailboxReason = Literal["NotEnabled", "AccessDenied", "NotFound"]

_NOT_ENABLED = frozenset({"mailboxnotenabledforrestapi", "resourcenotfound"})
# Who says so speaks of the whole mailbox, or of its owner, whatever thing in it was asked for.
_NO_MAILBOX = _NOT_ENABLED | {"errorinvaliduser", "request_resourcenotfound"}
_NO_SUCH_THING = frozenset({"erroritemnotfound", "errorfoldernotfound"})
# 408 request timeout, 409 and 423 a lock, 425 too early, 429 throttled: the same request may do in a moment.
_TRANSIENT = frozenset({408, 409, 423, 425, 429})


class RequestRefused(AppError):
    """Graph answered with a 4xx that waiting does not cure."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Graph refused a request with status {status}, code {code or 'none'}.")
        self.status = status
        self.code = code

    @property
    def no_such_item(self) -> bool:
        """Not found, and not because there is no mailbox.

        A code that is unknown or missing speaks of the thing asked for: of a mailbox that is gone all else is refused.
        """
        return self.status == 404 and self.code.lower() not in _NO_MAILBOX


class MailboxRefused(RequestRefused):
    def __init__(self, status: int, code: str, reason: MailboxReason) -> None:
        super().__init__(status, code)
        self.reason: MailboxReason = reason


class TenantRefused(RequestRefused):
    pass


class TooSlow(GraphAway):
    """Status 504, or no answer within the time of one request."""


def transient(status: int) -> bool:
    """Whether the same request may succeed a little later."""
    return status >= 500 or status in _TRANSIENT


def judge(status: int, body: bytes, *, of_mailbox: bool) -> RequestRefused:
    """The refusal that a 4xx (none of the transient ones) tells. of_mailbox: the request was for mail or calendar."""
    code = error_code(body)
    if status == 401 or (status == 403 and not of_mailbox):
        return TenantRefused(status, code)
    if of_mailbox and status == 403:
        return MailboxRefused(status, code, "AccessDenied")
    if of_mailbox and status == 404 and code.lower() not in _NO_SUCH_THING:
        # One user may flip between the two codes of the first kind; whatever else is not found is not there.
        return MailboxRefused(status, code, "NotEnabled" if code.lower() in _NOT_ENABLED else "NotFound")
    return RequestRefused(status, code)


def error_code(body: bytes) -> str:
    """`error.code` of an error body; empty where the body is something else."""
    try:
        error: Any = msgspec.json.decode(body)["error"]
        code = error["code"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return ""
    # A code is a word; what is longer or holds other signs could hold an address, and codes reach logs.
    return code if isinstance(code, str) and len(code) <= 80 and code.replace("_", "").isalnum() else ""
