"""Taking over what another run has read of a mailbox, in other codes (semantics §8)."""

from __future__ import annotations

import numpy as np
import pytest

from shared.adapters.mailbox_parts import MailboxParts, are_whole
from shared.core.errors import FactsGone
from shared.core.recoding import Recoding
from tests.fakes import memory_storage

NOTHING_CHANGES = Recoding(np.zeros(1, np.int32), np.zeros(0, np.int32))


@pytest.fixture
def places():
    staging = memory_storage().staging
    return MailboxParts(staging, "sales", "r2", 0), MailboxParts(staging, "sales", "r1", 0)


@pytest.mark.parametrize(
    ("marker", "outcome"),
    [
        ({"outcome": "NotEnabled", "messages": "0", "meetings": "0"}, "NotEnabled"),
        # Its calls kept raising until the group gave it up: nobody was left to say so here.
        ({"outcome": "More", "part": "3", "messages": "7", "meetings": "1"}, "Unavailable"),
    ],
)
def test_a_mailbox_that_was_not_read_to_its_end_has_ended_all_the_same(places, marker, outcome):
    """§6: `Unavailable`; "More" would be asked for again and again."""
    place, earlier = places
    earlier.staging.write("sales/r1/progress/0000", b"", marker)

    assert are_whole(place.staging, "sales", "r1", 1)
    assert place.recode(earlier, NOTHING_CHANGES) == (outcome, 0, 0)
    assert place._marked() == {"outcome": outcome, "messages": "0", "meetings": "0"}


def test_a_mailbox_of_which_nothing_is_known_is_not_whole(places):
    place, earlier = places

    assert not are_whole(place.staging, "sales", "r1", 1)
    with pytest.raises(FactsGone):
        place.recode(earlier, NOTHING_CHANGES)
