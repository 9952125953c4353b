"""``quantrac rules``, ``review`` and ``registry import``: what they refuse, write and say."""

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
from quantrac.cli.registry_changes import changed_spans, spans_to_average
from quantrac.cli.review import review
from quantrac.cli.rules import rules
from quantrac.domain.bounds import MEASURED
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseAway
from quantrac.io.clickhouse import Result as Rows
from quantrac.io.records import DeliveryFailed, Record
from quantrac.local.demo import REGISTRY
from schemas.examples import example
from schemas.messages.registry.stations import Station
from schemas.messages.rejudge import RejudgeRequest
from schemas.registry import apply_record, record_key
from schemas.rules import RuleBook, load
from schemas.rules.book import activation

STATION = "HN_DEMO_KHI001"
OWN = "stations: {HN_DEMO_KHI001: {parameters: {PM2.5: {spike: {suspect: 70, source: letter 12}}}}}"


class Broker:
    """Keeps what is written, in order; the registry's topic begins with a station."""

    def __init__(self) -> None:
        station = Record(
            "hn.station-registry", f"station/{STATION}".encode(), example("station-registry.station.json")
        )
        self.log = [station]
        self.fails = ""

    def write(self, record: Record) -> Record:
        if self.fails == record.topic:
            raise DeliveryFailed(f"{record.topic}: message timed out")
        self.log.append(record)
        return replace(record, partition=0, offset=len(self.of(record.topic)) - 1)

    def produce(self, records: Sequence[Record]) -> None:
        for record in records:
            self.write(record)

    def of(self, topic: str) -> list[Record]:
        return [record for record in self.log if record.topic == topic]

    def registry(self) -> Registry:
        found = Registry()
        for record in self.of("hn.station-registry"):
            apply_record(found, record.key, record.value)
        return found


class DatabaseAway:
    """No ClickHouse answers: what follows of a change is not counted."""

    def columns(self, _sql: str, _parameters: Any) -> dict[str, Any]:
        raise ClickHouseAway("connection refused")


NOT_COUNTED = "what follows for stored readings was not counted: ClickHouse: connection refused"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    held = Broker()

    class Reader:
        def __init__(self, _: str, topic: str, apply: Callable[[bytes, bytes | None], None]) -> None:
            self.topic, self.apply = topic, apply

        def start(self, timeout: float) -> None:
            for record in held.of(self.topic):
                self.apply(record.key, record.value)

        def close(self) -> None:
            pass

    monkeypatch.setattr("quantrac.io.kafka.tables.TableReader", Reader)
    monkeypatch.setattr("quantrac.io.kafka.producer.ReportingProducer", lambda *_, **__: held)
    monkeypatch.setattr(registry_consequences, "ClickHouse", lambda _: DatabaseAway())
    monkeypatch.setattr("getpass.getuser", lambda: "lan")
    monkeypatch.setenv("QUANTRAC_KAFKA", "broker:9092")
    monkeypatch.setenv("QUANTRAC_TOPIC_PREFIX", "hn.")
    monkeypatch.setenv("QUANTRAC_CLICKHOUSE_PASSWORD", "secret")
    return held


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


def run(command: Any, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)


def test_check_says_the_version_of_a_file_without_mistake(own: Path) -> None:
    found = run(rules, "check", own)
    assert found.exit_code == 0
    assert found.output.endswith(f"no mistake, version {load(own).version}\n")


UNKNOWN = OWN.replace(STATION, "HN_DEMO_KHI01")
UNKNOWN_SENTENCE = (
    "unknown.yaml, line 1: there is no station 'HN_DEMO_KHI01' in the registry; "
    "did you mean 'HN_DEMO_KHI001'?"
)


def test_rules_for_a_station_that_is_not_in_the_registry_are_not_put_in_force(
    broker: Broker, tmp_path: Path
) -> None:
    path = tmp_path / "unknown.yaml"
    path.write_text(UNKNOWN, encoding="utf-8")
    before = len(broker.log)
    result = run(rules, "activate", path, "--why", "x")
    assert (result.exit_code, result.stderr) == (1, f"quantrac: {UNKNOWN_SENTENCE}\n")
    assert len(broker.log) == before


