"""From the facts of mailboxes to figures: partition, join, aggregate."""

from __future__ import annotations

from dataclasses import fields

import pytest

from activities import aggregate_bucket, join_items, partition_copies
from shared.adapters import shuffles
from shared.core import blob_names
from shared.core.contracts import BucketOrder, JoinOrder, PartitionOrder, Spread
from shared.core.errors import FactsGone
from shared.core.facts import MessageCopies, MessageItems
from shared.core.figures import Figures
from tests.activities.stage import NAME, contents, leave, stage
from tests.facts import ADA, AS_OF_US, BOB, address, at, contacts, meeting_copies, message_copies

BOOK = contacts([("A", "a1")], [("B", "b1")], [("C", "c1")], parents={"A": "T", "B": "T"})
SPREAD = Spread(partitions=3, buckets=2, per_call=2)
ONE = Spread(partitions=1, buckets=1, per_call=1)
NOBODY_MEETS = meeting_copies()
NOBODY_WRITES = message_copies()


def partition(svc, run, **more):
    order = {"group": 0, "first": 0, "count": 2, "spread": SPREAD} | more
    return partition_copies.run(PartitionOrder(enrichment=NAME, run_id=run, **order), svc)


def join(svc, run, number, **more):
    order = {"groups": 1, "call": number, "spread": SPREAD} | more
    return join_items.run(JoinOrder(enrichment=NAME, run_id=run, as_of_us=AS_OF_US, **order), svc)


