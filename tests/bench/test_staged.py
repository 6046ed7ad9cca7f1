"""What counts as a fact where bytes per fact are told."""

from __future__ import annotations

import numpy as np

from bench.staged import _pairs
from shared.core.facts import Contacts, ragged


def test_a_copy_is_a_fact_for_each_account_that_it_names_a_contact_of():
    """Addresses 0 and 1 belong to account 0, address 2 to account 1; a code is the address's number and one."""
    contacts = Contacts(
        pair_offsets=np.arange(4),
        account=np.array([0, 0, 1], np.int32),
        contact=np.arange(3, dtype=np.int32),
        accounts=["a", "b"],
        top=np.arange(2, dtype=np.int32),
        tops=["a", "b"],
    )
    named = ragged([[1, 2], [1, 3], [-2], []])
    by = np.array([-2, 2, 3, 0], np.int32)

    assert _pairs(named, by, contacts) == 1 + 2 + 1
