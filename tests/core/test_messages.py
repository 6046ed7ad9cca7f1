"""§3.1, §3.2: what one copy of a message says, before copies are joined."""

from __future__ import annotations

import base64

import pytest

from shared.core.addresses import NOBODY
from shared.core.enrichment import Options
from shared.core.facts import OURS, THIRD_PARTY
from shared.core.messages import MessageReader
from tests.core.wire_items import (
    ADA,
    BOB,
    BOOK,
    CODE,
    COLLEAGUE,
    KEY,
    KIM,
    LEE,
    ZOE,
    message,
    read_messages,
    window,
    wire_instant,
)

INDEX = base64.b64encode(bytes(range(22))).decode()
SAME_CONVERSATION = base64.b64encode(b"\xff" * 6 + bytes(range(6, 22)) + b"reply").decode()


def reasons(*messages, **how):
    return dict(read_messages(*messages, **how).counts)


def rows(*messages, **how):
    return len(read_messages(*messages, **how).copies().item)


@pytest.mark.parametrize(
    ("copy", "reason"),
    [
        (message(isDraft=True, parentFolderId="junk"), "Draft"),
        (message(parentFolderId="junk", **{"@odata.type": "#microsoft.graph.eventMessage"}), "Folder"),
        (message(**{"@odata.type": "#microsoft.graph.eventMessageRequest"}), "MeetingMessage"),
        (message(**{"@odata.type": "#microsoft.graph.message"}), None),
        (message(isDraft="yes"), None),
        (message(parentFolderId=None), None),
        (message(ADA, [BOB], cc=[COLLEAGUE], bcc=["ada+x@own.example"]), "Internal"),
        (message(ADA, []), "Internal"),
        (message(ADA, [BOB, ""]), "Internal"),
        (message(ADA, [BOB], cc=[ZOE]), "Unrelated"),
        (message("", [BOB]), "Unrelated"),
        (message(ADA, [BOB]) | {"from": None}, "Unrelated"),
        (message(ZOE, [BOB, KIM]), "Unrelated"),
        (message(COLLEAGUE, [KIM]), None),
        (message(ADA, [], bcc=[KIM]), None),
        (message(ADA, [BOB], cc=[KIM]), None),
        (message(KIM, [ZOE]), None),
        (message(KIM, []), None),
    ],
)
def test_each_copy_is_in_or_has_the_first_reason_that_applies(copy, reason):
    """§3.2, §6: Draft, Folder, MeetingMessage, Internal, Unrelated; a copy without sender is never internal (§1)."""
    reader = read_messages(copy, excluded=["junk"])

    assert dict(reader.counts) == ({reason: 1} if reason else {})
    assert len(reader.copies().item) == (0 if reason else 1)


@pytest.mark.parametrize(
    ("name", "value", "automatic"),
    [
        ("Auto-Submitted", "auto-replied", True),
        ("auto-submitted", " No ", False),
        ("Auto-Submitted", "no; because=a-person-wrote", False),
        ("Auto-Submitted", "", True),
        ("List-Id", "<x.example>", True),
        ("LIST-UNSUBSCRIBE", "", True),
        ("Precedence", "Bulk", True),
        ("Precedence", "list", True),
        ("Precedence", "junk", True),
        ("Precedence", "first-class", False),
        ("Subject", "bulk", False),
        ("X-List-Id", "x", False),
        (None, "x", False),
        ("Precedence", 7, False),
    ],
)
def test_headers_tell_what_no_person_wrote(name, value, automatic):
    """§3.2: only where headers are read."""
    copy = message(internetMessageHeaders=[{"name": "Received", "value": "x"}, {"name": name, "value": value}])

    assert reasons(copy, read_headers=True) == ({"Automatic": 1} if automatic else {})
    assert reasons(copy) == {}


def test_automatic_comes_before_internal():
    """§6: the first that applies."""
    headers = [{"name": "List-Id", "value": "x"}]

    assert reasons(message(ADA, [BOB], internetMessageHeaders=headers), read_headers=True) == {"Automatic": 1}


