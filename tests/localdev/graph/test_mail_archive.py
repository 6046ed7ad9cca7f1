"""A mail archive served as a tenant: who is a person, who a customer, and where the copies lie."""

import csv
import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localdev.graph import mail_archive

_ARCHIVE = Path(__file__).parents[3] / "../shared/data/w3c-mail.csv.gz"
AS_OF = datetime(2001, 12, 31, 23, 59, 59, tzinfo=UTC)
LINES = """sent,sender,recipients
2001-01-01T10:00:00Z,carl@customer.example,ada@our.example;BOB@our.example;dora@other.example
2001-01-02T10:00:00Z,Ada@our.example,carl@customer.example;ada@our.example
2001-01-02T10:00:00Z,carl@customer.example,dora@other.example
2001-01-02T10:00:00Z,carl@customer.example,eve@sub.our.example
"""


@pytest.fixture
def tenant(tmp_path):
    file = tmp_path / "mail.csv.gz"
    file.write_bytes(gzip.compress(LINES.encode()))
    return mail_archive.read(file, "Our.Example", AS_OF)


def box(tenant, address):
    return tenant.mailboxes[next(user["id"] for user in tenant.users if user["mail"] == address)]


def test_every_address_of_the_domain_is_a_person_of_one_group(tenant):
    assert [user["mail"] for user in tenant.users] == ["ada@our.example", "bob@our.example"]
    assert tenant.groups[0]["mail"] == tenant.enrichment["addresses"][0] == "everyone@our.example"
    assert set(tenant.groups[0]["members"]) == {user["id"] for user in tenant.users} == set(tenant.mailboxes)


def test_every_other_domain_is_a_customer_and_its_addresses_are_contacts(tenant):
    contacts = list(csv.DictReader(io.StringIO(tenant.contacts_csv.decode())))
    accounts = list(csv.DictReader(io.StringIO(tenant.accounts_csv.decode())))

    assert {(each["Email"], each["AccountId"]) for each in contacts} == {
        ("carl@customer.example", "customer.example"),
        ("dora@other.example", "other.example"),
        ("eve@sub.our.example", "sub.our.example"),
    }
    assert [each["AccountId"] for each in accounts] == ["customer.example", "other.example", "sub.our.example"]
    assert len({each["ContactId"] for each in contacts}) == 3
    assert all("@" not in each["ContactId"] for each in contacts)


def test_each_person_who_appears_holds_one_copy_with_the_same_id(tenant):
    ada, bob = box(tenant, "ada@our.example")["messages"], box(tenant, "bob@our.example")["messages"]

    assert (len(ada), len(bob)) == (2, 1)
    assert ada[0]["internetMessageId"] == bob[0]["internetMessageId"] != ada[1]["internetMessageId"]
    assert len({each["id"] for each in (*ada, *bob)}) == 3


def test_the_sender_keeps_it_in_sent_items_and_the_others_in_the_inbox(tenant):
    ada = box(tenant, "ada@our.example")
    names = {folder["id"]: folder["wellKnownName"] for folder in ada["folders"]}

    assert [names[each["parentFolderId"]] for each in ada["messages"]] == ["inbox", "sentitems"]


def test_ids_are_the_same_each_time_a_mailbox_is_made(tenant):
    assert box(tenant, "ada@our.example") == box(tenant, "ada@our.example")


def test_what_the_archive_lacks_is_missing(tenant):
    message = box(tenant, "bob@our.example")["messages"][0]

    assert (message["conversationId"], message["conversationIndex"]) == (None, None)
    assert message["sentDateTime"] == message["receivedDateTime"] == "2001-01-01T10:00:00Z"
    assert "subject" not in message


def test_the_real_archive_is_read_whole():
    if not _ARCHIVE.exists():
        pytest.skip("the archive does not lie beside this checkout")

    tenant = mail_archive.read(_ARCHIVE, "w3.org", AS_OF)

    with gzip.open(_ARCHIVE, "rt", newline="") as file:
        ours = {
            address
            for row in csv.DictReader(file)
            for address in (row["sender"], *row["recipients"].split(";"))
            if address.endswith("@w3.org")
        }
    assert {user["mail"] for user in tenant.users} == ours
    assert sum(len(tenant.mailboxes[user["id"]]["messages"]) for user in tenant.users[:20]) > 0
