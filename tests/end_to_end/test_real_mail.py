"""Real mail, nobody's invention: a public archive comes out with the counts that DuckDB finds in its file."""

from datetime import UTC, datetime

import duckdb
import pytest

from localdev import demo
from localdev.screen import Screen
from localdev.world import Source
from tests.conftest import ROOT

ARCHIVE = ROOT / "../shared/data/w3c-mail.csv.gz"
DOMAIN = "w3.org"
AS_OF = datetime(2001, 12, 31, 23, 59, 59, tzinfo=UTC)

pytestmark = [
    pytest.mark.whole,
    pytest.mark.azurite,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not ARCHIVE.exists(), reason="the mail archive does not lie beside the repository"),
]

# A line of the archive is a message, of which our domain holds a copy where it sent or got it. §3.2: sent in the window
# (§5), at most 100 distinct recipients. §3.3: to a customer from ours with one of its contacts among the recipients,
# from a customer by its contact.
COUNTS = """
with lines as (
    select row_number() over () as line, sent::timestamp as sent, lower(trim(sender)) as sender,
           list_distinct([lower(trim(r)) for r in string_split(recipients, ';') if trim(r) <> '']) as recipients
    from read_csv(?, header = true, all_varchar = true)
), counted as (
    select line, regexp_extract(sender, '[^@]*$') as sender, [regexp_extract(r, '[^@]*$') for r in recipients] as got
    from lines
    where sent >= timestamp '2001-01-01' and sent < timestamp '2002-01-01' and len(recipients) <= 100
), ways as (
    select distinct line, unnest(got) as customer, 'to' as direction from counted where sender = 'w3.org'
    union all
    select line, sender, 'from' from counted where list_contains(got, 'w3.org')
)
select customer, count(*) filter (direction = 'to'), count(*) filter (direction = 'from')
from ways where customer <> 'w3.org' group by all
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real-mail")
    return demo.show(Source(AS_OF, archive=ARCHIVE, domain=DOMAIN), folder / "world", folder / "tables", Screen())


def test_emails_per_customer_and_direction_are_those_of_the_file(result, record_property):
    """§3.3, on 114,794 real messages and every customer that wrote to the organisation or heard from it."""
    expected = {customer: counts for customer, *counts in duckdb.execute(COUNTS, [str(ARCHIVE)]).fetchall()}

    found = {
        row["CustomerId"]: [int(row["NoOfEmails_ToAccount"]), int(row["NoOfEmails_FromAccount"])]
        for row in result.years()
    }

    different = {
        c: (expected.get(c), found.get(c)) for c in expected.keys() | found.keys() if expected.get(c) != found.get(c)
    }
    to, back = (sum(counts[way] for counts in found.values()) for way in (0, 1))
    told = f"{len(found):,} customers, {to:,} emails to and {back:,} from them, {len(different)} customers differ"
    record_property("told", f"real mail: {told}")
    assert len(found) > 3_000
    assert different == {}


def test_every_address_of_the_domain_is_a_person_whose_mailbox_was_read(result):
    people = result.tables["Office_UserEntity"]
    coverage = {(row["Scope"], row["Reason"]): int(row["Count"]) for row in result.coverage()}
    addresses = """
        select count(distinct lower(trim(address))) from (
            select sender as address from read_csv(?, header = true, all_varchar = true)
            union all
            select unnest(string_split(recipients, ';')) from read_csv(?, header = true, all_varchar = true))
        where lower(trim(address)) like '%@w3.org'"""
    row = duckdb.execute(addresses, [str(ARCHIVE), str(ARCHIVE)]).fetchone()

    assert row
    assert len(people) == coverage["Mailbox", "Read"] == row[0]
