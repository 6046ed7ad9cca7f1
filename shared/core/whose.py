"""From the codes of addresses to people, contacts and accounts (see `facts`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import ranges
from shared.core.facts import Contacts

Codes = NDArray[np.integer[Any]]


def is_person(codes: Codes) -> NDArray[np.bool_]:
    """Whether the code stands for a listed person."""
    return codes <= -2


def is_ours(codes: Codes) -> NDArray[np.bool_]:
    """Whether the code stands for an address of our organisation (O), a listed person's included."""
    return codes <= -1


def is_contact(codes: Codes) -> NDArray[np.bool_]:
    return codes >= 1


def people_of(codes: Codes) -> NDArray[np.int32]:
    """The numbers of the people that these codes, all of people, stand for; and the codes of people by number."""
    return (-2 - codes).astype(np.int32)


def pairs_of(codes: Codes, contacts: Contacts) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """(position in `codes`, account, contact) for each pair that these codes, all of contacts, stand for."""
    address = codes.astype(np.int64) - 1
    first = contacts.pair_offsets[address]
    count = contacts.pair_offsets[address + 1] - first
    pairs = ranges(first, count)
    return np.repeat(np.arange(len(codes)), count), contacts.account[pairs], contacts.contact[pairs]
