"""Records as sheets and as YAML and back: nothing is lost, and what is wrong is named with its cell."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.registry.pollution import Pollution
from quantrac.domain.registry.stations import StationType
from quantrac.domain.stamps import Stamps
from quantrac.domain.written_times import read_written as written_time
from quantrac.local.demo import demo_stations
from schemas.messages.base import Message
from schemas.messages.registry.accounts import Account, AccountLimits
from schemas.messages.registry.fields import Dated
from schemas.messages.registry.stations import Station, WarningLevels
from schemas.registry_files.fields import fields_by_name
from schemas.registry_files.judge import Reading, judge
from schemas.registry_files.sheets.layout import SHEETS
from schemas.registry_files.sheets.read import read_sheets
from schemas.registry_files.sheets.write import write_sheets
from schemas.registry_files.write_yaml import write_yaml
from schemas.yaml_documents import read_document
from support.effort import examples

DAY = timedelta(days=1)
characters = st.characters(exclude_categories=("Cs",))
texts = st.text(characters, max_size=6)
some_text = st.text(characters, min_size=1, max_size=6)
lines = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=6)
codes = st.text("AZ09_.,;=\"'#-", min_size=1, max_size=8)
numbers = st.floats(-1e18, 1e18)
minutes = st.floats(1 / 60, 1440)
times = st.datetimes(written_time("0002-01-01"), written_time("9998-01-01")).map(
    lambda time: time.replace(tzinfo=UTC)
)
units = st.sampled_from(["µg/m3", "mg/L", "°C", "-", ""])
catalogue = st.lists(st.sampled_from(["PM2.5", "NO", "pH", "Cl-"]), max_size=2)


DRAWN: set[frozenset[str]] = set()
"""The keys of each kind of record that is drawn, without the dates of validity."""


def mapping(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    DRAWN.add(frozenset(required | optional))
    return st.fixed_dictionaries(required, optional=optional)


def dated(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    def span(drawn: tuple[datetime, datetime, set[str]]) -> dict[str, datetime]:
        first, second, keys = drawn
        ends = {"valid_from": first, "valid_to": max(first, second) + DAY}
        return {key: ends[key] for key in sorted(keys)}

    bounds = st.tuples(times, times, st.sets(st.sampled_from(["valid_from", "valid_to"]))).map(span)
    return st.tuples(mapping(required, optional), bounds).map(lambda parts: parts[0] | parts[1])


def some(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(entries, max_size=2)


windows = st.tuples(times, st.timedeltas(timedelta(microseconds=1), timedelta(days=9))).flatmap(
    lambda span: mapping(
        {
            "start": st.just(span[0]),
            "end": st.just(span[0] + span[1]),
            "why": some_text,
        },
        {"parameters": catalogue, "flag": st.sampled_from(["good", "suspect", "fail"])},
    )
)
limits = mapping(
    {"parameter": st.just("COD"), "unit": st.just("mg/L"), "maximum": numbers},
    {"minimum": numbers, "period": st.sampled_from(["hour", "8h"]), "reference_oxygen": st.floats(0, 20)},
)
permits = dated(
    {"standard": some_text},
    {
        "column": texts,
        "category": texts,
        "number": texts,
        "coefficients": st.dictionaries(codes, st.floats(1e-9, 1e9), max_size=2),
        "without": catalogue,
        "limits": some(limits),
    },
)
overrides = mapping({"written": units, "really": units}, {})
parameters = dated(
    {"code": codes, "unit": units},
    {
        "file_names": some(texts),
        "file_unit": units,
        "unit_override": some(overrides),
        "range_low": st.floats(-1e9, 0),
        "range_high": st.floats(1, 1e9),
        "counter": st.booleans(),
        "warning_levels": mapping({}, {"tendency": numbers, "preparing": numbers, "exceeded": numbers}),
    },
)
fields = {
    "name_en": lines,
    "interval_minutes": minutes,
    "intervals": some(dated({"minutes": minutes}, {})),
    "stamps": st.lists(dated({"at": st.sampled_from(Stamps)}, {"minutes": minutes}), max_size=1),
    "publish_index": st.booleans(),
    "timezone": st.just("Asia/Tokyo"),
    "aliases": some(codes),
    "file_patterns": some(st.text(characters, min_size=3, max_size=6)),
    "encoding": st.sampled_from(["utf-8", "cp1258"]),
    "decimal_sign": st.sampled_from([".", ","]),
    "parameters": some(parameters),
    "maintenance": some(windows),
    "withdrawn": some(dated({"parameter": codes, "why": lines.filter(bool)}, {})),
    "permits": some(permits),
    "pollution": some(dated({"kind": st.sampled_from(Pollution)}, {})),
    "facility_since": times,
}
stations = dated(
    {
        "code": codes,
        "name": lines,
        "type": st.just(StationType.SURFACE_WATER),
        "province": st.sampled_from(["01", "37"]),
        "latitude": st.floats(-90, 90),
        "longitude": st.floats(-180, 180),
    },
    fields,
).map(Station.model_validate)
accounts = dated(
    {
        "name": st.text("az09", min_size=1, max_size=9),
        "password_hash": st.just("$argon2id$x"),
        "role": st.just("province"),
    },
    {
        "previous_password": mapping({"password_hash": st.just("$argon2id$y"), "valid_to": times}, {}),
        "certificates": st.just([f"{1:064x}", f"{2:064x}"]),
        "stations": some(codes),
        "provinces": st.just(["01", "37"]),
        "public_keys": st.just(["ssh-ed25519 AAAAC3Nz one; two", "ssh-rsa AAAAB3Nz"]),
        "allowed_networks": st.just(["10.0.0.0/8"]),
        "plain_ftp": st.booleans(),
        "limits": mapping({}, dict.fromkeys(AccountLimits.model_fields, st.integers(4096, 10**9))),
    },
).map(Account.model_validate)
registries = st.tuples(
    st.lists(stations, max_size=2, unique_by=lambda station: station.code),
    st.lists(accounts, max_size=2, unique_by=lambda account: account.name),
)


@settings(max_examples=examples(40))
@given(registries)
def test_what_is_written_as_sheets_is_read_as_it_was(registry: tuple[list[Station], list[Account]]) -> None:
    records = [*registry[0], *registry[1]]
    tables = {table.name: [table.titles, table.notes, *table.rows] for table in write_sheets(records)}
    entries, findings = read_sheets("a.xlsx", tables)
    assert findings == []
    models = {"stations": Station, "accounts": Account}
    assert [models[entry.key].model_validate(entry.value) for entry in entries] == records


@settings(max_examples=examples(40))
@given(registries)
def test_what_is_written_as_yaml_is_read_as_it_was(registry: tuple[list[Station], list[Account]]) -> None:
    document = read_document(write_yaml([*registry[0], *registry[1]]))
    assert document.problems == []
    content = document.value or {}
    assert [Station.model_validate(value) for value in content.get("stations", ())] == registry[0]
    assert [Account.model_validate(value) for value in content.get("accounts", ())] == registry[1]


@pytest.mark.parametrize(
    "text", ["\x85", "a\u2028b", "\u2029", "a\r\nb", "\ufeffx", "\x00", " ", "\t", "- a", "#"]
)
def test_a_text_with_signs_that_yaml_folds_or_hides_comes_back_as_it_was(text: str) -> None:
    record = demo_stations()[0].model_copy(update={"file_patterns": (text,)})
    assert read_document(write_yaml([record])).value["stations"][0]["file_patterns"] == [text]


def test_every_key_of_every_record_is_tried() -> None:
    for model in _models(Station, Account):
        dates = frozenset(Dated.model_fields if issubclass(model, Dated) else ())
        assert frozenset(model.model_fields) - dates in DRAWN, model


def _models(*models: type[Message]) -> Iterator[type[Message]]:
    for model in models:
        yield model
        yield from _models(*(field.model for field in fields_by_name(model).values() if field.model))


def sheets(**rows: list[list[Any]]) -> dict[str, list[list[Any]]]:
    """Return the demo's first air station and first stack as sheets, with ``rows`` added."""
    first = [station for station in demo_stations() if station.type is StationType.STACK][:1]
    tables: dict[str, list[list[Any]]] = {
        table.name: [list(table.titles), list(table.notes), *table.rows]
        for table in write_sheets([demo_stations()[0], *first])
    }
    for name, more in rows.items():
        tables[name.replace("__", ".")] += more
    return tables


