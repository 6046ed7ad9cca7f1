"""The configuration, as users write it (interfaces §2)."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.core import bodies, ncrontab
from shared.core.addresses import normalise, normalise_domain
from shared.core.bodies import BODY
from shared.core.errors import Fault, Invalid

PartName = Literal["EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency"]
PARTS: tuple[PartName, ...] = ("EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency")

NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")
OUTPUT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
FEWEST_PEOPLE, MOST_PEOPLE = 2, 2_500

# More addresses than that cannot name so few people, even where each person is listed under several.
MOST_ADDRESSES = 10_000
MOST_ADMINISTRATORS = 100
MOST_DOMAINS = 1_000
LARGEST = 2**31 - 1
LONGEST_ADDRESS, LONGEST_DOMAIN = 1_000, 253
MOST_DECIMALS = 1_000


def _refuse(detail: str) -> PydanticCustomError:
    return PydanticCustomError("app", "{detail}", {"detail": detail})


def _address(text: str) -> str:
    """Looks like local@domain once it is normalised (semantics §2). The text stays as it was written."""
    # What is too long to be one is not looked at: normalising goes over it again for each of its prefixes.
    local, at, domain = normalise(text).rpartition("@") if len(text) <= LONGEST_ADDRESS else ("", "", "")
    if not at or not local or not _is_domain(domain) or re.search(r"[\s\x00-\x1f\x7f@<>]", local):
        raise _refuse("is not an address (local@domain)")
    return text


def _domain(text: str) -> str:
    domain = normalise_domain(text) if len(text) <= LONGEST_ADDRESS else ""
    if "@" in text or not _is_domain(domain):
        raise _refuse("is not a domain such as contoso.com")
    return text


def _is_domain(text: str) -> bool:
    return 0 < len(text) <= LONGEST_DOMAIN and all(
        re.fullmatch(r"[^\s\x00-\x2c/:-@\[-^`{-\x7f]+", label) for label in text.split(".")
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split()) - {"Factory"}


def _zone(text: str) -> str:
    if text not in _zones():
        raise _refuse("is not an IANA time zone such as Europe/Berlin")
    return text


def _schedule(text: str) -> str:
    if text in ("off", "daily", "weekly"):
        return text
    try:
        if len(text.split()) != 6:
            raise ValueError
        ncrontab.parse(text)
    except ValueError:
        raise _refuse("is neither off, daily, weekly nor an NCRONTAB expression of six fields") from None
    return text


def _decimal(value: Any, info: ValidationInfo) -> Any:
    """A body gives a number, of which its decimal text counts; a stored configuration may hold that text."""
    if info.context == BODY and type(value) not in (int, Decimal):
        raise _refuse("is not a number")
    # Reckoning with it exactly takes as many digits as it has.
    if isinstance(value, Decimal) and int(value.as_tuple().exponent) < -MOST_DECIMALS:
        raise _refuse(f"has more than {MOST_DECIMALS:,} decimals")
    return value


def _blob(text: str) -> str:
    """A name that leads out of its container is none."""
    if any(part in (".", "..") for part in re.split(r"[/\\]", text)):
        raise _refuse("is not the name of a blob: it has a part that is . or ..")
    return text


def _line(text: str) -> str:
    if not text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise _refuse("is blank or holds control characters")
    return text


def _output(text: str) -> str:
    if not OUTPUT.fullmatch(text):
        raise _refuse("is not 1–60 of A-Z a-z 0-9 _, starting with a letter")
    return text


def _agreed(value: Any) -> Any:
    # To Python, and so to pydantic, 1 equals true.
    if value is not True:
        raise _refuse("must be true: reading mailboxes needs the agreement of whoever sets this up")
    return value


def _some(value: Any) -> Any:
    if value == []:
        raise _refuse("is empty")
    return value


def _counted(schema: dict[str, Any]) -> None:
    # Behind a check of our own pydantic takes the limit for one of characters.
    schema |= {"minItems": 1, "maxItems": schema.pop("maxLength")}


def _named_so(schema: dict[str, Any]) -> None:
    del schema["default"]
    schema["description"] = "By default the enrichment's name."


Text = Annotated[str, Strict()]
Line = Annotated[Text, Field(max_length=1_000), AfterValidator(_line)]
Blob = Annotated[Line, AfterValidator(_blob)]
Whole = Annotated[int, Strict(), Field(ge=0, le=LARGEST)]
Positive = Annotated[int, Strict(), Field(ge=1, le=LARGEST)]
Percent = Annotated[int, Strict(), Field(ge=0, le=100)]
Flag = Annotated[bool, Strict()]
Address = Annotated[Text, AfterValidator(_address)]
Domain = Annotated[Text, AfterValidator(_domain)]


class Model(BaseModel):
    """A body that callers write: camelCase, unknown fields are faults, nothing changes after parsing.

    Answers repeat it with every default; so says its schema too.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        json_schema_serialization_defaults_required=True,
    )


class Bands(Model):
    """Thresholds of the Year score (semantics §10)."""

    high: Percent = 67
    medium: Percent = 34

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.medium > self.high:
            raise _refuse("medium is above high")
        return self


class Weights(Model):
    """The most points of each part; 100 in all."""

    email_volume: Percent = 20
    email_two_way: Percent = 15
    meetings: Percent = 35
    breadth: Percent = 15
    recency: Percent = 15

    @model_validator(mode="after")
    def _hundred(self) -> Self:
        total = self.email_volume + self.email_two_way + self.meetings + self.breadth + self.recency
        if total != 100:
            raise _refuse(f"the five weights add up to {total}, not to 100")
        return self


