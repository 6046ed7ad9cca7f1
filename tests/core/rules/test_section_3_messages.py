"""§3.1–§3.4 Messages: which copies are one message, what counts, which way it went, who was part of it."""

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    CYD,
    KIM,
    LEE,
    ZOE,
    after,
    contact,
    mailbox,
    mails,
    message,
    organisation,
    user,
)

NOON = "2026-11-02T12:00:00Z"


def copies(*told, **options):
    """One copy in Ada's mailbox, the next in Bob's."""
    boxes = {owner: mailbox([copy]) for owner, copy in zip((ADA, BOB), told, strict=False)}
    return organisation(boxes, **options)


# §3.1 Identity


def test_one_internet_message_id_is_one_message_in_all_mailboxes(publish):
    """§3.1: "`internetMessageId`, trimmed and casefolded, identifies a message in all mailboxes"."""
    published = publish(copies(message(KIM, [ADAS], id=" <Straße@X> "), message(KIM, [BOBS], id="<STRASSE@x>")))

    assert published.emails() == (0, 1)
    assert published.coverage("Message") == {"Counted": 1, "Duplicate": 1}


def test_two_copies_in_one_mailbox_are_one_message(publish):
    """§3.1"""
    published = publish(mails(message(KIM, [ADAS], id="1"), message(KIM, [ADAS], id="1", folder="archive")))

    assert published.emails() == (0, 1)
    assert published.coverage("Message") == {"Counted": 1, "Duplicate": 1}


def test_recipients_are_the_union_over_the_copies(publish):
    """§3.1"""
    published = publish(copies(message(ADAS, [KIM], id="1"), message(ADAS, [LEE], cc=[BOBS], id="1")))

    assert [published.emails(one) for one in "AB"] == [(1, 0), (1, 0)]
    assert published.people("A")["Emails"] == (2, 1)


@pytest.mark.parametrize(
    ("second_of_ada", "second_of_bob", "winner"), [(1, 0, (0, 1)), (0, 1, (1, 0)), (0, 0, (1, 0)), (2, 2, (1, 0))]
)
def test_the_earliest_sent_time_wins_then_the_smallest_directory_id(publish, second_of_ada, second_of_bob, winner):
    """§3.1: "Where sent times or senders of the copies differ, the earliest sent time wins, and among equal times the
    copy whose mailbox owner has the smallest directory id". Ada's copy says that she wrote it, Bob's that Kim did.
    """
    hers = message(ADAS, [KIM], after(NOON, seconds=second_of_ada), id="1")
    his = message(KIM, [ADAS], after(NOON, seconds=second_of_bob), id="1")

    assert publish(copies(hers, his)).emails() == winner


def test_directory_ids_compare_by_code_point(publish):
    """§3.1: "smallest directory id (code points)": an upper-case letter comes before a lower-case one."""
    users = [user("a-ada"), user("B-bob")]
    boxes = {"a-ada": mailbox([message(ADAS, [KIM], id="1")]), "B-bob": mailbox([message(KIM, [ADAS], id="1")])}

    assert publish(organisation(boxes, users=users)).emails() == (0, 1)


