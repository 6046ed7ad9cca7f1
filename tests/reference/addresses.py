"""§2 Addresses: how two spellings are found to be one address."""

from __future__ import annotations

import unicodedata

import idna


def normalise(raw: str) -> str:
    """§2: "trim; drop a display name and `SMTP:`/`mailto:`; Unicode NFC, full casefold, NFC again; domain to its
    A-label (UTS 46; if that fails the casefolded text stays) without a trailing dot."
    """
    bare = _without_prefix(_without_display_name(raw.strip()))
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", bare).casefold())
    local, at, domain = folded.rpartition("@")
    return local + at + normalise_domain(domain) if at else folded


def _without_display_name(text: str) -> str:
    if text.endswith(">") and "<" in text:
        return text[text.rindex("<") + 1 : -1].strip()
    return text


def _without_prefix(text: str) -> str:
    for prefix in ("smtp:", "mailto:"):
        if text[: len(prefix)].lower() == prefix:
            return text[len(prefix) :].strip()
    return text


def normalise_domain(domain: str) -> str:
    """§2, for a domain alone (verified and internal domains are compared in the same form)."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", domain).casefold())
    try:
        label = idna.encode(folded, uts46=True).decode("ascii")
    except idna.IDNAError:
        label = folded
    return label.removesuffix(".")


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def untagged(address: str) -> str:
    """§2: "A `+tag` (from the first `+`, unless nothing would be left before it)"."""
    local, at, domain = address.rpartition("@")
    before = local.partition("+")[0]
    return before + at + domain if at and before else address


def is_complete(address: str) -> bool:
    """§6, `Incomplete`: whether a normalised address is a `local@domain`."""
    local, _, domain = address.rpartition("@")
    return bool(local and domain)
