"""§1: a page is decoded in one pass, and a property of the wrong JSON type counts as missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.graph import wire
from shared.adapters.graph.wire import WireEvent, WireMessage, WirePageBroken, decode_events, decode_messages
from tests.core.wire_items import event, message


def one(item: Any) -> WireMessage:
    (decoded,) = decode_messages(json.dumps({"value": [item]}).encode()).items
    return decoded


def test_a_page_has_items_a_link_and_a_count():
    body = {"@odata.nextLink": "https://graph.example/next", "@odata.count": 7, "value": [message(), message()]}
    page = decode_messages(json.dumps(body).encode())

    assert (len(page.items), page.next_link, page.count) == (2, "https://graph.example/next", 7)


def test_the_last_page_has_no_link():
    page = decode_events(b'{"value": [], "@odata.nextLink": null}')

    assert (page.items, page.next_link, page.count) == ([], None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b'{"value": [{"id": "a"}',
        b'{"value": {"id": "a"}}',
        b'{"value": null}',
        b'{"error": {"code": "UnknownError"}}',
        b"[]",
        b'{"value": [{"id": NaN}]}',
        b'{"value": [], "@odata.nextLink": 7}',
        b'{"value": ["\xff"]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_page_is_told_apart_from_a_page_with_bad_items(body):
    """Its text holds nothing of the answer."""
    for decode in (decode_messages, decode_events):
        with pytest.raises(WirePageBroken) as broken:
            decode(body)

        assert "UnknownError" not in str(broken.value)


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("internetMessageId", "message_id", 5),
        ("sentDateTime", "sent", 1790000000),
        ("isDraft", "is_draft", "true"),
        ("isDraft", "is_draft", 1),
        ("from", "sender", "ada@own.example"),
        ("from", "sender", [{}]),
        ("toRecipients", "to", {"0": {}}),
        ("ccRecipients", "cc", "kim@a.example"),
        ("conversationIndex", "conversation_index", {}),
        ("@odata.type", "odata_type", True),
        ("internetMessageHeaders", "headers", {"List-Id": "x"}),
    ],
)
def test_a_property_of_the_wrong_type_counts_as_missing(name, attribute, value):
    """§1; the others stand."""
    decoded = one(message() | {name: value})

    assert getattr(decoded, attribute) is None
    assert decoded.received == "2026-03-02T10:00:00Z"


def test_a_bad_entry_of_a_list_is_lost_alone():
    """§1: how deep it lies makes no difference."""
    entries = [None, "kim@a.example", {"emailAddress": None}, {"emailAddress": {"address": 7}}]
    decoded = one(message() | {"toRecipients": [*entries, {"emailAddress": {"address": "kim@a.example", "name": 3}}]})

    addresses = [who.email_address and who.email_address.address for who in decoded.to or []]
    assert addresses == [None, None, "kim@a.example"]


def test_a_bad_message_among_good_ones_is_lost_alone():
    body = {"value": [message(), "no message", message() | {"isDraft": 3}, None, message()], "@odata.count": "3"}
    page = decode_messages(json.dumps(body).encode())

    assert [item.message_id for item in page.items] == ["<1@own.example>"] * 3
    assert page.count is None


def test_an_event_is_taken_apart_as_deep():
    item = event() | {"start": {"dateTime": 1790000000, "timeZone": "UTC"}, "isAllDay": "no", "responseStatus": "none"}
    item["attendees"] = [7, {"type": 1, "status": [], "emailAddress": {"address": "kim@a.example"}}]
    (decoded,) = decode_events(json.dumps({"value": [item]}).encode()).items

    assert decoded.start == wire.WireTime(None, "UTC")
    assert (decoded.is_all_day, decoded.response_status) == (None, None)
    assert decoded.attendees == [wire.WireAttendee(wire.WireAddress("kim@a.example"), None, None)]
    assert decoded.end == wire.WireTime("2026-03-02T11:00:00", "UTC")


def test_half_a_surrogate_pair_can_be_hashed():
    decoded = decode_messages(b'{"value": [{"internetMessageId": "<\\ud800@x>"}]}').items[0]

    assert decoded.message_id == "<?@x>"


def test_properties_that_are_not_needed_are_not_kept():
    """§8: subjects, bodies and places are never requested; were they sent, they would not be decoded."""
    everything = {*wire.MESSAGE_SELECT_WITH_HEADERS, wire.CHANGED, *wire.EVENT_SELECT}
    kept = {*WireMessage.__struct_encode_fields__, *WireEvent.__struct_encode_fields__}

    assert kept - {"@odata.type"} == everything
    assert not everything & {"subject", "body", "bodyPreview", "uniqueBody", "location", "locations", "attachments"}
    assert "internetMessageHeaders" not in wire.MESSAGE_SELECT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab\u00e9", max_size=3) | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["address", "emailAddress"]), inner),
    max_leaves=6,
)
ADDRESS = st.fixed_dictionaries({}, optional={"address": st.text("ab\u00e9") | st.none(), "name": JSON})
RECIPIENT = st.fixed_dictionaries({}, optional={"emailAddress": ADDRESS | st.none()})
RIGHT = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text() | st.none(),
        "isDraft": st.booleans() | st.none(),
        "from": RECIPIENT | st.none(),
        "toRecipients": st.lists(RECIPIENT, max_size=3) | st.none(),
        "internetMessageHeaders": st.lists(st.fixed_dictionaries({"name": st.text(), "value": st.text()}), max_size=2),
        "subject": JSON,
    },
)


@given(st.lists(RIGHT, max_size=3))
def test_both_ways_of_decoding_agree_where_all_types_are_right(items):
    body = json.dumps({"value": items}).encode()

    assert wire._lenient_page(body, WireMessage) == wire._messages.decode(body)


@given(st.lists(st.dictionaries(st.sampled_from(wire.MESSAGE_SELECT_WITH_HEADERS), JSON) | JSON, max_size=4))
def test_any_list_of_items_is_a_page(items):
    assert len(decode_messages(json.dumps({"value": items}).encode()).items) == sum(
        isinstance(item, dict) for item in items
    )
