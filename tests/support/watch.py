"""A watch with a clock of its own, the tables it is made from in memory, and what it published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from quantrac.domain.ids import reading_version
from quantrac.domain.limits import LimitBook
from quantrac.domain.readings import FlaggedReading, FlaggedReadings, FlaggedSet, Reject
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, WarningLevels
from quantrac.domain.times import to_milliseconds, to_whole_seconds
from quantrac.domain.warning_levels import WarningShares
from quantrac.io.partitions import GroupAssignment, Offsets, Partition
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import station
from schemas.codecs.aggregated import AverageMessage, ExceedanceMessage, encode_aggregated
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.alerts import Alert
from services.aggregator.sink.tables.alert import alert_columns
from services.aggregator.watch.causes.completeness import HOURS_SQL
from services.aggregator.watch.causes.exceedance import EPISODES_SQL
from services.aggregator.watch.causes.rejects import REJECTS_SQL
from services.aggregator.watch.causes.warning import READINGS_SQL
from services.aggregator.watch.handler import WatchHandler
from services.aggregator.watch.levels import levels_of
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.tables import ALERTS_SQL, HISTORY_SQL, SERIES_SQL

CODE = "HN_BKHN_KHIKXQ"
START = datetime(2026, 3, 25, 5, tzinfo=UTC)
SILENT = f"station-silent/{CODE}"
EXCEEDED = f"limit-exceeded/{CODE}/PM2.5/hour/QCVN 05:2023/BTNMT/2026-03-25T05:00:00Z"
"""The alert of :func:`exceedance`."""
PARAMETERS = (
    StationParameter("PM2.5", "µg/m3", warning_levels=WarningLevels(40.0, 45.0, 50.0)),
    StationParameter("NO2", "µg/m3"),
)


def at(minutes: float) -> datetime:
    """So many minutes after the start, to the millisecond."""
    return START + timedelta(milliseconds=round(60_000 * minutes))


def exceedance(version: int = 1, *, ratio: float = 1.2, start: float = 0, **more: Any) -> ExceedanceMessage:
    """An episode of PM2.5 of so many minutes after the start, by default of one hour."""
    fields: dict[str, Any] = {
        "parameter": "PM2.5",
        "period": "hour",
        "standard": "QCVN 05:2023/BTNMT",
        "column": "",
        "minimum": None,
        "maximum": 50.0,
        "unit": "µg/m3",
        "starts_at": at(start),
        "ends_at": at(start + 60),
        "periods": 1,
        "peak": 50 * ratio,
        "peak_at": at(start),
        "ratio": ratio,
        "open": True,
        "version": version,
    }
    return ExceedanceMessage(**fields | more)


def counts(first: int, last: int, number: int) -> dict[tuple[str, int], int]:
    """The same number of readings in each hour of each parameter."""
    return {(parameter.code, hour): number for parameter in PARAMETERS for hour in range(first, last)}


class Stored:
    """What is stored of all that came and was published: satisfies ``Database`` and ``Progress``."""

    def __init__(self) -> None:
        self.readings: list[tuple[str, str, int, int]] = []
        """Station, parameter, time, seconds from then to the receipt."""
        self.rows: dict[tuple[str, str, int], dict[str, Any]] = {}
        """The newest version of each reading, by station, parameter and time."""
        self.rejects: dict[tuple[str, datetime], dict[str, Any]] = {}
        """The rejects of each file, by station (or account) and receipt."""
        self.imported: dict[str, int] = {}
        """Station → time of its newest imported reading."""
        self.averages: dict[tuple[str, str, int], int] = {}
        self.exceedances: list[tuple[str, ExceedanceMessage, datetime]] = []
        self.alerts_by_id: dict[str, Alert] = {}
        self.behind = False

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        rows = {
            SERIES_SQL: lambda: self._series(parameters["start"], parameters["now"], parameters["grace"]),
            HISTORY_SQL: self._history,
            HOURS_SQL: self._hours,
            READINGS_SQL: lambda: [row for row in self.rows.values() if row["at"] >= parameters["start"]],
            REJECTS_SQL: lambda: self._rejects(parameters["start"]),
            EPISODES_SQL: self._episodes,
            ALERTS_SQL: self._alerts,
        }[sql]()
        return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}

    def _rejects(self, start: int) -> list[dict[str, Any]]:
        rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        for (code, received_at), file in sorted(self.rejects.items(), key=lambda item: item[0][1]):
            received = to_milliseconds(received_at)
            for reason, detail in file["rejects"].items() if received >= start else ():
                sender = "" if code else file["account"]
                row = {"station": code, "sender": sender, "reason": reason, "received": received}
                rows[code, sender, reason] = row | {"sentence": detail, "file": file["name"]}
        return list(rows.values())

    def _series(self, start: int, now: int, grace: int) -> list[dict[str, Any]]:
        times: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for code, parameter, time, late in self.readings:
            if time < start:
                continue
            times.setdefault((code, parameter), []).append((min(time, now), late))
        return [
            {
                "station": code,
                "parameter": parameter,
                "first": min(some)[0],
                "last": max(some)[0],
                "prompt": max((time for time, late in some if late < grace), default=0),
            }
            for (code, parameter), some in times.items()
        ]

    def _history(self) -> list[dict[str, Any]]:
        return [{"station": code, "last": last} for code, last in self.imported.items()]

    def _hours(self) -> list[dict[str, Any]]:
        return [
            {"station": code, "parameter": name, "starts": [start], "counts": [count]}
            for (code, name, start), count in self.averages.items()
        ]

    def _episodes(self) -> list[dict[str, Any]]:
        newest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for code, message, computed_at in self.exceedances:
            key = (
                code,
                message.parameter,
                message.period,
                message.standard,
                message.column,
                message.starts_at,
            )
            row = {"station": code, "computed_at": computed_at, **msgspec.structs.asdict(message)}
            before = newest.get(key)
            row["known_at"] = before["known_at"] if before else computed_at
            if before is None or before["version"] <= message.version:
                newest[key] = row
        return list(newest.values())

    def _alerts(self) -> list[dict[str, Any]]:
        alerts = sorted(self.alerts_by_id.values(), key=lambda alert: alert.changed_at, reverse=True)
        columns = alert_columns(alerts)  # facts are texts, as the table has them
        names = list(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def end_offsets(self) -> Offsets:
        return {Partition("alert", 0): 1}

    def committed_offsets(self) -> Offsets:
        return {Partition("alert", 0): 0 if self.behind else 1}


class Waiting:
    """What waits on its way to watch: satisfies ``Lanes``."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def look(self) -> None:
        pass

    def is_waiting(self, key: bytes) -> bool:
        return key.decode() in self.keys


