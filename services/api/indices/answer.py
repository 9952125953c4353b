"""Indices as they are answered, with their level."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from quantrac.domain.indices.kinds import INDEX_KINDS
from quantrac.domain.indices.levels import level_of
from services.api.common.answers import AnswerModel, Row


class Level(AnswerModel):
    """A level of air or water quality, as it is shown to the public."""

    name: str = Field(examples=["moderate"])
    """English name."""
    name_vi: str = Field(examples=["Trung bình"])
    """Vietnamese name."""
    colour: str = Field(examples=["yellow"])
    """English name of its colour."""
    colour_vi: str = Field(examples=["vàng"])
    """Vietnamese name of its colour."""
    rgb: str = Field(examples=["#ffff00"])
    """The colour."""
    unverified: str
    """What about these names and this colour stands in no source."""


class Index(AnswerModel):
    """An index of one station over one period."""

    station: str
    kind: Literal["VN_AQI", "VN_WQI"]
    """Of air (Decision 1459/QĐ-TCMT) or of water (Decision 1460/QĐ-TCMT)."""
    period: Literal["hour", "day"]
    """Length of the period; the day is Vietnam's (UTC+7)."""
    starts_at: datetime
    """Inclusive, UTC."""
    ends_at: datetime
    """Exclusive, UTC."""
    starts_at_local: datetime
    """On the station's clock."""
    ends_at_local: datetime
    """On the station's clock."""
    value: int | None
    """The index; null where the decision gives none."""
    level: Level | None
    """The level that it lies in; null without an index."""
    responsible: list[str]
    """Parameters that give it: of VN_AQI the highest, of VN_WQI the lowest sub-index."""
    subindices: dict[str, float]
    """Sub-index of each parameter."""
    parameters: list[str] = Field(examples=[["COD", "DO", "NH4-N", "pH"]])
    """What has a sub-index, in alphabetical order. Of two waters, or two times, with different parameters the
    indices cannot be compared (Decision 1460/QĐ-TCMT)."""
    formula: Literal[3, 4, 5] | None
    """Of VN_WQI, the formula of Decision 1460/QĐ-TCMT that gave it: 3 groups IV and V weigh the same, 4 group
    IV alone, as nothing of V was measured, 5 group IV twice, where the registry knows of organic pollution;
    null = VN_AQI or no index."""
    caveat: str
    """What is to be said wherever the index is shown: VN_WQI of automatic data is outside the decision; empty
    = nothing."""
    version: int
    """Counts up when late or corrected data give the same period another result."""
    computed_at: datetime
    """UTC."""


class Indices(AnswerModel):
    """A page of indices."""

    items: list[Index]
    next: str | None
    """Link to the next page; null on the last."""


def present_index(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """Present a row of ``indices`` as :class:`Index`."""
    return {
        **row,
        "starts_at_local": row["starts_at"].astimezone(zone),
        "ends_at_local": row["ends_at"].astimezone(zone),
        "level": _present_level(row["kind"], row["value"]),
        "parameters": sorted(row["subindices"]),
        "caveat": INDEX_KINDS[row["kind"]].caveat,
    }


@lru_cache(maxsize=1024)  # an index is a number up to 500
def _present_level(kind: str, value: int | None) -> dict[str, Any] | None:
    if value is None:
        return None
    level = level_of(value, INDEX_KINDS[kind].levels)
    names = ("name", "name_vi", "colour", "colour_vi", "unverified")
    return {**{name: getattr(level, name) for name in names}, "rgb": "#{:02x}{:02x}{:02x}".format(*level.rgb)}
