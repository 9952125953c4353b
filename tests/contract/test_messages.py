"""The messages: their stored JSON Schemas, and pydantic and msgspec held against the same examples."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from quantrac.domain import readings as domain
from quantrac.testing.builders import NOON, flagged_reading, flagged_set, reading, reading_set
from schemas.codecs.decoding import BadMessage
from schemas.codecs.rejudge import encode_rejudge
from schemas.codecs.sets import (
    decode_flagged_set,
    decode_reading_set,
    encode_flagged_set,
    encode_reading_set,
)
from schemas.codecs.window_dirty import decode_window_dirty, encode_window_dirty
from schemas.examples import example
from schemas.json import generate, read_stored
from schemas.messages.aggregates import WindowDirty
from schemas.messages.readings import FlaggedSet, ReadingSet
from schemas.messages.rejudge import RejudgeRequest

PAIRS: list[Any] = [
    (ReadingSet, decode_reading_set, "parsed-reading.json"),
    (FlaggedSet, decode_flagged_set, "qa-flagged.json"),
]
TABLES = ("tests", "outcomes")
"""What a message has beside its columns, and the domain among them."""
ENCODERS: dict[Any, Callable[[Any], bytes]] = {
    ReadingSet: encode_reading_set,
    FlaggedSet: encode_flagged_set,
}


def spread(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message of pydantic's as the domain has it: full columns, the outcomes among them."""
    columns = dict(message["readings"])
    rows = len(columns["line"])
    columns = {name: c if isinstance(c, list) else [c] * rows for name, c in columns.items()}
    tests = {name: message[name] for name in TABLES if name in message}
    return {name: value for name, value in message.items() if name not in tests} | {
        "readings": columns | tests
    }


def test_the_stored_json_schemas_are_those_of_the_messages() -> None:
    assert read_stored() == generate(), "run `make schemas`"


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
def test_both_codecs_read_the_same_from_an_example(model: Any, decode: Any, name: str) -> None:
    by_pydantic = model.model_validate_json(example(name)).model_dump()
    assert dataclasses.asdict(decode(example(name))) == spread(by_pydantic)


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
def test_both_codecs_write_the_same(model: Any, decode: Any, name: str) -> None:
    by_msgspec = json.loads(ENCODERS[model](decode(example(name))))
    by_pydantic = json.loads(model.model_validate_json(example(name)).model_dump_json())
    assert by_msgspec == by_pydantic == json.loads(example(name))


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
@pytest.mark.parametrize("field", ["station", "file_id", "received_at", "readings", "rejects"])
def test_both_codecs_miss_a_missing_field(model: Any, decode: Any, name: str, field: str) -> None:
    content = json.loads(example(name))
    del content[field]
    with pytest.raises(ValidationError, match=field):
        model.model_validate(content)
    with pytest.raises(BadMessage, match=field):
        decode(json.dumps(content).encode())