@pytest.mark.parametrize(
    ("sent", "received", "exists"),
    [
        ("2025-07-01T00:00:00Z", "2025-07-01T00:00:00Z", True),
        ("2025-06-30T23:59:59Z", "2025-07-01T00:00:00Z", False),
        ("2026-06-30T12:00:00Z", "2026-07-01T12:00:00Z", True),
        ("2026-06-30T12:00:00Z", "2026-07-01T12:00:00.000001Z", False),
        ("2026-06-30T12:00:00.000001Z", "2026-06-30T12:00:00Z", False),
        ("2026-06-30T12:00:00Z", "2025-06-30T00:00:00Z", True),
        ("2026-06-30T12:00:00Z", "2025-06-29T23:59:59Z", False),
        (None, "2026-03-02T10:00:00Z", True),
        (1790000000, "2026-03-02T10:00:00Z", True),
        ("2026-03-02T10:00:00Z", None, False),
        ("2026-03-02T10:00:00Z", 1790000000, False),
        ("2026-03-02T10:00:00Z", "yesterday", False),
    ],
)
def test_copies_are_taken_or_left_by_their_sent_time(sent, received, exists):
    """§1, §3.1: found by receivedDateTime; one received before the local day before the window, or more than 24 hours
    after `as_of`, does not exist, nor does one without a usable time of receipt.
    """
    copy = message(sentDateTime=sent, receivedDateTime=received)

    assert rows(copy) == exists
    assert reasons(copy | {"isDraft": True}) == ({"Draft": 1} if exists else {})


def test_the_sent_time_is_the_time_of_receipt_where_it_is_null():
    """§3.1"""
    copies = read_messages(message(sentDateTime=None, receivedDateTime="2026-03-02T10:00:07.5Z")).copies()

    assert copies.sent.tolist() == copies.received.tolist() == [wire_instant("2026-03-02T10:00:07.5Z")]


def test_the_window_is_made_of_local_dates():
    """§5"""
    berlin = window("2026-06-30T22:30:00Z", "Europe/Berlin")

    assert rows(message(sent="2025-07-01T22:00:00Z"), at=berlin) == 1
    assert rows(message(sent="2025-07-01T21:59:59Z"), at=berlin) == 0


def test_a_copy_becomes_codes_and_times():
    copies = read_messages(
        message(COLLEAGUE, [BOB, "Bob <BOB@own.example>", KIM], cc=[ZOE, KIM], bcc=[LEE, ADA]),
        message(KIM, [ZOE, "", None]),
    ).copies()

    assert copies.sender.tolist() == [OURS, CODE[KIM]]
    assert sorted(copies.recipients.values.tolist()) == sorted([CODE[BOB], CODE[KIM], CODE[LEE], CODE[ADA]])
    assert copies.recipients.offsets.tolist() == [0, 4, 4]
    assert copies.owner.tolist() == [0, 0]
    assert not {THIRD_PARTY, OURS, NOBODY} & set(copies.recipients.values.tolist())


def test_pages_lie_below_each_other():
    reader = MessageReader(BOOK, window(), Options(), KEY, 1, frozenset())
    assert reader.copies().recipients.offsets.tolist() == [0]

    for page in ([message()], [], [message(ADA, [KIM, LEE]), message(isDraft=True)]):
        reader.add(read_page(page))

    assert reader.copies().recipients.offsets.tolist() == [0, 1, 3]
    assert reader.copies().owner.tolist() == [1, 1]
    assert reader.counts == {"Draft": 1}


def read_page(page):
    import msgspec

    from shared.adapters.graph import wire

    return wire.decode_messages(msgspec.json.encode({"value": page})).items


def same_item(first, second):
    return len(set(read_messages(first, second).copies().item.tolist())) == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (message(internetMessageId="<A@x>"), message(KIM, [ADA], internetMessageId=" <a@X>\t"), True),
        (message(internetMessageId="<a@x>"), message(internetMessageId="<b@x>"), False),
        (message(internetMessageId=None), message(internetMessageId="  "), True),
        (message(internetMessageId=None), message(internetMessageId=7), True),
        (message(internetMessageId=None), message(internetMessageId="null"), False),
    ],
)
def test_the_message_id_identifies_a_message_trimmed_and_casefolded(first, second, same):
    """§3.1"""
    assert same_item(first, second) is same


