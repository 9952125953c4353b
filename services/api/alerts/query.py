"""Alerts of one or many stations.

Times are UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.api.common.database import Database, bind_stations, format_seconds, select

_PAGE = """
SELECT
  alert_id, kind, severity, state, version, station, parameter, opened_at, changed_at, detail, facts
FROM alerts FINAL
WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
  AND ({kind:String} = '' OR kind = {kind:String})
  AND opened_at >= {after_time:DateTime('UTC')} AND opened_at < {end:DateTime('UTC')}
  AND (opened_at, station, kind, parameter, alert_id) > (
    {after_time:DateTime('UTC')}, {after_station:String}, {after_kind:String},
    {after_parameter:String}, {after_id:String})
  AND ({severity:String} = '' OR severity = {severity:String})
  AND ({open:Int8} < 0 OR (state != 'closed') = {open:Int8})
ORDER BY opened_at, station, kind, parameter, alert_id
LIMIT {limit:UInt32}
"""

Key = tuple[datetime, str, str, str, str]
"""(opened_at, station, kind, parameter, alert id)."""


def select_alerts(
    database: Database,
    *,
    stations: Sequence[str] | None,
    kind: str | None,
    severity: str | None,
    is_open: bool | None,
    after_key: Key,
    end: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` alerts opened past ``after_key`` and before ``end``, in their present state.

    ``stations=None`` means all stations.
    """
    names = ("after_station", "after_kind", "after_parameter", "after_id")
    parameters = {
        **bind_stations(stations),
        "kind": kind or "",
        "severity": severity or "",
        "open": -1 if is_open is None else int(is_open),
        "after_time": format_seconds(after_key[0]),
        **dict(zip(names, after_key[1:], strict=True)),
        "end": format_seconds(end),
        "limit": limit,
    }
    return select(database, _PAGE, parameters)
