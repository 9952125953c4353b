"""Stations with made-up days, what they leave in the tables, and the shares counted from them one by one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from quantrac.domain.data_share import DataShare
from quantrac.domain.ids import file_id, reading_version, received_of, revision_of
from quantrac.domain.registry.stations import Interval, Station, StationParameter
from quantrac.domain.times import from_seconds
from quantrac.io.clickhouse import ClickHouse
from quantrac.testing.builders import station
from services.aggregator.sink.registry_tables import parameter_rows, station_row
from support.analyst_data import insert

BEGIN = datetime(2026, 3, 24, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
HOURS = timedelta(hours=8)
MINUTE = timedelta(minutes=1)
REASONS = ("value-not-a-number", "unknown-unit", "bad-time")
FLAGS = (1, 1, 1, 1, 2, 3, 4, 9)

Key = tuple[str, datetime]
"""Parameter and time of measurement."""


@dataclass
class Tables:
    """Rows by table."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def insert(self, client: ClickHouse) -> None:
        """Insert them."""
        for table, rows in self.rows.items():
            insert(client, table, rows)


@dataclass
class Day:
    """Some hours of one station."""

    station: Station
    readings: dict[Key, tuple[int, int]] = field(default_factory=dict)
    """Key -> version and flag of the row that counts."""
    former: dict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    """Receipt in ms -> readings of that file which another file gave again."""
    answers: dict[tuple[int, int], str] = field(default_factory=dict)
    """(Receipt in ms, revision of the set) -> what the ministry said of it."""
    reread: set[tuple[Key, int]] = field(default_factory=set)
    """Readings and versions that came by reading a file again."""
    files: list[tuple[datetime, int, list[str]]] = field(default_factory=list)
    """Receipt, readings, reasons of the lines that were rejected."""
    unread: list[datetime] = field(default_factory=list)

    def share(self, start: datetime, end: datetime) -> DataShare:
        """Count the share of a span, UTC."""
        counts = defaultdict[str, int](int)
        due = {p.code: set(_due_times(self.station, p.code, start, end)) for p in self.station.parameters}
        counts["expected"] = sum(map(len, due.values()))
        met: set[Key] = set()
        names = {1: "good", 2: "not_evaluated", 3: "suspect", 4: "fail", 9: "missing"}
        for (parameter, stamp), (version, flag) in self.readings.items():
            at = stamp
            if self.station.valid_at(stamp) and self.station.parameter(parameter, stamp):
                at = self.station.grid_time(stamp)
            if not start <= at < end:
                continue
            if at in due.get(parameter, ()):
                met.add((parameter, at))
            counts["stored"] += 1
            counts[names[flag]] += 1
            is_reread = ((parameter, stamp), version) in self.reread
            revision = 0 if is_reread else int(revision_of(version))
            counts[self.answers.get((int(received_of(version)), revision), "undelivered")] += 1
        counts["present"] = len(met)
        counts["absent"] = counts["expected"] - counts["present"]
        counts["extra"] = counts["stored"] - counts["present"]
        standing = defaultdict[int, int](int)
        for version, _ in self.readings.values():
            standing[int(received_of(version))] += 1
        reasons = defaultdict[str, int](int)
        for received_at, read, rejected in self.files:
            if start <= received_at < end:
                receipt = int(received_of(reading_version(received_at)))
                counts["files"] += 1
                counts["read"] += read
                counts["rejected"] += len(rejected)
                counts["replaced"] += len(self.former[receipt])
                counts["lost"] += read - standing[receipt] - len(self.former[receipt])
                for reason in rejected:
                    reasons[reason] += 1
        counts["received"] = counts["read"] + counts["rejected"]
        counts["unread_files"] = sum(start <= at < end for at in self.unread)
        return DataShare(self.station.code, **counts, reasons=dict(reasons))


def _due_times(entry: Station, parameter: str, start: datetime, end: datetime) -> Iterator[datetime]:
    for second in range(int(start.timestamp()), int(end.timestamp())):
        if second % 60:
            continue  # every interval is whole minutes
        at = from_seconds(second)
        measured = entry.valid_at(at) and entry.parameter(parameter, at)
        if measured and second % entry.interval_at(at) == 0:
            yield at


def make_day(code: str, random: Random, tables: Tables) -> Day:
    """Make up some hours of a station, and put what the sink would have written into ``tables``."""
    day = Day(_make_station(code, random))
    _add_registry(day.station, tables)
    seconds = random.sample(range(-3600, int(HOURS.total_seconds()) + 3600), 60)
    for number, second in enumerate(sorted(seconds)):
        # Receipts differ between stations, as those of one intake do.
        received_at = BEGIN + timedelta(seconds=second, milliseconds=random.randrange(1000))
        if number % 20 == 7:
            day.unread.append(received_at)
            tables.rows["raw_files"].append(_raw_row(code, received_at))
        else:
            _add_file(day, received_at, random, tables)
    _judge_again(day, random, tables)
    _deliver(day, random, tables)
    tables.rows["readings"] += [
        _reading_row(code, key, version, flag) for key, (version, flag) in day.readings.items()
    ]
    return day