def unnamed(*args, **properties):
    return message(*args, internetMessageId=None, **properties)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (unnamed(ADA, [KIM, LEE]), unnamed("ADA@own.example", [LEE, KIM, "SMTP:KIM@a.example"]), True),
        (unnamed(ADA, [KIM], cc=[LEE]), unnamed(ADA, [LEE], cc=[KIM]), True),
        (unnamed(ADA, [KIM]), unnamed(ADA, [KIM], bcc=[LEE]), True),
        (unnamed(ADA, [KIM]), unnamed(ADA, [KIM, ""]), True),
        (unnamed(sent="2026-03-02T10:00:00Z"), unnamed(sent="2026-03-02T10:00:00.9Z"), True),
        (unnamed(sent="2026-03-02T10:00:00Z"), unnamed(sent="2026-03-02T10:00:01Z"), False),
        (unnamed(ADA, [KIM]), unnamed(BOB, [KIM]), False),
        (unnamed(ADA, [KIM]), unnamed(ADA, [KIM, ZOE]), False),
        (unnamed(ADA, [KIM]), unnamed(ADA, ["kim+tag@a.example"]), False),
    ],
)
def test_without_an_id_sender_second_and_recipients_identify_it(first, second, same):
    """§3.1: from, sent time to the second, the sorted distinct normalised addresses of To and Cc."""
    assert same_item(first, second) is same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"conversationIndex": INDEX}, {"conversationIndex": SAME_CONVERSATION, "conversationId": "other"}, True),
        ({"conversationIndex": INDEX}, {"conversationIndex": None}, False),
        ({"conversationIndex": INDEX[:24]}, {"conversationIndex": None}, True),
        ({"conversationIndex": INDEX + "!"}, {"conversationIndex": "not base64"}, True),
        ({"conversationIndex": INDEX.rstrip("=")}, {"conversationIndex": 7}, True),
        ({"conversationId": "a"}, {"conversationId": "A"}, False),
        ({"conversationId": None}, {"conversationId": ""}, True),
    ],
)
def test_a_conversation_is_known_by_its_guid_else_by_its_id(first, second, same):
    """§3.5: bytes 6–21 of conversationIndex; where it is missing, shorter or not base64, conversationId."""
    keys = read_messages(message(**first), message(**second)).copies().conversation.tolist()

    assert (len(set(keys)) == 1) is same


def test_without_any_conversation_key_there_is_none():
    assert read_messages(message(conversationId=None)).copies().conversation.tolist() == [0]
    assert read_messages(message()).copies().conversation.tolist() != [0]


def many(number):
    return [f"someone{index}@third.example" for index in range(number)]


@pytest.mark.parametrize(
    ("copy", "crowded"),
    [
        (message(ADA, [*many(99), KIM]), False),
        (message(ADA, [*many(100), KIM]), True),
        (message(ADA, [*many(50), KIM], cc=many(50), bcc=["x@third.example"]), False),
        (
            message(
                ADA, many(40), cc=[f"{n}@third.example" for n in range(40)], bcc=[KIM, *(f"b{n}@x" for n in range(20))]
            ),
            True,
        ),
        (message(ADA, [KIM, *(f"kim+{n}@a.example" for n in range(100))]), True),
        (message(ADA, [KIM, *(f"  KIM@a.example{'.' * (n % 2)}" for n in range(200))]), False),
        (message(ADA, [*many(99), KIM, "", None]), False),
    ],
)
def test_more_than_a_hundred_distinct_recipients_are_a_crowd(copy, crowded):
    """§3.2: distinct normalised addresses, tags kept, To, Cc and Bcc together."""
    assert read_messages(copy).copies().crowded.tolist() == [crowded]


def test_the_limit_is_configurable():
    assert read_messages(message(ADA, [KIM, LEE, ZOE]), max_recipients=2).copies().crowded.tolist() == [True]


def test_no_address_is_kept():
    """§8: keyed hashes only: under another key nothing is recognisable."""
    copy = [message(), unnamed()]
    one = read_messages(*copy).copies()
    reader = MessageReader(BOOK, window(), Options(), bytes(32), 0, frozenset())
    reader.add(read_page([message(KIM, [ADA]), unnamed(KIM, [ADA])]))

    assert not set(one.item.tolist()) & set(reader.copies().item.tolist())
