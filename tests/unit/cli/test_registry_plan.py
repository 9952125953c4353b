"""``quantrac registry plan`` and what ``import`` makes of it: differences, missing dates, consequences."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from quantrac.cli import registry_consequences
from quantrac.cli.registry import registry
from quantrac.cli.registry_changes import changed_spans, join_spans, spans_to_average, withdrawn_spans
from quantrac.cli.registry_dates import find_undated
from quantrac.cli.registry_differences import differences, fields_to_compare
from quantrac.cli.registry_plan import Plan
from quantrac.domain.bounds import MEASURED
from quantrac.io.records import Record
from schemas.examples import example
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station

NOW = datetime(2026, 3, 25, 9, tzinfo=UTC)
AGO_60, SOON = NOW - timedelta(days=60), NOW + timedelta(days=1)
CHANGE = NOW - timedelta(days=10)
HOURS_6 = timedelta(hours=6)
STATION = json.loads(example("station-registry.station.json"))
CODE = STATION["code"]


def station(**fields: Any) -> Station:
    return Station.model_validate(STATION | fields)


def ozone(**fields: Any) -> dict[str, Any]:
    return {"code": "O3", "unit": "µg/m3", **fields}


DATED = {"intervals": [{"minutes": 5, "valid_to": CHANGE}]}


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ({}, {"interval_minutes": 15, **DATED}, [(CHANGE + HOURS_6, SOON)]),
        ({"interval_minutes": 15}, {"interval_minutes": 15, **DATED}, [(AGO_60, CHANGE + HOURS_6)]),
        ({"interval_minutes": 15, **DATED}, {"interval_minutes": 15, **DATED, "name": "x"}, []),
    ],
)
def test_a_dated_change_is_judged_again_from_its_date_and_for_six_hours_past_one_that_is_added(
    before: dict[str, Any], after: dict[str, Any], spans: list[tuple[datetime, datetime]]
) -> None:
    assert changed_spans(station(**before).to_domain(), station(**after).to_domain(), NOW) == spans
    if not before and "interval_minutes" in after:
        averages = spans_to_average(station().to_domain(), station(**after).to_domain(), NOW)
        assert averages == [(CHANGE - timedelta(days=1), SOON + timedelta(days=1))]


EVER = MEASURED.first, MEASURED.last + timedelta(seconds=1)
PM25 = {"parameter": "PM25", "why": "x"}


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ([], [PM25], [("PM25", EVER)]),
        ([PM25], [], [("PM25", EVER)]),
        ([PM25], [PM25 | {"why": "said better"}], []),
        ([], [PM25 | {"valid_from": CHANGE, "valid_to": NOW}], [("PM25", (CHANGE, NOW))]),
        ([PM25 | {"valid_to": CHANGE}], [PM25 | {"valid_to": NOW}], [("PM25", (CHANGE, NOW))]),
        ([PM25], [PM25, {"parameter": "SO2", "why": "x"}], [("SO2", EVER)]),
    ],
)
def test_a_withdrawal_is_judged_again_where_it_changed_however_old_it_is(
    before: list[dict[str, Any]], after: list[dict[str, Any]], spans: list[tuple[str, Any]]
) -> None:
    old, new = (station(withdrawn=entries).to_domain() for entries in (before, after))
    assert withdrawn_spans(old, new) == spans
    assert changed_spans(old, new, NOW) == []


def test_spans_that_overlap_or_touch_are_judged_once() -> None:
    days = [NOW + timedelta(days=n) for n in range(5)]
    spans = [(days[3], days[4]), (days[1], days[2]), (days[0], days[1]), (days[0], days[2])]
    assert join_spans(spans) == [(days[0], days[2]), (days[3], days[4])]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            {},
            {"interval_minutes": 15},
            "interval 5 → 15 minutes: a change needs `intervals: [{minutes: 5, valid_to: "
            "2026-03-25T16:00+07:00}]` beside it, which says since when",
        ),
        (
            {"stamps": "start"},
            {"stamps": {"at": "end", "minutes": 60}},
            "stamps at: start → at: end, minutes: 60: a change needs `stamps: [{at: start, valid_to: "
            "2026-03-25T16:00+07:00}, {at: end, minutes: 60, valid_from: 2026-03-25T16:00+07:00}]`, which "
            "says since when",
        ),
        (
            {"parameters": [ozone(range_high=400)]},
            {"parameters": [ozone(range_high=600, unit="ppb")]},
            "parameters O3 unit µg/m3 → ppb, range_high 400 → 600: a change needs two entries, the former "
            "one with `valid_to: 2026-03-25T16:00+07:00`, the new one with `valid_from: "
            "2026-03-25T16:00+07:00`, which says since when",
        ),
        (
            {"interval_minutes": 15, **DATED},
            {"interval_minutes": 15},
            "interval 5 → 15 minutes until 2026-03-15T16:00+07:00: what was said of that time has to stay, "
            "with its dates",
        ),
        (
            {"parameters": [ozone(range_high=400, valid_from=CHANGE)]},
            {"parameters": [ozone(range_high=500, valid_from=CHANGE)]},
            "parameters O3 range_high 400 → 500 from 2026-03-15T16:00+07:00: a change needs two entries, the "
            "former one with `valid_to: 2026-03-25T16:00+07:00`, the new one with `valid_from: "
            "2026-03-25T16:00+07:00`, which says since when",
        ),
        (
            {"parameters": [ozone(), {"code": "PM25", "unit": "ug/m3"}]},
            {"parameters": [ozone(), {"code": "PM2.5", "unit": "µg/m3"}]},
            "parameters PM25 is gone: end it with `valid_to: 2026-03-25T16:00+07:00`; if the station never "
            "measured it, `withdrawn: [{parameter: PM25, why: …}]`",
        ),
    ],
)
def test_a_change_without_a_date_is_named_with_what_to_write(
    before: dict[str, Any], after: dict[str, Any], sentence: str
) -> None:
    old, new = (station(**fields).to_domain() for fields in (before, after))
    assert list(find_undated(old, new, NOW)) == [sentence]
    assert list(find_undated(new, new, NOW)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"name": "new", "latitude": 20.0, "publish_index": True, "type": "stack"}),
        ({}, {"interval_minutes": 15, **DATED}),
        ({"interval_minutes": 15}, {"interval_minutes": 15, **DATED}),
        ({"stamps": "start"}, {"stamps": [{"at": "start", "valid_to": CHANGE}]}),
        (
            {"parameters": [ozone(range_high=400)]},
            {"parameters": [ozone(range_high=400, valid_to=CHANGE), ozone(valid_from=CHANGE)]},
        ),
        ({"parameters": [ozone()]}, {"parameters": [ozone(valid_to=CHANGE)]}),
        ({"parameters": [ozone()]}, {"parameters": [ozone(), {"code": "CO", "unit": "mg/m3"}]}),
        ({"parameters": [ozone()]}, {"parameters": [ozone(file_names=["Ozon"])]}),
        (
            {"parameters": [ozone(), {"code": "PM25", "unit": "ug/m3"}]},
            {"parameters": [ozone()], "withdrawn": [{"parameter": "PM25", "why": "a typing error"}]},
        ),
        (
            {"interval_minutes": 15, **DATED},
            {"interval_minutes": 15, "intervals": [{"minutes": 5, "valid_to": NOW}]},
        ),
    ],
)  # fmt: skip
def test_what_has_a_date_or_needs_none_is_not_asked_for_one(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    old, new = (station(**{"parameters": [ozone()], **fields}).to_domain() for fields in (before, after))
    assert list(find_undated(old, new, NOW)) == []


def test_differences_are_told_in_the_words_of_the_files() -> None:
    change = datetime(2026, 3, 1, tzinfo=UTC)
    before = station(parameters=[ozone(range_high=400), {"code": "PM25", "unit": "ug/m3"}])
    after = station(
        interval_minutes=15,
        intervals=[{"minutes": 5, "valid_to": change}],
        publish_index=True,
        valid_to=change,
        parameters=[ozone(range_high=600), {"code": "PM2.5", "unit": "ug/m3", "file_names": ["PM25"]}],
    )
    dumped = map(fields_to_compare, (before, after))
    assert list(differences(*dumped)) == [
        "ends 2026-03-01T07:00+07:00",
        "interval_minutes 5 → 15",
        "intervals: added {valid_to: 2026-03-01T07:00+07:00, minutes: 5}",
        "publish_index false → true",
        "parameters O3: range_high 400 → 600",
        "parameters: taken out {code: PM25, unit: ug/m3}",
        "parameters: added {code: PM2.5, unit: ug/m3, file_names: PM25}",
    ]


def test_a_password_is_never_shown() -> None:
    accounts = [
        Account(name="hn", password_hash=f"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ${text}") for text in "ab"
    ]
    dumped = map(fields_to_compare, accounts)
    assert list(differences(*dumped)) == ["password_hash changed"]


class Broker:
    """Keeps what is written; the registry's topic begins with a station."""

    def __init__(self) -> None:
        self.records = {f"station/{CODE}".encode(): example("station-registry.station.json")}
        self.written: list[Record] = []

    def produce(self, records: Sequence[Record]) -> None:
        self.written += records

    def write(self, record: Record) -> Record:
        self.written.append(record)
        return replace(record, offset=len(self.written))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()

    class Reader:
        def __init__(self, _: object, __: str, apply: Callable[[bytes, bytes | None], None]) -> None:
            self.apply = apply

        def start(self, _: float) -> None:
            for key, value in broker.records.items():
                self.apply(key, value)

        def close(self) -> None: ...

    monkeypatch.setattr("quantrac.io.kafka.tables.TableReader", Reader)
    monkeypatch.setattr("quantrac.io.kafka.producer.ReportingProducer", lambda *_, **__: broker)
    monkeypatch.setattr(registry_consequences, "ClickHouse", lambda _: None)
    monkeypatch.setenv("QUANTRAC_KAFKA", "broker:9092")
    monkeypatch.setenv("QUANTRAC_CLICKHOUSE_PASSWORD", "secret")
    return broker


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many readings and hours the database says to hold, and how many flags change."""
    counts = {"readings": 3606, "flags": 2310, "hours": 301}

    def count(_: object, plan: Plan, _now: datetime, _most: int) -> None:
        for change in plan.stations:
            change.readings = change.judged = counts["readings"]
            change.hours = counts["hours"] if change.average_spans else 0
            change.flags.update({(1, 3): counts["flags"]})

    monkeypatch.setattr(registry_consequences.Counting, "count", count)
    return counts


def run(folder: Path, *arguments: str, **fields: Any) -> Result:
    folder.mkdir(exist_ok=True)
    text = json.dumps({"stations": [STATION | fields]}, default=str)
    (folder / "stations.yaml").write_text(text, encoding="utf-8")
    command, *options = arguments
    return CliRunner().invoke(registry, [command, str(folder), *options], catch_exceptions=False)


SUMMARY = (
    "to judge again: 3,606 stored readings; another flag: 2,310 (2,310 good → suspect); "
    "to average again: 0 hours by itself, 301 hours by replay"
)


def test_an_interval_that_changes_without_a_date_is_refused_where_readings_are_stored(
    broker: Broker, stored: dict[str, int], tmp_path: Path
) -> None:
    refused = run(tmp_path / "r", "import", interval_minutes=15)
    assert refused.exit_code == 1
    first, second = refused.output.splitlines()
    assert first == (
        "quantrac: nothing is imported: what is stored would be read by what holds from now on. "
        "Say since when, or give --correction if it was so all along."
    )
    assert second.startswith(f"  {CODE}: interval 5 → 15 minutes: a change needs `intervals: [{{minutes: 5, ")
    assert broker.written == []


def test_a_dated_change_and_a_correction_are_imported_with_the_line_of_the_plan(
    broker: Broker, stored: dict[str, int], tmp_path: Path
) -> None:
    planned = run(tmp_path / "r", "plan", interval_minutes=15)
    assert planned.exit_code == 0
    lines = planned.output.splitlines()
    assert lines[0] == f"station {CODE}: interval_minutes 5 → 15"
    assert lines[1].startswith(f"{CODE}: without a date: interval 5 → 15 minutes: a change needs")
    assert lines[2].startswith(f"{CODE}: {SUMMARY} (20")
    assert lines[3] == SUMMARY
    assert "--correction" in lines[4]
    assert broker.written == [], "a plan writes nothing"
    for options, fields in (((), DATED), (("--correction",), {})):
        broker.written.clear()
        imported = run(tmp_path / "r", "import", *options, interval_minutes=15, **fields)
        assert imported.exit_code == 0, imported.output
        assert SUMMARY in imported.output.splitlines()
        assert [record.topic for record in broker.written] == ["station-registry", "rejudge"]


def test_a_change_without_a_date_of_a_station_without_readings_is_imported(
    broker: Broker, stored: dict[str, int], tmp_path: Path
) -> None:
    stored.update(readings=0, flags=0, hours=0)
    assert run(tmp_path / "r", "import", interval_minutes=15).exit_code == 0


def test_a_plan_of_what_is_in_force_changes_nothing(broker: Broker, tmp_path: Path) -> None:
    broker.records[b"station/HN_OTHER"] = json.dumps(STATION | {"code": "HN_OTHER"}).encode()
    planned = run(tmp_path / "r", "plan")
    assert planned.output.splitlines() == [
        "1 station of the registry not in these files, unchanged",
        "nothing changes",
    ]


def test_a_new_station_has_no_consequences(broker: Broker, tmp_path: Path) -> None:
    planned = run(tmp_path / "r", "plan", code="HN_NEW")
    assert planned.output.splitlines() == [
        "station HN_NEW: new",
        "1 station of the registry not in these files, unchanged",
    ]
