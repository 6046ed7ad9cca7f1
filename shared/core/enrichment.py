"""The configuration, as users write it (interfaces §2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PARTS = ("EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency")


class Model(BaseModel):
    """A body that callers write: camelCase, unknown fields are faults, nothing changes after parsing."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Bands(Model):
    high: int = 67
    medium: int = 34


class Weights(Model):
    email_volume: int = 20
    email_two_way: int = 15
    meetings: int = 35
    breadth: int = 15
    recency: int = 15


class Floors(Model):
    """The least reference of the first four parts, per level (semantics §7)."""

    email_volume: int = 24
    email_two_way: int = 12
    meetings: int = 6
    breadth: int = 3


class LevelFloors(Model):
    year: Floors = Floors()
    month: Floors = Floors(email_volume=4, email_two_way=2, meetings=2, breadth=2)
    week: Floors = Floors(email_volume=2, email_two_way=1, meetings=1, breadth=1)


class ScoreOptions(Model):
    weights: Weights = Weights()
    floors: LevelFloors = LevelFloors()
    percentile: Decimal = Decimal("0.95")
    half_life_days: int = 30


class Options(Model):
    """What changes the numbers, beside time zone and internal domains (semantics §9)."""

    max_recipients: Annotated[int, Field(ge=1)] = 100
    max_attendees: Annotated[int, Field(ge=1)] = 100
    reply_limit_days: Annotated[int, Field(ge=1)] = 30
    read_headers: bool = False
    min_people: Annotated[int, Field(ge=0)] = 0
    bands: Bands = Bands()
    score: ScoreOptions = ScoreOptions()
