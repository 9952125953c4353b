"""What is read of a station's record in the registry's topic is what the contract reads of it."""

import json

import pytest
from pydantic import ValidationError

from schemas.codecs.station import decode_station
from schemas.examples import example
from schemas.messages.registry.stations import Station

RECORD = json.loads(example("station-registry.station.json"))
ENTRY = RECORD["parameters"][0]
CHANGE = "2026-03-25T00:00:00+07:00"
LEVELS = {"exceeded": 3}
RECORDS = [
    RECORD,
    {name: value for name, value in RECORD.items() if name != "parameters"},
    RECORD | {"parameters": []},
    RECORD
    | {
        "parameters": [
            ENTRY | {"valid_to": CHANGE},
            ENTRY | {"valid_from": CHANGE},
        ]
    },
    RECORD
    | {"type": "surface-water", "pollution": [{"kind": "organic", "valid_from": CHANGE}, {"kind": "metals"}]},
    RECORD | {"parameters": [ENTRY | {"warning_levels": LEVELS, "range_low": -1, "range_high": 2.5}]},
]
WRONG = [
    b"",
    b"{",
    b"[]",
    b"null",
    json.dumps(RECORD | {"parameters": None}).encode(),
    json.dumps(RECORD | {"parameters": {}}).encode(),
    json.dumps(RECORD | {"parameters": [ENTRY, ENTRY | {"range_low": 2, "range_high": 1}]}).encode(),
    json.dumps(RECORD | {"parameters": [ENTRY, ENTRY | {"colour": "red"}]}).encode(),
    json.dumps(RECORD | {"latitude": 91}).encode(),
    json.dumps(RECORD | {"pollution": [{"kind": "organic"}]}).encode(),
    json.dumps(RECORD | {"timezone": "Asia/Atlantis", "parameters": [ENTRY | {"unit": 1}]}).encode(),
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_read_as_the_contract_reads_it(record: object) -> None:
    value = json.dumps(record).encode()
    assert decode_station(value) == Station.model_validate_json(value).to_domain()


@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_record_is_refused_with_the_errors_of_the_contract(value: bytes) -> None:
    with pytest.raises(ValidationError) as refused:
        decode_station(value)
    with pytest.raises(ValidationError) as contract:
        Station.model_validate_json(value)
    assert str(refused.value) == str(contract.value)


def test_stations_that_register_the_same_share_it() -> None:
    one, other = (decode_station(json.dumps(RECORD | {"code": code}).encode()) for code in ("QT_1", "QT_2"))
    assert one.parameters is other.parameters
    assert (one.code, other.code) == ("QT_1", "QT_2")