def test_a_check_looks_stations_up_in_a_registry_folder_and_says_where_it_did_not(
    tmp_path: Path, own: Path
) -> None:
    path = tmp_path / "unknown.yaml"
    path.write_text(UNKNOWN, encoding="utf-8")
    found = run(rules, "check", path, "--registry", REGISTRY)
    assert (found.exit_code, found.stderr) == (1, f"quantrac: {UNKNOWN_SENTENCE}\n")
    assert "no mistake" in run(rules, "check", own, "--registry", REGISTRY).output
    assert "rules for 1 station, not looked up; --registry" in run(rules, "check", own).output


def test_rules_that_name_no_station_need_no_registry(tmp_path: Path) -> None:
    path = tmp_path / "types.yaml"
    path.write_text("station_types: {stack: {parameters: {PM: {spike: off}}}}", encoding="utf-8")
    assert "looked up" not in run(rules, "check", path).output


@pytest.mark.parametrize("command", [("check",), ("activate", "--why", "x"), ("diff",)])
def test_what_check_refuses_no_command_takes(
    broker: Broker, tmp_path: Path, own: Path, command: tuple[str, ...]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(OWN.replace("spike", "spiek"), encoding="utf-8")
    files = (own, bad) if command == ("diff",) else (bad,)
    found = run(rules, *command, *files)
    assert found.exit_code == 1
    assert found.output == "quantrac: bad.yaml, line 1: unknown test 'spiek'; the nearest is 'spike'\n"
    assert len(broker.log) == 1


def test_activate_puts_a_file_in_force_ten_seconds_ahead_and_says_what_changes(
    broker: Broker, own: Path
) -> None:
    before = datetime.now(UTC)
    found = run(rules, "activate", own, "--why", "letter 12/STNMT of the province")
    assert found.exit_code == 0
    first, *changes = found.output.splitlines()
    assert first.startswith(f"{load(own).version} judges what is received from ")
    assert changes == ["  HN_DEMO_KHI001/PM2.5 spike.suspect: 100 -> 70"]
    [(record, active)] = RuleBook(load(), broker.registry()).activations
    assert (record.by, record.why) == ("lan", "letter 12/STNMT of the province")
    assert record.received_from is not None
    assert timedelta(seconds=10) <= record.received_from - before < timedelta(seconds=40)
    assert active.version == load(own).version


def test_activate_refuses_a_time_that_is_past(broker: Broker, own: Path) -> None:
    found = run(rules, "activate", own, "--why", "x", "--at", "2026-03-25")
    assert found.exit_code == 1
    assert "2026-03-25T00:00:00+07:00 comes too soon" in found.output
    assert len(broker.log) == 1


def test_activate_says_so_where_the_broker_does_not_take_it(broker: Broker, own: Path) -> None:
    broker.fails = "hn.station-registry"
    found = run(rules, "activate", own, "--why", "x")
    assert found.exit_code == 1
    assert "the broker did not take it: hn.station-registry: message timed out" in found.output


def test_the_log_tells_who_changed_what_when_and_why(broker: Broker, own: Path, tmp_path: Path) -> None:
    run(rules, "activate", own, "--why", "first trial", "--by", "minh", "--at", "2100-01-01T00:00Z")
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(OWN.replace("70", "60"), encoding="utf-8")
    run(rules, "activate", stricter, "--why", "too loose", "--at", "2100-01-02T00:00Z")
    lines = run(rules, "log").output.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines if line[0] != " "] == [
        f"minh {load(own).version} received from 2100-01-01T07:00:00+07:00",
        f"lan {load(stricter).version} received from 2100-01-02T07:00:00+07:00",
    ]
    assert [line for line in lines if line[0] == " "] == [
        "  why: first trial",
        "  HN_DEMO_KHI001/PM2.5 spike.suspect: 100 -> 70",
        "  why: too loose",
        "  HN_DEMO_KHI001/PM2.5 spike.suspect: 70 -> 60",
    ]


