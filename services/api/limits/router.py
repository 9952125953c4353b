"""Limits."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.api.common.context import ApiContext
from services.api.common.keys import CurrentReader
from services.api.common.times import QueryTime
from services.api.limits.answer import Limit, Limits

router = APIRouter(tags=["Limits"])


class LimitsFilter(BaseModel):
    """Whose limits."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    at: Annotated[QueryTime | None, Field(examples=["2026-03-25T00:00:00+07:00"])] = None
    """Start of the average to be judged; ISO 8601 with a zone. Now where absent."""


@router.get("/limits", summary="List the limits of a station")
def limits(filters: Annotated[LimitsFilter, Query()], reader: CurrentReader, context: ApiContext) -> Limits:
    """List what averages that start at a time are judged by: the permit's, or those that need no permit.

    As the registry and the standards stand now.
    """
    station = reader.station(filters.station)
    time = filters.at or context.clock()
    items = [Limit.from_applied(applied) for applied in context.limits.applied_to(station, time)]
    items.sort(key=lambda limit: (limit.parameter, limit.period))
    return Limits(station=station.code, at=time, items=items)
