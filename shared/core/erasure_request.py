"""Whom a caller wants erased (interfaces §1)."""

from __future__ import annotations

from shared.core.enrichment import Address, Model


class ErasureRequest(Model):
    """address: of a contact or of one of ours, however it is spelled (semantics §2)."""

    address: Address