def test_the_log_tells_what_a_replay_changed_of_what_judged_its_readings(broker: Broker, own: Path) -> None:
    """The rules of the replay were put in force before it: against those it would change nothing."""
    run(rules, "activate", own, "--why", "first")
    now, start = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) - timedelta(days=30)
    replayed = activation(load(own), by="lan", why="second", now=now, measured=(start, now))
    value = replayed.model_dump_json().encode()
    broker.write(Record("hn.station-registry", record_key(replayed), value))
    lines = run(rules, "log").output.splitlines()
    assert lines[lines.index("  why: second") + 1 :] == [
        f"  of what {load().version} had judged:",
        "    HN_DEMO_KHI001/PM2.5 spike.suspect: 100 -> 70",
        f"  of what {load(own).version} had judged:",
        "    nothing changes",
    ]


def test_show_names_scope_and_source_of_each_threshold(own: Path) -> None:
    found = run(
        rules, "show", "--rules", own, "--station", STATION, "--type", "ambient-air", "--parameter", "PM2.5"
    )
    lines = found.output.splitlines()
    assert lines[0] == f"version {load(own).version}; a reading needs status, unit"
    at = lines.index("spike            suspect 70, fail 1000, spreads 6")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == [
        "from ambient-air/PM2.5: default, unverified",
        "from HN_DEMO_KHI001/PM2.5: letter 12",
    ]


def test_show_takes_the_rules_in_force_and_the_type_from_the_registry(broker: Broker) -> None:
    found = run(rules, "show", "--station", STATION, "--parameter", "PM2.5")
    assert f"version {load().version};" in found.output
    assert "from ambient-air/PM2.5: default, unverified" in found.output


