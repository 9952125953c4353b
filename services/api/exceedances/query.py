"""Exceedances of one or many stations.

Times are UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.api.common.database import (
    LAST_TIME,
    Database,
    bind_stations,
    format_milliseconds,
    format_seconds,
    select,
)

# Every version is kept; the highest of those computed until ``as_of`` counts. A version of no periods says
# that the episode is withdrawn. Of several episodes of one limit that are open, what follows a gap takes the
# place of what was before it: the newest alone is shown as open.
_PAGE = """
WITH newest AS
(
  SELECT station, parameter, period, standard, column, max(starts_at)
  FROM
  (
    SELECT station, parameter, period, standard, column, starts_at, periods, open
    FROM exceedances
    WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
      AND ({parameter:String} = '' OR parameter = {parameter:String})
      AND computed_at <= {as_of:DateTime64(3, 'UTC')}
    ORDER BY station, parameter, period, standard, column, starts_at, version DESC, computed_at DESC
    LIMIT 1 BY station, parameter, period, standard, column, starts_at
  )
  WHERE periods > 0 AND open = 1
  GROUP BY station, parameter, period, standard, column
)
SELECT
  station, parameter, period, standard, column, minimum, maximum, unit, starts_at, ends_at,
  periods, peak, peak_at, ratio, toUInt8(is_newest AND unclosed) AS open, version, computed_at
FROM
(
  SELECT
    station, parameter, period, standard, column, minimum, maximum, unit, starts_at, ends_at,
    periods, peak, peak_at, ratio, open AS unclosed, version, computed_at,
    (station, parameter, period, standard, column, starts_at) IN newest AS is_newest
  FROM exceedances
  WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
    AND ({parameter:String} = '' OR parameter = {parameter:String})
    AND starts_at >= {after_time:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
    AND (starts_at, station, parameter, period, standard, column) > (
      {after_time:DateTime('UTC')}, {after_station:String}, {after_parameter:String},
      {after_period:String}, {after_standard:String}, {after_column:String})
    AND computed_at <= {as_of:DateTime64(3, 'UTC')}
  ORDER BY station, parameter, period, standard, column, starts_at, version DESC, computed_at DESC
  LIMIT 1 BY station, parameter, period, standard, column, starts_at
)
WHERE periods > 0 AND ({open:Int8} < 0 OR open = {open:Int8})
ORDER BY starts_at, station, parameter, period, standard, column
LIMIT {limit:UInt32}
"""

Key = tuple[datetime, str, str, str, str, str]
"""(starts_at, station, parameter, period, standard, column)."""


def select_exceedances(
    database: Database,
    *,
    stations: Sequence[str] | None,
    parameter: str | None,
    is_open: bool | None,
    after_key: Key,
    end: datetime,
    limit: int,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` episodes that start past ``after_key`` and before ``end``.

    In their present version, or in the one that counted at ``as_of``; without those withdrawn by then.
    ``stations=None`` means all stations.
    """
    names = ("after_station", "after_parameter", "after_period", "after_standard", "after_column")
    parameters = {
        **bind_stations(stations),
        "parameter": parameter or "",
        "open": -1 if is_open is None else int(is_open),
        "after_time": format_seconds(after_key[0]),
        **dict(zip(names, after_key[1:], strict=True)),
        "end": format_seconds(end),
        "as_of": format_milliseconds(as_of or LAST_TIME),
        "limit": limit,
    }
    return select(database, _PAGE, parameters)
