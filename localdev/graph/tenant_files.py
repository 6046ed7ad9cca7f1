"""A tenant as plain files or plain values: what the emulator serves, in Microsoft Graph's own shapes."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Entity = dict[str, Any]


@dataclass(frozen=True)
class TenantFiles:
    """One tenant and the customer's data that belongs to it.

    `mailboxes` maps the id of a user to `{folders, messages, calendars, events}`, `events` by calendar id; it may
    be any mapping, also one that reads a mailbox only when it is asked for. Users carry the emulator's own
    `mailbox` state (`ok`, `NotEnabled`, `AccessDenied`, `NotFound`), groups their `members` by id.
    """

    tenant: Entity
    users: list[Entity]
    groups: list[Entity]
    mailboxes: Mapping[str, Entity]
    contacts_csv: bytes = b""
    accounts_csv: bytes = b""
    enrichment: Entity = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write the tenant so that `load` reads the same one back; the same tenant gives the same bytes."""
        (folder / "mailboxes").mkdir(parents=True, exist_ok=True)
        _write_json(folder / "tenant.json", self.tenant)
        _write_json(folder / "users.json", self.users)
        _write_json(folder / "groups.json", self.groups)
        _write_json(folder / "enrichment.json", self.enrichment)
        (folder / "contacts.csv").write_bytes(self.contacts_csv)
        (folder / "accounts.csv").write_bytes(self.accounts_csv)
        for user_id, mailbox in self.mailboxes.items():
            text = json.dumps(mailbox, ensure_ascii=False).encode()
            (folder / "mailboxes" / f"{user_id}.json.gz").write_bytes(gzip.compress(text, mtime=0))


class MailboxFolder(Mapping[str, Entity]):
    """The mailboxes of a folder, `<user id>.json.gz` each, read anew whenever one is asked for."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name.removesuffix(".json.gz"): path for path in sorted(folder.glob("*.json.gz"))}

    def __getitem__(self, user_id: str) -> Entity:
        with gzip.open(self._files[user_id], "rb") as file:
            mailbox: Entity = json.load(file)
        return mailbox

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._files


def load(folder: Path) -> TenantFiles:
    """Read a tenant folder; mailboxes stay on disk until they are asked for.

    `tenant.json`, `users.json` and `groups.json` must be there (FileNotFoundError), the rest may be missing.
    """
    return TenantFiles(
        tenant=_read_json(folder / "tenant.json"),
        users=_read_json(folder / "users.json"),
        groups=_read_json(folder / "groups.json"),
        mailboxes=MailboxFolder(folder / "mailboxes"),
        contacts_csv=_read_bytes(folder / "contacts.csv"),
        accounts_csv=_read_bytes(folder / "accounts.csv"),
        enrichment=_read_json(folder / "enrichment.json") if (folder / "enrichment.json").is_file() else {},
    )


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _read_bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