def test_diff_tells_what_a_file_changes(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(OWN.replace("70", "60"), encoding="utf-8")
    assert run(rules, "diff", own, other).output == "HN_DEMO_KHI001/PM2.5 spike.suspect: 70 -> 60\n"
    assert run(rules, "diff", own, own).output == "nothing changes\n"


@pytest.fixture
def month_of_readings(tmp_path: Path) -> Path:
    path = tmp_path / "pm25.csv"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [f"{(start + timedelta(hours=h)).isoformat()},{20 + h // 24}" for h in range(31 * 24)]
    path.write_text("\n".join(["time,value", *rows]), encoding="utf-8")
    return path


def test_climatology_writes_a_rule_file_from_a_csv_that_loads_back(
    month_of_readings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rules"
    arguments = (
        "climatology",
        STATION,
        "--csv",
        f"PM2.5={month_of_readings}",
        "--out",
        out,
        "--margin",
        "0.1",
    )
    found = run(rules, *arguments)
    assert found.output == (
        f"PM2.5             24 of 288 months and hours\nwrote {out}/stations/{STATION}.yaml\n"
    )
    baseline = load(out).thresholds("ambient-air", STATION, "PM2.5", datetime(2026, 1, 1, tzinfo=UTC))
    assert (baseline["climatology"]["low"][0][5], baseline["climatology"]["high"][0][5]) == (17, 53)
    assert baseline["physical_range"] == {"low": -10, "high": 2000, "suspect_high": 600}
    assert run(rules, *arguments).exit_code == 0, "its own file is written anew"


def test_climatology_leaves_out_limits_of_the_method(month_of_readings: Path, tmp_path: Path) -> None:
    with month_of_readings.open("a", encoding="utf-8") as file:
        file.writelines(f"\n2026-01-{day:02}T05:30:00Z,>900" for day in range(1, 32))
    arguments = ("--csv", f"PM2.5={month_of_readings}", "--out", tmp_path, "--margin", "0.1")
    assert run(rules, "climatology", STATION, *arguments).exit_code == 0
    baseline = load(tmp_path).thresholds("ambient-air", STATION, "PM2.5", datetime(2026, 1, 1, tzinfo=UTC))
    assert baseline["climatology"]["high"][0][5] == 53


def test_climatology_leaves_a_file_that_a_person_wrote(month_of_readings: Path, tmp_path: Path) -> None:
    path = tmp_path / "stations" / f"{STATION}.yaml"
    path.parent.mkdir()
    path.write_text(OWN, encoding="utf-8")
    found = run(rules, "climatology", STATION, "--csv", f"PM2.5={month_of_readings}", "--out", tmp_path)
    assert found.exit_code == 1
    assert "was written by a person" in found.output
    assert path.read_text(encoding="utf-8") == OWN


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--at-least", "40"), "no month and hour has 40 good readings, no table to compute"),
        (("--low", "0.9", "--high", "0.1"), "the quantiles must lie in order"),
        (("--csv", "pm25.csv"), "write it as CODE=FILE"),
        (("--csv", "PM2.5=nowhere.csv"), "nowhere.csv: "),
        (("--csv", "PM25=nowhere.csv"), "nowhere.csv: "),
        (
            ("--csv", "Turbidty=pm25.csv"),
            "'Turbidty' is not in the catalogue; the nearest name is 'Turbidity'",
        ),
    ],
)
def test_climatology_says_in_one_sentence_why_it_computed_nothing(
    month_of_readings: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    csv = () if "--csv" in arguments else ("--csv", f"PM2.5={month_of_readings}")
    found = run(rules, "climatology", STATION, *csv, *arguments, "--out", tmp_path / "rules")
    assert found.exit_code == 1
    assert sentence in found.output
    assert not (tmp_path / "rules").exists()


class StoredMonth:
    """A database with a month of hourly readings of one parameter."""

    away = False

    def __init__(self, _: object) -> None:
        pass

    def query(self, sql: str, parameters: dict[str, Any]) -> Rows:
        if self.away:
            raise ClickHouseAway("connection refused")
        if "DISTINCT" in sql:
            return Rows(("parameter",), [("O3",)])
        assert "flag = 1" in sql
        assert (parameters["station"], parameters["parameter"]) == (STATION, "O3")
        assert parameters["start"] == "1999-12-31 17:00:00"
        return Rows(("time", "value"), [(3600 * hour, 40.0 + hour // 24) for hour in range(31 * 24)])


def test_climatology_reads_the_good_readings_that_are_stored(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("quantrac.io.clickhouse.ClickHouse", StoredMonth)
    found = run(rules, "climatology", STATION, "--out", tmp_path, "--margin", "0")
    assert found.exit_code == 0
    baseline = load(tmp_path).thresholds("ambient-air", STATION, "O3", datetime(2026, 1, 1, tzinfo=UTC))
    assert (baseline["climatology"]["low"][0][0], baseline["climatology"]["high"][0][0]) == (40, 70)
    monkeypatch.setattr(StoredMonth, "away", True)
    again = run(rules, "climatology", STATION, "--out", tmp_path)
    assert (again.exit_code, again.output) == (1, "quantrac: ClickHouse: connection refused\n")


ADD = (
    "add", "--station", STATION, "--parameter", "O3", "--from", "2026-03-25",
    "--to", "2026-03-25T03:00+07:00", "--flag", "fail", "--why", "pump changed",
)  # fmt: skip


def test_a_decision_is_written_and_its_span_is_judged_again_once_it_is_known(broker: Broker) -> None:
    found = run(review, *ADD)
    assert found.exit_code == 0
    assert (
        "fail for HN_DEMO_KHI001 2026-03-25T00:00:00+07:00 to 2026-03-25T03:00:00+07:00, O3" in found.output
    )
    [decision] = broker.registry().decisions_of(STATION)
    assert (decision.by, decision.why, decision.parameters) == ("lan", "pump changed", ("O3",))
    assert [record.topic for record in broker.log[1:]] == ["hn.station-registry", "hn.rejudge"]
    [asked] = broker.of("hn.rejudge")
    request = RejudgeRequest.model_validate_json(asked.value or b"")
    assert asked.key == STATION.encode()
    assert (request.start, request.end) == (decision.start, decision.end)
    assert (request.causes, request.registry_offset) == (["decision"], 1)


def test_a_decision_is_withdrawn_with_a_reason_and_judged_again(broker: Broker) -> None:
    run(review, *ADD)
    [decision] = broker.registry().decisions_of(STATION)
    found = run(review, "withdraw", decision.id, "--why", "it was the other analyser", "--by", "minh")
    assert found.exit_code == 0
    assert broker.registry().decisions_of(STATION) == ()
    assert [json.loads(each.value or b"")["registry_offset"] for each in broker.of("hn.rejudge")] == [1, 2]
    listed = run(review, "list", "--station", STATION).output
    assert f"{decision.id}  fail    {STATION}" in listed
    assert "minh: it was the other analyser" in listed
    again = run(review, "withdraw", decision.id, "--why", "again")
    assert (again.exit_code, again.output) == (
        1,
        f"quantrac: decision {decision.id} was withdrawn by minh already\n",
    )


def test_the_list_can_be_kept_to_one_station(broker: Broker) -> None:
    run(review, *ADD)
    assert STATION in run(review, "list", "--station", STATION.lower()).output
    unknown = run(review, "list", "--station", f"{STATION}0")
    assert unknown.output == (
        f"quantrac: there is no station '{STATION}0' in the registry; did you mean {STATION!r}?\n"
    )


def test_a_decision_names_parameter_and_station_in_any_spelling(broker: Broker) -> None:
    change = {STATION: STATION.lower(), "O3": "ozone"}
    assert run(review, *(change.get(argument, argument) for argument in ADD)).exit_code == 0
    (decision,) = broker.registry().decisions.values()
    assert (decision.station, decision.parameters) == (STATION, ("O3",))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--parameter", "Turbidty"), "'Turbidty' is not in the catalogue; the nearest name is 'Turbidity'"),
        (("--station", "HN_NOWHERE"), "there is no station 'HN_NOWHERE' in the registry"),
    ],
)
def test_thresholds_of_what_is_unknown_are_not_shown(
    broker: Broker, arguments: tuple[str, str], sentence: str
) -> None:
    refused = run(rules, "show", *arguments)
    assert refused.exit_code != 0
    assert sentence in refused.output


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ((STATION, "HN_NOWHERE"), "there is no station 'HN_NOWHERE'"),
        (("O3", "ozonne"), "'ozonne' is not in the catalogue; the nearest name is 'Ozone'"),
        (("2026-03-25", "2026-03-26"), "the span must start before it ends"),
        (("pump changed", " "), "say why with --why"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_in_one_sentence(
    broker: Broker, change: tuple[str, str], sentence: str
) -> None:
    found = run(review, *(change[1] if each == change[0] else each for each in ADD))
    assert found.exit_code == 1
    assert sentence in found.output
    assert found.output.count("\n") == 1
    assert len(broker.log) == 1


NOW = datetime(2026, 3, 25, tzinfo=UTC)
AGO_60 = NOW - timedelta(days=60)
SOON = NOW + timedelta(days=1)
CHANGE = NOW - timedelta(days=10)


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[datetime, datetime]]:
    record = json.loads(example("station-registry.station.json"))
    old, new = (Station.model_validate(record | given).to_domain() for given in (before, after))
    return changed_spans(old, new, NOW)


def ozone(**fields: Any) -> dict[str, Any]:
    return {"code": "O3", "unit": "µg/m3", **fields}


RAIN = {"code": "Rain", "unit": "mm"}


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ({"name": "old"}, {"name": "new", "aliases": ["HN_OTHER"]}, []),
        ({"interval_minutes": 5}, {"interval_minutes": 15}, [(AGO_60, SOON)]),
        ({"type": "ambient-air"}, {"type": "stack"}, [(AGO_60, SOON)]),
        ({}, {"stamps": "instant"}, []),
        ({}, {"stamps": "end"}, [(AGO_60, SOON)]),
        ({"stamps": "end"}, {"stamps": {"at": "end", "valid_to": CHANGE}}, [(CHANGE, SOON)]),
        ({"parameters": [ozone()]}, {"parameters": [ozone(file_names=["Ozon"])]}, []),
        ({"parameters": [ozone()]}, {"parameters": [ozone(unit="ppb")]}, [(AGO_60, SOON)]),
        ({"parameters": []}, {"parameters": [ozone(valid_from=CHANGE)]}, [(CHANGE, SOON)]),
        (
            {"parameters": [ozone(range_high=400)]},
            {
                "parameters": [
                    ozone(range_high=400, valid_to=CHANGE),
                    ozone(range_high=600, valid_from=CHANGE),
                ]
            },
            [(CHANGE, SOON)],
        ),
        ({}, {"valid_to": CHANGE}, [(CHANGE, SOON)]),
        ({}, {"valid_to": NOW - timedelta(days=90)}, [(AGO_60, SOON)]),
        ({}, {"parameters": [ozone(), ozone(code="NO2", valid_from=NOW + timedelta(hours=2))]}, []),
        ({"parameters": [RAIN]}, {"parameters": [RAIN | {"counter": True}]}, [(AGO_60, SOON)]),
        (
            {"parameters": [ozone(unit="ppb", valid_to=NOW - timedelta(days=90)), ozone()]},
            {"parameters": [ozone(unit="ppm", valid_to=NOW - timedelta(days=90)), ozone()]},
            [],
        ),
    ],
)
def test_only_what_judging_depends_on_is_judged_again_and_only_where_it_changed(
    before: dict[str, Any], after: dict[str, Any], spans: list[tuple[datetime, datetime]]
) -> None:
    assert changes({"parameters": [ozone()], **before}, {"parameters": [ozone()], **after}) == spans


DAY = timedelta(days=1)
LAST_MAY = datetime(2025, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ({}, {"name": "new", "parameters": [ozone(unit="ppb")]}, []),
        ({}, {"stamps": "end"}, [(MEASURED.first, SOON + DAY)]),
        ({}, {"interval_minutes": 60}, [(MEASURED.first, SOON + DAY)]),
        (
            {"stamps": "end"},
            {"stamps": {"at": "end", "valid_from": LAST_MAY}},
            [(MEASURED.first, LAST_MAY + DAY)],
        ),
        ({}, {"stamps": {"at": "start", "valid_from": LAST_MAY}}, [(LAST_MAY - DAY, SOON + DAY)]),
        ({}, {"stamps": {"at": "start", "valid_from": SOON + DAY}}, []),
        ({"parameters": [RAIN]}, {"parameters": [RAIN | {"counter": True}]}, [(MEASURED.first, SOON + DAY)]),
        (
            {"stamps": "end"},
            {"stamps": "end", "intervals": [{"minutes": 60, "valid_from": LAST_MAY, "valid_to": CHANGE}]},
            [(LAST_MAY - DAY, CHANGE + DAY)],
        ),
    ],
)
def test_averages_come_out_otherwise_where_the_interval_or_the_stamps_changed(
    before: dict[str, Any], after: dict[str, Any], spans: list[tuple[datetime, datetime]]
) -> None:
    record = json.loads(example("station-registry.station.json"))
    old, new = (Station.model_validate(record | given).to_domain() for given in (before, after))
    assert spans_to_average(old, new, NOW) == spans


