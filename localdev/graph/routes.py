"""The table of routes: what Graph offers in the contract, who answers it here, and which roles open it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from localdev.graph import calendars, directory, mail
from localdev.graph.context import Asked
from localdev.graph.paging import Page
from localdev.graph.wire import Entity

Handler = Callable[[Asked], Page | Entity | dict[str, Any]]
Service = Literal["mail", "calendar", "directory", "batch"]

MAIL_READ = ("Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite")
_MAIL_GET = ("Mail.ReadBasic.All", "Mail.Read")
CALENDARS_READ = ("Calendars.ReadBasic.All", "Calendars.Read", "Calendars.ReadWrite")
_EVENT_GET = ("Calendars.ReadBasic.All", "Calendars.Read")
_USERS = ("User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
_GROUPS = (
    "GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All",
)  # fmt: skip
_MEMBERS = (
    "GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All",
)  # fmt: skip
_LICENSES = (
    "LicenseAssignment.Read.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All",
    "Directory.ReadWrite.All",
)  # fmt: skip
_SKUS = (
    "LicenseAssignment.Read.All", "Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All",
    "Directory.ReadWrite.All",
)  # fmt: skip
_ORGANIZATION = (
    "User.Read.All", "Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All",
    "Directory.ReadWrite.All",
)  # fmt: skip
_APPS_LIST = ("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All")
_APPS = (*_APPS_LIST, "Directory.ReadWrite.All")


@dataclass(frozen=True)
class Route:
    """One route of the contract.

    `roles`: any of them opens it. `units`: its price in the directory's resource units. `handler` None: the
    emulator does not answer it. `path` names its parameters as the contract does.
    """

    path: str
    service: Service
    roles: tuple[str, ...] = ()
    handler: Handler | None = None
    units: int = 1
    method: str = "GET"
    returns_entities: bool = True

    @property
    def kind(self) -> str:
        return f"{self.method} {self.path}"

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The values of the path's parameters; None where the path is another one."""
        parts = _parts(self.path)
        if len(parts) != len(segments):
            return None
        names: dict[str, str] = {}
        for (before, name, after), segment in zip(parts, segments, strict=True):
            if not name:
                if segment != before:
                    return None
            elif segment.startswith(before) and segment.endswith(after) and len(segment) > len(before) + len(after):
                names[name] = segment[len(before) : len(segment) - len(after)]
            else:
                return None
        return names


@cache
def _parts(path: str) -> list[tuple[str, str, str]]:
    """Each part of a path template as (before, parameter, after); a part without a parameter has only the first."""
    parts = []
    for part in path.strip("/").split("/"):
        before, _, rest = part.partition("{")
        name, _, after = rest.partition("}")
        parts.append((before, name, after))
    return parts


_U = "/users/{user-id}"
_SP = "/servicePrincipals/{servicePrincipal-id}"

ROUTES = (
    Route(f"{_U}/messages", "mail", MAIL_READ, mail.messages),
    Route(f"{_U}/messages/{{message-id}}", "mail", _MAIL_GET, mail.message),
    Route(f"{_U}/mailFolders", "mail", MAIL_READ, mail.folders),
    Route(f"{_U}/mailFolders/delta", "mail", MAIL_READ, mail.folder_delta),
    Route(f"{_U}/mailFolders/{{mailFolder-id}}", "mail", MAIL_READ, mail.folder),
    Route(f"{_U}/mailFolders/{{mailFolder-id}}/childFolders", "mail", MAIL_READ, mail.child_folders),
    Route(f"{_U}/mailFolders/{{mailFolder-id}}/messages", "mail", MAIL_READ, mail.folder_messages),
    Route(f"{_U}/mailFolders/{{mailFolder-id}}/messages/delta", "mail", MAIL_READ),
    Route(f"{_U}/calendarView", "calendar", CALENDARS_READ, calendars.view),
    Route(f"{_U}/calendar/calendarView", "calendar", CALENDARS_READ, calendars.view),
    Route(f"{_U}/calendars/{{calendar-id}}/calendarView", "calendar", CALENDARS_READ, calendars.view),
    Route(f"{_U}/calendarView/delta", "calendar", CALENDARS_READ),
    Route(f"{_U}/calendars/{{calendar-id}}/calendarView/delta", "calendar", CALENDARS_READ),
    Route(f"{_U}/calendars", "calendar", CALENDARS_READ, calendars.calendars),
    Route(f"{_U}/events/{{event-id}}", "calendar", _EVENT_GET, calendars.event),
    Route(f"{_U}/mailboxSettings", "mail", ("MailboxSettings.Read", "MailboxSettings.ReadWrite")),
    Route(f"{_U}/sendMail", "mail", ("Mail.Send",), method="POST", returns_entities=False),
    Route("/users", "directory", _USERS, directory.users, units=2),
    Route(_U, "directory", _USERS, directory.user),
    Route(f"{_U}/licenseDetails", "directory", _LICENSES, directory.license_details, units=2),
    Route("/groups", "directory", _GROUPS, directory.groups),
    Route("/groups/{group-id}", "directory", _GROUPS, directory.group),
    Route("/groups/{group-id}/members", "directory", _MEMBERS, directory.members, units=3),
    Route("/groups/{group-id}/transitiveMembers", "directory", _MEMBERS, directory.transitive_members, units=5),
    Route(
        "/groups/{group-id}/transitiveMembers/microsoft.graph.user",
        "directory",
        _MEMBERS,
        directory.transitive_users,
        units=5,
    ),
    Route("/organization", "directory", _ORGANIZATION, directory.organization),
    Route("/subscribedSkus", "directory", _SKUS, directory.subscribed_skus, units=3),
    Route("/servicePrincipals", "directory", _APPS_LIST, directory.service_principals),
    Route("/servicePrincipals(appId='{appId}')", "directory", _APPS, directory.service_principal),
    Route(_SP, "directory", _APPS, directory.service_principal),
    Route(f"{_SP}/appRoleAssignments", "directory", _APPS, directory.app_role_assignments, units=2),
    Route(f"{_SP}/appRoleAssignedTo", "directory", _APPS),
    Route("/directoryRoles", "directory"),
    Route("/directoryRoles/{directoryRole-id}/members", "directory"),
    Route("/directoryRoles(roleTemplateId='{roleTemplateId}')/members", "directory"),
    Route("/roleManagement/directory/roleAssignments", "directory"),
    Route("/$batch", "batch", method="POST", returns_entities=False),
)
_ALIASES = {"graph.user": "microsoft.graph.user"}


def find(method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]] | None:
    """The route of a call and what its path names; the table's order decides (`delta` before a folder's id)."""
    spelled = tuple(_ALIASES.get(segment, segment) for segment in segments)
    for route in ROUTES:
        if route.method == method and (names := route.match(spelled)) is not None:
            return route, names
    return None
