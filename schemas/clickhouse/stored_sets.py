"""Flagged sets as they were stored, read back from ClickHouse: what of a file was judged at one time."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import received_of, revision_of
from quantrac.domain.readings import FlaggedReading, FlaggedReadings, FlaggedSet, Reject
from quantrac.domain.times import from_milliseconds, to_sql_milliseconds

_READINGS = """
SELECT version, line, parameter, value, text, unit, measured_at, status, qualifier, flag, tests, rules
FROM {table} FINAL
WHERE station = {{station:String}} AND version IN {{versions:Array(UInt64)}}
"""
_SELECTS = [_READINGS.format(table=table) for table in ("readings", "reading_revisions")]
_CAUSES = """
SELECT superseded_by AS version, any(cause) AS judged_for
FROM reading_revisions FINAL
WHERE station = {station:String} AND superseded_by IN {versions:Array(UInt64)} AND cause != ''
GROUP BY superseded_by
"""
_RECEIVED = """
WHERE station = {station:String}
  AND received_at >= {first:DateTime64(3, 'UTC')} AND received_at <= {last:DateTime64(3, 'UTC')}
"""
_FILES = f"""
SELECT received_at, file_id, name, account, transport, format, rules, rejected_lines
FROM files FINAL {_RECEIVED}
"""  # noqa: S608  # constants of our own
_REJECTS = f"""
SELECT received_at, file_id, line, text, reason, detail
FROM rejects FINAL {_RECEIVED}
ORDER BY line
"""  # noqa: S608

SENT_AGAIN = "repair"
"""Cause of a revision whose own is not stored."""


class Database(Protocol):
    """Where the tables are."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""


class StoredSets:
    """Reads sets back; every method raises what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, station: str, versions: Collection[int]) -> Iterator[FlaggedSet]:
        """Yield the sets of a station whose readings have these versions, by time of receipt and revision.

        A set of revision 0 has all that is stored of its file, rejected lines too; it is whole where the file
        named no reading twice. Sets of a file that is not stored are left out.
        """
        if not versions:
            return
        received = [from_milliseconds(received_of(version)) for version in versions]
        span = {
            "station": station,
            "first": to_sql_milliseconds(min(received)),
            "last": to_sql_milliseconds(max(received)),
        }
        bound = {"station": station, "versions": sorted(versions)}
        rows = [row for sql in _SELECTS for row in self._rows(sql, bound)]
        causes = {row["version"]: row["judged_for"] for row in self._rows(_CAUSES, bound)}
        rejects: dict[tuple[datetime, str], list[dict[str, Any]]] = defaultdict(list)
        for row in self._rows(_REJECTS, span):
            rejects[row["received_at"], row["file_id"]].append(row)
        files = {row["received_at"]: row for row in self._rows(_FILES, span)}
        for version in sorted(versions):
            file = files.get(from_milliseconds(received_of(version)))
            own = [row for row in rows if row["version"] == version]
            if file is None:
                continue
            if revision_of(version) == 0:
                lines = rejects[file["received_at"], file["file_id"]]
                yield _set(station, file, own, file["rules"], rejects=lines)
                continue
            for rules in sorted({row["rules"] for row in own}):
                judged = [row for row in own if row["rules"] == rules]
                cause = causes.get(version, SENT_AGAIN)
                yield _set(station, file, judged, rules, revision=revision_of(version), cause=cause)

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        columns = self._database.columns(sql, parameters)
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def _set(
    station: str,
    file: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    rules: str,
    *,
    revision: int = 0,
    cause: str = "",
    rejects: Sequence[Mapping[str, Any]] = (),
) -> FlaggedSet:
    readings = sorted(map(_reading, rows), key=lambda r: (r.line, r.parameter, r.measured_at))
    return FlaggedSet(
        station=station,
        file_id=file["file_id"],
        file_name=file["name"],
        account=file["account"],
        transport=file["transport"],
        received_at=file["received_at"],
        format=file["format"],
        rules=rules,
        readings=FlaggedReadings.of(readings),
        rejects=[
            Reject(row["line"], row["text"], row["reason"], row["detail"])
            for row in rejects
            if row["line"] in file["rejected_lines"]
        ],
        revision=revision,
        cause=cause,
    )


def _reading(row: Mapping[str, Any]) -> FlaggedReading:
    return FlaggedReading(
        line=row["line"],
        parameter=row["parameter"],
        value=row["value"],
        text=row["text"] or shortest_decimal(row["value"]),
        unit=row["unit"],
        measured_at=row["measured_at"],
        status=row["status"],
        flag=row["flag"],
        tests=msgspec.json.decode(row["tests"] or "{}", type=dict[str, int]),
        equal_since=None,
        qualifier=row["qualifier"],
    )