def window(start: datetime, end: datetime, **fields: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "why": "filters", **fields}


LAST_YEAR = datetime(2025, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ([], [window(LAST_YEAR, LAST_YEAR + HOUR)], [(LAST_YEAR, LAST_YEAR + HOUR)]),
        ([window(LAST_YEAR, LAST_YEAR + HOUR)], [], [(LAST_YEAR, LAST_YEAR + HOUR)]),
        (
            [window(LAST_YEAR, LAST_YEAR + HOUR)],
            [window(LAST_YEAR, LAST_YEAR + 3 * HOUR)],
            [(LAST_YEAR + HOUR, LAST_YEAR + 3 * HOUR)],
        ),
        (
            [window(LAST_YEAR, LAST_YEAR + HOUR)],
            [window(LAST_YEAR, LAST_YEAR + HOUR, parameters=["O3"])],
            [(LAST_YEAR, LAST_YEAR + HOUR)],
        ),
        ([window(LAST_YEAR, LAST_YEAR + HOUR)], [window(LAST_YEAR, LAST_YEAR + HOUR, why="a pump")], []),
        ([], [window(NOW + HOUR, NOW + 2 * HOUR)], []),
        ([], [window(NOW - HOUR, NOW + 9 * HOUR)], [(NOW - HOUR, NOW + 9 * HOUR)]),
    ],
)
def test_maintenance_is_judged_again_where_it_changed_however_old_it_is(
    before: list[dict[str, Any]], after: list[dict[str, Any]], spans: list[tuple[datetime, datetime]]
) -> None:
    assert changes({"maintenance": before}, {"maintenance": after}) == spans