def read(tables: dict[str, list[list[Any]]]) -> Reading:
    return judge(*read_sheets("hanoi.xlsx", tables))


def told(tables: dict[str, list[list[Any]]]) -> list[str]:
    return [str(mistake) for mistake in read(tables).mistakes]


def put(sheet: str, row: int, title: str, value: Any) -> list[str]:
    """Return what is told once a cell, its row counted as a spreadsheet does, holds a value."""
    tables = sheets()
    titles = tables[sheet][0]
    cells = tables[sheet][row - 1]
    cells += [None] * (len(titles) - len(cells))
    cells[titles.index(title)] = value
    return told(tables)


def test_the_demo_is_read_as_it_was_written() -> None:
    reading = read(sheets())
    assert (reading.mistakes, [type(record) for record in reading.records]) == ([], [Station, Station])


WRONG_CELLS = [
    ("stations", 3, "type", "ambient air", "D3: HN_DEMO_KHI001: type: Input should be"),
    ("stations", 3, "latitude", "21,03", "F3: HN_DEMO_KHI001: latitude: '21,03' is no number"),
    ("stations", 3, "name", None, "B3: HN_DEMO_KHI001: name: this key is missing"),
    ("stations", 3, "name", True, "B3: HN_DEMO_KHI001: name: the spreadsheet made true or false of this"),
    (
        "stations",
        3,
        "name_en",
        written_time("2026-01-02"),
        "C3: HN_DEMO_KHI001: name_en: the spreadsheet made",
    ),
    ("stations", 3, "valid_from", 45000, "P3: HN_DEMO_KHI001: valid_from: 45000 is no date; format"),
    ("stations", 3, "valid_from", "soon", "P3: HN_DEMO_KHI001: valid_from: 'soon' is no date or time"),
    ("stations", 3, "code", "#REF!", "A3: stations.1: code: the cell shows #REF!"),
    ("parameters", 4, "unit", "mg/m5", "D4: HN_DEMO_KHI001: parameters.2.unit: the unit 'mg/m5' is unknown"),
    ("parameters", 4, "code", "PM25", "C4: HN_DEMO_KHI001: parameters.2.code: 'PM25' is no catalogue code"),
    (
        "parameters",
        4,
        "station",
        "HN_DEMO_KHI01",
        "A4: the sheet stations has no station 'HN_DEMO_KHI01';",
    ),
    ("parameters", 4, "station", None, "A4: the column station is empty"),
    ("parameters", 4, "entry", 1, "B4: the station HN_DEMO_KHI001 has two entries '1'"),
    ("permits", 3, "coefficients", "Kp 1", "F3: HN_DEMO_KHIOK1: permits.1.coefficients: 'Kp 1' is no name"),
    ("permits", 3, "without", 'a "b', "G3: HN_DEMO_KHIOK1: permits.1.without: a text with double quotes"),
]


