"""§3.5 Reply time."""

from base64 import b64encode
from datetime import date

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    KIM,
    LEE,
    after,
    contact,
    mailbox,
    mails,
    message,
    organisation,
)

NOON = "2026-11-02T12:00:00Z"


def to_account(minutes=0, conversation="c1", **properties):
    """A message to account A, sent so many minutes after noon."""
    sent = after(NOON, minutes=minutes)
    return message(ADAS, [KIM], sent, id=f"p{sent}{conversation}", conversation=conversation, **properties)


def from_account(minutes, conversation="c1", delay=0, **properties):
    """A message from account A, received so many minutes after noon, sent `delay` minutes earlier."""
    received = after(NOON, minutes=minutes)
    return message(
        KIM,
        [ADAS],
        after(received, minutes=-delay),
        received=received,
        id=f"r{received}{conversation}{delay}",
        conversation=conversation,
        **properties,
    )


def reply_minutes(publish, *messages, period="Year", **options):
    """The mean of account A's reply times, None where there is no reply."""
    return publish(mails(*messages, **options)).row(f"A|{period}")["AverageDuration_Of_AccountEmailReplies"]


def test_a_reply_is_measured_from_the_parents_sending_to_the_replys_receipt(publish):
    """§3.5: "Elapsed = r.received − p.sent"."""
    assert reply_minutes(publish, to_account(), from_account(90, delay=5)) == 90.0


def test_the_parent_is_the_latest_message_to_the_account_before_the_reply(publish):
    """§3.5: "the latest To-account message p of the same account and conversation with p.sent < r.received"."""
    assert reply_minutes(publish, to_account(0), to_account(30), to_account(95), from_account(90)) == 60.0


def test_a_message_sent_when_the_reply_was_received_is_not_its_parent(publish):
    """§3.5: "p.sent < r.received", strictly; but one sent after the reply was sent may be."""
    assert reply_minutes(publish, to_account(90), from_account(90)) is None
    assert reply_minutes(publish, to_account(88), from_account(90, delay=5)) == 2.0


def test_a_message_of_another_conversation_is_no_parent(publish):
    """§3.5"""
    assert reply_minutes(publish, to_account(conversation="c2"), from_account(90)) is None
    assert reply_minutes(publish, to_account(conversation=None), from_account(90, conversation=None)) is None


def test_a_message_to_another_account_is_no_parent(publish):
    """§3.5: "of the same account"."""
    asked_lee = message(ADAS, [LEE], NOON, id="p", conversation="c1")

    assert reply_minutes(publish, asked_lee, from_account(90)) is None


def test_anyone_of_the_account_may_reply_to_anyone_of_ours(publish):
    """§3.5: parent and reply share account and conversation; their people do not matter."""
    rows = [contact("K1", "A", KIM), contact("K2", "A", "kay@a.example")]
    reply = message("kay@a.example", [BOBS], after(NOON, minutes=7), id="r", conversation="c1")

    assert reply_minutes(publish, to_account(), reply, contacts=rows) == 7.0


def test_only_the_first_reply_to_each_message_counts(publish):
    """§3.5: "Only the first reply to each p counts (by received time, then sent time)"."""
    assert reply_minutes(publish, to_account(), from_account(50), from_account(40)) == 40.0
    assert reply_minutes(publish, to_account(0), from_account(10), to_account(20), from_account(40)) == 15.0


def test_of_replies_received_together_the_one_sent_first_counts(publish):
    """§3.5: "(by received time, then sent time)": it is the one whose period the value belongs to."""
    overnight = "2026-11-30T23:59:00Z"
    sent = [
        message(ADAS, [KIM], after(overnight, hours=-1), id="p", conversation="c1"),
        message(
            KIM, [ADAS], after(overnight, minutes=2), received=after(overnight, minutes=3), id="2", conversation="c1"
        ),
        message(KIM, [ADAS], overnight, received=after(overnight, minutes=3), id="1", conversation="c1"),
    ]
    options = {"as_of": "2026-12-20T00:00:00Z"}

    assert reply_minutes(publish, *sent, period="Month|20261101", **options) == 63.0
    assert reply_minutes(publish, *sent, period="Month|20261201", **options) is None


@pytest.mark.parametrize(("beyond", "counts"), [(0, True), (1 / 60, False)])
@pytest.mark.parametrize(("limit", "options"), [(30, {}), (14, {"replyLimitDays": 14})])
def test_what_took_longer_than_the_limit_is_not_a_reply(publish, beyond, counts, limit, options):
    """§3.5: "longer than 30 days is not a reply (configurable)"."""
    sent = "2026-10-01T12:00:00Z"
    minutes = limit * 24 * 60 + beyond
    asked = message(ADAS, [KIM], sent, id="p", conversation="c1")
    reply = message(KIM, [ADAS], after(sent, minutes=minutes), id="r", conversation="c1")

    found = reply_minutes(publish, asked, reply, **options)

    assert found == (minutes if counts else None)