def _make_station(code: str, random: Random) -> Station:
    usual, other = random.sample([60, 300, 600, 3600], 2)
    change = BEGIN + random.randrange(480) * MINUTE + timedelta(seconds=random.choice([0, 30]))
    until = change + random.randrange(1, 300) * MINUTE
    intervals = (Interval(other, valid_from=change, valid_to=until),) if random.random() < 0.5 else ()
    ended = BEGIN + random.randrange(480) * MINUTE
    parameters = (
        StationParameter("PM2.5", "µg/m3"),
        StationParameter("NO2", "µg/m3", valid_to=ended),
        StationParameter("NO2", "ppb", valid_from=ended + random.randrange(60) * MINUTE),
        StationParameter("CO", "µg/m3", valid_from=BEGIN + random.randrange(480) * MINUTE),
    )
    validity = {"valid_to": BEGIN + 5 * HOURS / 8} if random.random() < 0.3 else {}
    return station(code, interval_seconds=usual, intervals=intervals, parameters=parameters, **validity)


def _add_registry(entry: Station, tables: Tables) -> None:
    tables.rows["stations"].append(station_row(entry.code, entry) | {"version": 1})
    tables.rows["station_parameters"] += [row | {"version": 1} for row in parameter_rows(entry)]


def _add_file(day: Day, received_at: datetime, random: Random, tables: Tables) -> None:
    code, version = day.station.code, int(reading_version(received_at))
    keys: set[Key] = set()
    for _ in range(random.randrange(12)):
        stamp = BEGIN + timedelta(seconds=random.randrange(-40, 500) * 60 + random.choice([0, 0, -7, 11, 30]))
        # The last one is in no registry.
        keys.add((random.choice(["PM2.5", "NO2", "CO", "TEMP"]), stamp))
    lost = 1 if keys and random.random() < 0.1 else 0
    for key in sorted(keys)[lost:]:
        if key in day.readings:
            former, _ = day.readings[key]
            day.former[int(received_of(former))].add(key)
            tables.rows["reading_revisions"].append(_revision_row(code, key, former, version, "correction"))
        day.readings[key] = version, random.choice(FLAGS)
    rejected = [random.choice(REASONS) for _ in range(random.choice([0, 0, 0, 1, 3]))]
    day.files.append((received_at, len(keys), rejected))
    tables.rows["files"].append(_file_row(code, received_at, len(keys), len(rejected)))
    tables.rows["raw_files"].append(_raw_row(code, received_at))
    # One more: a line that an earlier reading of the file had rejected.
    for line, reason in enumerate([*rejected, "unknown-parameter"], start=1):
        row = {"station": code, "received_at": received_at, "file_id": _id(code, received_at), "line": line}
        tables.rows["rejects"].append(row | {"text": "", "reason": reason, "detail": ""})


def _judge_again(day: Day, random: Random, tables: Tables) -> None:
    for key in random.sample(sorted(day.readings), len(day.readings) // 3):
        former, _ = day.readings[key]
        cause = random.choice(["late", "reread"])
        day.readings[key] = former + 1, random.choice(FLAGS)
        if cause == "reread":
            day.reread.add((key, former + 1))
        tables.rows["reading_revisions"].append(
            _revision_row(day.station.code, key, former, former + 1, cause)
        )


def _deliver(day: Day, random: Random, tables: Tables) -> None:
    code = day.station.code
    for received_at, read, _ in day.files:
        for revision in (0, 1):
            answer = random.choice(["confirmed", "confirmed", "waiting", "refused", "undelivered"])
            row = {"station": code, "file_id": _id(code, received_at), "received_at": received_at}
            row |= {"target": "ministry", "account": "hn", "delivery_id": "d", "revision": revision}
            refusal = row | {"line": 1, "rejected_at": received_at, "reason": "no"}
            if answer in ("confirmed", "waiting"):
                row |= {"confirmed_at": received_at, "readings": read, "waiting": int(answer == "waiting")}
                tables.rows["receipts"].append(row)
            # One that came through later had been rejected before.
            if answer == "refused" or (answer == "confirmed" and random.random() < 0.2):
                tables.rows["rejected_sets"].append(refusal)
            if answer != "undelivered":
                day.answers[int(received_of(reading_version(received_at))), revision] = answer


def _id(code: str, received_at: datetime) -> str:
    return file_id(f"{code}{received_at}".encode())


def _raw_row(code: str, received_at: datetime) -> Mapping[str, Any]:
    row = {"station": code, "received_at": received_at, "file_id": _id(code, received_at), "name": "n"}
    return row | {"path": "", "account": "a", "transport": "ftp", "content": ""}


def _file_row(code: str, received_at: datetime, read: int, rejects: int) -> Mapping[str, Any]:
    row = {"station": code, "received_at": received_at, "file_id": _id(code, received_at), "name": "n"}
    row |= {"account": "a", "transport": "ftp", "format": "f", "rules": "r", "readings": read}
    return row | {"rejects": rejects, "rejected_lines": list(range(1, rejects + 1))}


def _reading_row(code: str, key: Key, version: int, flag: int) -> Mapping[str, Any]:
    row = {"station": code, "parameter": key[0], "measured_at": key[1], "value": 1.0, "text": "", "unit": ""}
    row |= {"status": "00", "tests": "", "rules": "r", "line": 1, "imported": 0, "qualifier": ""}
    return row | {"version": version, "flag": flag}


def _revision_row(code: str, key: Key, version: int, by: int, cause: str) -> Mapping[str, Any]:
    return _reading_row(code, key, version, 1) | {"superseded_by": by, "cause": cause}