@pytest.mark.parametrize(("sheet", "row", "title", "value", "sentence"), WRONG_CELLS)
def test_a_mistake_is_named_with_its_cell(
    sheet: str, row: int, title: str, value: Any, sentence: str
) -> None:
    first, *_ = put(sheet, row, title, value)
    assert first.startswith(f"hanoi.xlsx, cell {sheet}!{sentence}")


def test_what_is_no_sheet_or_column_of_the_registry_is_a_mistake_with_the_nearest() -> None:
    tables = sheets() | {"paramters": [["station"]]}
    tables["stations"][0] += ["lattitude", "code", None]
    assert told(tables) == [
        "hanoi.xlsx, cell stations!R1: unknown column 'lattitude'; did you mean 'latitude'?",
        "hanoi.xlsx, cell stations!S1: the column 'code' stands twice",
        "hanoi.xlsx, cell paramters!A1: the registry has no such sheet; did you mean 'parameters'?",
    ]


def test_an_entry_that_nobody_has_is_a_mistake() -> None:
    row = ["HN_DEMO_KHI001", "x", "mg/Nm3", "µg/m3"]
    (mistake,) = told(sheets(parameters__unit_override=[row]))
    assert mistake == "hanoi.xlsx, cell parameters.unit_override!B3: the sheet parameters has no entry 'x'"