def test_the_sent_time_of_the_message_is_the_winners(publish):
    """§3.1, §5: sent on the first by Ada's copy, on the second by Bob's."""
    told = [message(ADAS, [KIM], f"2026-11-0{day}T12:00:00Z", id="1") for day in (2, 1)]

    published = publish(copies(*told))

    assert published.row("A|Year")["EngagementStartDate"].isoformat() == "2026-11-01"
    assert "A|Week|20261026" in published.primary_keys()


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({}, 1),
        ({"sentDateTime": "2026-11-02T12:00:00.75Z"}, 1),
        ({"sentDateTime": "2026-11-02T12:00:01Z"}, 2),
        ({"sentDateTime": "2026-11-02T13:00:00+01:00"}, 1),
        ({"from": {"emailAddress": {"address": "Ada <ADA@own.example>"}}}, 1),
        ({"from": {"emailAddress": {"address": "ada+x@own.example"}}}, 2),
        ({"toRecipients": []}, 2),
        ({"ccRecipients": [{"emailAddress": {"address": "KIM@a.example."}}]}, 1),
        ({"ccRecipients": [{"emailAddress": {"address": "kim+x@a.example"}}]}, 2),
        ({"bccRecipients": [{"emailAddress": {"address": ZOE}}]}, 1),
        ({"receivedDateTime": "2026-11-02T12:05:00Z"}, 1),
        ({"conversationId": "another"}, 1),
        ({"internetMessageId": "  "}, 1),
        ({"internetMessageId": 5}, 1),
    ],
)
def test_without_an_id_sender_second_and_recipients_identify_a_message(publish, change, messages):
    """§3.1: "Without an id: a hash of (from, sent time to the second, the sorted distinct normalised addresses of To
    and Cc)". Tags are kept.
    """
    one = message(ADAS, [KIM, LEE], NOON)
    other = {**one, **change}
    if "toRecipients" in change:
        other["ccRecipients"] = one["toRecipients"][:1]

    published = publish(copies(one, other))

    assert published.coverage("Message").get("Counted") == messages


def test_to_and_cc_are_one_set_for_a_message_without_an_id(publish):
    """§3.1: "the sorted distinct normalised addresses of To and Cc"."""
    told = [message(ADAS, [KIM, LEE], NOON), message(ADAS, [LEE, LEE], NOON, cc=[KIM])]

    assert publish(copies(*told)).coverage("Message") == {"Counted": 1, "Duplicate": 1}


def test_a_message_with_an_id_and_one_without_are_two(publish):
    """§3.1"""
    assert publish(copies(message(ADAS, [KIM], id="1"), message(ADAS, [KIM]))).emails() == (2, 0)


def test_the_time_of_receipt_stands_in_for_a_sent_time_that_is_null(publish):
    """§3.1: "The sent time is `sentDateTime`, or `receivedDateTime` where it is null"."""
    published = publish(mails({**message(KIM, [ADAS], NOON), "sentDateTime": None}))

    assert published.row("A|Year")["EngagementStartDate"].isoformat() == "2026-11-02"


@pytest.mark.parametrize(
    ("received", "exists"),
    [
        ("2026-11-21T15:30:00Z", True),
        ("2026-11-21T15:30:01Z", False),
        ("2025-11-20T00:00:00Z", True),
        ("2025-11-19T23:59:59Z", False),
    ],
)
def test_copies_are_found_by_their_time_of_receipt(publish, received, exists):
    """§3.1: "one received before the local day before the window, or more than 24 hours after `as_of`, does not
    exist". The window begins on 2025-11-21.
    """
    published = publish(mails(message(KIM, [ADAS], NOON, received=received)))

    assert published.coverage("Message") == ({"Counted": 1} if exists else {})


def test_the_day_before_the_window_is_a_local_day(publish):
    """§3.1: in Berlin the 20th of November 2025 begins at 23:00 UTC on the 19th."""
    told = [message(KIM, [ADAS], NOON, received=f"2025-11-19T{time}Z", id=time) for time in ("22:59:59", "23:00:00")]

    assert publish(mails(*told, zone="Europe/Berlin")).coverage("Message") == {"Counted": 1}


# §3.2 What counts


@pytest.mark.parametrize(
    ("sent", "counts"),
    [
        ("2025-11-20T23:59:59Z", False),
        ("2025-11-21T00:00:00Z", True),
        ("2026-11-20T15:30:00Z", True),
        ("2026-11-20T15:30:00.001Z", False),
    ],
)
def test_a_message_sent_outside_the_window_is_out(publish, sent, counts):
    """§3.2, §1; and it was not sent in the window, so the coverage does not know it (§6)."""
    published = publish(mails(message(ADAS, [KIM], sent)))

    assert published.emails() == ((1, 0) if counts else (0, 0))
    assert published.coverage("Message") == ({"Counted": 1} if counts else {})


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("inbox", "Counted"),
        ("sentitems", "Counted"),
        ("deleteditems", "Counted"),
        ("archive", "Counted"),
        ("projects", "Counted"),
        ("drafts", "Folder"),
        ("outbox", "Folder"),
        ("junkemail", "Folder"),
        ("conversationhistory", "Folder"),
        ("scheduled", "Folder"),
        ("quarantine", "Folder"),
        ("deep", "Folder"),
    ],
)
def test_some_folders_are_out_with_all_below_them(publish, folder, reason):
    """§3.2: "in `drafts`, `outbox`, … or any sub-folder of these, known by well-known name, never by display name".
    `projects` lies below the inbox and is displayed as "Drafts"; `deep` lies two levels below `junkemail`.
    """
    published = publish(mails(message(ADAS, [KIM], folder=folder)))

    assert published.coverage("Message") == {reason: 1}


