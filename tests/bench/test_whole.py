"""The whole size: what is made up, counted, projected and charged. Nothing is measured and no world is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.whole import counts, derived, told
from bench.whole.month import Durable, Usage, cost, durable_requests, polling
from bench.whole.organisation import Size, address, contact_address, person_id, tenant_files
from bench.whole.projection import Costs, Plan, Reading, Year, mailbox_cost, project, shuffled
from bench.whole.team import Mailboxes, year_of
from bench.whole.watch import Watch

SIZE = Size(mailboxes=20, messages=30, meetings=10, customers=100)


@pytest.fixture(scope="module")
def year():
    return year_of(SIZE, 1)


def mail(someone):
    return someone["emailAddress"]["address"]


# What is made up


def test_every_mailbox_of_a_team_has_exactly_its_numbers_of_messages_and_meetings(year):
    assert sorted(year.mailboxes) == sorted(person_id(number) for number in range(10, 20))
    for content in year.mailboxes.values():
        (events,) = content["events"].values()
        assert (len(content["messages"]), len(events)) == (30, 10)


def test_what_must_be_counted_is_what_names_a_contact_once_for_all_its_copies(year):
    contacts = {contact_address(each, number): each for each in range(SIZE.customers) for number in range(10)}
    sent: dict[str, tuple[str, int]] = {}
    for content in year.mailboxes.values():
        for message in content["messages"]:
            writer, named = mail(message["from"]), [mail(each) for each in message["toRecipients"]]
            named += [mail(each) for each in message["ccRecipients"]]
            customers = {contacts[each] for each in (writer, *named) if each in contacts}
            for customer in customers:
                sent[message["internetMessageId"]] = "from" if writer in contacts else "to", customer

    for direction, counted in (("to", year.expected.to), ("from", year.expected.from_)):
        found = [customer for how, customer in sent.values() if how == direction]
        assert sorted(found) == sorted(counted.elements())


def test_some_items_lie_in_two_mailboxes_of_a_team(year):
    ids = [each["internetMessageId"] for content in year.mailboxes.values() for each in content["messages"]]

    assert len(ids) - len(set(ids)) == 3 * SIZE.messages


def test_a_mailbox_is_the_same_whenever_it_is_made(year):
    user_id = person_id(13)

    assert Mailboxes(SIZE)[user_id] == year.mailboxes[user_id]


def test_the_tenant_lists_everybody_and_ten_contacts_of_each_customer():
    files = tenant_files(SIZE, {})

    assert [each["mail"] for each in files.users] == [address(number) for number in range(20)]
    assert files.groups[0]["members"] == [person_id(number) for number in range(20)]
    assert len(files.contacts_csv.splitlines()) == 1 + 1_000
    assert len(files.accounts_csv.splitlines()) == 1 + 100


# What is counted

LOG = [
    '127.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "PUT /devstoreaccount1/enrichment-staging/whole/r/mailboxes/0007/'
    '0000.messages.parquet HTTP/1.1" 201 -',
    '127.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "GET /devstoreaccount1/enrichment-staging/whole/r/mailboxes/0007/'
    '0000.messages.parquet HTTP/1.1" 206 -',
    '127.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "GET /devstoreaccount1/enrichment-staging?restype=container&comp=list'
    '&prefix=whole HTTP/1.1" 200 -',
    '127.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "HEAD /devstoreaccount1/enrichment-config/runs/whole/r.json HTTP/1.1"'
    " 200 -",
    '127.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "DELETE /devstoreaccount1/enrichment-config/active/whole.json HTTP/1.1"'
    " 202 -",
    "Azurite Blob service successfully listens on http://127.0.0.1:10000",
]


def test_requests_to_storage_are_counted_by_purpose_and_by_how_they_are_charged():
    assert counts.storage_requests(LOG) == {
        "config active": {"delete": 1},
        "config runs": {"read": 1},
        "staging": {"list": 1},
        "staging mailboxes messages": {"read": 1, "write": 1},
    }


def test_processor_time_between_two_moments_lies_between_two_looks():
    watch = Watch({"host": 1}, moments=[10.0, 20.0, 30.0], cpu={"host": [1.0, 2.0, 6.0]})

    assert watch.between(10.0, 30.0) == {"host": 5.0}
    assert watch.between(15.0, 25.0) == {"host": 2.5}
    assert watch.between(0.0, 99.0) == {"host": 5.0}


# What follows

YEAR = Year(mailboxes=100, messages=1_000, meetings=100, items=500)
COSTS = Costs(mailbox=0.5, message=0.01, meeting=0.02, item=0.004, publishing=3.0)
READING = Reading(requests=12, rounds=8, messages=10, meetings=1)


def test_extraction_takes_as_long_as_its_latencies_one_after_the_other():
    run = project(YEAR, READING, COSTS, Plan(latency=2.0, instances=5, at_once=4))

    assert run.extraction == 100 / 20 * 8 * 2.0
    assert (run.bound, run.requests) == ("latency", 1_200)


def test_extraction_takes_as_long_as_its_processor_time_where_graph_is_quick():
    run = project(YEAR, READING, COSTS, Plan(latency=0.1, instances=2, at_once=50, speed=0.5))

    assert run.bound == "CPU"
    assert run.extraction == pytest.approx(100 * (0.5 + 10 * 0.01 + 0.02) / (2 * 0.5))
    assert run.aggregation == pytest.approx(500 * 0.004 / (2 * 0.5))


def test_publishing_is_one_activity_however_many_instances_there_are():
    one, many = (project(YEAR, READING, COSTS, Plan(latency=1.0, instances=count)) for count in (1, 10))

    assert one.publishing == many.publishing == 3.0
    assert one.cpu == many.cpu == pytest.approx(62.0 + 2.0 + 3.0)
    assert one.seconds == one.extraction + one.aggregation + one.publishing


def test_what_a_mailbox_costs_is_what_its_items_leave_of_the_measured_time():
    assert mailbox_cost(70.0, 100, 10, 1, 0.01, 0.02) == pytest.approx(0.7 - 0.12)
    assert mailbox_cost(1.0, 100, 10, 1, 0.01, 0.02) == 0.0


def test_shuffles_have_a_file_of_each_kind_for_each_writer_and_reader():
    assert shuffled(1_000, groups=50, items_per_call=300) == 2 * (50 * 4 + 4 * 4)


# What it costs


def test_only_what_is_not_free_is_charged():
    assert cost(Usage())["all"] == 0.0
    assert cost(Usage(gb_seconds=100_000, executions=250_000, gb_told=5.0))["all"] == 0.0
    assert cost(Usage(gb_seconds=1_100_000))["gb_seconds"] == pytest.approx(26.0)
    assert cost(Usage(executions=2_250_000))["all"] == pytest.approx(0.8)


def test_requests_are_charged_by_ten_thousand():
    charged = cost(Usage(blob_writes=20_000, blob_reads=20_000, gb_kept=10))

    assert charged["blob_writes"] == pytest.approx(0.11)
    assert charged["all"] == pytest.approx(0.11 + 0.0088 + 0.18)


def test_usages_add_up():
    usage = Usage(gb_seconds=1.0, blob_lists=2.0)

    assert usage + usage.times(2) == Usage(gb_seconds=3.0, blob_lists=6.0)


def test_an_activity_is_two_messages_of_which_each_is_put_got_and_deleted():
    queues, tables = durable_requests(Durable(activities=10, orchestrations=2, episodes=7, rows=500))

    assert queues == 12 * 6
    assert tables == 7 * 3 + 5 + 2
    assert polling(60.0, instances=3, every=5.0) == 12 * 7


# What is told


def run_of(mailboxes, asked, seconds=10.0):
    parts = dict.fromkeys(told.PARTS, 1.0)
    return {
        "size": {"mailboxes": mailboxes, "messages": 10, "meetings": 1, "customers": 5},
        "seconds": dict.fromkeys(told.STAGES, seconds),
        "cpu": dict.fromkeys(told.STAGES, parts),
        "memory": dict.fromkeys(told.PARTS, 100),
        "blobs": {"staging mailboxes messages": {"blobs": 1, "bytes": 1_000}, "output": {"blobs": 1, "bytes": 10**7}},
        "storage requests": {"staging mailboxes messages": asked, "config runs": {"read": 1}},
        "graph requests": {"GET /users/{user-id}/mailFolders/{mailFolder-id}": 6 * mailboxes},
        "not prebuilt": 0,
        "looks": {"number": 7, "longest": 0.5},
        "orchestrations": {"activities": 30, "orchestrations": 4, "episodes": 20, "rows": 100},
    }


def tick(blobs, cpu):
    return {"seconds": 5 * cpu, "cpu": cpu, "blobs": blobs, "storage requests": {"staging": {"list": 2}}}


WHOLE = {
    "first": run_of(2_500, {"write": 2_500, "read": 5_000}),
    "tick": tick(10_000, 2.0),
    "small": {
        "first": run_of(50, {"write": 50, "read": 100}),
        "next": run_of(50, {"write": 50, "read": 150, "list": 50}),
        "tick": tick(400, 0.08),
    },
    "mailbox": {"requests for messages": 33, "requests for meetings": 5, "rounds": 12.0, "folder rounds": 3.0},
}
RATES = {
    "extraction: messages, lean pages": 250_000.0,
    "extraction: messages, lean pages over TLS": 200_000.0,
    "extraction: messages, with ids and etags": 200_000.0,
    "extraction: calendar pages": 150_000.0,
    "aggregation of 50 M: copies to tables, CPU time": 100.0,
    "publishing 670,000 rows, Parquet and CSV: CPU time": 3.0,
}


def test_a_later_run_asks_storage_for_what_a_small_one_asked_more_by_mailbox():
    used = derived.month(WHOLE, RATES, derived.LOW)
    first, later = used["first run"], used["30 daily runs"]

    assert later.blob_reads == pytest.approx(30 * (first.blob_reads + 2_500))
    assert later.blob_lists == pytest.approx(30 * 2_500)


def test_the_timer_asks_once_more_for_each_run_that_is_kept_and_takes_what_it_took():
    look = derived.month(WHOLE, RATES, derived.LOW)[f"{derived.TICKS:,} looks of the timer"].times(1 / derived.TICKS)

    assert look.blob_lists == pytest.approx(2)
    assert look.blob_reads == pytest.approx(derived.KEPT_RUNS - 1)
    asked = look.blob_lists + look.blob_reads
    assert look.gb_seconds == pytest.approx(derived.GB * (2.0 + asked * derived.REQUEST_SECONDS))


def test_messages_cost_what_tls_adds_to_lean_pages_more_than_full_ones():
    assert derived.costs(WHOLE, RATES).message == pytest.approx(1 / 200e3 + 1 / 200e3 - 1 / 250e3)


def test_the_tables_are_told_as_text_and_as_markdown():
    tables = [*told.measured(WHOLE), *told.projections(WHOLE, RATES), *told.months(WHOLE, RATES)]

    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title
        assert len(table.markdown().splitlines()) == 2 + 2 + len(table.rows)
        assert table.text().splitlines()[0] == table.title
    assert "A first run of 75 M messages and 8 M meetings, 44 requests a mailbox in 15.0 rounds:" in {
        table.title for table in tables
    }


def test_more_instances_shorten_what_is_told():
    plan = Plan(latency=1.0)
    one, two = (
        derived.projected(WHOLE, RATES, derived.first_reading(WHOLE), replace(plan, instances=count))
        for count in (1, 2)
    )

    assert two.extraction == one.extraction / 2
