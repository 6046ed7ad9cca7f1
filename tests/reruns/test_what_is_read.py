"""What a rerun reads again, and when a run is full by itself (interfaces §3, issue 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from shared.core.errors import Conflict, Invalid
from shared.services import enrichments, reruns
from tests.reruns.histories import address, configuration, folder_id, message, tenant, user_id
from tests.reruns.world import NAME, Time, World, base_of, living

AT = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
COUNTED = ("Message", "Counted")


def sent_to_customer(number: int, at: datetime, folder: str = "inbox", **more: Any) -> dict[str, Any]:
    """A message from Ada to one of A's contacts."""
    text = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return {
        **message(Random(number), "ada", at),
        "id": f"m{number}",
        "internetMessageId": f"<{number}@village.example>",
        "sentDateTime": text,
        "receivedDateTime": text,
        "lastModifiedDateTime": text,
        "isDraft": False,
        "from": {"emailAddress": {"address": address("ada")}},
        "toRecipients": [{"emailAddress": {"address": "k1@a.example"}}],
        "parentFolderId": folder_id("ada", folder),
        "@odata.type": None,
        **more,
    }


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    """Ada has a hundred messages to customers, one a day, a third of them in a folder of her own; the others none."""
    files = tenant(Random(1), AT)
    for box in files.mailboxes.values():
        box["messages"], box["events"] = [], {calendar: [] for calendar in box["events"]}
    files.mailboxes[user_id("ada")]["messages"] = [
        sent_to_customer(number, AT - timedelta(days=number, hours=2), "custom" if number % 3 == 0 else "inbox")
        for number in range(100)
    ]
    async with living(files, Time(AT.timestamp())) as here:
        await here.run()
        here.time.passes(days=1)
        yield here


async def test_a_quiet_day_takes_one_request_for_a_mailbox_and_transfers_next_to_nothing(world):
    rerun = await world.run()

    assert rerun.transferred == 3  # the newest, among which none is new
    assert world.coverage(rerun)[COUNTED] == 100
    assert rerun.requests == 1 + 2  # two mailboxes are empty, and read in full


async def test_what_arrived_late_changed_or_moved_is_read_and_nothing_else(world):
    late = sent_to_customer(200, AT - timedelta(days=90))
    moved = {"id": "m7", "parentFolderId": folder_id("ada", "junkemail")}
    edited = {"id": "m8", "isDraft": True}
    world.emulator.deliver(user_id("ada"), [late, moved, edited])
    rerun = await world.run()

    assert rerun.transferred == 3 + 3  # a first look shows nothing but changes, so that there may be more of them
    assert world.coverage(rerun)[COUNTED] == 99
    assert world.coverage(rerun)["Message", "Folder"] == 1
    assert world.coverage(rerun)["Message", "Draft"] == 1


async def test_what_vanished_is_found_by_the_count(world):
    world.emulator.remove(user_id("ada"), ["m4"])
    rerun = await world.run()

    assert world.coverage(rerun)[COUNTED] == 99


async def test_messages_that_tell_no_time_of_change_are_counted_by_their_time_of_receipt(world):
    """Then nothing vanished just because a filter on the last change passes over them."""
    box = world.emulator.tenant.changing(user_id("ada"))
    for each in box.received_between(None, None):
        each["lastModifiedDateTime"] = None
    rerun = await world.run()

    assert world.coverage(rerun)[COUNTED] == 100
    assert (rerun.requests, rerun.transferred) == (2 + 2, 1)


@pytest.mark.parametrize("status", [400, 504])
async def test_where_graph_does_not_give_the_newest_changes_first_they_are_read_in_their_order(world, status):
    world.emulator.deliver(user_id("ada"), [sent_to_customer(700, world.time.now())])
    world.emulator.remove(user_id("ada"), ["m4"])
    world.emulator.faults.add({"kind": "status", "path": "/users/*/messages", "status": status, "times": 1})
    rerun = await world.run()

    assert base_of(world, rerun) is not None
    assert world.coverage(rerun)[COUNTED] == 100


async def test_a_folder_that_moved_below_junk_has_its_mailbox_read_in_full(world):
    """Messages do not tell that their folder moved; §3.2: sub-folders of excluded folders are out too."""
    box = world.emulator.tenant.changing(user_id("ada"))
    box.folder(folder_id("ada", "custom"))["parentFolderId"] = folder_id("ada", "junkemail")
    rerun = await world.run()

    assert world.coverage(rerun)["Message", "Folder"] == 34
    assert rerun.transferred >= 100


