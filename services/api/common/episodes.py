"""Filters of lists of episodes: exceedances and alerts, of one station or many."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from services.api.common.database import FIRST_TIME
from services.api.common.names import ProvinceName
from services.api.common.pages import SpanFilter
from services.api.common.times import QueryTime

# The longest period but the year.
_DEFAULT_SPAN = timedelta(days=31)


class EpisodesFilter(SpanFilter):
    """Whose episodes, by the time they began."""

    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; all that the key may read where absent."""
    province: ProvinceName | None = None
    """Only stations of this province: two-digit code of Decision 19/2025/QĐ-TTg, or its name."""
    from_: Annotated[QueryTime | None, Field(alias="from", examples=["2026-03-25T00:00:00+07:00"])] = None
    """Inclusive, and before `to`; ISO 8601 with a zone. 31 days before `to` where absent; where only open
    ones are asked for, they are given however long ago they began."""

    @property
    def is_open_only(self) -> bool:
        """Whether episodes that have ended are left out."""
        raise NotImplementedError

    def default_start(self, end: datetime) -> datetime:
        """Return the start where `from` is absent; what is still open is news whatever its age."""
        return FIRST_TIME if self.is_open_only else end - _DEFAULT_SPAN
