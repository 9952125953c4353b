"""What watch reads from the real engine when it begins."""

from datetime import UTC, datetime, timedelta
from typing import Any

from quantrac.domain.ids import reading_version
from quantrac.domain.times import to_whole_seconds
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from schemas.examples import example
from schemas.messages.alerts import Alert
from services.aggregator.sink.tables.alert import alert_columns
from services.aggregator.watch.causes.completeness import read_hours
from services.aggregator.watch.causes.exceedance import read_episodes
from services.aggregator.watch.causes.rejects import REJECTS_SQL
from services.aggregator.watch.causes.warning import READINGS_SQL
from services.aggregator.watch.state import WATCHED, CauseKey, iterate_rows
from services.aggregator.watch.tables import read_alerts, read_series

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)
NOW = to_whole_seconds(NOON) + 600
LIMIT = ("day", "QCVN 40:2011/BTNMT", "A")


def insert(database: ClickHouse, table: str, *rows: dict[str, Any]) -> None:
    database.insert(table, {name: [row[name] for row in rows] for name in rows[0]})


def test_readings_give_the_first_and_last_time_that_is_not_ahead(clickhouse: ClickHouseSettings) -> None:
    database = ClickHouse(clickhouse)
    same = {"station": "A", "parameter": "NO2", "value": 1.0, "text": "", "unit": "", "status": "00"}
    same |= {"flag": 1, "tests": "", "rules": "", "line": 1}
    insert(
        database,
        "readings",
        *(
            same | {"measured_at": at, "version": reading_version(received)}
            for at, received in [
                (NOON - timedelta(days=61), NOON - timedelta(days=61)),
                (NOON - timedelta(days=2), NOON - timedelta(days=1)),
                (NOON, NOON + timedelta(seconds=70)),
                (NOON + timedelta(days=3), NOON + timedelta(minutes=5, milliseconds=900)),
                (NOON + timedelta(days=3, minutes=1), NOON + timedelta(days=3)),  # both clocks ahead
            ]
        ),
    )
    late = same | {"parameter": "SO2"}
    insert(
        database,
        "readings",
        *(
            late | {"measured_at": NOON - ago, "version": reading_version(NOON - ago + delay)}
            for ago, delay in [
                (timedelta(minutes=40), timedelta(seconds=899)),
                (timedelta(minutes=30), timedelta(seconds=900)),
            ]
        ),
    )
    found = sorted(tuple(row) for row in read_series(database, NOW - WATCHED, NOW, 900))
    noon = to_whole_seconds(NOON)
    assert found == [
        ("A", "NO2", to_whole_seconds(NOON - timedelta(days=2)), NOW, NOW),
        ("A", "SO2", noon - 2400, noon - 1800, noon - 2400),
    ]


def test_hours_of_the_last_day_come_with_their_counts_and_longer_averages_do_not(
    clickhouse: ClickHouseSettings,
) -> None:
    database = ClickHouse(clickhouse)
    same = {"station": "A", "parameter": "NO2", "unit": "", "mean": 1.0, "minimum": 1.0, "maximum": 1.0}
    same |= {"received": 12, "expected": 12, "completeness": 1.0, "computed_at": NOON}
    insert(
        database,
        "averages",
        *(
            same | {"period": period, "starts_at": at, "ends_at": at, "count": count, "version": version}
            for period, at, count, version in [
                ("hour", NOON, 3, 1),
                ("hour", NOON, 4, 2),
                ("hour", NOON - timedelta(hours=1), 12, 1),
                ("hour", NOON - timedelta(days=3), 12, 1),
                ("day", NOON, 24, 1),
            ]
        ),
    )
    ((station, parameter, hours),) = read_hours(database, NOW)
    assert (station, parameter) == ("A", "NO2")
    assert sorted(hours) == [(NOW - 4200, 12), (NOW - 600, 4)]


def test_episodes_come_in_their_last_version_while_open_or_fresh(clickhouse: ClickHouseSettings) -> None:
    database = ClickHouse(clickhouse)
    same = {
        "station": "A",
        "period": "hour",
        "standard": "QCVN",
        "column": "",
        "minimum": None,
        "maximum": 5.0,
    }
    same |= {"unit": "", "starts_at": NOON, "ends_at": NOON, "peak": 6.0, "peak_at": NOON, "ratio": 1.2}
    old = NOON - timedelta(days=9)
    insert(
        database,
        "exceedances",
        *(
            same
            | {"parameter": name, "open": go_on, "periods": periods, "version": version, "computed_at": at}
            for name, go_on, periods, version, at in [
                ("OPEN", 1, 1, 1, old),
                ("ENDED", 1, 1, 1, old),
                ("ENDED", 0, 2, 2, old),
                ("WITHDRAWN", 1, 0, 1, old),
                ("JUST_ENDED", 1, 1, 1, old),
                ("JUST_ENDED", 0, 1, 2, NOON),
            ]
        ),
    )
    found = {episode.message.parameter: episode for _, episode in read_episodes(database, NOW)}
    assert {name: (each.message.version, each.message.open) for name, each in found.items()} == {
        "OPEN": (1, True),
        "JUST_ENDED": (2, False),
    }
    assert found["OPEN"].computed_at == to_whole_seconds(old)
    assert found["OPEN"].message.starts_at == NOON