class Watch:
    """One watch over one registry; ``restart`` makes it anew from what is stored."""

    def __init__(
        self,
        *stations: Station,
        rules: WatchRules = WatchRules(),  # noqa: B008  # frozen
        grace: int = 0,
        compare_seconds: int = 600,
    ) -> None:
        self.now, self.rules = START, replace(rules, rest=grace)
        self.present, self.past, self.compare_seconds = Waiting(), Waiting(), compare_seconds
        self.registry = Registry(
            stations={entry.code: entry for entry in stations or [station(parameters=PARAMETERS)]}
        )
        self.stored = Stored()
        self.alerts: list[Alert] = []
        self.dead: list[str] = []
        self.restart()

    def restart(self) -> None:
        self.handler = WatchHandler(
            self.stored,
            self.registry,
            levels_of(LimitBook([]), WarningShares(0.8, 0.9, 1.0)),
            flagged="qa-flagged",
            alerts="alert",
            stored_sets=self.stored,
            stored_alerts=self.stored,
            present=self.present,
            past=self.past,
            clock=lambda: self.now,
            rules=self.rules,
            compare_seconds=self.compare_seconds,
        )
        self.assign()

    def assign(
        self, *, is_caught_up: bool = True, generation: int = 0, is_assigned: Any = lambda _: True
    ) -> None:
        self.handler.set_assignment(GroupAssignment(generation, {}, is_caught_up, is_assigned))

    def take(self, *records: Record) -> Done | NotNow:
        verdict = self.handler.handle(records)
        if isinstance(verdict, Done):
            self.dead += [dead.reason for dead in verdict.dead]
            for record in verdict.records:
                alert = Alert.model_validate_json(record.value or b"")
                assert record.key == (alert.station or str(alert.facts["account"])).encode()
                self.alerts.append(alert)
                before = self.stored.alerts_by_id.get(alert.alert_id)
                # The table keeps the highest version.
                if before is None or before.version <= alert.version:
                    self.stored.alerts_by_id[alert.alert_id] = alert
        return verdict

    def tick(self, minutes: float) -> list[tuple[str, str, int]]:
        """Tick so many minutes after the start; returns (id, state, version) of what is published."""
        return self._take_at([], minutes)

    def send(
        self,
        minutes: float,
        *,
        received: float | None = None,
        code: str = CODE,
        revision: int = 0,
        transport: str = "ftp",
        **values: float | dict[str, Any],
    ) -> list[tuple[str, str, int]]:
        """Send one file measured so many minutes after the start, and judge when it is received.

        ``values``: parameter (``PM25`` for PM2.5) -> value, or fields of the reading.
        """
        when = minutes if received is None else received
        readings = []
        for line, (name, content) in enumerate((values or {"PM25": 10.0, "NO2": 5.0}).items(), start=1):
            fields = content if isinstance(content, dict) else {"value": content}
            parameter = "PM2.5" if name == "PM25" else name
            readings.append(
                FlaggedReading(
                    line,
                    parameter,
                    fields.get("value", 10.0),
                    "",
                    "µg/m3",
                    at(minutes),
                    fields.get("status", "00"),
                    fields.get("flag", 1),
                    fields.get("tests", {"flat_line": 1, "stuck": 1}),
                    None,
                )
            )
            if transport == "import":
                time = to_whole_seconds(at(minutes))
                self.stored.imported[code] = max(self.stored.imported.get(code, 0), time)
            else:
                self._store(code, readings[-1], at(when), revision)
        columns = FlaggedReadings.of(readings)
        flagged = FlaggedSet(
            code,
            "f" * 64,
            "name",
            "account",
            transport,
            at(when),
            "f",
            "r",
            columns,
            [],
            revision,
        )
        return self._take_at([Record("qa-flagged", code.encode(), encode_flagged_set(flagged))], when)

    def _store(self, code: str, reading: FlaggedReading, received_at: datetime, revision: int) -> None:
        received = to_whole_seconds(received_at)
        time = min(to_whole_seconds(reading.measured_at), received)
        self.stored.readings.append((code, reading.parameter, time, received - time))
        row = {
            "station": code,
            "parameter": reading.parameter,
            "at": to_whole_seconds(reading.measured_at),
            "version": reading_version(received_at, revision),
            "value": reading.value,
            "unit": reading.unit,
            "qualifier": "",
            "counts": int(reading.flag == 1 and reading.status == "00"),
            "received": received,
        }
        key = code, reading.parameter, row["at"]
        before = self.stored.rows.get(key)
        if before is None or before["version"] <= row["version"]:
            self.stored.rows[key] = row

    def reject(
        self, minutes: float, *reasons: str, code: str = CODE, received: float | None = None
    ) -> list[tuple[str, str, int]]:
        """Take one file received so many minutes after the start, with a line rejected for each reason.

        Without ``code`` it is of the account ``logger``. ``received`` is when it was, if not now.
        """
        received_at = at(minutes if received is None else received)
        rejects = [Reject(line, "x", reason, f"Line {line}.") for line, reason in enumerate(reasons, start=1)]
        details = {reject.reason: reject.detail for reject in rejects}
        self.stored.rejects[code, received_at] = {"account": "logger", "name": "f.txt", "rejects": details}
        flagged = FlaggedSet(
            code, "f" * 64, "f.txt", "logger", "ftp", received_at, "", "r", FlaggedReadings(), rejects
        )
        key = (code or "logger").encode()
        return self._take_at([Record("qa-flagged", key, encode_flagged_set(flagged))], minutes)

    def count(self, hours: Mapping[tuple[str, int], int], minutes: float) -> list[tuple[str, str, int]]:
        """Publish the hourly counts of (parameter, hour after the start)."""
        averages = []
        for (parameter, hour), count in hours.items():
            start = START + timedelta(hours=hour)
            self.stored.averages[CODE, parameter, to_whole_seconds(start)] = count
            end, figures = start + timedelta(hours=1), (None, None, None)
            averages.append(
                AverageMessage(
                    parameter,
                    "µg/m3",
                    "hour",
                    start,
                    end,
                    *figures,
                    count,
                    count,
                    12,
                    count / 12,
                    1,
                    None,
                    None,
                    True,
                )
            )
        value = encode_aggregated(CODE, at(minutes), averages)
        return self._take_at([Record("aggregated", CODE.encode(), value)], minutes)

    def exceed(self, message: ExceedanceMessage, minutes: float) -> list[tuple[str, str, int]]:
        self.stored.exceedances.append((CODE, message, at(minutes)))
        value = encode_aggregated(CODE, at(minutes), [], (), [message])
        return self._take_at([Record("aggregated", CODE.encode(), value)], minutes)

    def _take_at(self, records: list[Record], minutes: float) -> list[tuple[str, str, int]]:
        self.now = max(self.now, at(minutes))
        before = len(self.alerts)
        for _ in range(2):  # twice is once
            verdict = self.take(*records)
            assert isinstance(verdict, Done), verdict
        return [(alert.alert_id, alert.state, alert.version) for alert in self.alerts[before:]]

    def open(self) -> list[str]:
        return sorted(
            alert.alert_id for alert in self.stored.alerts_by_id.values() if alert.state != "closed"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """Of the last alert."""
        facts: dict[str, Any] = json.loads(self.alerts[-1].model_dump_json())["facts"]
        return facts