def test_a_first_reply_beyond_the_limit_is_followed_by_none(publish):
    """§3.5: later ones are later still."""
    told = [message(ADAS, [KIM], "2026-10-01T12:00:00Z", id="p", conversation="c1"), from_account(0), from_account(1)]

    assert reply_minutes(publish, *told, replyLimitDays=14) is None


def test_the_parent_lies_in_the_window_too(publish):
    """§3.5: the window begins on 2025-11-21."""
    asked = message(ADAS, [KIM], "2025-11-20T23:00:00Z", id="p", conversation="c1")
    reply = message(KIM, [ADAS], "2025-11-21T01:00:00Z", id="r", conversation="c1")

    assert reply_minutes(publish, asked, reply) is None


def test_the_value_belongs_to_the_period_of_the_reply(publish):
    """§3.5: "(by r's date, §5)"."""
    asked = message(ADAS, [KIM], "2026-10-31T20:00:00Z", id="p", conversation="c1")
    reply = message(KIM, [ADAS], "2026-11-02T08:00:00Z", id="r", conversation="c1")
    published = publish(mails(asked, reply))

    column = "AverageDuration_Of_AccountEmailReplies"
    found = {key: published.row(key)[column] for key in published.primary_keys()}

    assert found == {
        "A|Year": 36 * 60.0,
        "A|Month|20261001": None,
        "A|Month|20261101": 36 * 60.0,
        "A|Week|20261026": None,
        "A|Week|20261102": 36 * 60.0,
    }
    assert published.row("A|Week|20261102")["AggregationStartDate"] == date(2026, 11, 2)


def test_the_earliest_receipt_over_the_copies_counts(publish):
    """§3.5: "(earliest received over the copies)"."""
    told = [
        message(KIM, [ADAS, BOBS], NOON, received=after(NOON, minutes=m), id="r", conversation="c1") for m in (9, 4)
    ]
    asked = message(ADAS, [KIM], after(NOON, minutes=-10), id="p", conversation="c1")

    published = publish(organisation({ADA: mailbox([asked, told[0]]), BOB: mailbox([told[1]])}))

    assert published.row("A|Year")["AverageDuration_Of_AccountEmailReplies"] == 14.0


GUID = bytes(range(16))
HEADER = b"\x01\x02\x03\x04\x05\x06" + GUID


@pytest.mark.parametrize(
    ("asked", "replied", "same"),
    [
        (HEADER, b"\xff" * 6 + GUID + b"child", True),
        (HEADER, HEADER[:21] + b"\xff", False),
        (HEADER[:21], HEADER[:21], False),
        ("?" * 32, HEADER, False),
    ],
)
def test_bytes_6_to_21_of_the_conversation_index_are_the_conversation(publish, asked, replied, same):
    """§3.5: "bytes 6–21 of `conversationIndex` …; where it is missing, shorter or not base64, `conversationId`"; here
    the two ids differ.
    """
    indexes = [one if isinstance(one, str) else b64encode(one).decode() for one in (asked, replied)]

    found = reply_minutes(
        publish,
        to_account(conversation="c1", conversationIndex=indexes[0]),
        from_account(9, conversation="c2", conversationIndex=indexes[1]),
    )

    assert found == (9.0 if same else None)


@pytest.mark.parametrize("index", [None, 5, "", b64encode(HEADER[:21]).decode(), "not base64!", "%" * 40])
def test_where_the_index_does_not_serve_the_conversation_id_does(publish, index):
    """§3.5"""
    asked, reply = to_account(conversationIndex=index), from_account(9, conversationIndex=index)

    assert reply_minutes(publish, asked, reply) == 9.0


def test_an_index_overrules_the_conversation_id(publish):
    """§3.5: two conversations may bear one id."""
    indexes = [b64encode(bytes([one]) * 22).decode() for one in (1, 2)]

    asked, reply = to_account(conversationIndex=indexes[0]), from_account(9, conversationIndex=indexes[1])

    assert reply_minutes(publish, asked, reply) is None


def test_a_message_with_two_keys_belongs_to_both_conversations(publish):
    """§3.5: "Two copies with different keys belong to both conversations: a reply still has one parent, the latest p
    that shares any conversation with it".
    """
    reply = [message(KIM, [ADAS], after(NOON, minutes=60), id="r", conversation=key) for key in ("c1", "c2")]
    asked = [to_account(0, "c1"), to_account(20, "c2"), to_account(40, "c3")]

    published = publish(organisation({ADA: mailbox([*asked, reply[0]]), BOB: mailbox([reply[1]])}))

    assert published.row("A|Year")["AverageDuration_Of_AccountEmailReplies"] == 40.0


def test_replies_are_found_per_account(publish):
    """§3.5: one message from a contact of two accounts replies in each of them to that account's latest message."""
    rows = [contact("K1", "A", KIM), contact("K1", "B", KIM), contact("L1", "B", LEE)]
    asked = [to_account(0), message(ADAS, [LEE], after(NOON, minutes=30), id="q", conversation="c1")]

    published = publish(mails(*asked, from_account(60), contacts=rows))

    column = "AverageDuration_Of_AccountEmailReplies"
    assert [published.row(f"{one}|Year")[column] for one in "AB"] == [60.0, 30.0]
