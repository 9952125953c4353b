"""Headers of raw files: the hot path reads what the contract reads, and refuses what it refuses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quantrac.domain.bounds import RECEIVED
from schemas.codecs import raw_file
from schemas.codecs.raw_file import RawFileHead, decode_head
from schemas.messages.raw_file import RawFileHeaders

GOOD = {
    "file_id": b"0f" * 32,
    "name": b"HN_DEMO_KHI001_20260325000500.txt",
    "path": b"/2026/03/25",
    "account": b"demo",
    "transport": b"ftp",
    "received_at": b"2026-03-24T17:05:11.123000Z",
    "traceparent": b"00-0f-0f-01",
    "station": b"HN_DEMO_KHI001",
    "marks": b"truncated,not-renamed",
}

ODD_TEXTS = ["", " ", "a\x85b", "a\u2028b", "a b", "a\\b", "a/b", "..", ".", "x" * 64, "x" * 65, "é" * 128]
ODD_TEXTS += [
    "Trạm số 1",
    "A\n",
    "a\x1c",
    "\ufffd",
    "\ufeffA",
    "\u00a0",
    "\U0001f4a7",
    "0" * 256,
    "A,b",
    "a,",
]
ODD_IDS = ["0f" * 31, "0F" * 32, "0f" * 32 + "\n", "\u0661" * 64, "g" * 64]
ODD_TIMES = [
    *("2026-03-24T17:05:11Z", "2026-03-24T17:05:11.123Z", "2026-03-24T17:05:11.123456Z", "1790000000"),
    *("2026-03-24 17:05:11Z", "2026-03-24T17:05Z", "2026-03-24T17:05:11", "2026-03-25T00:05:11+07:00"),
    *("2026-03-24T17:05:11+00:00", "20260324T170511Z", "2026-W13-2T17:05:11Z", "2026-02-30T00:00:00Z"),
    *("1969-12-31T23:59:59.999Z", "2300-01-01T00:00:00Z", "2026-03-24T24:00:00Z", "2026-03-24T17:05:60Z"),
    *("2026-03-24T17:05:11.12Z", "2026-03-24T17:05:11,123Z", "2026-03-24t17:05:11z", "٢٠٢٦-03-24T17:05:11Z"),
    *("2026-03-24T17:05:11.123000Z\n", "", "0000-01-01T00:00:00Z", "2026-03-24T17:05:11.123000000Z"),
]


YEAR = 366 * 86_400 * 1_000_000


def bytes_of(*texts: str) -> st.SearchStrategy[bytes]:
    of_texts = (st.sampled_from(texts) | st.text(max_size=70)).map(str.encode)
    return of_texts | st.binary(max_size=70)


# From 1960 to 2310, in microseconds.
times = st.integers(-10 * YEAR, 340 * YEAR).map(
    lambda n: (RECEIVED.first + timedelta(microseconds=n)).isoformat().encode()
)
values: dict[str, st.SearchStrategy[bytes]] = {name: bytes_of(*ODD_TEXTS) for name in GOOD}
values["file_id"] = bytes_of(*ODD_IDS)
values["received_at"] = bytes_of(*ODD_TIMES) | times
# A field of a good message is another one, null, or absent.
changed = st.fixed_dictionaries(
    {}, optional={name: value | st.none() | st.just(...) for name, value in values.items()}
)


def outcome(decode: Any, headers: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the fields, or the sentence that refuses them."""
    try:
        message = decode(headers)
    except ValueError as error:
        return str(error)
    return {name: getattr(message, name) for name in RawFileHead.__struct_fields__}


def assert_alike(headers: Mapping[str, Any]) -> None:
    assert outcome(decode_head, headers) == outcome(RawFileHeaders.from_headers, headers)


def test_both_forms_have_the_same_fields() -> None:
    assert list(RawFileHead.__struct_fields__) == list(RawFileHeaders.model_fields)


@given(changed)
@example({})
@example({"someone-else's": b"\xff"})
def test_the_hot_path_reads_and_refuses_what_the_contract_does(changes: dict[str, Any]) -> None:
    assert_alike({name: value for name, value in {**GOOD, **changes}.items() if value is not ...})


@pytest.mark.parametrize("name", GOOD)
def test_every_odd_text_counts_alike_in_every_field(name: str) -> None:
    for text in (*ODD_TEXTS, *ODD_IDS, *ODD_TIMES):
        assert_alike({**GOOD, name: text.encode()})


@given(st.datetimes(RECEIVED.first.replace(tzinfo=None), RECEIVED.last.replace(tzinfo=None)))
def test_what_the_intake_writes_is_read_without_the_contract(time: datetime) -> None:
    received_at = time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC)
    fields = {name: value.decode() for name, value in GOOD.items()}
    message = RawFileHeaders.model_validate({**fields, "received_at": received_at})
    head = raw_file._decode_usual(message.to_headers())
    assert head is not None
    assert head.received_at == received_at
    assert head.received_at.utcoffset() == timedelta()


def test_a_null_header_is_an_absent_one() -> None:
    headers: dict[str, Any] = {**GOOD, "station": None}
    assert decode_head(headers).station is None
    with pytest.raises(ValueError, match="account"):
        decode_head({**headers, "account": None})