Tables = dict[str, list[list[Any]]]


def turn_columns_round(tables: Tables) -> None:
    for rows in tables.values():
        rows[:] = [[*[None] * (len(rows[0]) - len(row)), *row[::-1]] for row in rows]


CHANGES: dict[str, Callable[[Tables], Any]] = {
    "an empty row": lambda tables: tables["parameters"].insert(5, [None, "  "]),
    "no explanations": lambda tables: [rows.pop(1) for rows in tables.values()],
    "other order of columns": turn_columns_round,
    "no sheets of what nobody has": lambda tables: [tables.pop(name) for name in ("accounts", "stamps")],
    "a province that lost its zero": lambda tables: tables["stations"][2].__setitem__(4, 1),
    "a province's name": lambda tables: tables["stations"][2].__setitem__(4, "Hà Nội"),
    "blanks around a code": lambda tables: tables["stations"][2].__setitem__(0, " HN_DEMO_KHI001 "),
    "a number as text": lambda tables: tables["stations"][2].__setitem__(5, "21.0362"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_people_do_to_sheets_changes_nothing(change: Callable[[Tables], Any]) -> None:
    tables = sheets()
    change(tables)
    reading = read(tables)
    assert (reading.mistakes, reading.records) == ([], read(sheets()).records)


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        (written_time("2026-01-31"), datetime(2026, 1, 30, 17, tzinfo=UTC)),
        (written_time("2026-01-31 07:30"), datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 30, 17, tzinfo=UTC)),
        ("31/01/2026", datetime(2026, 1, 30, 17, tzinfo=UTC)),
        ("31/01/2026 07:30", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("2026-01-31T00:30Z", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
    ],
)
def test_times_without_a_zone_are_vietnams(cell: Any, time: datetime) -> None:
    tables = sheets()
    row = tables["stations"][2]
    row[tables["stations"][0].index("valid_from")] = cell
    first = read(tables).records[0]
    assert isinstance(first, Station)
    assert first.valid_from == time


def test_every_list_of_the_models_has_a_sheet_whose_name_a_spreadsheet_can_keep() -> None:
    names = [sheet.name for sheet in SHEETS]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert {"stations", "parameters", "parameters.unit_override", "permits.limits", "accounts"} <= set(names)
    for sheet in SHEETS:
        assert all(column.note.endswith(".") and column.field.description for column in sheet.columns)


def test_levels_that_are_set_to_nothing_are_not_those_that_are_absent() -> None:
    base = demo_stations()[0]
    silent = base.parameters[0].model_copy(update={"warning_levels": WarningLevels()})
    record = base.model_copy(update={"parameters": (silent, *base.parameters[1:])})
    tables = {table.name: [table.titles, *table.rows] for table in write_sheets([record])}
    entries, _ = read_sheets("a.xlsx", tables)
    assert Station.model_validate(entries[0].value) == record
