"""Averages of one station.

Times are UTC; every function raises ``ClickHouseError``.
"""

from datetime import datetime
from typing import Any

from services.api.common.database import Database, format_milliseconds, format_seconds, select

_COLUMNS = """
SELECT
  station, parameter, period, starts_at, ends_at, unit, mean, minimum, maximum,
  count, received, expected, completeness, computed_at, version,
  total, sd, p05, p25, p50, p75, p95, p98, good, not_evaluated, suspect, fail, missing,
  qualified, complete
"""
_WHERE = """
WHERE station = {station:String}
  AND ({parameter:String} = '' OR parameter = {parameter:String})
  AND period = {period:String}
  AND starts_at >= {after_time:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
  AND (starts_at, parameter) > ({after_time:DateTime('UTC')}, {after_parameter:String})
"""
_LIMIT = """
ORDER BY starts_at, parameter
LIMIT {limit:UInt32}
"""
_PAGE = f"{_COLUMNS} FROM averages FINAL {_WHERE} {_LIMIT}"

# The last version computed until a time, whether or not it is the present one.
_BEFORE = f"{_WHERE} AND computed_at <= {{as_of:DateTime64(3, 'UTC')}}"
_PAGE_AS_OF = f"""
SELECT * FROM
(
  {_COLUMNS} FROM averages FINAL {_BEFORE}
  UNION ALL {_COLUMNS} FROM average_versions FINAL {_BEFORE}
)
ORDER BY starts_at, parameter, version DESC
LIMIT 1 BY starts_at, parameter
LIMIT {{limit:UInt32}}
"""  # noqa: S608  # constants of our own


def select_averages(
    database: Database,
    *,
    station: str,
    parameter: str | None,
    period: str,
    after_key: tuple[datetime, str],
    end: datetime,
    limit: int,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` averages that start past the key ``after_key`` and before ``end``.

    In their present version, or in the one that counted at ``as_of``.
    """
    parameters = {
        "station": station,
        "parameter": parameter or "",
        "period": period,
        "after_time": format_seconds(after_key[0]),
        "after_parameter": after_key[1],
        "end": format_seconds(end),
        "limit": limit,
    }
    if as_of is None:
        return select(database, _PAGE, parameters)
    return select(database, _PAGE_AS_OF, {**parameters, "as_of": format_milliseconds(as_of)})
