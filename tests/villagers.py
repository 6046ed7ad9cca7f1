"""What tests that make up a village for themselves have in common: its tenant, its people, where its data lie."""

from __future__ import annotations

from typing import Any

TENANT: dict[str, Any] = {
    "tenantId": "10000000-0000-0000-0000-000000000000",
    "displayName": "Village",
    "countryLetterCode": "DE",
    "verifiedDomains": [{"name": "village.example", "isDefault": True, "isInitial": True}],
}
DATA: dict[str, Any] = {
    "contacts": {"blob": "contacts.csv", "contactId": "ContactId", "customerId": "AccountId", "email": "Email"},
    "customers": {"blob": "accounts.csv", "customerId": "AccountId", "name": "Name", "parent": "ParentId"},
}


def person(id: str, name: str, address: str) -> dict[str, Any]:
    """A user with a mailbox, as in `users.json` (interfaces §10)."""
    exchange = {
        "assignedDateTime": "2024-01-01T00:00:00Z",
        "capabilityStatus": "Enabled",
        "service": "exchange",
        "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
    }
    return {
        "id": id,
        "displayName": name.title(),
        "mail": address,
        "userPrincipalName": address,
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Member",
        "assignedPlans": [exchange],
        "mailbox": "ok",
    }