def changed(name: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    content = json.loads(example(name))
    change(content)
    return json.dumps(content).encode()


FORMER = [{"line": 1, "parameter": "CO", "value": 7.0}]
BAD_COLUMNS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("a value too few", lambda m: m["readings"]["value"].pop(), "value: 3 rows, where line has 4"),
    ("a status too many", lambda m: m["readings"]["status"].append("00"), "status: 5 rows"),
    ("no column", lambda m: m["readings"].pop("unit"), "unit"),
    ("a text for numbers", lambda m: m["readings"].update(value="14.91"), "value"),
    ("one value for all", lambda m: m["readings"].update(value=14.91), "value"),
    ("one line for all", lambda m: m["readings"].update(line=1), "line"),
    ("an object for a column", lambda m: m["readings"].update(unit={"0": "mg/m3"}), "unit"),
    (
        "a number among texts",
        lambda m: m["readings"]["text"].__setitem__(0, 7),
        "text",
    ),
    ("NaN as text", lambda m: m["readings"]["value"].__setitem__(2, "NaN"), "value"),
    ("infinity as text", lambda m: m["readings"]["value"].__setitem__(0, "-Infinity"), "value"),
    ("null for a value", lambda m: m["readings"]["value"].__setitem__(0, None), "value"),
    ("a list in a list", lambda m: m["readings"]["parameter"].__setitem__(0, ["CO"]), "parameter"),
    ("readings as objects", lambda m: m.update(readings=FORMER), "readings"),
    ("no readings at all", lambda m: m.update(readings=None), "readings"),
]
BAD_OUTCOMES: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("an index past them", lambda m: m["readings"]["outcome"].__setitem__(3, 3), "index 3 of 3 outcomes"),
    ("one index past them", lambda m: m["readings"].update(outcome=3), "index 3 of 3 outcomes"),
    ("no outcomes", lambda m: m.update(outcomes=[]), "index 2 of 0 outcomes"),
    ("an index before them", lambda m: m["readings"]["outcome"].__setitem__(0, -1), "outcome"),
    ("a fraction for an index", lambda m: m["readings"]["outcome"].__setitem__(0, 0.5), "outcome"),
    ("an outcome that is no flag", lambda m: m["outcomes"].__setitem__(0, "7" * 25), "other characters"),
    ("an outcome that is no digit", lambda m: m["outcomes"].__setitem__(0, "²" * 25), "other characters"),
    ("an outcome too few", lambda m: m["outcomes"].__setitem__(0, "1" * 24), "for each of 25 tests"),
    ("outcomes as numbers", lambda m: m["outcomes"].__setitem__(0, [1, 1]), "outcomes"),
    ("a test named twice", lambda m: m["tests"].__setitem__(0, "unit"), "a name stands there twice"),
    ("no names", lambda m: m.update(tests=[]), "for each of 0 tests"),
    ("no table", lambda m: m.pop("outcomes"), "outcomes"),
    ("an empty span", lambda m: m["provisional"].update(end=m["provisional"]["start"]), "start does not lie"),
    ("a span for no reason", lambda m: m["provisional"].update(causes=[]), "provisional.causes"),
    ("a span for any reason", lambda m: m["provisional"].update(causes=["mood"]), "provisional.causes"),
    ("a flag too few", lambda m: m["readings"]["flag"].pop(), "flag: 3 rows"),
]


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
@pytest.mark.parametrize(("change", "sentence"), [pytest.param(*b[1:], id=b[0]) for b in BAD_COLUMNS])
def test_both_codecs_refuse_bad_columns_and_say_which(
    model: Any, decode: Any, name: str, change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    refuse(model, decode, changed(name, change), sentence)


@pytest.mark.parametrize(("change", "sentence"), [pytest.param(*b[1:], id=b[0]) for b in BAD_OUTCOMES])
def test_both_codecs_refuse_bad_outcomes_and_say_which(
    change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    refuse(FlaggedSet, decode_flagged_set, changed("qa-flagged.json", change), sentence)


def refuse(model: Any, decode: Any, message: bytes, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        model.model_validate_json(message)
    with pytest.raises(BadMessage, match=sentence):
        decode(message)


def test_a_message_of_the_version_before_the_columns_is_recognised() -> None:
    message = changed("qa-flagged.json", lambda m: m.update(readings=FORMER))
    with pytest.raises(BadMessage, match="a list of objects, as versions before the columns wrote it"):
        decode_flagged_set(message)


@pytest.mark.parametrize("rows", [0, 1, 2, 20_000])
def test_sets_of_any_size_come_back_as_they_were(rows: int) -> None:
    # Every hour of two years and more, values and texts of every sign, some of them zero.
    times = [NOON - timedelta(hours=row) for row in range(rows)]
    values = [float(row % 700 - 350) / 10 for row in range(rows)]
    read = [
        reading(value, text=f"{value:.2f}", measured_at=time, line=line)
        for line, (value, time) in enumerate(zip(values, times, strict=True), start=1)
    ]
    judged = [
        flagged_reading(
            value,
            measured_at=time,
            line=line,
            flag=1 + line % 4,
            tests={"status": 1, "spike": 1 + line % 4},
            equal_since=time if line % 3 else None,
        )
        for line, (value, time) in enumerate(zip(values, times, strict=True), start=1)
    ]
    for model, decode, encode, message in (
        (ReadingSet, decode_reading_set, encode_reading_set, reading_set(*read)),
        (FlaggedSet, decode_flagged_set, encode_flagged_set, flagged_set(*judged)),
    ):
        written = encode(message)  # type: ignore[operator]
        assert decode(written) == message
        assert spread(model.model_validate_json(written).model_dump()) == dataclasses.asdict(message)


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
def test_a_message_from_before_qualifiers_has_none(model: Any, decode: Any, name: str) -> None:
    message = changed(name, lambda m: m["readings"].pop("qualifier"))
    assert decode(message).readings.qualifier == [""] * 4
    assert spread(model.model_validate_json(message).model_dump())["readings"]["qualifier"] == [""] * 4


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
def test_a_qualifier_comes_back_and_another_sign_is_refused(model: Any, decode: Any, name: str) -> None:
    qualifiers = ["", "<", ">", ""]
    message = changed(name, lambda m: m["readings"].update(qualifier=qualifiers))
    assert decode(message).readings.qualifier == qualifiers
    assert decode(ENCODERS[model](decode(message))).readings.qualifier == qualifiers
    message = changed(name, lambda m: m["readings"].update(qualifier="~"))
    with pytest.raises(BadMessage, match="qualifier"):
        decode(message)
    with pytest.raises(ValidationError, match="qualifier"):
        model.model_validate_json(message)


def test_a_row_that_is_minus_zero_stays_so() -> None:
    written = encode_reading_set(reading_set(reading(0.0, text="0"), reading(-0.0, text="-0")))
    assert [str(value) for value in decode_reading_set(written).readings.value] == ["0.0", "-0.0"]


def test_a_window_dirty_message_is_written_and_read_as_its_contract_says() -> None:
    content = json.loads(example("window-dirty.json"))
    station, pairs = decode_window_dirty(example("window-dirty.json"))
    assert station == content["station"]
    assert pairs == {
        (parameter, int(datetime.fromisoformat(hour).timestamp()))
        for windows in content["windows"]
        for parameter in windows["parameters"]
        for hour in windows["hours"]
    }
    windows = [(parameter, datetime.fromtimestamp(at, UTC)) for parameter, at in pairs]
    assert json.loads(encode_window_dirty(station, windows)) == content


def test_hours_with_the_same_parameters_name_them_once() -> None:
    hours = [datetime(2026, 3, 25, hour, tzinfo=UTC) for hour in range(24)]
    pairs = [(code, hour) for code in ("NO2", "CO") for hour in hours] + [("O3", hours[5])]
    value = encode_window_dirty("S", pairs)
    windows = WindowDirty.model_validate_json(value).windows
    assert [(w.parameters, len(w.hours)) for w in windows] == [(["CO", "NO2"], 23), (["CO", "NO2", "O3"], 1)]
    assert decode_window_dirty(value) == ("S", {(code, int(hour.timestamp())) for code, hour in pairs})


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "{",
            "[]",
            "{}",
            '{"station": "S"}',
            '{"station": "S", "windows": []}',
            "\udcff",
            "[" * 100_000,
        ),
        *(
            f'{{"station": "{station}", "windows": [{{"parameters": {parameters}, "hours": {hours}}}]}}'
            for station, parameters, hours in (
                ("", '["CO"]', '["2026-03-25T05:00:00Z"]'),
                ("a/b", '["CO"]', '["2026-03-25T05:00:00Z"]'),
                ("S", "[]", '["2026-03-25T05:00:00Z"]'),
                ("S", '[""]', '["2026-03-25T05:00:00Z"]'),
                ("S", f'["{"x" * 65}"]', '["2026-03-25T05:00:00Z"]'),
                ("S", '["CO"]', "[]"),
                ("S", '["CO"]', '["2026-03-25T05:00:00"]'),
                ("S", '["CO"]', '["2026-03-25T05:00:00+07:00"]'),
                ("S", '["CO"]', '["1989-12-31T23:00:00Z"]'),
                ("S", '["CO"]', '["2106-01-01T00:00:00Z"]'),
                ("S", '["CO"]', '["2026-03-25T05:00:00.5Z"]'),
                ("S", '["CO"], "more": 1', '["2026-03-25T05:00:00Z"]'),
            )
        ),
    ],
)
def test_what_the_contract_of_window_dirty_refuses_is_refused_when_it_is_read(value: str) -> None:
    data = value.encode("utf-8", "surrogateescape")
    with pytest.raises(ValidationError):
        WindowDirty.model_validate_json(data)
    with pytest.raises(BadMessage):
        decode_window_dirty(data)


