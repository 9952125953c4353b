"""The messages: their stored JSON Schemas, and pydantic and msgspec held against the same examples."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from quantrac.domain import readings as domain
from schemas import codec
from schemas.examples import example
from schemas.json import generate, read_stored
from schemas.messages.aggregates import WindowDirty
from schemas.messages.readings import FlaggedSet, ReadingSet
from schemas.window_codec import decode_window_dirty, encode_window_dirty

PAIRS: list[Any] = [
    (ReadingSet, codec.decode_reading_set, "parsed-reading.json"),
    (FlaggedSet, codec.decode_flagged_set, "qa-flagged.json"),
]


def test_the_stored_json_schemas_are_those_of_the_messages() -> None:
    assert read_stored() == generate(), "run `make schemas`"


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
def test_both_codecs_read_the_same_from_an_example(model: Any, decode: Any, name: str) -> None:
    by_pydantic = model.model_validate_json(example(name)).model_dump()
    assert dataclasses.asdict(decode(example(name))) == by_pydantic


def test_the_store_reads_the_same_from_an_example_as_everybody() -> None:
    for_store = codec.decode_stored_set(example("qa-flagged.json"))
    for_all = codec.decode_flagged_set(example("qa-flagged.json"))
    readings = zip(for_store.readings, for_all.readings, strict=True)
    for stored_reading, reading in readings:
        assert json.loads(bytes(stored_reading.tests)) == reading.tests
        for name in set(codec.StoredReading.__struct_fields__) - {"tests"}:
            assert getattr(stored_reading, name) == getattr(reading, name)
    for stored_reject, reject in zip(for_store.rejects, for_all.rejects, strict=True):
        for name in codec.StoredReject.__struct_fields__:
            assert getattr(stored_reject, name) == getattr(reject, name)
    for name in set(codec.StoredSet.__struct_fields__) - {"readings", "rejects"}:
        assert getattr(for_store, name) == getattr(for_all, name)


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
def test_both_codecs_write_the_same(model: Any, decode: Any, name: str) -> None:
    by_msgspec = json.loads(codec.encode(decode(example(name))))
    by_pydantic = json.loads(model.model_validate_json(example(name)).model_dump_json())
    assert by_msgspec == by_pydantic == json.loads(example(name))


@pytest.mark.parametrize(("model", "decode", "name"), PAIRS)
@pytest.mark.parametrize("field", ["station", "file_id", "received_at", "readings", "rejects"])
def test_both_codecs_miss_a_missing_field_or_have_a_default(
    model: Any, decode: Any, name: str, field: str
) -> None:
    content = json.loads(example(name))
    del content[field]
    with pytest.raises(ValidationError):
        model.model_validate(content)
    if field in {"readings", "rejects"}:
        assert getattr(decode(json.dumps(content).encode()), field) == []
    else:
        with pytest.raises(codec.BadMessage, match=field):
            decode(json.dumps(content).encode())


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
    with pytest.raises(codec.BadMessage):
        decode_window_dirty(data)


@pytest.mark.parametrize(
    ("model", "dataclass"), [(ReadingSet, domain.ReadingSet), (FlaggedSet, domain.FlaggedSet)]
)
def test_both_forms_have_the_same_fields(model: Any, dataclass: Any) -> None:
    assert list(model.model_fields) == [f.name for f in dataclasses.fields(dataclass)]


def test_a_misspelt_field_is_an_error_that_names_it() -> None:
    content = json.loads(example("parsed-reading.json")) | {"recieved_at": "2026-03-24T17:05:12Z"}
    with pytest.raises(ValidationError, match="recieved_at"):
        ReadingSet.model_validate(content)


def test_a_wrong_type_is_an_error_that_says_where() -> None:
    content = json.loads(example("parsed-reading.json"))
    content["readings"][0]["value"] = "12,4x"
    with pytest.raises(codec.BadMessage, match=r"\$\.readings\[0\]\.value"):
        codec.decode_reading_set(msgspec.json.encode(content))
