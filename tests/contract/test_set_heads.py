"""The head of a flagged set against the reader of all of it."""

from datetime import timedelta

import pytest

from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from schemas.codecs.decoding import BadMessage
from schemas.codecs.set_heads import decode_set_head
from schemas.codecs.sets import decode_flagged_set, encode_flagged_set
from schemas.examples import example

SETS = {
    "the example": example("qa-flagged.json"),
    "times of its own": encode_flagged_set(
        flagged_set(*[flagged_reading(measured_at=NOON - timedelta(hours=n)) for n in (3, 1, 2)])
    ),
    "no readings": encode_flagged_set(flagged_set(received_at=NOON)),
    "a revision": example("qa-flagged.json").replace(b'"revision": 0', b'"revision": 7'),
}


@pytest.mark.parametrize("value", SETS.values(), ids=SETS.keys())
def test_a_head_says_what_the_set_says(value: bytes) -> None:
    head, flagged = decode_set_head(value), decode_flagged_set(value)
    for name in ("station", "file_id", "file_name", "received_at", "revision"):
        assert getattr(head, name) == getattr(flagged, name)
    assert len(head.readings) == len(flagged.readings)
    assert head.newest_time == max(flagged.readings.measured_at, default=flagged.received_at)


@pytest.mark.parametrize(
    "value",
    [b"", b"[]", b'{"station": 7}', b'{"station": "\xff"}', b"[" * 10_000],
    ids=["empty", "a list", "a number", "not UTF-8", "deep"],
)
def test_what_has_no_head_is_a_bad_message(value: bytes) -> None:
    with pytest.raises(BadMessage):
        decode_set_head(value)


def test_a_time_of_receipt_that_no_table_holds_is_a_bad_message() -> None:
    value = SETS["no readings"].replace(b"2026-03-25T05:00:00Z", b"1066-10-14T05:00:00Z")
    with pytest.raises(BadMessage, match="received_at: 1066"):
        decode_set_head(value)
