"""Indices of water over the real engine: the formula they followed, and what they may be compared with."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from quantrac.domain.indices.vn_wqi import OUTSIDE_THE_DECISION
from quantrac.domain.registry.pollution import KnownPollution, Pollution
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationType
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import migrate, sort_migrations
from quantrac.io.records import Done
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import station
from schemas.clickhouse import migration_files
from services.aggregator.sink.registry_tables import NEVER, station_row
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.handler import WindowsHandler
from services.aggregator.windows.indices.queries import ClickHouseIndices
from support.averages import Readings, windows_handler
from support.clickhouse import database
from support.folders import ROOT
from support.stored_averages import dirty, store

PAGE = ROOT / "docs" / "analyst.md"
RIVER = "HN_SONG_NUO001"
START = datetime(2026, 3, 24, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
NOW = START + timedelta(days=2)
ORGANIC = KnownPollution(Pollution.ORGANIC, valid_from=START + timedelta(hours=1))

SAMPLE = {"pH": 7.2, "DO": 6.0, "Temp": 25.0, "BOD": 10.0, "COD": 20.0, "NH4-N": 0.45, "PO4-P": 0.15}
UNITS = dict.fromkeys(("DO", "BOD", "COD", "NH4-N", "PO4-P"), "mg/L") | {"pH": "", "Temp": "°C"}
UNITS["Coliform"] = "MPN/100mL"


def readings(hours: int, **more: float) -> Readings:
    """Return one reading an hour of each parameter of a sample."""
    seconds = int(START.timestamp())
    return {
        (RIVER, parameter, seconds + 3600 * hour): (value, 1, "00")
        for parameter, value in {**SAMPLE, **more}.items()
        for hour in range(hours)
    }


def windows(client: ClickHouse, *pollution: KnownPollution) -> WindowsHandler:
    entry = station(
        RIVER,
        type=StationType.SURFACE_WATER,
        interval_seconds=3600,
        publish_index=True,
        pollution=pollution,
    )
    averages, indices = ClickHouseAverages(client), ClickHouseIndices(client)
    return windows_handler(averages, indices, Registry(stations={RIVER: entry}), clock=lambda: NOW)


def rows(client: ClickHouse, columns: str, table: str = "indices_current") -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM {table} WHERE period = 'hour' ORDER BY starts_at, computed_at"
    return [tuple(row) for row in client.query(sql).rows]


def test_the_formula_and_the_parameters_stand_beside_an_index(clickhouse_server: ClickHouseSettings) -> None:
    client = ClickHouse(database(clickhouse_server, "waters"))
    sent = readings(3, Coliform=6_000.0)
    store(client, sent, NOW, UNITS)
    handler = windows(client, ORGANIC)
    assert isinstance(handler.handle(dirty(sent)), Done)
    assert handler.handle(dirty(sent)) == Done([], []), "the same readings write nothing"
    assert rows(client, "value, formula, parameters, caveat") == [
        (value, formula, ["BOD", "COD", "Coliform", "DO", "NH4-N", "PO4-P", "pH"], OUTSIDE_THE_DECISION)
        for value, formula in ((68, 3), (69, 5), (69, 5))
    ]


def test_indices_of_an_older_release_say_by_which_formula_and_are_computed_again_by_the_right_one(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "before_formulas"})
    ClickHouse(settings, database="default").command("CREATE DATABASE before_formulas")
    client, files = ClickHouse(settings), sort_migrations(migration_files())
    number = next(n for n, file in enumerate(files) if file.name.endswith("_formula_of_indices.sql"))
    migrate(client, files[:number])

    def insert(hour: int, kind: str, value: int | None, *parameters: str) -> None:
        start = START + timedelta(hours=hour)
        row = {"station": RIVER, "kind": kind, "period": "hour", "starts_at": start, "value": value}
        row |= {"ends_at": start + timedelta(hours=1), "level": "moderate", "responsible": []}
        row |= {"subindices": dict.fromkeys(parameters, 65.0), "computed_at": START, "version": 1}
        client.insert("indices", {name: [item] for name, item in row.items()})

    insert(0, "VN_WQI", 69, "pH", "COD", "Coliform")
    insert(1, "VN_WQI", 69, "pH", "COD", "E. coli")
    insert(2, "VN_WQI", 71, "pH", "COD")
    insert(3, "VN_WQI", None, "pH", "Coliform")
    insert(4, "VN_AQI", 71, "PM2.5")
    migrate(client, files)
    assert rows(client, "value, formula") == [(69, 5), (69, 5), (71, 4), (None, None), (71, None)]

    sent = readings(1, Coliform=6_000.0)
    store(client, sent, NOW, UNITS)
    assert isinstance(windows(client).handle(dirty(sent)), Done)
    versions = rows(client, "value, formula, version", "indices")
    assert versions[:2] == [(69, 5, 1), (68, 3, 2)], "both are kept"


def test_waters_are_ranked_among_those_with_the_same_parameters_and_formula(
    clickhouse: ClickHouseSettings,
) -> None:
    client = ClickHouse(clickhouse)
    day = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)  # the question is of the last weeks

    def insert(code: str, value: int, formula: int, *parameters: str) -> None:
        row = {"station": code, "kind": "VN_WQI", "period": "day", "starts_at": day, "value": value}
        row |= {"ends_at": day + timedelta(days=1), "level": "bad", "responsible": [], "formula": formula}
        row |= {"subindices": dict.fromkeys(parameters, 50.0), "computed_at": NOW, "version": 1}
        client.insert("indices", {name: [item] for name, item in row.items()})

    insert("A", 50, 3, "pH", "COD", "Coliform")
    insert("B", 40, 3, "COD", "Coliform", "pH")
    insert("C", 45, 5, "COD", "Coliform", "pH")
    insert("D", 90, 4, "pH", "COD")
    question = re.search(
        r"compared among equals.*?```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert question
    with_coliform, without = ["COD", "Coliform", "pH"], ["COD", "pH"]
    assert [tuple(row) for row in client.query(question[1]).rows] == [
        (with_coliform, 3, "A", 50, 1),
        (with_coliform, 3, "B", 40, 1),
        (with_coliform, 5, "C", 45, 1),
        (without, 4, "D", 90, 1),
    ]


def test_the_pollution_of_a_water_body_is_shown_with_its_station(clickhouse: ClickHouseSettings) -> None:
    client = ClickHouse(clickhouse)
    entry = station(RIVER, type=StationType.SURFACE_WATER, pollution=(ORGANIC,))
    client.insert(
        "stations", {name: [value] for name, value in (station_row(RIVER, entry) | {"version": 1}).items()}
    )
    spans = client.query(f"SELECT pollution FROM stations_current WHERE code = '{RIVER}'").rows[0][0]
    assert [tuple(span.values()) for span in spans] == [(ORGANIC.valid_from, NEVER, "organic")]