def import_stations(folder: Path, **fields: Any) -> Result:
    folder.mkdir(exist_ok=True)
    record = json.loads(example("station-registry.station.json")) | fields
    new = record | {"code": "HN_NEW", "aliases": []}
    (folder / "stations.yaml").write_text(json.dumps({"stations": [record, new]}), encoding="utf-8")
    return run(registry, "import", folder)


def test_importing_what_is_known_already_has_nothing_judged_again(broker: Broker, tmp_path: Path) -> None:
    found = import_stations(tmp_path / "registry", name="Another name")
    assert (found.exit_code, found.output) == (0, "imported 2 stations into hn.station-registry\n")
    assert broker.registry().stations[STATION].name == "Another name"
    assert broker.of("hn.rejudge") == []


def test_a_station_whose_maintenance_changes_is_judged_again_once_the_record_is_known(
    broker: Broker, tmp_path: Path
) -> None:
    days = ("2025-03-01", "2025-03-02"), ("2025-04-01", "2025-04-02")
    windows = [{"start": f"{a}T00:00:00Z", "end": f"{b}T00:00:00Z", "why": "filters"} for a, b in days]
    found = import_stations(tmp_path / "registry", maintenance=windows)
    assert found.output.splitlines() == [
        "imported 2 stations into hn.station-registry",
        NOT_COUNTED,
        "HN_DEMO_KHI001 changed: judging again what was measured 2025-03-01T07:00:00+07:00 to "
        "2025-03-02T07:00:00+07:00, 2025-04-01T07:00:00+07:00 to 2025-04-02T07:00:00+07:00",
    ]
    asked = [RejudgeRequest.model_validate_json(each.value or b"") for each in broker.of("hn.rejudge")]
    assert [(each.station, f"{each.start:%m-%d}", f"{each.end:%m-%d}") for each in asked] == [
        (STATION, "03-01", "03-02"),
        (STATION, "04-01", "04-02"),
    ]
    last = len(broker.of("hn.station-registry")) - 1
    assert {(tuple(each.causes), each.registry_offset) for each in asked} == {(("registry",), last)}
    again = import_stations(tmp_path / "registry", maintenance=windows)
    assert again.output == "imported 2 stations into hn.station-registry\n"
    assert len(broker.of("hn.rejudge")) == 2


