"""What a mailbox says of a message or an event, as far as the rules need it; None is what is missing (semantics §1).

The adapter's decoded pages have these shapes; the core knows no more of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Address(Protocol):
    @property
    def address(self) -> str | None:
        """The raw address."""


class Recipient(Protocol):
    """A sender, a recipient or an organizer."""

    @property
    def email_address(self) -> Address | None:
        """Who; a participant without an address is nobody."""


class Header(Protocol):
    @property
    def name(self) -> str | None:
        """In whatever case."""

    @property
    def value(self) -> str | None:
        """As received."""


class Message(Protocol):
    @property
    def id(self) -> str | None:
        """Graph's own id of the copy."""

    @property
    def odata_type(self) -> str | None:
        """`#microsoft.graph.eventMessage…` for what belongs to a meeting."""

    @property
    def message_id(self) -> str | None:
        """`internetMessageId`"""

    @property
    def sent(self) -> str | None:
        """Instant."""

    @property
    def received(self) -> str | None:
        """Instant."""

    @property
    def is_draft(self) -> bool | None: ...

    @property
    def folder(self) -> str | None:
        """Id of the folder that holds it."""

    @property
    def sender(self) -> Recipient | None:
        """`from`; a delegate's `sender` adds nobody."""

    @property
    def to(self) -> Sequence[Recipient] | None: ...

    @property
    def cc(self) -> Sequence[Recipient] | None: ...

    @property
    def bcc(self) -> Sequence[Recipient] | None: ...

    @property
    def conversation_id(self) -> str | None: ...

    @property
    def conversation_index(self) -> str | None:
        """Base64."""

    @property
    def headers(self) -> Sequence[Header] | None:
        """Internet headers, where they were asked for."""


class Time(Protocol):
    @property
    def date_time(self) -> str | None:
        """Local to `time_zone`."""

    @property
    def time_zone(self) -> str | None:
        """`UTC` or an IANA name."""


class Answer(Protocol):
    @property
    def response(self) -> str | None:
        """`declined`, or one of those that count as not declined."""


class Attendee(Recipient, Protocol):
    @property
    def type(self) -> str | None:
        """`required`, `optional` or `resource`"""

    @property
    def status(self) -> Answer | None: ...


class Event(Protocol):
    @property
    def i_cal_uid(self) -> str | None: ...

    @property
    def type(self) -> str | None:
        """`singleInstance`, `occurrence`, `exception` or `seriesMaster`"""

    @property
    def start(self) -> Time | None: ...

    @property
    def end(self) -> Time | None: ...

    @property
    def is_all_day(self) -> bool | None: ...

    @property
    def is_cancelled(self) -> bool | None: ...

    @property
    def is_draft(self) -> bool | None: ...

    @property
    def sensitivity(self) -> str | None:
        """`normal`, `personal`, `private` or `confidential`"""

    @property
    def organizer(self) -> Recipient | None: ...

    @property
    def attendees(self) -> Sequence[Attendee] | None: ...

    @property
    def response_status(self) -> Answer | None:
        """The answer of the mailbox's owner."""
