"""§2 Addresses: how an address is matched, and whom it stands for."""

import pytest

from tests.reference.builders import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    KIM,
    ZOE,
    contact,
    mailbox,
    mails,
    message,
    organisation,
    user,
)


def matches(publish, row, named):
    """Whether a contact given as `row` is recognised in a message's sender `named`."""
    return publish(mails(message(named, [ADAS]), contacts=[contact("K1", "A", row)])).emails() == (0, 1)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (" kim@a.example ", "kim@a.example"),
        ("Kim Doe <kim@a.example>", "KIM@A.EXAMPLE"),
        ('"Doe, Kim" <kim@a.example>', "kim@a.example"),
        ("SMTP:kim@a.example", "smtp:Kim@a.example"),
        ("mailto:kim@a.example", "MAILTO:kim@a.example"),
        ("kim@a.example", "Kim <kim@a.example>"),
        ("kim@a.example.", "kim@a.example"),
        ("STRASSE@a.example", "straße@a.example"),
        ("caf\u00e9@a.example", "cafe\u0301@a.example"),
        ("CAFE\u0301@a.example", "caf\u00e9@a.example"),
        ("kim@bücher.example", "kim@xn--bcher-kva.example"),
        ("kim@BÜCHER.example", "kim@bu\u0308cher.example"),
        ("kim@straße.example", "kim@strasse.example"),
        ("kim@a。example", "kim@a.example"),
    ],
)
def test_spellings_of_one_address_match(publish, row, named):
    """§2: "trim; drop a display name and `SMTP:`/`mailto:`; Unicode NFC, full casefold, NFC again; domain to its
    A-label (UTS 46 …) without a trailing dot".
    """
    assert matches(publish, row, named)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("kim@a.example", "kim@b.a.example"),
        ("kim@a.example", "tim@a.example"),
        ("k.im@a.example", "kim@a.example"),
        ("kim+t@a.example", "kim@a.example"),
        ("kim+t@a.example", "kim+u@a.example"),
    ],
)
def test_different_addresses_do_not_match(publish, row, named):
    """§2: "Matching is by contact address only"; rows lose no tags outside our own domains."""
    assert not matches(publish, row, named)


def test_a_domain_without_an_a_label_stays_as_its_casefolded_text(publish):
    """§2: "if that fails the casefolded text stays"."""
    label = "ü" * 70 + ".example"

    assert matches(publish, f"kim@{label.upper()}", f"kim@{label}")


def test_normalisation_casefolds_between_two_compositions(publish):
    """§2: "NFC, full casefold, NFC again": folding ΐ gives three characters, which compose again."""
    assert matches(publish, "\u0390@a.example", "\u1fd3@a.example")


@pytest.mark.parametrize(
    ("rows", "named", "found"),
    [
        (["kim@a.example"], "kim+news@a.example", ["K0"]),
        (["kim@a.example", "kim+news@a.example"], "kim+news@a.example", ["K1"]),
        (["kim@a.example", "kim+news@a.example"], "KIM+NEWS@a.example", ["K1"]),
        (["kim@a.example", "kim+news@a.example"], "kim+more@a.example", ["K0"]),
        (["kim+a@a.example"], "kim+a+b@a.example", []),
        (["+1@a.example"], "+1@a.example", ["K0"]),
        (["@a.example", "x@a.example"], "+1@a.example", []),
    ],
)
def test_elsewhere_the_exact_address_is_tried_first_then_without_the_tag(publish, rows, named, found):
    """§2: "A `+tag` (from the first `+`, unless nothing would be left before it) … elsewhere the exact address is tried
    first, then without the tag."
    """
    contacts = [contact(f"K{number}", f"K{number}", row) for number, row in enumerate(rows)]

    assert publish(mails(message(named, [ADAS]), contacts=contacts)).accounts() == found


@pytest.mark.parametrize("named", ["ada+news@own.example", "ADA+a+b@Own.Example", "ada@own.example"])
def test_in_our_own_domains_a_tag_is_always_removed(publish, named):
    """§2. Named once, Ada counts once, and no owner of the mailbox stands in for her."""
    published = publish(organisation({BOB: mailbox([message(KIM, [named, ADAS])])}))

    assert published.people()["Emails"] == (1, 1)
    assert publish(organisation({BOB: mailbox([message(KIM, [named, BOBS])])})).people()["Emails"] == (2, 1)