def test_alerts_come_in_their_last_state_with_their_cause(clickhouse: ClickHouseSettings) -> None:
    database = ClickHouse(clickhouse)
    silent = Alert.model_validate_json(example("alert.json"))
    limit: dict[str, Any] = {"period": "day", "standard": "QCVN 40:2011/BTNMT", "column": "A", "ratio": 1.25}
    exceeded = silent.model_copy(
        update={
            "alert_id": "limit-exceeded/X",
            "kind": "limit-exceeded",
            "parameter": "COD",
            "opened_at": NOON,
            "facts": limit,
        }
    )
    unassigned = silent.model_copy(
        update={
            "alert_id": "files-unassigned/logger",
            "kind": "files-unassigned",
            "station": None,
            "facts": {"account": "logger", "reason": "unknown-station"},
        }
    )
    logins = silent.model_copy(update={"alert_id": "logins", "kind": "logins-refused", "station": None})
    # Of one cause the last ones that were closed, whenever the cause began.
    past = [
        silent.model_copy(
            update={
                "alert_id": f"old-{number}",
                "state": "closed",
                "opened_at": NOON - timedelta(days=900),
                "changed_at": silent.changed_at - timedelta(minutes=number),
            }
        )
        for number in range(1, 20)
    ]
    closed = silent.model_copy(update={"state": "closed", "version": 2})
    for alerts in ([silent, exceeded, unassigned, logins, *past], [closed]):
        database.insert("alerts", alert_columns(alerts))
    stored = read_alerts(database)
    found = [(a.station or a.account, a.key, a.alert.alert_id, a.alert.version, a.is_open) for a in stored]
    ids = [row[2] for row in found if row[2].startswith("old-")]
    assert ids == [f"old-{number}" for number in range(15, 0, -1)]
    assert sorted((row for row in found if row[2] not in ids), key=lambda row: (row[0], row[2])) == [
        ("HN_DEMO_KHI001", CauseKey("limit-exceeded", "COD", LIMIT), "limit-exceeded/X", 1, True),
        ("HN_DEMO_KHI001", CauseKey("station-silent"), silent.alert_id, 2, False),
        (
            "logger",
            CauseKey("files-unassigned", "", ("unknown-station",)),
            "files-unassigned/logger",
            1,
            True,
        ),
    ]


def test_readings_of_the_last_hours_say_whether_they_count_in_their_last_version(
    clickhouse: ClickHouseSettings,
) -> None:
    database = ClickHouse(clickhouse)
    same = {"station": "W", "parameter": "NO2", "text": "", "unit": "ppb", "status": "00", "qualifier": ""}
    same |= {"tests": "", "rules": "", "line": 1, "value": 1.0, "flag": 1}
    insert(
        database,
        "readings",
        *(
            same | {"measured_at": at, "version": reading_version(at, revision)} | more
            for at, revision, more in [
                (NOON - timedelta(hours=4), 0, {}),
                (NOON, 0, {}),
                (NOON, 1, {"flag": 3}),
                (NOON - timedelta(minutes=5), 0, {"qualifier": "<", "value": 2.5}),
                (NOON - timedelta(minutes=10), 0, {"status": "01"}),
            ]
        ),
    )
    bound = {"start": NOW - 3 * 3600, "now": NOW, "not_counting": ["01", "02"]}
    stored = iterate_rows(database.columns(READINGS_SQL, bound))
    rows = sorted((row for row in stored if row["station"] == "W"), key=lambda row: row["at"])
    assert [(row["value"], row["qualifier"], row["counts"], row["unit"]) for row in rows] == [
        (1.0, "", 0, "ppb"),
        (2.5, "<", 1, "ppb"),
        (1.0, "", 0, "ppb"),
    ]
    assert rows[2]["version"] == reading_version(NOON, 1)
    assert rows[2]["received"] == to_whole_seconds(NOON)


def test_rejects_come_by_reason_with_their_last_file_and_those_of_no_station_by_account(
    clickhouse: ClickHouseSettings,
) -> None:
    database = ClickHouse(clickhouse)
    common = {"transport": "ftp", "format": "", "rules": "r", "readings": 0, "account": "logger"}
    files = [
        ("A", NOON - timedelta(hours=3), "old", {1: "bad-time"}, [1]),
        ("A", NOON - timedelta(minutes=5), "one", {1: "bad-time", 3: "unknown-unit"}, [1, 3]),
        ("A", NOON, "two", {2: "bad-time", 9: "bad-time", 7: "unknown-unit"}, [2, 9]),  # read again since
        ("", NOON, "stray", {0: "unknown-station"}, [0]),
    ]
    for code, received, name, rejects, lines in files:
        row = common | {"station": code, "received_at": received, "file_id": name, "name": name}
        insert(database, "files", row | {"rejects": len(lines), "rejected_lines": lines})
        head = {"station": code, "received_at": received, "file_id": name, "text": ""}
        insert(
            database,
            "rejects",
            *(
                head | {"line": line, "reason": reason, "detail": f"{name} {line}"}
                for line, reason in rejects.items()
            ),
        )
    rows = database.columns(REJECTS_SQL, {"start": (NOW - 7200) * 1000})
    noon = to_whole_seconds(NOON) * 1000
    assert sorted(
        (row["station"], row["sender"], row["reason"], row["received"], row["sentence"], row["file"])
        for row in iterate_rows(rows)
    ) == [
        ("", "logger", "unknown-station", noon, "stray 0", "stray"),
        ("A", "", "bad-time", noon, "two 2", "two"),
        ("A", "", "unknown-unit", noon - 300_000, "one 3", "one"),
    ]