def test_another_meaning_of_stamps_says_how_to_compute_the_averages_again(
    broker: Broker, tmp_path: Path
) -> None:
    meaning = {"at": "end", "valid_from": "2025-03-02T00:00:00Z", "valid_to": "2025-04-01T00:00:00Z"}
    found = import_stations(tmp_path / "registry", stamps=[meaning])
    assert found.output.splitlines() == [
        "imported 2 stations into hn.station-registry",
        NOT_COUNTED,
        "HN_DEMO_KHI001 changed: its averages follow the new intervals and stamps after `quantrac replay"
        " --stage windows --station HN_DEMO_KHI001 --from 2025-03-01T07:00:00+07:00"
        " --to 2025-04-02T07:00:00+07:00`",
    ]


def test_a_request_that_is_not_taken_is_told_with_the_way_to_repeat_it(
    broker: Broker, tmp_path: Path
) -> None:
    broker.fails = "hn.rejudge"
    window = {"start": "2025-03-01T00:00:00Z", "end": "2025-03-02T00:00:00Z", "why": "filters"}
    found = import_stations(tmp_path / "registry", maintenance=[window])
    assert found.exit_code == 1
    assert (
        "the records are in, but what was measured since 2025-03-01T07:00:00+07:00 has to be" in found.output
    )
    assert "`quantrac replay --stage validator --publish`" in found.output