def test_a_request_to_rejudge_is_written_as_its_contract_says() -> None:
    span = domain.Provisional(NOON, NOON + timedelta(hours=1), ["block", "late"])
    written = RejudgeRequest.model_validate_json(encode_rejudge("HN_DEMO_KHI001", span))
    assert (written.station, written.start, written.end) == ("HN_DEMO_KHI001", span.start, span.end)
    assert (written.causes, written.registry_offset) == (span.causes, None)
    assert written.model_dump_json().encode() == encode_rejudge("HN_DEMO_KHI001", span)


@pytest.mark.parametrize(
    ("model", "dataclass"), [(ReadingSet, domain.ReadingSet), (FlaggedSet, domain.FlaggedSet)]
)
def test_both_forms_have_the_same_fields(model: Any, dataclass: Any) -> None:
    names = [name for name in model.model_fields if name not in TABLES]
    assert names == [f.name for f in dataclasses.fields(dataclass)]
    readings = [
        f.name for f in dataclasses.fields(dataclass.__dataclass_fields__["readings"].default_factory)
    ]
    assert list(model.model_fields["readings"].annotation.model_fields) == [
        name for name in readings if name not in TABLES
    ]


def test_a_misspelt_field_is_an_error_that_names_it() -> None:
    content = json.loads(example("parsed-reading.json")) | {"recieved_at": "2026-03-24T17:05:12Z"}
    with pytest.raises(ValidationError, match="recieved_at"):
        ReadingSet.model_validate(content)


def test_a_wrong_type_is_an_error_that_says_where() -> None:
    content = json.loads(example("parsed-reading.json"))
    content["readings"]["value"][0] = "12,4x"
    with pytest.raises(BadMessage, match=r"\$\.readings\.value\[0\]"):
        decode_reading_set(msgspec.json.encode(content))
