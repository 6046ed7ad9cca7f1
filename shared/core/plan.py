"""What all activities of a run need to know: who is listed, whose an address is, which days and rules count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.addresses import AddressBook
from shared.core.enrichment import Options
from shared.core.facts import Contacts
from shared.core.periods import Window


@dataclass(frozen=True, eq=False)
class Plan:
    """people: directory ids of the listed people, sorted by code point; a person's number is the position ·
    hierarchy: whether a parent is configured, so that tops have a table of their own (semantics §11) ·
    customers: id → name of each row of the customers data, None for a blank name; None where none are configured.

    It holds no address in clear, and not the key of the hashes in `book`.
    """

    people: list[str]
    book: AddressBook
    contacts: Contacts
    window: Window
    options: Options
    hierarchy: bool
    customers: Mapping[str, str | None] | None = None