def test_a_tag_with_nothing_before_it_is_no_tag(publish):
    """§2: "unless nothing would be left before it": `+41@own.example` is an address of Ada's."""
    users = [user(ADA, "+41@own.example"), user(BOB)]

    published = publish(organisation({BOB: mailbox([message(KIM, ["+41@own.example", BOBS])])}, users=users))

    assert published.people()["Emails"] == (2, 1)


def test_contact_rows_lose_tags_in_our_own_domains_only(publish):
    """§2: a row at `x+t@own.example` is ours; one at a tagged spelling of Ada's address elsewhere is exact."""
    users = [user(ADA, "ada@brand.example"), user(BOB)]
    rows = [
        contact("K1", "A", "x+t@own.example"),
        contact("K2", "A", "ada@brand.example"),
        contact("K3", "A", "kim+t@a.example"),
    ]

    published = publish(mails(message("kim+t@a.example", [ADAS]), users=users, contacts=rows))

    assert published.coverage("Contact") == {"OwnOrganisation": 2, "Used": 1}
    assert published.emails() == (0, 1)


def test_our_people_have_mail_user_principal_name_and_smtp_proxies_and_no_other_addresses(publish):
    """§2: "all of `mail`, `userPrincipalName` and the SMTP `proxyAddresses`"."""
    ada = user(ADA, "ada@brand.example", "SIP:ada@voice.example", "X500:/o=ada", mail="a.lovelace@own.example")
    ada["userPrincipalName"] = "ada@upn.example"
    users = [ada, user(BOB)]

    def ours(address):
        return publish(mails(message(address, [KIM]), users=users)).emails() == (1, 0)

    assert [ours(f"ada@{domain}.example") for domain in ("upn", "brand", "voice")] == [True, True, False]


def test_an_address_that_two_users_have_stands_for_the_smaller_directory_id(publish):
    """§2. Ada's id is the smaller one, though Bob comes first."""
    users = [user(BOB, "desk@own.example"), user(ADA, "desk@own.example")]
    box = mailbox([message(KIM, ["desk@own.example"], id="1"), message(KIM, ["desk@own.example", BOBS], id="2")])

    published = publish(organisation({BOB: box}, users=users))
    with_ada = publish(organisation({BOB: mailbox([message(KIM, ["desk@own.example", ADAS])])}, users=users))

    assert published.people()["Emails"] == (2, 1)
    assert with_ada.people()["Emails"] == (1, 1)


def test_people_are_counted_by_id_never_by_address(publish):
    """§2: "People of an account are counted by **contact id**, ours by **directory id**"."""
    users = [user(ADA, "ada@brand.example"), user(BOB)]
    rows = [contact("K1", "A", KIM), contact("K1", "A", "kim@home.example")]
    sent = message(KIM, [ADAS, "ada@brand.example", "kim@home.example"])

    published = publish(mails(sent, users=users, contacts=rows))

    assert published.people()["Emails"] == (1, 1)


def test_two_contact_ids_with_one_address_are_two_contacts(publish):
    """§2"""
    rows = [contact("K1", "A", KIM), contact("K2", "A", KIM)]

    assert publish(mails(message(KIM, [ADAS]), contacts=rows)).people()["Emails"] == (1, 2)


def test_a_contact_of_several_accounts_counts_once_in_each(publish):
    """§2"""
    rows = [contact("K1", "A", KIM), contact("K1", "B", KIM)]

    published = publish(mails(message(ADAS, [KIM, ZOE]), contacts=rows))

    assert [(published.emails(one), published.people(one)["Emails"]) for one in "AB"] == [((1, 0), (1, 1))] * 2


def test_matching_is_by_contact_address_not_by_domain(publish):
    """§2: "Matching is by contact address only"."""
    assert publish(mails(message("other@a.example", [ADAS]))).rows() == []