async def test_a_message_sent_after_as_of_counts_once_as_of_is_later(world):
    """§1: nothing after `as_of` exists; what was read too early to count is known by its time alone."""
    ahead = world.time.now() + timedelta(hours=20)
    text = f"{ahead:%Y-%m-%dT%H:%M:%SZ}"
    world.emulator.deliver(user_id("ada"), [sent_to_customer(300, world.time.now(), sentDateTime=text)])
    early = await world.run()
    world.time.passes(days=1)
    later = await world.run()

    assert base_of(world, later) == early.request.run_id
    assert [world.coverage(run)[COUNTED] for run in (early, later)] == [100, 101]


async def test_messages_that_left_the_window_count_no_more(world):
    world.time.passes(days=330)
    rerun = await world.run()

    assert base_of(world, rerun) is None  # kept for eight days
    world.time.passes(days=5)
    assert world.coverage(await world.run())[COUNTED] == world.coverage(rerun)[COUNTED] - 5


async def test_a_mailbox_that_was_refused_is_read_in_full_when_it_returns(world):
    world.emulator.tenant.user(user_id("ada"))["mailbox"] = "AccessDenied"
    await world.run()
    world.emulator.tenant.user(user_id("ada"))["mailbox"] = "ok"
    rerun = await world.run()

    assert base_of(world, rerun) is not None
    assert world.coverage(rerun)[COUNTED] == 100


@pytest.mark.parametrize(
    ("change", "is_full"),
    [
        ({"maxRecipients": 5}, True),
        ({"maxAttendees": 5}, True),
        ({"replyLimitDays": 3}, True),
        ({"readHeaders": True}, True),
        ({"minPeople": 1}, True),
        ({"score": {"halfLifeDays": 7}}, True),
        ({"bands": {"high": 90, "medium": 10}}, False),
        ({}, False),
    ],
)
async def test_a_changed_rule_makes_the_next_run_full_by_itself(world, change, is_full):
    world.configure(configuration(**change))

    assert (base_of(world, await world.run()) is None) == is_full


@pytest.mark.parametrize(
    ("change", "is_full"),
    [
        ({"timeZone": "America/New_York"}, True),
        ({"internalDomains": ["sister.example"]}, True),
        ({"addresses": [address("ada"), address("ben")]}, True),
        ({"addresses": [address("cleo"), address("ben"), address("ada")]}, False),
        ({"displayName": "Other", "schedule": "daily"}, False),
    ],
)
async def test_changed_people_or_addresses_of_ours_make_the_next_run_full_by_itself(world, change, is_full):
    world.configure(configuration() | change)

    assert (base_of(world, await world.run()) is None) == is_full


@pytest.mark.parametrize(
    ("rows", "is_full"),
    [
        (["K1,A,k1@a.example", "K2,A,k2@a.example", "L1,B,l1@b.example", "M1,C,m1@c.example"], False),
        (["K1,A,k1@a.example", "K2,A,k2@a.example", "L1,B,l1@b.example", "M1,C,m1@c.example", "X,,x@x.example"], False),
        (["K1,A,k1@a.example", "K2,A,k2@a.example", "L1,B,l1@b.example"], True),
        (["K1,B,k1@a.example", "K2,A,k2@a.example", "L1,B,l1@b.example", "M1,C,m1@c.example"], True),
        (["K1,A,k9@a.example", "K2,A,k2@a.example", "L1,B,l1@b.example", "M1,C,m1@c.example"], True),
    ],
)
async def test_changed_usable_contact_rows_make_the_next_run_full_by_itself(world, rows, is_full):
    world.storage.input.write("contacts.csv", "\n".join(["ContactId,AccountId,Email", *rows, ""]).encode())

    assert (base_of(world, await world.run()) is None) == is_full


async def test_full_ignores_what_is_kept_and_an_earlier_as_of_cannot_build_on_a_later_one(world):
    assert base_of(world, await world.run(full=True)) is None
    assert base_of(world, await world.run(as_of=AT - timedelta(days=1))) is None


