"""Saving and reading enrichments (interfaces §1, §2), against the Graph emulator."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from shared.core.errors import StorageAway
from shared.core.progress import Progress
from shared.services import enrichments as kept
from shared.services import runs
from tests.fakes import FakeDurable
from tests.triggers import world as w
from tests.triggers.world import BODY, faults, request, told, world
from triggers import enrichments, http
from triggers.http import Access

PEOPLE = [f"p{number}@contoso.example" for number in range(2_501)]


@asynccontextmanager
async def app(monkeypatch, *args, **how):
    async with world(*args, **how) as made:
        monkeypatch.setattr(http, "services", lambda: made.svc)
        yield made


async def put(body=BODY, name="sales", **headers):
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    req = request("PUT", f"/api/enrichments/{name}", body, named, name=name)
    return await http.respond(req, Access.WRITE, enrichments.put, FakeDurable())


async def get(name="sales"):
    return await http.respond(
        request(path=f"/api/enrichments/{name}", name=name), Access.READ, enrichments.get, FakeDurable()
    )


async def test_a_new_enrichment_is_201_and_a_replaced_one_200_each_with_an_etag(monkeypatch):
    async with app(monkeypatch):
        first, second = await put(), await put(BODY | {"displayName": "Other"})

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.headers["ETag"] != second.headers["ETag"]
        assert (await get()).headers["ETag"] == second.headers["ETag"]


async def test_the_answer_repeats_what_was_sent_with_every_default(monkeypatch):
    """interfaces §2: everything that is not given is as shown there."""
    async with app(monkeypatch):
        answer = told(await put())

    assert {key: answer[key] for key in BODY} == BODY
    assert answer["displayName"] == answer["name"] == "sales"
    assert (answer["output"], answer["timeZone"], answer["schedule"]) == ("Office", "UTC", "weekly")
    assert answer["administrators"] == answer["internalDomains"] == []
    assert answer["customers"] is None
    assert answer["options"]["bands"] == {"high": 67, "medium": 34}
    assert answer["options"]["score"]["percentile"] == 0.95
    assert answer["options"]["score"]["floors"]["week"] == {
        "emailVolume": 2,
        "emailTwoWay": 1,
        "meetings": 1,
        "breadth": 1,
    }
    assert answer["state"] == "active"
    assert answer["nextRunAt"] == "2026-11-30T02:00:00Z"
    assert answer["lastRun"] is None


async def test_addresses_are_resolved_with_their_kind_people_and_guests(monkeypatch):
    """interfaces §2: a guest named directly is a user with no people and one guest, no fault."""
    addresses = ["sales@contoso.example", "guest@contoso.example", "ada@contoso.example", "ADA@contoso.example"]
    async with app(monkeypatch):
        answer = told(await put(BODY | {"addresses": addresses}))

    assert answer["addresses"] == addresses
    assert answer["resolved"] == {
        "entries": [
            {"address": "sales@contoso.example", "kind": "group", "people": 2, "guests": 1},
            {"address": "guest@contoso.example", "kind": "user", "people": 0, "guests": 1},
            {"address": "ada@contoso.example", "kind": "user", "people": 1, "guests": 0},
        ],
        "people": 2,
    }
    assert answer["consent"]["state"] == "granted"
    assert answer["consent"]["grantedAt"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("addresses", "pointers"),
    [
        (["ada@contoso.example"], {"/addresses"}),
        (["crowd@contoso.example"], {"/addresses"}),
        (PEOPLE, {"/addresses"}),
        (["nobody@contoso.example"], {"/addresses"}),
        (["ada@contoso.example", "bob@contoso.example", "who@contoso.example"], {"/addresses/2"}),
        (
            ["who@contoso.example", "ada@contoso.example", "whom@contoso.example"],
            {"/addresses/0", "/addresses/2", "/addresses"},
        ),
    ],
    ids=["one person", "a group of 2,501", "2,501 people", "an empty group", "an unknown address", "all at once"],
)
async def test_people_that_cannot_be_read_are_refused_by_their_place(monkeypatch, addresses, pointers):
    async with app(monkeypatch) as made:
        response = await put(BODY | {"addresses": addresses})

        assert response.status_code == 400
        assert faults(response) == pointers
        assert b"who" not in response.get_body()
        assert not made.svc.storage.config.blobs


async def test_groups_in_a_circle_are_opened_once(monkeypatch):
    async with app(monkeypatch):
        response = await put(BODY | {"addresses": ["left@contoso.example", "right@contoso.example"]})

    assert response.status_code == 201
    assert told(response)["resolved"]["people"] == 2


async def test_2500_people_are_allowed(monkeypatch):
    async with app(monkeypatch):
        answer = told(await put(BODY | {"addresses": PEOPLE[:-1]}))

    assert answer["resolved"]["people"] == 2_500


async def test_faults_of_the_body_the_data_and_the_addresses_come_at_once(monkeypatch):
    wrong = BODY | {
        "addresses": ["ada@contoso.example", "bob@contoso.example", "who@contoso.example"],
        "contacts": BODY["contacts"] | {"email": "Mail"},
        "customers": {"blob": "none.csv", "customerId": "Id"},
        "output": "1",
        "sales@contoso.example": 1,
    }
    async with app(monkeypatch) as made:
        response = await put(wrong)

        assert response.status_code == 400
        assert faults(response) == {"/addresses/2", "/contacts/email", "/customers/blob", "/output", ""}
        assert b"@" not in response.get_body()
        assert not made.svc.storage.config.blobs


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (None, "/contacts/blob"),
        (b"", "/contacts/blob"),
        (b"Id,Account,Email\n1,A1,\xff@x.example\n", "/contacts/blob"),
        (b"Id,Account\n1,A1\n", "/contacts/email"),
        (b"Id,Account,Email\n1,A1,ada@contoso.example\n", "/contacts/blob"),
        (b"Id,Account,Email\n1,,carl@customer.example\n", "/contacts/blob"),
    ],
    ids=["missing", "empty", "not UTF-8", "without the column", "only our own", "no usable row"],
)
async def test_contacts_that_cannot_be_used_are_refused(monkeypatch, data, pointer):
    async with app(monkeypatch) as made:
        made.svc.storage.input.delete("contacts.csv")
        if data is not None:
            made.svc.storage.input.write("contacts.csv", data)

        response = await put()

        assert response.status_code == 400
        assert faults(response) == {pointer}
        assert not made.svc.storage.config.blobs


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"a":1,"a":2}', 400), (b" " * 10_000_000, 413)],
    ids=["no JSON", "no object", "a field twice", "10 MB"],
)
async def test_what_is_no_body_is_refused(monkeypatch, raw, status):
    async with app(monkeypatch) as made:
        response = await put(raw)

        assert response.status_code == status
        assert response.mimetype == "application/problem+json"
        assert not made.svc.storage.config.blobs


@pytest.mark.parametrize("name", ["Sales", "1a", "a/b", "a%2Fb", "a" * 61, "", "ä", "sales\n", "a_b"])
async def test_a_name_is_lower_case_and_starts_with_a_letter(monkeypatch, name):
    """interfaces §1: 1–60 of a-z 0-9 and hyphens, starting with a letter; else 400."""
    async with app(monkeypatch):
        assert (await put(name=name)).status_code == 400
        assert (await get(name=name)).status_code == 400


async def test_consent_that_was_not_agreed_to_is_refused_before_anybody_is_asked(monkeypatch):
    async with app(monkeypatch) as made:
        response = await put(BODY | {"consentAgreed": False})

        assert faults(response) == {"/consentAgreed"}
        assert made.emulator.stats.value()["requests"]["total"] == 0


@pytest.mark.parametrize("about", [{"countryLetterCode": "BR"}, {"countryLetterCode": None}])
async def test_a_tenant_of_another_country_is_409(monkeypatch, about):
    async with app(monkeypatch, w.tenant(**about)) as made:
        response = await put()

        assert response.status_code == 409
        assert "country" in told(response)["title"]
        assert not made.svc.storage.config.blobs


async def test_supported_countries_are_a_setting(monkeypatch):
    async with app(monkeypatch, w.tenant(countryLetterCode="BR"), SUPPORTED_COUNTRIES="br, ar"):
        assert (await put()).status_code == 201


async def test_a_tenant_without_an_exchange_plan_is_409(monkeypatch):
    async with app(monkeypatch, w.tenant(subscribedSkus=[])):
        response = await put()

    assert response.status_code == 409
    assert "Exchange" in told(response)["title"]


async def test_while_consent_is_missing_addresses_are_pending_and_the_link_is_in_the_answer(monkeypatch):
    async with app(monkeypatch, granted=False):
        response = await put(BODY | {"addresses": ["who@contoso.example"], "administrators": ["it@contoso.example"]})

    answer = told(response)
    assert response.status_code == 201
    assert answer["resolved"]["entries"] == [
        {"address": "who@contoso.example", "kind": "pending", "people": None, "guests": None}
    ]
    assert answer["consent"] | {"url": ""} == {
        "state": "missing",
        "url": "",
        "requestedAt": None,
        "grantedAt": None,
        "problem": None,
    }
    assert answer["consent"]["url"].startswith(f"https://login.microsoftonline.com/{w.TENANT_ID}/v2.0/adminconsent?")


async def test_while_consent_is_missing_what_needs_no_graph_is_checked(monkeypatch):
    async with app(monkeypatch, granted=False) as made:
        made.svc.storage.input.delete("contacts.csv")

        assert faults(await put()) == {"/contacts/blob"}
        assert not made.svc.storage.config.blobs


async def test_consent_that_was_given_in_the_admin_centre_is_found_by_the_next_read(monkeypatch):
    async with app(monkeypatch, granted=False) as made:
        await put()
        made.emulator.consent.grant(made.emulator.entra.registration.asked_roles)

        assert told(await get())["consent"]["state"] == "granted"


async def test_consent_that_is_gone_at_the_next_save_is_withdrawn(monkeypatch):
    async with app(monkeypatch) as made:
        await put()
        made.emulator.consent.revoke(None)

        assert told(await put())["consent"]["state"] == "withdrawn"


async def test_an_output_of_another_enrichment_is_409_whatever_its_case(monkeypatch):
    async with app(monkeypatch) as made:
        await put()
        response = await put(BODY | {"output": "OFFICE"}, name="other")

        assert response.status_code == 409
        assert [stored.name for stored in kept.list_all(made.svc)] == ["sales"]


async def test_of_two_saves_at_once_with_one_output_one_wins(monkeypatch):
    async with app(monkeypatch):
        responses = await asyncio.gather(put(name="one"), put(name="two"))

    assert sorted(response.status_code for response in responses) == [201, 409]


async def test_an_output_that_was_given_up_is_free(monkeypatch):
    async with app(monkeypatch):
        await put()
        await put(BODY | {"output": "Other"})

        assert (await put(name="second")).status_code == 201


async def test_if_match_refuses_a_save_over_another_state(monkeypatch):
    async with app(monkeypatch) as made:
        etag = (await put()).headers["ETag"]
        await put()

        assert (await put(BODY | {"displayName": "Late"}, If_Match=etag)).status_code == 412
        assert kept.load(made.svc, "sales").body.display_name == "sales"


async def test_what_is_not_there_is_404(monkeypatch):
    async with app(monkeypatch):
        response = await get("other")

    assert response.status_code == 404
    assert told(response) == {
        "title": "Enrichment not found",
        "status": 404,
        "detail": "There is no enrichment called other.",
    }


async def test_the_list_is_paged_by_name(monkeypatch):
    async with app(monkeypatch):
        for name in ("b", "c", "a"):
            await put(BODY | {"output": name}, name=name)
        path = "/api/enrichments?top=2&code=key"
        first = told(await http.respond(request(path=path), Access.READ, enrichments.list_all, FakeDurable()))
        rest = first["nextLink"].removeprefix("https://app.example")
        second = told(await http.respond(request(path=rest), Access.READ, enrichments.list_all, FakeDurable()))

    assert [each["name"] for each in first["value"] + second["value"]] == ["a", "b", "c"]
    assert first["nextLink"] == "https://app.example/api/enrichments?top=2&skip=2"
    assert second["nextLink"] is None


@pytest.mark.parametrize("query", ["top=1001", "top=0", "top=x", "skip=-1", "top=1,2"])
async def test_a_page_of_another_size_is_400(monkeypatch, query):
    async with app(monkeypatch):
        path = f"/api/enrichments?{query}"
        response = await http.respond(request(path=path), Access.READ, enrichments.list_all, FakeDurable())

    assert response.status_code == 400


async def test_a_storage_that_is_away_is_503_and_says_when_to_try_again(monkeypatch):
    def away(*_):
        raise StorageAway("Blob Storage did not answer.")

    async with app(monkeypatch) as made:
        monkeypatch.setattr(made.svc.storage.config, "read_tagged", away)
        response = await put()

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


async def test_where_entra_is_away_a_save_is_503_and_nothing_is_stored(monkeypatch):
    async with app(monkeypatch) as made:
        svc = made.svc
    response = await put()  # the emulator is gone

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert not svc.storage.config.blobs


async def test_faults_that_need_nobody_are_told_though_entra_is_away(monkeypatch):
    async with app(monkeypatch):
        pass
    response = await put(BODY | {"output": "1"})

    assert response.status_code == 400
    assert faults(response) == {"/output"}


async def test_an_enrichment_can_be_read_while_entra_is_away(monkeypatch):
    async with app(monkeypatch, granted=False):
        await put()
    response = await get()

    assert response.status_code == 200
    assert told(response)["consent"]["state"] == "missing"


async def test_the_last_run_is_told_as_it_stands(monkeypatch):
    durable = FakeDurable()
    async with app(monkeypatch) as made:
        await put()
        run = await runs.start(made.svc, durable, "sales", kind="manual")
        status = Progress(run).to_json()
        durable.statuses[runs.instance_id("sales", run.run_id)] = status | {"state": "WaitingForConsent"}
        response = await http.respond(request(name="sales"), Access.READ, enrichments.get, durable)

    assert told(response)["lastRun"]["runId"] == run.run_id
    assert told(response)["lastRun"]["state"] == "WaitingForConsent"


async def test_an_enrichment_that_is_off_has_no_next_run(monkeypatch):
    async with app(monkeypatch):
        assert told(await put(BODY | {"schedule": "off"}))["nextRunAt"] is None


async def test_a_schedule_is_in_the_enrichments_time_zone(monkeypatch):
    """interfaces §2: daily is 02:00 in the enrichment's time zone."""
    async with app(monkeypatch):
        answer = told(await put(BODY | {"schedule": "daily", "timeZone": "America/New_York"}))

    assert answer["nextRunAt"] == "2026-11-25T07:00:00Z"
