"""A mail archive in CSV as a tenant: every address of one domain a person, every other domain a customer."""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import NAMESPACE_URL, uuid5

from localdev.graph.mailbox import empty
from localdev.graph.tenant_files import Entity, TenantFiles

_EXCHANGE = {
    "assignedDateTime": "1987-01-01T00:00:00Z",
    "capabilityStatus": "Enabled",
    "service": "exchange",
    "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """One line of the archive; `sent` in RFC 3339, addresses in lower case."""

    number: int
    sent: str
    sender: str
    recipients: tuple[str, ...]

    @property
    def message_id(self) -> str:
        """An id that all copies share: the archive has none, so it is made of the line and what stands in it."""
        text = f"{self.number}|{self.sent}|{self.sender}|{';'.join(self.recipients)}"
        return f"<{hashlib.sha256(text.encode()).hexdigest()[:32]}@archive.invalid>"


class ArchiveMailboxes(Mapping[str, Entity]):
    """A mailbox for each person, made of the lines the person appears in when it is asked for."""

    def __init__(self, mails: list[Mail], addresses: Mapping[str, str]) -> None:
        self._mails = mails
        self._addresses = dict(addresses)
        numbers: dict[str, list[int]] = {address: [] for address in addresses.values()}
        for mail in mails:
            for address in {mail.sender, *mail.recipients} & numbers.keys():
                numbers[address].append(mail.number)
        self._numbers = numbers

    def __getitem__(self, user_id: str) -> Entity:
        address = self._addresses[user_id]
        mailbox = empty(user_id)
        places = {folder["wellKnownName"]: folder["id"] for folder in mailbox["folders"]}
        for number in self._numbers[address]:
            mail = self._mails[number]
            place = places["sentitems" if mail.sender == address else "inbox"]
            mailbox["messages"].append(_message(mail, user_id, place))
        return mailbox

    def __iter__(self) -> Iterator[str]:
        return iter(self._addresses)

    def __len__(self) -> int:
        return len(self._addresses)

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._addresses


def read(file: Path, domain: str, as_of: datetime) -> TenantFiles:
    """Read an archive with the columns `sent`, `sender`, `recipients` (`;` between), plain or gzip.

    One copy of a message lies with each person of the domain who appears in it: in Sent Items with its sender,
    in the Inbox with the others. Customers and contacts are all other domains and their addresses.
    """
    domain = domain.casefold()
    mails = list(_mails(file))
    everybody = sorted({address for mail in mails for address in (mail.sender, *mail.recipients)})
    ours = [address for address in everybody if address.rpartition("@")[2] == domain]
    theirs = [address for address in everybody if address.rpartition("@")[2] != domain]
    addresses = {str(uuid5(NAMESPACE_URL, f"mailto:{address}")): address for address in ours}
    return TenantFiles(
        tenant=_tenant(domain, as_of),
        users=[_user(user_id, address) for user_id, address in addresses.items()],
        groups=[_everyone(domain, list(addresses))],
        mailboxes=ArchiveMailboxes(mails, addresses),
        contacts_csv=_csv([("ContactId", "AccountId", "Email"), *(_contact(address) for address in theirs)]),
        accounts_csv=_csv([("AccountId", "Name"), *((name, name) for name in _domains(theirs))]),
        enrichment=_enrichment(domain),
    )


def _mails(file: Path) -> Iterator[Mail]:
    with _open(file) as text:
        for number, row in enumerate(csv.DictReader(text)):
            recipients = tuple(part.strip().casefold() for part in row["recipients"].split(";") if part.strip())
            yield Mail(number, row["sent"], row["sender"].strip().casefold(), recipients)


def _open(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open("r", encoding="utf-8", newline="")


def _message(mail: Mail, user_id: str, folder_id: str) -> Entity:
    sender = _recipient(mail.sender)
    return {
        "id": f"AAMkMsg{user_id[:8]}-{mail.number}",
        "internetMessageId": mail.message_id,
        "sentDateTime": mail.sent,
        "receivedDateTime": mail.sent,
        "lastModifiedDateTime": mail.sent,
        "isDraft": False,
        "from": sender,
        "sender": sender,
        "toRecipients": [_recipient(address) for address in mail.recipients],
        "ccRecipients": [],
        "bccRecipients": [],
        "conversationId": None,
        "conversationIndex": None,
        "internetMessageHeaders": [],
        "parentFolderId": folder_id,
    }


def _recipient(address: str) -> Entity:
    return {"emailAddress": {"name": address.partition("@")[0], "address": address}}


def _tenant(domain: str, as_of: datetime) -> Entity:
    return {
        "tenantId": str(uuid5(NAMESPACE_URL, f"tenant:{domain}")),
        "displayName": domain,
        "countryLetterCode": "US",
        "verifiedDomains": [{"name": domain, "isDefault": True, "isInitial": True}],
        "asOf": as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "timeZone": "UTC",
    }


def _user(user_id: str, address: str) -> Entity:
    name = address.partition("@")[0]
    return {
        "id": user_id,
        "displayName": name,
        "givenName": None,
        "surname": None,
        "mail": address,
        "userPrincipalName": address,
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Member",
        "accountEnabled": True,
        "mailNickname": name,
        "usageLocation": "US",
        "otherMails": [],
        "assignedPlans": [_EXCHANGE],
        "mailbox": "ok",
    }


def _everyone(domain: str, members: list[str]) -> Entity:
    return {
        "id": str(uuid5(NAMESPACE_URL, f"group:everyone@{domain}")),
        "displayName": "Everyone",
        "mail": f"everyone@{domain}",
        "mailEnabled": True,
        "securityEnabled": False,
        "groupTypes": [],
        "mailNickname": "everyone",
        "visibility": None,
        "proxyAddresses": [f"SMTP:everyone@{domain}"],
        "members": members,
    }


def _contact(address: str) -> tuple[str, str, str]:
    """A row of the contacts data; the id is no address, so that it may appear where an address may not."""
    name, _, domain = address.rpartition("@")
    return f"{name}-{hashlib.sha256(domain.encode()).hexdigest()[:10]}", domain, address


def _domains(addresses: list[str]) -> list[str]:
    return sorted({address.rpartition("@")[2] for address in addresses})


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _enrichment(domain: str) -> Entity:
    return {
        "displayName": f"Mail of {domain}",
        "output": "Office",
        "administrators": [],
        "addresses": [f"everyone@{domain}"],
        "consentAgreed": True,
        "contacts": {
            "blob": "contacts.csv",
            "contactId": "ContactId",
            "customerId": "AccountId",
            "email": "Email",
        },
        "customers": {"blob": "accounts.csv", "customerId": "AccountId", "name": "Name"},
        "timeZone": "UTC",
        "schedule": "off",
    }