@pytest.mark.parametrize("name", ["syncissues", "recoverableitemsdeletions"])
def test_folders_that_a_mailbox_may_lack_are_out_where_it_has_them(publish, name):
    """§3.2: "(a folder that a mailbox lacks is skipped)"."""
    box = mailbox([message(ADAS, [KIM], folder=name), message(ADAS, [LEE], folder="below")])
    box["folders"] += [
        {"id": name, "displayName": "?", "wellKnownName": name, "parentFolderId": None},
        {"id": "below", "displayName": "Conflicts", "parentFolderId": name},
    ]

    assert publish(organisation({ADA: box})).coverage("Message") == {"Folder": 2}


def test_a_draft_is_out_wherever_it_lies(publish):
    """§3.2"""
    assert publish(mails(message(ADAS, [KIM], isDraft=True))).coverage("Message") == {"Draft": 1}


@pytest.mark.parametrize("kind", ["", "Request", "Response", "Cancellation"])
def test_meeting_messages_are_out(publish, kind):
    """§3.2: "(`@odata.type` `#microsoft.graph.eventMessage…`)"."""
    told = message(ADAS, [KIM], **{"@odata.type": f"#microsoft.graph.eventMessage{kind}"})

    assert publish(mails(told)).coverage("Message") == {"MeetingMessage": 1}


def test_a_message_that_says_that_it_is_one_is_in(publish):
    """§3.2"""
    assert publish(mails(message(ADAS, [KIM], **{"@odata.type": "#microsoft.graph.message"}))).emails() == (1, 0)


def test_each_copy_is_judged_alone_and_one_that_is_out_contributes_nothing(publish):
    """§3.2: Ada's copy is junk: neither its recipients nor its sent time nor its owner count."""
    hers = message(KIM, [LEE, "all@list.example"], after(NOON, days=-9), id="1", folder="junkemail")
    his = message(KIM, ["all@list.example"], NOON, id="1")

    published = publish(copies(hers, his))

    assert published.coverage("Message") == {"Counted": 1, "Folder": 1}
    assert published.people()["Emails"] == (1, 1)
    assert published.row("A|Year")["EngagementStartDate"].isoformat() == "2026-11-02"


@pytest.mark.parametrize(("limit", "reason"), [(3, "Counted"), (2, "TooManyRecipients")])
def test_a_message_with_too_many_recipients_is_out(publish, limit, reason):
    """§3.2: "more than 100 distinct normalised recipient addresses … (To, Cc, Bcc together)"."""
    told = message(ADAS, [KIM, KIM.upper()], cc=[LEE, f"Kim <{KIM}>"], bcc=[ZOE])

    assert publish(mails(told, maxRecipients=limit)).coverage("Message") == {reason: 1}


def test_the_limit_is_a_hundred(publish):
    """§3.2"""
    crowd = [f"x{number}@third.example" for number in range(100)]

    published = publish(mails(message(KIM, [*crowd[:99], ADAS], id="1"), message(KIM, [*crowd, ADAS], id="2")))

    assert published.coverage("Message") == {"Counted": 1, "TooManyRecipients": 1}


def test_tags_are_kept_where_recipients_are_counted(publish):
    """§3.2: "distinct normalised recipient addresses, tags kept"."""
    told = message(KIM, [ADAS, "ada+x@own.example"])

    assert publish(mails(told, maxRecipients=1)).coverage("Message") == {"TooManyRecipients": 1}


