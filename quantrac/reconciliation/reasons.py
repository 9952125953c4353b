"""Why a reading differs: what the province's receipts say of its file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from quantrac.domain.ids import received_of, revision_of
from quantrac.domain.reconciliation.differences import Difference, Kind, Subject
from quantrac.domain.times import from_milliseconds, to_sql_milliseconds
from schemas.clickhouse.digests import Database

_RECEIPTS = """
SELECT toUnixTimestamp64Milli(received_at) AS received, revision, file_id,
  argMax(delivery_id, confirmed_at) AS delivery,
  -- What waited does so until its station is released.
  argMax(waiting AND confirmed_at >= (
    SELECT ifNull(max(released_at), toDateTime64(0, 3, 'UTC'))
    FROM registry_requests FINAL WHERE station = {station:String}
  ), confirmed_at) AS is_waiting
FROM receipts FINAL
WHERE station = {station:String}
  AND received_at >= {first:DateTime64(3, 'UTC')} AND received_at <= {last:DateTime64(3, 'UTC')}
GROUP BY received, revision, file_id
"""
_REJECTED = """
SELECT toUnixTimestamp64Milli(assumeNotNull(received_at)) AS received, revision, file_id,
  argMax(delivery_id, rejected_at) AS delivery, argMax(reason, rejected_at) AS why
FROM rejected_sets FINAL
WHERE station = {station:String} AND received_at IS NOT NULL
  AND received_at >= {first:DateTime64(3, 'UTC')} AND received_at <= {last:DateTime64(3, 'UTC')}
GROUP BY received, revision, file_id
"""
_REQUEST = """
SELECT toString(state) AS state, takes_sets, reason FROM registry_requests FINAL
WHERE station = {station:String}
"""


class Reason(StrEnum):
    """What the province knows of why a row differs."""

    CONFIRMED = "confirmed"
    """The ministry gave a receipt for it, and does not have it as it was delivered."""
    WAITING = "waiting"
    """The ministry keeps it, or will, until it has approved the station."""
    REJECTED = "rejected"
    """The ministry rejected the set, or the station."""
    NOT_DELIVERED = "not-delivered"
    """There is no receipt yet."""
    UNKNOWN_STATION = "unknown-station"
    """The ministry's registry does not have the station, or not for this key."""
    NEWER_AT_MINISTRY = "newer-at-ministry"
    """The ministry has a version that the province does not have."""
    NOT_STORED = "not-stored"
    """The province does not have the row at all."""
    COMPUTED_OTHERWISE = "computed-otherwise"
    """An average or index: its readings, or the registry's entry of the station, differ or differed."""


@dataclass(slots=True)
class Finding:
    """A difference with its reason."""

    difference: Difference
    reason: Reason
    detail: str = ""
    """The ministry's sentence, where it gave one."""
    file_id: str = ""
    delivery_id: str = ""
    is_repaired: bool = False

    @property
    def can_be_repaired(self) -> bool:
        """Whether sending again may mend it; what waits at the ministry is there already."""
        return self.difference.can_be_sent and self.reason is not Reason.WAITING


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the ministry said of one set."""

    reason: Reason
    file_id: str
    delivery_id: str
    detail: str = ""


def explain(database: Database, differences: Sequence[Difference]) -> list[Finding]:
    """Return differences of one station and subject with their reasons; raises ``ClickHouseError``."""
    sendable = [d for d in differences if d.subject is Subject.READINGS and d.province and d.can_be_sent]
    answers = _answers(database, sendable)
    return [
        _explain_station(database, difference) if difference.key is None else _explain(difference, answers)
        for difference in differences
    ]


def _explain_station(database: Database, difference: Difference) -> Finding:
    """Return why the ministry has nothing of a station."""
    request = _request(database, difference.station)
    if request is None or request["takes_sets"]:
        return Finding(difference, Reason.UNKNOWN_STATION)
    reason = Reason.REJECTED if request["state"] == "rejected" else Reason.WAITING
    return Finding(difference, reason, request["reason"])


def _request(database: Database, station: str) -> Mapping[str, Any] | None:
    """Return the state of the station's registry request, if there is one."""
    return next(iter(_rows(database, _REQUEST, {"station": station})), None)


def _explain(difference: Difference, answers: Mapping[tuple[int, int], _Answer]) -> Finding:
    if difference.subject is not Subject.READINGS:
        return Finding(difference, Reason.COMPUTED_OTHERWISE)
    if difference.province is None:
        return Finding(difference, Reason.NOT_STORED)
    if not difference.can_be_sent:
        return Finding(difference, Reason.NEWER_AT_MINISTRY)
    version = difference.province.version
    file = received_of(version)
    # The set itself, or the first one of its file where nothing is known of the revision.
    answer = answers.get((file, revision_of(version))) or answers.get((file, 0))
    if answer is None or (
        answer.reason is Reason.CONFIRMED
        and difference.kind is Kind.OTHER_VERSION
        and (file, revision_of(version)) not in answers
    ):
        return Finding(difference, Reason.NOT_DELIVERED)
    return Finding(difference, answer.reason, answer.detail, answer.file_id, answer.delivery_id)


def _answers(database: Database, differences: Iterable[Difference]) -> dict[tuple[int, int], _Answer]:
    """Return what the ministry has said of the sets of differences, by time of receipt and revision."""
    files: dict[str, list[int]] = defaultdict(list)
    for difference in differences:
        if difference.province is not None:
            files[difference.station].append(received_of(difference.province.version))
    answers: dict[tuple[int, int], _Answer] = {}
    for station, received in files.items():
        span = {
            "station": station,
            "first": to_sql_milliseconds(from_milliseconds(min(received))),
            "last": to_sql_milliseconds(from_milliseconds(max(received))),
        }
        for row in _rows(database, _REJECTED, span):
            answer = _Answer(Reason.REJECTED, row["file_id"], row["delivery"], row["why"])
            answers[row["received"], row["revision"]] = answer
        # What came through later was rejected before.
        for row in _rows(database, _RECEIPTS, span):
            reason = Reason.WAITING if row["is_waiting"] else Reason.CONFIRMED
            answers[row["received"], row["revision"]] = _Answer(reason, row["file_id"], row["delivery"])
    return answers


def _rows(database: Database, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns = database.columns(sql, parameters)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
