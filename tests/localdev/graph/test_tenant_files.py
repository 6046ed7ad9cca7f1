"""A tenant written to a folder and read back."""

from pathlib import Path

import pytest

from localdev.graph import tenant_files
from tests.localdev.graph.conftest import ADA, small_tenant

_ORGANISATIONS = Path(__file__).parents[3] / "../shared/fixtures/organisations"


def test_a_tenant_is_read_as_it_was_written_and_mailboxes_only_when_asked_for(tmp_path):
    tenant = small_tenant()

    tenant.save(tmp_path)
    found = tenant_files.load(tmp_path)

    assert (found.tenant, found.users, found.groups) == (tenant.tenant, tenant.users, tenant.groups)
    assert (list(found.mailboxes), len(found.mailboxes), ADA in found.mailboxes) == ([ADA], 1, True)
    assert found.mailboxes[ADA] == tenant.mailboxes[ADA]
    (tmp_path / "mailboxes" / f"{ADA}.json.gz").unlink()
    with pytest.raises(FileNotFoundError):
        found.mailboxes[ADA]


def test_the_same_tenant_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        small_tenant().save(tmp_path / name)

    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).rglob("*.*")} for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("name", ["berlin", "lord-howe", "new-york"])
def test_the_sample_organisations_can_be_served(name):
    if not _ORGANISATIONS.exists():
        pytest.skip("the organisations do not lie beside this checkout")

    found = tenant_files.load(_ORGANISATIONS / name)

    readable = {user["id"] for user in found.users if user["mailbox"] == "ok"}
    assert readable == set(found.mailboxes)
    assert found.enrichment["consentAgreed"] is True
    assert found.contacts_csv.startswith(b"") and found.accounts_csv
