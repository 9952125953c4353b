"""Registry requests of one or many stations; every function raises ``ClickHouseError``."""

from typing import Any

from services.api.common.database import Database, select
from services.api.common.keys import RequestScope

_PAGE = """
SELECT
  station, province, account, version, state, takes_sets, reason, decided_by, decided_at, sent_at, changed_at,
  w.sets AS waiting_sets, w.readings AS waiting_readings, w.since AS waiting_since, entry, ministry_entry
FROM registry_requests AS q FINAL
GLOBAL LEFT JOIN waiting_sets AS w ON w.station = q.station
WHERE ({all_stations:UInt8}
    OR q.province IN {provinces:Array(String)} OR q.station IN {stations:Array(String)})
  AND ({code:String} = '' OR q.station = {code:String})
  AND ({province:String} = '' OR q.province = {province:String})
  AND ({state:String} = '' OR q.state = {state:String})
  AND q.station > {after:String}
ORDER BY q.station
LIMIT {limit:UInt32}
"""


def select_requests(
    database: Database,
    *,
    scope: RequestScope,
    station: str | None,
    province: str | None,
    state: str | None,
    after: str,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` requests, in the order of the stations' codes, past the code ``after``."""
    parameters = {
        **{"all_stations": int(scope.is_unlimited), "provinces": scope.provinces, "stations": scope.stations},
        **{"code": station or "", "province": province or "", "state": state or ""},
        **{"after": after, "limit": limit},
    }
    return select(database, _PAGE, parameters)