class Floors(Model):
    """The least reference of the first four parts, per level (semantics §7)."""

    email_volume: Positive = 24
    email_two_way: Positive = 12
    meetings: Positive = 6
    breadth: Positive = 3


MONTH_FLOORS = Floors(email_volume=4, email_two_way=2, meetings=2, breadth=2)
WEEK_FLOORS = Floors(email_volume=2, email_two_way=1, meetings=1, breadth=1)


def _else(floors: Floors) -> BeforeValidator:
    """What is left out is the level's own default, not the year's."""

    def filled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        left_out = {name: least for name, least in floors if not {name, to_camel(name)} & value.keys()}
        return {to_camel(name): least for name, least in left_out.items()} | value

    return BeforeValidator(filled)


class LevelFloors(Model):
    year: Floors = Floors()
    month: Annotated[Floors, _else(MONTH_FLOORS)] = MONTH_FLOORS
    week: Annotated[Floors, _else(WEEK_FLOORS)] = WEEK_FLOORS


class ScoreOptions(Model):
    weights: Weights = Weights()
    floors: LevelFloors = LevelFloors()
    percentile: Annotated[
        Decimal,
        BeforeValidator(_decimal),
        Field(gt=0, le=1),
        WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
    ] = Decimal("0.95")
    half_life_days: Positive = 30


class Options(Model):
    """What changes the numbers, beside time zone and internal domains (semantics §9)."""

    max_recipients: Positive = 100
    max_attendees: Positive = 100
    reply_limit_days: Positive = 30
    read_headers: Flag = False
    min_people: Whole = 0
    bands: Bands = Bands()
    score: ScoreOptions = ScoreOptions()


class ContactsData(Model):
    """The contacts file in the input container, and its columns."""

    blob: Blob
    contact_id: Line
    customer_id: Line
    email: Line


class CustomersData(Model):
    """The customers file in the input container, and its columns; those that are not given are not told either."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    blob: Blob
    customer_id: Line
    name: Line | None = None
    parent: Line | None = None


class Enrichment(Model):
    """Lists keep the order and the spelling in which they were sent; `addresses` may name one twice."""

    display_name: Annotated[Line, Field(json_schema_extra=_named_so)] = "-"
    output: Annotated[Text, AfterValidator(_output), Field(json_schema_extra={"pattern": f"^{OUTPUT.pattern}$"})] = (
        "Office"
    )
    administrators: Annotated[tuple[Address, ...], Field(max_length=MOST_ADMINISTRATORS)] = ()
    addresses: Annotated[
        tuple[Address, ...],
        BeforeValidator(_some),
        Field(max_length=MOST_ADDRESSES, json_schema_extra=_counted),
    ]
    consent_agreed: Annotated[Literal[True], BeforeValidator(_agreed)]
    contacts: ContactsData
    customers: CustomersData | None = None
    time_zone: Annotated[Text, AfterValidator(_zone)] = "UTC"
    internal_domains: Annotated[tuple[Domain, ...], Field(max_length=MOST_DOMAINS)] = ()
    schedule: Annotated[Text, AfterValidator(_schedule)] = "weekly"
    options: Options = Options()

    def to_json(self) -> dict[str, Any]:
        """As callers write it, with every default filled in; numbers keep their decimal text."""
        told = self.model_dump(by_alias=True, exclude_none=True)
        return {"displayName": self.display_name} | told | {"customers": told.get("customers")}

    def distinct_addresses(self) -> tuple[tuple[int, str], ...]:
        """(place in `addresses`, address as it was written) of each address where it is first named."""
        first: dict[str, tuple[int, str]] = {}
        for place, address in enumerate(self.addresses):
            first.setdefault(normalise(address), (place, address))
        return tuple(first.values())


def judge(name: str, tree: dict[str, Any]) -> tuple[Enrichment | None, list[Fault]]:
    """The enrichment in a body, or everything that is wrong with it."""
    return bodies.judge(Enrichment, {"displayName": name} | tree)


def check_name(name: str) -> None:
    """Raises `Invalid` where an enrichment cannot be called so."""
    if not NAME.fullmatch(name):
        raise Invalid(
            "Not a name of an enrichment",
            "The name of an enrichment is 1–60 of a-z, 0-9 and hyphens, and starts with a letter.",
        )


def rules(enrichment: Enrichment) -> dict[str, Any]:
    """What changes the numbers (semantics §9): time zone, internal domains and options; plain JSON."""
    return enrichment.model_dump(mode="json", by_alias=True, include={"time_zone", "internal_domains", "options"})


def facts_hash(enrichment: Enrichment) -> str:
    """SHA-256, hexadecimal, of what decides which facts a run reads, as far as the configuration says it."""
    told = enrichment.to_json()
    names = ("addresses", "contacts", "customers", "timeZone", "internalDomains", "options")
    parts = {name: told[name] for name in names}
    parts["options"] = {name: value for name, value in told["options"].items() if name != "bands"}
    return hashlib.sha256(_CANONICAL.encode(parts)).hexdigest()


def config_hash(enrichment: Enrichment) -> str:
    """SHA-256, hexadecimal, of the whole configuration."""
    return hashlib.sha256(_CANONICAL.encode(enrichment.to_json())).hexdigest()


_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="deterministic")
