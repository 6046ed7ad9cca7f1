"""§1 Vocabulary: who is listed, who we are, whose contacts count, and what exists at all."""

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    CYD,
    KIM,
    ZOE,
    contact,
    event,
    group,
    mailbox,
    mails,
    meetings,
    message,
    organisation,
    user,
)


def listed(published):
    return [row["UserId"] for row in published.rows("_UserEntity")]


def test_groups_resolve_to_the_users_below_them_nested_ones_and_circles_too(publish):
    """§1: "directory users that the configured addresses and groups (nested ones too) resolve to"."""
    groups = [
        group("g1", "all@own.example", ["g2", BOB, "an orgContact"]),
        group("g2", "some@own.example", [ADA, "g1"]),
    ]

    published = publish(organisation(groups=groups, addresses=["all@own.example"]))

    assert listed(published) == [ADA, BOB]


def test_guests_are_never_listed_but_reported_once(publish):
    """§1: "Users whose `userType` is `Guest` are never listed people; they are reported"."""
    users = [user(ADA), user(BOB), user("99-gus", mail="gus@partner.example", guest=True, mailbox="NotFound")]
    groups = [group("g1", "all@own.example", ["99-gus"])]
    addresses = [ADAS, BOBS, "gus@partner.example", "all@own.example"]

    published = publish(organisation(users=users, groups=groups, addresses=addresses))

    assert (listed(published), published.coverage("Guest")) == ([ADA, BOB], {"Skipped": 1})


def test_an_address_given_twice_or_by_two_ways_lists_a_person_once(publish):
    """§1"""
    groups = [group("g1", "all@own.example", [ADA, BOB])]

    published = publish(organisation(groups=groups, addresses=["ADA@own.example", ADAS, "all@own.example"]))

    assert listed(published) == [ADA, BOB]


@pytest.mark.parametrize(
    ("sender", "ours"),
    [
        ("anybody@own.example", True),
        ("anybody@OWN.example.", True),
        ("anybody@sister.example", True),
        ("ada@brand.example", True),
        ("someone@brand.example", False),
        ("anybody@sub.own.example", False),
        ("anybody@notown.example", False),
        ("cyd@brand.example", False),
    ],
)
def test_our_organisation_is_ms_addresses_and_the_verified_and_internal_domains(publish, sender, ours):
    """§1: "all addresses of M, in whatever domain, plus every address in the tenant's verified domains and in the
    configured internal domains; a subdomain counts only if it is itself listed". Cyd is a user, but not listed.
    """
    users = [user(ADA, "ada@brand.example"), user(BOB), user(CYD, "cyd@brand.example")]

    published = publish(mails(message(sender, [KIM]), users=users, addresses=[ADAS, BOBS], internal=["Sister.Example"]))

    assert published.emails() == ((1, 0) if ours else (0, 0))


def test_an_address_of_ours_is_never_an_account_contact(publish):
    """§1: "an address that belongs to O is never an account contact, it is reported instead"."""
    rows = [
        contact("K1", "A", KIM),
        contact("K2", "A", "someone@own.example"),
        contact("K3", "A", "Ada@Brand.example"),
        contact("K4", "A", "x@sister.example"),
    ]
    sent = [message("someone@own.example", [ADAS]), message("ada@brand.example", ["x@sister.example"])]

    published = publish(
        mails(*sent, contacts=rows, users=[user(ADA, "ada@brand.example"), user(BOB)], internal=["sister.example"])
    )

    assert published.coverage("Contact") == {"OwnOrganisation": 3, "Used": 1}
    assert published.coverage("Message") == {"Internal": 2}


def test_ids_are_text_trimmed_and_case_sensitive(publish):
    """§1: "Ids are text, trimmed, case-sensitive (`007`, `NA`, `1E5` stay text)"."""
    customers = ["007", "7", "NA", "1E5", "100000", " a ", "A", "null"]
    rows = [contact("K1", customer, KIM) for customer in customers]

    published = publish(mails(message(KIM, [ADAS]), contacts=rows))

    assert published.accounts() == ["007", "100000", "1E5", "7", "A", "NA", "a", "null"]


def test_a_row_given_twice_changes_nothing(publish):
    """§1, and §6 `Repeated`: "the same three values, trimmed and normalised"."""
    rows = [contact("K1", "A", KIM), contact(" K1", "A ", " KIM@a.example "), contact("K2", "A", KIM)]

    published = publish(mails(message(KIM, [ADAS]), contacts=rows))

    assert published.coverage("Contact") == {"Repeated": 1, "Used": 2}
    assert published.people()["Emails"] == (1, 2)


def test_where_the_contact_id_is_blank_the_normalised_address_stands_for_it(publish):
    """§1"""
    rows = [contact("", "A", KIM), contact("  ", "A", "KIM@A.example"), contact("", "A", "kay@a.example")]

    published = publish(mails(message(KIM, [ADAS, "kay@a.example"]), contacts=rows))

    assert published.people()["Emails"] == (1, 2)


