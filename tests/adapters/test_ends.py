"""A look at one end of a mailbox's messages: what it shows without a gap, and what it cannot show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.adapters.graph import ends
from shared.adapters.graph.refusals import MailboxRefused, RequestRefused, TooSlow
from shared.adapters.graph.wire import Page, WireMessage

WINDOW = (0, 3600)


def at(*seconds: int) -> list[WireMessage]:
    return [WireMessage(id=str(n), received=f"1970-01-01T00:00:{second:02d}Z") for n, second in enumerate(seconds)]


@dataclass
class Answering:
    """A sitting and its client in one, which give one answer."""

    answer: Page[WireMessage] | Exception
    top: int = 1000
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def graph(self) -> Answering:
        return self

    def address(self, path: str, params: dict[str, str]) -> str:
        self.asked = params
        return path

    async def page(self, *_: Any) -> Page[WireMessage]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def look(answer: Page[WireMessage] | Exception, *, newest: bool) -> ends.End | None:
    sitting: Any = Answering(answer)
    return await ends.look(sitting, "messages", ends.by_receipt(WINDOW, ("id",)), WINDOW, newest=newest, most=4)


@pytest.mark.parametrize(
    ("page", "newest", "whole", "shown"),
    [
        (Page(at(9, 8, 7, 7), "more", 30), True, (8, 3600), 2),
        (Page(at(1, 2, 3, 3), "more", 30), False, (0, 3), 2),
        (Page(at(9, 9, 9, 9), "more", 30), True, (10, 3600), 0),
        (Page(at(9, 8, 7), None, 3), True, (0, 3600), 3),
        (Page(at(9, 8, 7, 6), None, 4), True, (0, 3600), 4),
        (Page(at(9, 8, 7), None, None), True, (0, 3600), 3),
        (Page([], None, 0), True, (0, 3600), 0),
    ],
    ids=["newest", "oldest", "one second", "all", "a full page of all", "uncounted", "nothing"],
)
async def test_the_second_in_which_a_page_ends_may_hold_more(page, newest, whole, shown):
    end = await look(page, newest=newest)

    assert end is not None
    assert (end.count, end.whole, len(end.messages)) == (page.count, whole, shown)


@pytest.mark.parametrize(
    "page",
    [Page(at(7, 8, 7, 6), None, 5), Page(at(9, 8, 7, 6), None, None), Page([], "more", 7)],
    ids=["fewer than counted", "perhaps cut off", "empty, and more"],
)
async def test_a_last_page_that_may_not_be_all_shows_no_more_than_it_holds(page):
    end = await look(page, newest=True)

    assert end is None or end.whole[0] > WINDOW[0]


@pytest.mark.parametrize(
    "answer",
    [
        Page(at(7, 8, 9), None, 3),
        Page([WireMessage(id="a")], None, 1),
        TooSlow("slow"),
        RequestRefused(400, "Inefficient"),
    ],
    ids=["oldest first", "without a time", "too slow", "not sorted so"],
)
async def test_where_graph_does_not_show_the_newest_first_there_is_nothing_to_go_by(answer):
    assert await look(answer, newest=True) is None


async def test_a_mailbox_that_is_refused_is_refused():
    with pytest.raises(MailboxRefused):
        await look(MailboxRefused(403, "ErrorAccessDenied", "AccessDenied"), newest=True)


def test_every_look_names_its_properties_and_sorts_by_what_the_filter_begins_with():
    """§8: every call names its properties in `$select`; no subject, no body."""
    what = ends.by_change(WINDOW, ("id", "receivedDateTime"))

    assert what.select == "id,receivedDateTime,lastModifiedDateTime"
    assert what.condition.startswith(f"{what.name} ge ")
