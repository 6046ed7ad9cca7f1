"""How a mailbox answers about messages and folders: windows, order, pages, states."""

from urllib.parse import quote

import pytest

ADA = "/users/00000000-0000-0000-0000-00000000000a"
WINDOW = quote("receivedDateTime ge 2026-05-01T00:05:00Z and receivedDateTime lt 2026-05-01T00:20:00Z")


async def follow(graph, path):
    """Every item of a collection, in the order in which the pages give them."""
    reply = await graph.get(path)
    items = list(reply.body["value"])
    while "@odata.nextLink" in reply.body:
        reply = await graph.get(reply.next)
        items += reply.body["value"]
    return items


async def test_a_window_of_receipt_is_half_open_and_comes_in_order(graph):
    found = await follow(graph, f"{ADA}/messages?$select=id&$filter={WINDOW}&$orderby=receivedDateTime&$top=4")

    assert [each["id"] for each in found] == [f"AAMkMsg{number:04d}" for number in range(5, 20)]


async def test_gt_and_le_move_the_bounds(graph):
    window = quote("receivedDateTime gt 2026-05-01T00:05:00Z and receivedDateTime le 2026-05-01T00:07:00Z")

    found = await graph.get(f"{ADA}/messages?$select=id&$filter={window}&$orderby=receivedDateTime")

    assert found.ids == ["AAMkMsg0006", "AAMkMsg0007"]


async def test_a_message_without_a_time_of_receipt_is_in_no_window_but_in_the_list(graph):
    window = quote("receivedDateTime ge 1900-01-01T00:00:00Z")

    filtered = await graph.get(f"{ADA}/messages?$select=id&$top=100&$filter={window}")
    listed = await graph.get(f"{ADA}/messages?$select=id&$top=100")

    assert set(listed.ids) - set(filtered.ids) == {"AAMkMsg0026"}


async def test_the_newest_come_first_where_no_order_is_asked_for(graph):
    found = await graph.get(f"{ADA}/messages?$select=id&$filter={WINDOW}&$top=2")

    assert found.ids == ["AAMkMsg0019", "AAMkMsg0018"]


async def test_a_count_comes_without_any_header(graph):
    found = await graph.get(f"{ADA}/messages?$select=id&$filter={WINDOW}&$count=true&$top=1")

    assert found.body["@odata.count"] == 15
    assert len(found.ids) == 1


async def test_pages_have_ten_messages_and_at_most_a_thousand(graph):
    usual = await graph.get(f"{ADA}/messages?$select=id")
    most = await graph.get(f"{ADA}/messages?$select=id&$top=1000")
    refused = [await graph.get(f"{ADA}/messages?$select=id&$top={top}") for top in ("1001", "0", "ten")]

    assert (len(usual.ids), len(most.ids)) == (10, 27)
    assert [each.status for each in refused] == [400] * 3


async def test_the_skip_of_a_link_runs_ahead_of_what_was_given(graph):
    first = await graph.get(f"{ADA}/messages?$select=id&$top=10")
    naive = await graph.get(f"{ADA}/messages?$select=id&$top=10&$skip=13")
    second = await graph.get(first.next)

    assert "$skip=13" in first.next
    assert not set(first.ids) & set(second.ids)
    assert second.ids != naive.ids


@pytest.mark.parametrize(
    "tampered",
    [
        lambda link: link.replace("$select=id", "$select=id,from"),
        lambda link: link.replace("00000000000a/", "00000000000b/"),
        lambda link: link[:-2] + ("AA" if link[-2:] != "AA" else "BB"),
        lambda link: link.replace("$skip=13", "$skip=14"),
        lambda link: link.split("$skiptoken=")[0] + "$skiptoken=!",
    ],
)
async def test_a_link_is_followed_as_it_is_or_not_at_all(graph, tampered):
    first = await graph.get(f"{ADA}/messages?$select=id&$top=10")

    assert (await graph.get(first.next)).status == 200
    assert (await graph.get(tampered(first.next))).status == 400


async def test_an_order_that_the_filter_does_not_name_first_is_inefficient(graph):
    sent = quote("sentDateTime ge 2026-01-01T00:00:00Z and receivedDateTime ge 2026-01-01T00:00:00Z")

    other = await graph.get(f"{ADA}/messages?$select=id&$filter={sent}&$orderby=receivedDateTime")
    same = await graph.get(f"{ADA}/messages?$select=id&$filter={sent}&$orderby=sentDateTime")

    assert (other.status, other.code) == (400, "InefficientFilter")
    assert same.status == 200


