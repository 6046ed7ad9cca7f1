"""Bodies that callers send: from bytes to a model, with every fault at its place, and never with what was sent.

A fault's pointer says where (`/addresses/3`); its text never repeats a value, which could be an address.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from shared.core.errors import Fault, Invalid, Refused

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

LARGEST_BODY = 1_048_576

BODY = "body"
"""The context in which a model is validated that a caller wrote."""

_LONGEST_FIELD = 100

M = TypeVar("M", bound="BaseModel")


class TooLarge(Refused):
    status = 413


class _Object(dict[str, Any]):
    """A JSON object that remembers which fields it was given twice."""

    repeated: tuple[str, ...] = ()


def check_size(raw: bytes) -> None:
    """Raises `TooLarge`."""
    if len(raw) > LARGEST_BODY:
        raise TooLarge("The body is too large", f"A body has at most {LARGEST_BODY:,} bytes. Nothing was stored.")


def tree(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body; fractions are `Decimal`, so that their text is kept.

    Raises `TooLarge`, or `Invalid` where it is no JSON, no object, names a field twice or holds half a character.
    """
    check_size(raw)
    try:
        value = _load(raw)
        faults = list(_oddities(value, ""))
    except RecursionError:
        raise _not_json("The body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise _not_json("The body is JSON, but not an object.")
    if faults:
        raise invalid(faults)
    return value


def judge(model: type[M], fields: dict[str, Any], context: Any = BODY) -> tuple[M | None, list[Fault]]:
    """The model, or everything that is wrong with the fields. `context`: what the model's own checks need to know."""
    from pydantic import ValidationError

    try:
        return model.model_validate(fields, by_alias=True, by_name=False, context=context), []
    except ValidationError as error:
        return None, [_fault(entry) for entry in error.errors(include_url=False, include_input=False)]


def invalid(faults: list[Fault]) -> Invalid:
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    return Invalid("The body has faults", f"The body has {count}; `errors` names each. Nothing was stored.", faults)


def pointer(*path: str | int) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _load(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_object, parse_float=_fraction, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise _not_json("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise _not_json(f"The body is not JSON from line {error.lineno}, column {error.colno} on.") from None
    except ValueError:
        raise _not_json("The body holds a number that JSON does not have, or one too large or too long.") from None


def _not_json(detail: str) -> Invalid:
    return Invalid("The body is not a JSON object", f"{detail} Nothing was stored.", [Fault("", detail)])


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        raise ValueError from None


def _no_number(name: str) -> None:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        times = Counter(name for name, _ in pairs)
        made.repeated = tuple(name for name in made if times[name] > 1)
    return made


def _oddities(value: Any, where: str) -> Iterator[Fault]:
    if isinstance(value, _Object):
        for name in value.repeated:
            yield _at_field(where, name, "is named twice", "names a field twice")
        if any(_is_broken(name) for name in value):
            yield Fault(where, "has a field whose name holds half a character (an unpaired surrogate)")
        for name, inner in value.items():
            if _may_be_told(name):
                yield from _oddities(inner, where + pointer(name))
            elif not _is_broken(name):
                yield from (Fault(where, fault.detail) for fault in _oddities(inner, ""))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _oddities(inner, where + pointer(place))
    elif isinstance(value, str) and _is_broken(value):
        yield Fault(where, "holds half a character (an unpaired surrogate)")


def _is_broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)


def _at_field(where: str, name: str, detail: str, instead: str) -> Fault:
    """A fault of a field that is not known here."""
    return Fault(where + pointer(name), detail) if _may_be_told(name) else Fault(where, instead)


def _may_be_told(name: str) -> bool:
    """Whether a pointer may name a field: its name may be anything, an address too."""
    return "@" not in name and len(name) <= _LONGEST_FIELD and not _is_broken(name)


_DETAILS = {
    "missing": "is required",
    "string_type": "is not text",
    "int_type": "is not a whole number",
    "bool_type": "is neither true nor false",
    "tuple_type": "is not a list",
    "model_type": "is not an object",
    "decimal_type": "is not a number",
    "greater_than": "is not more than {gt}",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "too_long": "has more entries than {max_length}",
    "string_too_long": "is longer than {max_length} characters",
    "app": "{detail}",
}


def _fault(entry: ErrorDetails) -> Fault:
    if entry["type"] == "extra_forbidden":
        *parents, name = entry["loc"]
        return _at_field(pointer(*parents), str(name), "is not a known field", "has a field that is not known")
    # The limits in the context are ours; the value itself is never among them.
    detail = _DETAILS.get(entry["type"], "is not what belongs here").format(**entry.get("ctx", {}))
    return Fault(pointer(*entry["loc"]), detail)