def test_one_crowded_copy_takes_the_whole_message_out(publish):
    """§3.2: "one of the copies that are in names more than …: the item is out"; the union is not what counts."""
    crowded = copies(message(ADAS, [KIM, LEE, ZOE], id="1"), message(ADAS, [KIM], id="1"), maxRecipients=2)
    together = copies(message(ADAS, [KIM, LEE], id="1"), message(ADAS, [KIM, ZOE], id="1"), maxRecipients=2)

    assert publish(crowded).coverage("Message") == {"TooManyRecipients": 2}
    assert publish(together).coverage("Message") == {"Counted": 1, "Duplicate": 1}


def test_a_crowded_copy_that_is_out_does_not_count(publish):
    """§3.2"""
    hers = message(ADAS, [KIM, LEE, ZOE], id="1", folder="drafts")

    published = publish(copies(hers, message(ADAS, [KIM], id="1"), maxRecipients=2))

    assert published.coverage("Message") == {"Counted": 1, "Folder": 1}


@pytest.mark.parametrize(
    ("name", "value", "automatic"),
    [
        ("Auto-Submitted", "auto-generated", True),
        ("auto-submitted", "Auto-Replied", True),
        ("Auto-Submitted", "no", False),
        ("Auto-Submitted", " No ", False),
        ("List-Id", "<news.example>", True),
        ("LIST-UNSUBSCRIBE", "<mailto:x@y.example>", True),
        ("Precedence", "bulk", True),
        ("Precedence", "List", True),
        ("Precedence", "junk", True),
        ("Precedence", "first-class", False),
        ("X-List-Id", "<news.example>", False),
    ],
)
def test_automatic_messages_are_out_where_headers_are_read(publish, name, value, automatic):
    """§3.2: "headers read (off by default, §9) and `Auto-Submitted` other than `no`, or `List-Id`/`List-Unsubscribe`/
    `Precedence: bulk, list, junk`".
    """
    told = message(KIM, [ADAS], internetMessageHeaders=[{"name": "X", "value": "y"}, {"name": name, "value": value}])

    assert publish(mails(told, readHeaders=True)).coverage("Message") == {"Automatic" if automatic else "Counted": 1}
    assert publish(mails(told)).coverage("Message") == {"Counted": 1}


def test_with_headers_read_an_automatic_copy_is_out_and_others_of_the_message_stand(publish):
    """§8: "With it, an automatic copy is out; other copies of the message stand"."""
    automatic = message(KIM, [ADAS], id="1", internetMessageHeaders=[{"name": "List-Id", "value": "x"}])

    published = publish(copies(automatic, message(KIM, [ADAS], id="1"), readHeaders=True))

    assert published.coverage("Message") == {"Automatic": 1, "Counted": 1}


def test_the_sender_is_from_and_a_delegate_adds_nobody(publish):
    """§3.2: "`from`; a delegate's `sender` adds nobody"."""
    told = message(ADAS, [KIM], sender={"emailAddress": {"address": BOBS}})

    published = publish(mails(told))

    assert (published.emails(), published.people()["Emails"]) == ((1, 0), (1, 1))
    assert publish(mails(message(ZOE, [KIM], sender={"emailAddress": {"address": BOBS}}))).rows() == []


@pytest.mark.parametrize("kind", ["toRecipients", "ccRecipients", "bccRecipients"])
def test_cc_and_bcc_count_like_to(publish, kind):
    """§3.2: "Cc: like To"; "Bcc: only seen in the sender's copy, and counts like To there"."""
    told = {**message(ADAS, [ZOE]), kind: [{"emailAddress": {"address": KIM}}]}

    assert publish(mails(told)).emails() == (1, 0)


