"""Everything one emulator holds, and what a handler is given to answer one call."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localdev.graph.entra import Consent, Entra, Registration
from localdev.graph.faults import Fault, Faults
from localdev.graph.paging import Links
from localdev.graph.prebuilt import Prebuilt
from localdev.graph.stats import Stats
from localdev.graph.tenant import Tenant
from localdev.graph.tenant_files import TenantFiles
from localdev.graph.throttle import Throttle
from localdev.graph.wire import Call, Entity, directory_denied


@dataclass
class Scope:
    """Mailboxes that an administrator has opened in Exchange (RBAC for Applications), beside any role in a token."""

    mailboxes: frozenset[str] = frozenset()
    mail: bool = True
    calendars: bool = True

    def opens(self, user_id: str, mail: bool) -> bool:
        return user_id in self.mailboxes and (self.mail if mail else self.calendars)


class Emulator:
    """One tenant with its Graph and its Entra; start it with `localdev.graph.app.running`.

    `granted`: consent was given beforehand. `clock` is in seconds; `latency` is how long each Graph call takes.
    `prebuilt`: answers about mailboxes that were made beforehand.
    """

    def __init__(
        self,
        files: TenantFiles,
        *,
        granted: bool = False,
        registration: Registration | None = None,
        faults: Iterable[Fault | Mapping[str, Any]] = (),
        clock: Callable[[], float] = time.time,
        latency: float = 0.0,
        expires_in: int = 3599,
        consent_delay: float = 0.0,
        prebuilt: Prebuilt | None = None,
    ) -> None:
        self.clock = clock
        self.latency = latency
        self.consent_delay = consent_delay
        self.prebuilt = prebuilt
        self.tenant = Tenant(files)
        self.consent = Consent(clock)
        self.entra = Entra(self.tenant, self.consent, registration or Registration(), clock, expires_in)
        self.faults = Faults(clock)
        self.faults.add(*faults)
        self.scope = Scope()
        self.links = Links()
        if granted:
            self.consent.grant(self.entra.registration.asked_roles)
        self.reset()

    def deliver(self, user_id: str, messages: Iterable[Entity]) -> None:
        """Messages arrive in a mailbox, or, where it has one with such an id, change: properties that are not given
        stay. Either way they were last changed now, whenever they say that they were received.
        """
        mailbox = self.tenant.changing(user_id)
        given = {message["id"]: message for message in messages}
        before = {message["id"]: message for message in mailbox.remove(given)}
        now = f"{datetime.fromtimestamp(self.clock(), UTC):%Y-%m-%dT%H:%M:%SZ}"
        mailbox.arrive(
            {**before.get(each, {}), **message, "lastModifiedDateTime": now} for each, message in given.items()
        )

    def remove(self, user_id: str, ids: Collection[str]) -> None:
        """Messages vanish from a mailbox and leave no trace."""
        self.tenant.changing(user_id).remove(ids)

    def reset(self) -> None:
        """Forget what was asked: counts, complaints, throttling; consent, faults and mail stay."""
        self.stats = Stats()
        self.throttle = Throttle(self.clock, len(self.tenant.users.all))
        self.refusals: Counter[str] = Counter()


@dataclass
class Asked:
    """A call on its way to a handler: who calls, with which roles, and what the path names."""

    emulator: Emulator
    call: Call
    claims: Mapping[str, Any]
    names: Mapping[str, str]
    user: Entity | None = None
    """The owner of the mailbox, for calls on a mailbox."""

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.claims.get("roles", ()))

    @property
    def advanced(self) -> bool:
        """Whether the caller has asked for the directory's advanced query rules, as it must on every page."""
        eventual = self.call.headers.get("consistencylevel", "").lower() == "eventual"
        return eventual and self.call.query.get("$count") == "true"

    def need(self, *any_of: str) -> None:
        """GraphError 403 unless the token has one of the roles."""
        if self.roles.isdisjoint(any_of):
            raise directory_denied()

    def context(self, what: str) -> str:
        return f"{self.call.base}/$metadata#{what}"