async def test_facts_that_are_taken_away_while_a_run_builds_on_them_are_read_again(world):
    rerun = await world.run()
    world.forget(rerun)
    for entry in list(world.storage.staging.entries(f"{NAME}/")):
        if "/mailboxes/" in entry.name:
            world.storage.staging.delete(entry.name)
    again = await world.run()

    assert base_of(world, again) is not None
    assert again.tables == (await world.run(full=True)).tables


@pytest.mark.parametrize("times", [3, 12, 40])
async def test_what_keeps_a_rerun_from_its_end_leaves_nothing_half_read(world, times):
    """It is tried again, and at last the whole mailbox is read as if there were no earlier run."""
    world.emulator.deliver(user_id("ada"), [sent_to_customer(600, world.time.now())])
    world.emulator.faults.add({"kind": "status", "path": "/users/*/messages", "status": 503, "times": times})
    rerun = await world.run()

    assert [part.outcome for part in rerun.parts] == ["Read"] * 3
    assert rerun.tables == (await world.run(as_of=rerun.as_of, full=True)).tables


async def test_a_mailbox_that_stays_away_while_it_is_read_again_is_unavailable(world):
    """§6: `Unavailable`: no progress for `MAILBOX_PATIENCE`; what an earlier run knows of it does not count either."""
    name = world.emulator.tenant.user(user_id("ada"))["mail"]
    world.emulator.faults.add({"kind": "status", "mailbox": name, "status": 503, "times": None})
    rerun = await world.run()

    assert [part.outcome for part in rerun.parts] == ["Unavailable", "Read", "Read"]
    assert COUNTED not in world.coverage(rerun)


async def test_retry_reads_only_what_could_not_be_read(world):
    """Interfaces §1: with the `asOf` of the run, reading again only what it could not read."""
    world.emulator.tenant.user(user_id("ben"))["mailbox"] = "AccessDenied"
    first = await world.run()
    world.emulator.tenant.user(user_id("ben"))["mailbox"] = "ok"
    world.time.passes(hours=3)
    arrived = sent_to_customer(400, world.time.now())
    for name in ("ada", "ben"):
        world.emulator.deliver(user_id(name), [arrived])
    retried = await world.run(retry=first.request.run_id)

    assert retried.as_of == first.as_of
    assert retried.request.kind == "retry"
    assert [part.outcome for part in retried.parts] == ["Read"] * 3
    assert world.coverage(retried)["Mailbox", "Read"] == 3
    assert world.coverage(retried)[COUNTED] == 100
    assert retried.requests == 1  # Ben's only


async def test_a_rerun_builds_on_a_retry_like_on_any_run(world):
    world.emulator.tenant.user(user_id("ben"))["mailbox"] = "NotEnabled"
    first = await world.run()
    world.emulator.tenant.user(user_id("ben"))["mailbox"] = "ok"
    retried = await world.run(retry=first.request.run_id)
    world.time.passes(days=1)
    world.emulator.deliver(user_id("ada"), [sent_to_customer(500, world.time.now())])
    rerun = await world.run()

    assert base_of(world, rerun) == retried.request.run_id
    assert world.coverage(rerun)[COUNTED] == 101


def check_retry(world: World, run_id: str) -> int:
    return reruns.check_retry(world.svc, enrichments.load(world.svc, NAME), run_id)


async def test_a_run_whose_facts_are_gone_or_do_not_fit_cannot_be_retried(world):
    """Interfaces §1: unknown run to retry: 400; facts no longer kept: 409."""
    run = await world.run()
    assert check_retry(world, run.request.run_id) == run.request.as_of_us

    with pytest.raises(Invalid) as unknown:
        check_retry(world, "20200101T000000Z")
    assert [fault.pointer for fault in unknown.value.faults] == ["/retry"]

    world.configure(configuration(maxRecipients=3))
    with pytest.raises(Conflict):
        check_retry(world, run.request.run_id)

    world.configure(configuration(bands={"high": 90, "medium": 10}))
    world.time.passes(days=9)
    with pytest.raises(Conflict):
        check_retry(world, run.request.run_id)


async def test_a_retry_that_no_longer_fits_people_or_contacts_fails_and_says_so(world):
    run = await world.run()
    world.storage.input.write("contacts.csv", b"ContactId,AccountId,Email\nK1,A,k1@a.example\n")

    with pytest.raises(AssertionError, match="do not fit"):
        await world.run(retry=run.request.run_id)