@pytest.mark.parametrize(
    "values", [("K9", "A", "nobody"), ("K9", "A", ""), ("K9", " ", ZOE), ("K9", "A", "@a.example")]
)
def test_a_row_without_an_address_or_a_customer_is_incomplete(publish, values):
    """§6: "`Incomplete` (no `local@domain`, or no customer)"."""
    published = publish(organisation(contacts=[contact("K1", "A", KIM), contact(*values)]))

    assert published.coverage("Contact") == {"Incomplete": 1, "Used": 1}


def test_only_what_lies_in_a_mailbox_of_m_that_can_be_read_exists(publish):
    """§1"""
    box = mailbox([message(KIM, [ADAS])])
    users = [
        user(ADA),
        user(BOB),
        user(CYD),
        user("44-dan", mailbox="AccessDenied"),
        user("55-eve", mailbox="NotEnabled"),
    ]
    addresses = [ADAS, BOBS, "dan@own.example", "eve@own.example"]

    published = publish(organisation({CYD: box, "44-dan": box, "55-eve": box}, users=users, addresses=addresses))

    assert published.rows() == []
    assert published.coverage("Mailbox") == {"AccessDenied": 1, "NotEnabled": 1, "Read": 2}
    assert published.coverage("Message") == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"isDraft": "true"},
        {"isDraft": 1},
        {"@odata.type": 5},
        {"parentFolderId": ["drafts"]},
        {"internetMessageId": 7},
        {"conversationIndex": {}},
        {"ccRecipients": KIM},
        {"bccRecipients": {"emailAddress": {"address": KIM}}},
        {"sentDateTime": 5},
    ],
)
def test_a_property_of_the_wrong_json_type_counts_as_missing(publish, wrong):
    """§1"""
    published = publish(mails({**message(ADAS, [KIM]), **wrong}))

    assert published.emails() == (1, 0)


def test_a_recipient_of_the_wrong_type_is_nobody_and_the_others_stand(publish):
    """§1: "a participant without an address is nobody in every rule"."""
    to = [None, 5, {"emailAddress": None}, {"emailAddress": {"address": 7}}, {"emailAddress": {"address": "  "}}, KIM]

    published = publish(mails(message(ADAS, to, cc=[None, KIM]), maxRecipients=1))

    assert (published.emails(), published.people()["Emails"]) == ((1, 0), (1, 1))


def test_a_message_without_a_usable_time_of_receipt_does_not_exist(publish):
    """§1: "an item without a usable time (for a message: of receipt) does not exist"."""
    whole = message(ADAS, [KIM])

    published = publish(mails({**whole, "receivedDateTime": None}, {**whole, "receivedDateTime": 5}))

    assert (published.rows(), published.coverage("Message")) == ([], {})


@pytest.mark.parametrize("missing", ["start", "end"])
@pytest.mark.parametrize("value", [None, 5, {"dateTime": None, "timeZone": "UTC"}, {}])
def test_a_meeting_without_a_usable_time_does_not_exist(publish, missing, value):
    """§1"""
    published = publish(meetings({**event(ADAS, [KIM]), missing: value}))

    assert (published.rows(), published.coverage("Meeting")) == ([], {})


def test_a_copy_without_sender_or_organizer_is_never_internal(publish):
    """§1"""
    box = mailbox([message(None, [BOBS])], [event(None, [BOBS])])

    published = publish(organisation({ADA: box}))

    assert (published.coverage("Message"), published.coverage("Meeting")) == ({"Unrelated": 1}, {"Unrelated": 1})


def test_participants_without_an_address_do_not_keep_a_copy_from_being_internal(publish):
    """§1: "a participant without an address is nobody in every rule"."""
    nobody = {"emailAddress": {"name": "Somebody"}}
    box = mailbox([message(ADAS, [BOBS, nobody])], [event(ADAS, [BOBS, {**nobody, "type": "required"}])])

    published = publish(organisation({ADA: box}))

    assert (published.coverage("Message"), published.coverage("Meeting")) == ({"Internal": 1}, {"Internal": 1})


def test_nothing_after_as_of_exists(publish):
    """§1: "messages sent and meetings ended by then"; §4.2: "an end equal to `as_of` has ended"."""
    as_of, later = "2026-11-20T15:30:00Z", "2026-11-20T15:30:01Z"
    box = mailbox(
        [message(ADAS, [KIM], as_of, id="1"), message(ADAS, [KIM], later, id="2")],
        [event(ADAS, [KIM], "2026-11-20T15:00:00Z", end=end, uid=end) for end in (as_of, later)],
    )

    published = publish(organisation({ADA: box}, as_of=as_of))

    assert (published.emails(), published.meetings()) == ((1, 0), (1, 0, 1))
    assert (published.coverage("Message"), published.coverage("Meeting")) == ({"Counted": 1}, {"Counted": 1})


def test_the_as_of_date_is_the_local_date_in_the_enrichments_zone(publish):
    """§1: 14:00 in UTC is the next day on Lord Howe."""
    published = publish(
        mails(message(ADAS, [KIM], "2026-06-30T13:59:00Z"), as_of="2026-06-30T14:00:00Z", zone="Australia/Lord_Howe")
    )

    assert published.row("A|Year")["DaysSinceLastEmail"] == 0
    assert published.row("A|Year")["EngagementStartDate"].isoformat() == "2026-07-01"