def copies(svc, run, number, group=0):
    """Of one partition."""
    name = blob_names.partitions(NAME, run, number // 2, group, "messages")
    return shuffles.read(svc.storage.staging, MessageCopies, [name]).part(number % 2)


def items(svc, run, bucket, number):
    name = blob_names.buckets(NAME, run, bucket // 2, number, "messages")
    return shuffles.read(svc.storage.staging, MessageItems, [name]).part(bucket % 2)


def test_all_copies_of_an_item_come_into_the_same_partition():
    svc, run = stage(BOOK)
    for mailbox in range(2):
        rows = [{"item": item, "owner": mailbox, "recipients": [address(0)]} for item in range(10)]
        leave(svc, run, mailbox, message_copies(*rows), NOBODY_MEETS)
    partition(svc, run)

    assert [sorted(copies(svc, run, number).item.tolist()) for number in range(3)] == [
        [0, 0, 3, 3, 6, 6, 9, 9],
        [1, 1, 4, 4, 7, 7],
        [2, 2, 5, 5, 8, 8],
    ]


def test_a_group_that_does_not_fit_into_memory_at_once_is_partitioned_all_the_same(monkeypatch):
    svc, run = stage(BOOK)
    for part in range(4):
        rows = [{"item": item, "owner": part, "recipients": [address(0)]} for item in range(10)]
        leave(svc, run, 0, message_copies(*rows), NOBODY_MEETS, part=part)

    def in_rounds_of(most):
        monkeypatch.setattr(partition_copies, "PER_ROUND", most)
        partition(svc, run, count=1, many={0: 4})
        found = [copies(svc, run, number) for number in range(3)]
        return [sorted(zip(each.item.tolist(), each.owner.tolist(), strict=True)) for each in found]

    assert in_rounds_of(15) == in_rounds_of(1_000)
    assert in_rounds_of(15)[0] == [(item, owner) for item in (0, 3, 6, 9) for owner in range(4)]


def test_what_was_left_out_is_added_up_over_mailboxes_and_parts():
    svc, run = stage(BOOK)
    leave(svc, run, 0, NOBODY_WRITES, NOBODY_MEETS, Message={"Draft": 2}, Meeting={"Private": 1})
    leave(svc, run, 1, NOBODY_WRITES, NOBODY_MEETS, Message={"Draft": 1})
    leave(svc, run, 1, message_copies({}), NOBODY_MEETS, part=1, Message={"Folder": 4})

    assert partition(svc, run, many={1: 2}).counts == {"Message": {"Draft": 3, "Folder": 4}, "Meeting": {"Private": 1}}
    assert sum(len(copies(svc, run, number).item) for number in range(3)) == 1


def test_what_was_read_of_a_mailbox_that_could_not_be_read_whole_is_discarded():
    """§1: a mailbox is read whole, mail and calendar, or not at all; §6: what was read of it is discarded."""
    svc, run = stage(BOOK)
    leave(svc, run, 0, message_copies({}), NOBODY_MEETS, Message={"Draft": 2})

    assert partition(svc, run, not_read=[0, 1]).counts == {}
    assert sum(len(copies(svc, run, number).item) for number in range(3)) == 0


def test_facts_that_are_missing_are_no_empty_facts():
    svc, run = stage(BOOK)
    leave(svc, run, 0, NOBODY_WRITES, NOBODY_MEETS)

    with pytest.raises(FactsGone):
        partition(svc, run)


def test_copies_in_different_groups_are_joined_and_counted_once():
    svc, run = stage(BOOK)
    row = {"item": 3, "recipients": [address(0)]}
    leave(svc, run, 0, message_copies(row), meeting_copies({"item": 6, "attendees": [(address(2), False)]}))
    leave(svc, run, 1, message_copies({**row, "owner": 1}), NOBODY_MEETS)
    for group in range(2):
        partition(svc, run, group=group, first=group, count=1)
    joined = join(svc, run, 0, groups=2)

    assert joined.counts == {"Message": {"Counted": 1, "Duplicate": 1}, "Meeting": {"Counted": 1}}
    assert int(joined.days, 16).bit_count() == 1


def test_accounts_of_one_top_share_a_bucket():
    """§11, issue 4: buckets are made by topmost customer, so that one bucket serves both levels."""
    svc, run = stage(BOOK, hierarchy=True)
    rows = [{"item": 3 * account, "recipients": [address(account)]} for account in range(3)]
    leave(svc, run, 0, message_copies(*rows), NOBODY_MEETS)
    partition(svc, run, count=1)
    join(svc, run, 0)

    assert [items(svc, run, bucket, 0).account.tolist() for bucket in range(2)] == [[2], [0, 1]]


def aggregated(svc, run, table):
    name = blob_names.figures(NAME, run, 0, table)
    return svc.storage.staging.read(name) and shuffles.read(svc.storage.staging, Figures, [name]).part(0)


@pytest.mark.parametrize("hierarchy", [True, False])
def test_figures_of_tops_exist_where_a_parent_is_configured(hierarchy):
    """§11: the table exists where `customers.parent` is configured."""
    svc, run = stage(BOOK, hierarchy=hierarchy)
    rows = [
        {"item": 3, "sender": address(0), "recipients": [ADA, address(1)]},
        {"item": 6, "sender": BOB, "recipients": [address(1)], "sent": at("2026-05-01T10:00")},
    ]
    leave(svc, run, 0, message_copies(*rows), NOBODY_MEETS)
    partition(svc, run, count=1, spread=ONE)
    join(svc, run, 0, spread=ONE)
    order = BucketOrder(enrichment=NAME, run_id=run, as_of_us=AS_OF_US, call=0, spread=ONE)
    bucketed = aggregate_bucket.run(order, svc)

    assert bucketed.accounts == 2
    accounts = aggregated(svc, run, "accounts")
    assert accounts.account[accounts.level == 0].tolist() == [0, 1]
    tops = aggregated(svc, run, "tops")
    if hierarchy:
        year = tops.level == 0
        assert (tops.emails_to[year], tops.emails_from[year], tops.contacts_emails[year]) == ([1], [1], [2])
    else:
        assert tops is None


def test_a_bucket_of_many_accounts_is_counted_some_at_a_time(monkeypatch):
    """§11: accounts below one topmost customer are counted together, however few are counted at a time."""
    book = contacts(*([(f"{number}", f"c{number}")] for number in range(9)), parents={"3": "7", "4": "7"})
    svc, run = stage(book, hierarchy=True)
    mail = message_copies(*({"item": number, "recipients": [address(number)]} for number in range(8)))
    met = meeting_copies({"item": 6, "attendees": [(address(8), False), (address(4), False)]})
    leave(svc, run, 0, mail, met)
    partition(svc, run, count=1)
    for number in range(2):
        join(svc, run, number)

    def found(most):
        monkeypatch.setattr(aggregate_bucket, "ACCOUNTS_AT_ONCE", most)
        order = BucketOrder(enrichment=NAME, run_id=run, as_of_us=AS_OF_US, call=0, spread=SPREAD)
        return aggregate_bucket.run(order, svc).accounts, *(
            rows(aggregated(svc, run, of)) for of in ("accounts", "tops")
        )

    def rows(figures):
        return sorted(zip(*(getattr(figures, each.name).tolist() for each in fields(figures)), strict=True))

    assert found(2) == found(1_000)
    assert found(2)[0] == 9


def test_a_retry_overwrites_its_own_output_with_itself():
    """Issue 4: a retried activity overwrites only its own output."""
    svc, run = stage(BOOK)
    leave(svc, run, 0, message_copies({"recipients": [address(0)]}), NOBODY_MEETS)
    partition(svc, run, count=1, spread=ONE)
    join(svc, run, 0, spread=ONE)
    before = contents(svc.storage.staging)
    partition(svc, run, count=1, spread=ONE)
    join(svc, run, 0, spread=ONE)

    assert contents(svc.storage.staging) == before
