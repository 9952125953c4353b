"""A parameter that was a mistake is withdrawn: it stays stored, counts nowhere, and comes back at will."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.stored.rejudge import Span, rejudge
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import Flag
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station as DomainStation
from quantrac.domain.registry.stations import StationParameter
from quantrac.domain.registry_problems import problems_of
from quantrac.testing.builders import NOON, station
from quantrac.testing.history import HistoryInMemory
from schemas.codecs.station import decode_station
from schemas.messages.registry.stations import Station
from schemas.rules import RuleBook
from services.api.common.names import resolve_parameter
from support.api import api_client, reading_row
from support.qa import ONE, START, a_set, reading, rules
from support.watch import CODE, PARAMETERS, Watch, at

RULES = """
required: [status]
national: {source: "made up for a test", tests: {status: {}}}
"""
SETS = [a_set(reading(5 * n, 10.0 + n, "PM25"), reading(5 * n, 20.0 + n)) for n in range(12)]
ALWAYS = Span(START.timestamp() - 86400, START.timestamp() + 86400, frozenset({"registry"}))


def registered(**fields) -> DomainStation:
    text = {
        "code": ONE,
        "name": "Một",
        "type": "ambient-air",
        "province": "01",
        "latitude": 21.0,
        "longitude": 105.8,
        "parameters": [{"code": "PM2.5", "unit": "µg/m3"}],
    }
    return decode_station(Station.model_validate(text | fields).model_dump_json().encode())


def judged(record: DomainStation, decisions: dict[str, Decision] | None = None):
    registry = Registry(stations={ONE: record}, decisions=decisions or {})
    return registry, Judge(registry, RuleBook(rules(RULES)), Memory(registry)).judge(SETS)


def flags_of(flagged, parameter: str) -> set[int]:
    return {r.flag for each in flagged for r in each.readings if r.parameter == parameter}


WITHDRAWN = {"withdrawn": [{"parameter": "PM25", "why": "a typing error of PM2.5"}]}


def test_readings_of_a_withdrawn_parameter_are_missing_and_those_of_others_as_before() -> None:
    _, flagged = judged(registered(**WITHDRAWN))
    assert flags_of(flagged, "PM25") == {Flag.MISSING}
    assert flags_of(flagged, "PM2.5") == {Flag.GOOD}


def test_stored_readings_are_marked_by_a_revision_and_come_back_by_another() -> None:
    before, flagged = judged(registered())
    history = HistoryInMemory()
    for each in flagged:
        history.insert(each)

    def rejudged(record: DomainStation):
        registry = Registry(stations={ONE: record})
        answer = rejudge(history, registry, Expectations(registry, RuleBook(rules(RULES))), ONE, ALWAYS)
        for revision in answer.revisions:
            history.insert(revision)
        return answer.revisions

    revisions = rejudged(registered(**WITHDRAWN))
    assert {r.parameter for each in revisions for r in each.readings} == {"PM25"}
    assert flags_of(revisions, "PM25") == {Flag.MISSING}
    assert {(each.cause, each.revision) for each in revisions} == {("registry", 1)}
    assert {each.file_id for each in revisions} == {each.file_id for each in SETS}, "each can be traced"
    assert rejudged(registered(**WITHDRAWN)) == (), "twice equals once"
    back = rejudged(registered())
    assert flags_of(back, "PM25") == {Flag.GOOD}
    assert before.decisions_of(ONE) == ()


def test_what_is_withdrawn_between_dates_is_withdrawn_between_them_alone() -> None:
    entry = WITHDRAWN["withdrawn"][0] | {"valid_to": START + timedelta(minutes=30)}
    _, flagged = judged(registered(withdrawn=[entry]))
    flags = [r.flag for each in flagged for r in each.readings if r.parameter == "PM25"]
    assert flags == [Flag.MISSING] * 6 + [Flag.GOOD] * 6


def test_no_decision_about_a_span_brings_a_withdrawn_parameter_back() -> None:
    span = {"start": START, "end": START + timedelta(days=1), "decided_at": datetime.now(UTC)}
    decision = Decision(id="1", station=ONE, flag=Flag.SUSPECT, by="lan", why="smoke", **span)
    _, flagged = judged(registered(**WITHDRAWN), {"1": decision})
    assert flags_of(flagged, "PM25") == {Flag.MISSING}
    assert flags_of(flagged, "PM2.5") == {Flag.SUSPECT}


def test_a_parameter_cannot_be_measured_and_withdrawn_at_one_time() -> None:
    entries = [{"code": "PM2.5", "unit": "µg/m3"}, {"code": "SO2", "unit": "µg/m3"}]
    withdrawn = [{"parameter": "SO2", "why": "no such analyser"}]
    (problem,) = problems_of(registered(parameters=entries, withdrawn=withdrawn))
    assert str(problem) == (
        "withdrawn.1.parameter: SO2 is measured at the same time by parameters.2; take one out"
    )
    entries[1]["valid_from"] = withdrawn[0]["valid_to"] = START.isoformat()
    assert not list(problems_of(registered(parameters=entries, withdrawn=withdrawn)))


@pytest.mark.parametrize(
    "entry",
    [{"parameter": "PM25"}, {"why": "x"}, {"parameter": "PM25", "why": ""}, {"parameter": "", "why": "x"}],
)
def test_a_withdrawal_names_a_parameter_and_a_reason(entry: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        registered(withdrawn=[entry])


def test_latest_readings_leave_out_what_is_withdrawn() -> None:
    at_noon = {"measured_at": NOON - timedelta(minutes=5)}
    rows = [reading_row(parameter=code, flag=flag, **at_noon) for code, flag in (("PM25", 9), ("PM2.5", 4))]
    for path in ("/v1/latest", "/v1/stations/A/latest"):
        api, _ = api_client(rows)
        assert [item["parameter"] for item in api.get(path).json()["items"]] == ["PM2.5"], path
    api, _ = api_client(rows)
    listed = api.get("/v1/readings?station=A").json()["items"]
    assert [(item["parameter"], item["flag_name"]) for item in listed] == [
        ("PM25", "missing"),
        ("PM2.5", "fail"),
    ]


def test_a_withdrawn_code_is_asked_for_by_its_name_although_the_catalogue_knows_another() -> None:
    assert resolve_parameter("PM25", [registered()]) == "PM2.5"
    assert resolve_parameter("PM25", [registered(**WITHDRAWN)]) == "PM25"


def test_alerts_about_a_withdrawn_parameter_close_and_none_opens() -> None:
    watch = Watch(station(parameters=PARAMETERS))
    for minutes in range(0, 240, 5):
        watch.send(minutes, **({"PM25": 1.0, "SO2": 5.0} if minutes < 20 else {"PM25": 1.0}))
    assert [alert for alert in watch.open() if "SO2" in alert] != []
    registry = watch.registry
    entry = registry.stations[CODE]
    decision = Decision(
        id="withdrawn-1",
        station=CODE,
        start=at(-1e6),
        end=at(1e6),
        flag=Flag.MISSING,
        by="registry",
        why="no such analyser",
        decided_at=NOON,
        parameters=("SO2",),
    )
    registry.put_station(CODE, replace(entry, withdrawn=(decision,)))
    watch.tick(240)
    assert [alert for alert in watch.open() if "SO2" in alert] == []
    assert watch.alerts[-1].detail == "The parameter is withdrawn: the station never measured it."
    watch.restart()
    watch.tick(241)
    assert [alert for alert in watch.open() if "SO2" in alert] == []
    registry.put_station(CODE, entry)
    watch.tick(242)
    assert [alert for alert in watch.open() if "SO2" in alert] != [], "reversible"


def test_a_record_without_the_key_is_read_as_before() -> None:
    assert registered().withdrawn == ()
    assert registered(**WITHDRAWN).withdrawn[0].parameters == ("PM25",)
    assert StationParameter("PM2.5", "µg/m3") in registered().parameters
