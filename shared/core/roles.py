"""Which app roles are needed (interfaces §2): one of each line, or one that stands for several."""

from __future__ import annotations

from collections.abc import Set

MAIL = frozenset({"Mail.ReadBasic.All", "Mail.Read"})
CALENDARS = frozenset({"Calendars.ReadBasic.All", "Calendars.Read"})
USERS = frozenset({"User.Read.All"})
GROUPS = frozenset({"GroupMember.Read.All"})
LICENCES = frozenset({"LicenseAssignment.Read.All", "Organization.Read.All"})
DIRECTORY = "Directory.Read.All"


def reads_directory(held: Set[str]) -> bool:
    """Whether these roles suffice for people, groups, and what must be true of the tenant."""
    return DIRECTORY in held or all(held & one_of for one_of in (USERS, GROUPS, LICENCES))


def reads_mailboxes(held: Set[str]) -> bool:
    """Whether these roles suffice for every mailbox; where access is scoped in Exchange, a token has none of them."""
    return bool(held & MAIL) and bool(held & CALENDARS)
