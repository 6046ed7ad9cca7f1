"""One message from its copies (semantics §3)."""

from __future__ import annotations

import numpy as np

from shared.core.columns import take
from shared.core.facts import FROM_ACCOUNT, NEITHER, TO_ACCOUNT
from shared.core.join_messages import join_messages
from tests.facts import ADA, BOB, CEM, HOUR, WINDOW, address, at, contacts, message_copies, values

TWO = contacts([("A", "a1")], [("B", "b1")])
NOON = at("2026-06-01T12:00")


def join(*rows, book=TWO):
    return join_messages(message_copies(*rows), book, WINDOW)


def test_recipients_are_the_union_over_the_copies():
    """§3.1: Recipients = union over the copies."""
    joined = join({"recipients": [address(0)]}, {"owner": 1, "recipients": [address(1), BOB]})

    assert [values(joined.items, row, "account", "direction", "people") for row in range(2)] == [
        [0, TO_ACCOUNT, [0, 1]],
        [1, TO_ACCOUNT, [0, 1]],
    ]
    assert joined.counts == {"Counted": 1, "Duplicate": 1}


def test_the_earliest_sent_copy_gives_time_and_sender():
    """§3.1: where sent times or senders of the copies differ, the earliest sent time wins."""
    joined = join(
        {"owner": 0, "sent": NOON, "sender": ADA, "recipients": [address(0)]},
        {"owner": 1, "sent": NOON - HOUR, "sender": address(1), "recipients": [BOB]},
    )

    assert values(joined.items, 0, "account", "direction", "sent") == [1, FROM_ACCOUNT, NOON - HOUR]


def test_among_equal_sent_times_the_smallest_directory_id_decides():
    """§3.1: among equal times the copy whose mailbox owner has the smallest directory id."""
    joined = join(
        {"owner": 2, "sender": address(1), "recipients": [CEM]}, {"owner": 1, "sender": BOB, "recipients": [address(0)]}
    )

    assert values(joined.items, 0, "account", "direction", "people") == [0, TO_ACCOUNT, [1, 2]]


def test_one_crowded_copy_takes_the_item_out():
    """§3.2: one of the copies that are in names more than 100 addresses: the item is out."""
    joined = join({"crowded": True, "recipients": [address(0)]}, {"owner": 1, "recipients": [address(0)]})

    assert joined.counts == {"TooManyRecipients": 2}
    assert len(joined.items.item) == 0
    assert not joined.days.any()


def test_a_contact_of_another_account_in_cc_is_nothing_for_that_account():
    """§3.3: a message from account A that has a contact of B in Cc is From A, and nothing for B."""
    joined = join({"sender": address(0), "recipients": [BOB, address(1)]})

    assert [values(joined.items, 0, "account", "direction", "contacts")] == [[0, FROM_ACCOUNT, [0]]]
    assert len(joined.items.item) == 1


def test_an_account_without_a_direction_comes_along_for_its_top():
    """§11: every customer id is replaced by that of its topmost ancestor; so B's contact counts for the top."""
    family = contacts([("A", "a1")], [("B", "b1")], [("C", "c1")], parents={"A": "T", "B": "T"})
    joined = join({"sender": address(0), "recipients": [BOB, address(1), address(2)]}, book=family)

    assert [values(joined.items, row, "account", "direction") for row in range(2)] == [[0, FROM_ACCOUNT], [1, NEITHER]]
    assert len(joined.items.item) == 2


def test_a_contact_of_several_accounts_counts_in_each():
    """§2: a contact that belongs to several accounts counts once in each of them."""
    joined = join({"sender": address(0), "recipients": [ADA]}, book=contacts([("A", "x"), ("B", "x")]))

    assert [values(joined.items, row, "account", "direction", "contacts") for row in range(2)] == [
        [0, FROM_ACCOUNT, [0]],
        [1, FROM_ACCOUNT, [0]],
    ]


def test_two_contact_ids_with_one_address_are_two_contacts():
    """§2: two contact ids with one address are two contacts."""
    joined = join({"recipients": [address(0)]}, book=contacts([("A", "x"), ("A", "y")]))

    assert values(joined.items, 0, "contacts") == [0, 1]


def test_where_nobody_of_m_is_named_the_owners_count():
    """§3.4: if no one of M is named, the owners of the mailboxes that hold a copy that is in."""
    row = {"sender": address(0), "recipients": []}
    joined = join({**row, "owner": 2}, {**row, "owner": 0}, {**row, "owner": 2, "sent": at("2026-06-02T00:00")})

    assert values(joined.items, 0, "people") == [0, 2]


def test_the_losing_copy_s_sender_is_nobody():
    """§3.4: our people are among sender and named recipients of the counted message: the winner's sender."""
    joined = join(
        {"owner": 0, "sent": NOON, "sender": CEM, "recipients": [address(0)]},
        {"owner": 1, "sent": NOON - HOUR, "sender": BOB, "recipients": [address(0)]},
    )

    assert values(joined.items, 0, "people") == [1]


def test_received_is_the_earliest_over_the_copies():
    """§3.5: earliest received over the copies."""
    row = {"sender": address(0), "recipients": [ADA], "sent": NOON}
    joined = join({**row, "received": NOON + 2 * HOUR}, {**row, "owner": 1, "received": NOON + HOUR})

    assert values(joined.items, 0, "received") == NOON + HOUR


def test_copies_with_different_conversation_keys_belong_to_both():
    """§3.5: two copies with different keys belong to both conversations."""
    row = {"recipients": [address(0)]}
    joined = join(
        {**row, "conversation": 7},
        {**row, "owner": 1, "conversation": 3},
        {**row, "owner": 2, "conversation": 7},
        {**row, "owner": 3, "conversation": 0},
        {**row, "item": 2, "conversation": 9},
        {**row, "item": 2, "conversation": 9},
        {**row, "item": 3},
    )

    assert [values(joined.items, row, "conversations") for row in range(3)] == [[3, 7], [9], []]


def test_the_order_of_the_copies_is_irrelevant():
    """§1: everything published is a pure function of items, contacts, configuration and `as_of`."""
    copies = message_copies(
        *(
            {
                "item": number % 5,
                "owner": number % 3,
                "sent": NOON + number % 2,
                "sender": (ADA, address(0), address(1))[number % 3],
                "recipients": [BOB, address(number % 2)],
                "conversation": number % 4,
            }
            for number in range(40)
        )
    )
    expected = join_messages(copies, TWO, WINDOW)
    shuffled = join_messages(take(copies, np.random.default_rng(1).permutation(40)), TWO, WINDOW)

    assert repr(shuffled) == repr(expected)


def test_no_copies_give_no_items():
    joined = join_messages(take(message_copies({}), np.zeros(0, np.int64)), TWO, WINDOW)

    assert joined.counts == {}
    assert len(joined.items.item) == 0
