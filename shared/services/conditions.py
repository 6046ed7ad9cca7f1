"""What a caller demands of what is stored before it is changed: `If-Match` and `If-None-Match` (interfaces §1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.core.errors import Fault, Invalid, Refused


class Outdated(Refused):
    status = 412


_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t]*(?:\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*)[ \t]*")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a caller demands of what is stored: `If-Match` and `If-None-Match`. Raises `Invalid` for what is neither `*`
    nor a list of quoted etags.
    """

    if_match: str | None = None
    if_none_match: str | None = None

    def __post_init__(self) -> None:
        for name, tags in (("If-Match", self.if_match), ("If-None-Match", self.if_none_match)):
            if tags is not None and not _TAGS.fullmatch(tags):
                detail = 'is neither * nor a list of etags in double quotes, such as "0x8DD".'
                raise Invalid("A header is wrong", f"{name} {detail}", [Fault(name, detail)])

    def check(self, etag: str | None) -> None:
        """Raises `Outdated` where an enrichment with this etag (None: there is none) is not what the caller meant."""
        if self.if_match is not None and not _names(self.if_match, etag):
            raise Outdated(
                "The enrichment has changed", "If-Match names another state than the stored one. Read again."
            )
        if self.if_none_match is not None and _names(self.if_none_match.replace("W/", ""), etag):
            raise Outdated("The enrichment is there already", "If-None-Match forbids to replace it.")


def _names(tags: str, etag: str | None) -> bool:
    """Whether one of the tags is this one; a weak tag is none of ours."""
    return etag is not None and (tags.strip() == "*" or etag in re.findall(_TAG, tags))