async def test_other_properties_are_filtered_one_by_one(graph):
    changed = quote("lastModifiedDateTime ge 2026-05-01T00:24:00Z and isDraft eq false")

    assert len((await graph.get(f"{ADA}/messages?$select=id&$filter={changed}")).ids) == 3


async def test_a_meeting_message_says_what_it_is(graph):
    listed = (await graph.get(f"{ADA}/messages?$select=id&$top=2")).body["value"]
    types = {each["id"]: each.get("@odata.type") for each in listed}

    assert types["AAMkMsg0025"] == "#microsoft.graph.eventMessageRequest"
    assert None in types.values()


async def test_headers_come_only_when_they_are_asked_for(graph):
    whole = (await graph.get(f"{ADA}/messages?$top=1")).body["value"][0]
    asked = (await graph.get(f"{ADA}/messages?$top=1&$select=id,internetMessageHeaders")).body["value"][0]

    assert "internetMessageHeaders" not in whole
    assert asked["internetMessageHeaders"] == []
    assert graph.emulator.stats.headers_read == 1


async def test_properties_of_the_wrong_type_are_served_as_they_are(graph):
    wrong = {"id": "AAMkWrong", "receivedDateTime": "2026-05-01T00:01:00Z", "toRecipients": "nobody", "isDraft": "no"}
    await graph.control("POST", "mailboxes", {"user": "ada@contoso.onmicrosoft.example", "messages": [wrong]})

    found = (await graph.get(f"{ADA}/messages/AAMkWrong?$select=id,toRecipients,isDraft")).body

    assert (found["toRecipients"], found["isDraft"]) == ("nobody", "no")


async def test_folders_are_known_by_id_and_by_well_known_name(graph):
    by_name = await graph.get(f"{ADA}/mailFolders/inbox?$select=id,displayName,totalItemCount,childFolderCount")
    by_id = await graph.get(f"{ADA}/mailFolders/{by_name.body['id']}?$select=displayName")
    lacking = await graph.get(f"{ADA}/mailFolders/conversationhistory?$select=id")

    assert (by_name.body["totalItemCount"], by_name.body["childFolderCount"]) == (26, 1)
    assert by_id.body["displayName"] == "Inbox"
    assert (lacking.status, lacking.code) == (404, "ErrorItemNotFound")


async def test_a_folder_lists_its_own_messages_and_folders(graph):
    inside = await graph.get(f"{ADA}/mailFolders/AAMkInside/messages?$select=id")
    below = await graph.get(f"{ADA}/mailFolders/inbox/childFolders?$select=id")

    assert inside.ids == ["AAMkMsg0026"]
    assert below.ids == ["AAMkInside"]


async def test_hidden_folders_are_listed_on_request_only(graph):
    usual = await follow(graph, f"{ADA}/mailFolders?$select=id")
    every = await follow(graph, f"{ADA}/mailFolders?$select=id&includeHiddenFolders=true")

    assert {each["id"] for each in every} - {each["id"] for each in usual} == {"AAMkHidden"}


async def test_folder_changes_come_in_pages_of_the_preferred_size_and_end_in_a_delta_link(graph):
    reply = await graph.get(f"{ADA}/mailFolders/delta?$select=id", Prefer="odata.maxpagesize=6")
    seen = reply.ids
    while "@odata.nextLink" in reply.body:
        reply = await graph.get(reply.next, Prefer="odata.maxpagesize=6")
        seen += reply.ids
    again = await graph.get(reply.body["@odata.deltaLink"])

    assert len(seen) == len(set(seen)) == 10
    assert again.body["value"] == []
    assert "@odata.deltaLink" in again.body


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("onprem", [(404, "ResourceNotFound"), (404, "MailboxNotEnabledForRESTAPI"), (404, "ResourceNotFound")]),
        ("guest", [(404, "ResourceNotFound"), (404, "MailboxNotEnabledForRESTAPI"), (404, "ResourceNotFound")]),
        ("refused", [(403, "ErrorAccessDenied")] * 3),
        ("gone", [(404, "ErrorInvalidUser")] * 3),
        ("nobody", [(404, "ErrorInvalidUser")] * 3),
    ],
)
async def test_a_mailbox_that_cannot_be_read_says_why(graph, name, answers):
    path = f"/users/{name}@contoso.onmicrosoft.example/messages?$select=id"

    replies = [await graph.get(path) for _ in answers]

    assert [(each.status, each.code) for each in replies] == answers


async def test_a_mailbox_that_no_file_describes_is_empty(graph):
    found = await graph.get("/users/bob@contoso.onmicrosoft.example/messages?$select=id")

    assert found.body["value"] == []