@pytest.mark.parametrize(
    ("sender", "to", "reason"),
    [
        (ADAS, [BOBS, "anyone@own.example"], "Internal"),
        (ADAS, [], "Internal"),
        (ADAS, [BOBS, ZOE], "Unrelated"),
        (ZOE, [ADAS], "Unrelated"),
        (ZOE, [ADAS, KIM], "Unrelated"),
        (ADAS, [ZOE], "Unrelated"),
        (None, [ADAS, KIM], "Unrelated"),
        (KIM, [], "Counted"),
        (KIM, [ZOE], "Counted"),
    ],
)
def test_internal_and_unrelated_copies_are_out(publish, sender, to, reason):
    """§3.2: "all participants of the copy in O (*internal*); or no account has a direction in the copy"."""
    assert publish(mails(message(sender, to))).coverage("Message") == {reason: 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"isDraft": True, "parentFolderId": "drafts"}, "Draft"),
        ({"parentFolderId": "drafts", "@odata.type": "#microsoft.graph.eventMessage"}, "Folder"),
        ({"@odata.type": "#microsoft.graph.eventMessage"}, "MeetingMessage"),
        ({}, "Automatic"),
        ({"internetMessageHeaders": []}, "Internal"),
    ],
)
def test_a_copy_has_the_first_reason_that_applies(publish, change, reason):
    """§6: "reasons, the first that applies"."""
    told = message(ADAS, [BOBS], internetMessageHeaders=[{"name": "List-Id", "value": "x"}])

    assert publish(mails({**told, **change}, readHeaders=True)).coverage("Message") == {reason: 1}


# §3.3 Direction, per account


def test_a_message_of_ours_goes_to_each_account_with_a_contact_among_the_recipients(publish):
    """§3.3: "`from` ∈ O and at least one contact of the account among the recipients"."""
    published = publish(mails(message("anyone@own.example", [KIM, ZOE], cc=[LEE])))

    assert [published.emails(one) for one in "AB"] == [(1, 0), (1, 0)]


def test_a_message_of_one_accounts_contact_is_nothing_for_the_other_account(publish):
    """§3.3: "A message from account A that has a contact of B in Cc is From A, and nothing for B"."""
    published = publish(mails(message(KIM, [ADAS], cc=[LEE])))

    assert [published.emails(one) for one in "AB"] == [(0, 1), (0, 0)]


def test_a_message_between_contacts_of_one_account_is_from_it_and_not_to_it(publish):
    """§3.3"""
    rows = [contact("K1", "A", KIM), contact("K2", "A", "kay@a.example")]

    assert publish(mails(message(KIM, ["kay@a.example", ADAS]), contacts=rows)).emails() == (0, 1)


def test_a_sender_of_two_accounts_writes_from_both(publish):
    """§3.3, §2"""
    published = publish(mails(message(KIM, [ADAS]), contacts=[contact("K1", "A", KIM), contact("K9", "B", KIM)]))

    assert [published.emails(one) for one in "AB"] == [(0, 1), (0, 1)]


# §3.4 People


def test_our_people_are_those_of_m_that_the_message_names(publish):
    """§3.4: "distinct **M** among sender and named recipients": Cyd is ours and not listed, the owner is not named."""
    users = [user(ADA), user(BOB), user(CYD), user("44-dan")]
    box = mailbox([message(ADAS, [KIM, BOBS, "cyd@own.example"])])

    published = publish(organisation({"44-dan": box}, users=users, addresses=[ADAS, BOBS, "dan@own.example"]))

    assert published.people()["Emails"] == (2, 1)


def test_where_nobody_of_m_is_named_the_owners_of_the_copies_stand_in(publish):
    """§3.4: "if no one of M is named (it came through a list), the owners of the mailboxes that hold a copy that is
    in".
    """
    told = message(KIM, ["list@own.example"], id="1")
    junk = {**told, "parentFolderId": "junkemail"}
    users = [user(ADA), user(BOB), user(CYD)]

    published = publish(organisation({ADA: mailbox([told]), BOB: mailbox([told]), CYD: mailbox([junk])}, users=users))

    assert published.people()["Emails"] == (2, 1)


def test_their_people_are_distinct_contacts_of_the_account_among_sender_and_recipients(publish):
    """§3.4"""
    rows = [contact("K1", "A", KIM), contact("K2", "A", "kay@a.example"), contact("L1", "B", LEE)]
    sent = [message(KIM, [ADAS, "kay@a.example", LEE], id="1"), message(ADAS, [KIM, LEE], id="2")]

    published = publish(mails(*sent, contacts=rows))

    assert [published.people(one)["Emails"] for one in "AB"] == [(1, 2), (1, 1)]
