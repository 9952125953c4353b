"""ClickHouse's format ``Native``: a block of columns, written straight from numpy's arrays."""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Type without its time zone -> how its values are laid out, and the least and the greatest of them.
_NUMBERS: dict[str, tuple[str, int, int]] = {
    "UInt8": ("<u1", 0, 2**8 - 1),
    "UInt16": ("<u2", 0, 2**16 - 1),
    "UInt32": ("<u4", 0, 2**32 - 1),
    "UInt64": ("<u8", 0, 2**64 - 1),
    "DateTime": ("<u4", 0, 2**32 - 1),
    # Milliseconds, from 1900 to the end of 2299.
    "DateTime64(3)": ("<i8", -2_208_988_800_000, 10_413_791_999_999),
}
# Layout -> the same in `array`, which refuses what is no such number.
_TYPE_CODES = {"<u1": "B", "<u2": "H", "<u4": "I", "<u8": "Q", "<i8": "q", "<f8": "d"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = re.compile(r"\('[^']*'\)|, '[^']*'")

# LowCardinality: the version of its serialisation, and that a block brings the whole dictionary it needs.
_KEYS_VERSION = 1
_OWN_DICTIONARY = 1 << 9 | 1 << 10


@dataclass(frozen=True, slots=True)
class Words:
    """A column of few different texts."""

    words: Sequence[str]
    codes: NDArray[Any]
    """(n,) index in ``words`` of each row."""

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return map(self.words.__getitem__, self.codes.tolist())


Array = NDArray[Any] | Words | Sequence[Any]
"""A column: numbers or times; few different texts; values of Python, one a row."""


_Numbers = NDArray[Any] | Sequence[Any]


def is_written(type_: str) -> bool:
    """Tell whether columns of a type are written here."""
    if type_ in {"String", "LowCardinality(String)"}:
        return True
    for outer in ("Array(", "Nullable("):
        if type_.startswith(outer):
            type_ = type_[len(outer) : -1]
            break
    return _ZONE.sub("", type_) in {*_NUMBERS, "Float64"}


def encode_block(columns: Iterable[tuple[str, str, Array]]) -> bytes:
    """Write one block of equally long columns; each is (name, type of the table's column, values).

    A time is a number of seconds, or of milliseconds for ``DateTime64(3)``; in a sequence it may be a
    datetime with its zone. NULL is NaN in an array, None in a sequence. Texts are :class:`Words`, or a
    sequence of str or bytes; a column ``Array`` is a sequence of sequences. 30,000 readings take 1.5 ms as
    arrays and words, 16 ms as sequences.

    Raises ``ValueError`` for values that a type cannot hold. The types are such as :func:`is_written` knows.
    """
    parts: list[bytes] = []
    rows: int | None = None
    for name, type_, values in columns:
        rows = len(values) if rows is None else rows
        if len(values) != rows:
            raise ValueError(f"the column {name} has {len(values)} rows, those before it have {rows}")
        try:
            data = _encode_column(type_, values)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"{name}: {error}") from error
        parts += [_text(name), _text(type_), data]
    return b"".join([_varint(len(parts) // 3), _varint(rows or 0), *parts])


def _encode_column(type_: str, values: Array) -> bytes:
    if type_ == "String":
        return _encode_texts(values)
    if type_ == "LowCardinality(String)":
        words = values if isinstance(values, Words) else Words(*_number_distinct(values))
        return _encode_keys(words)
    if type_.startswith("Array("):
        return _encode_lists(type_[6:-1], values)
    if isinstance(values, Words):
        raise TypeError("texts are no numbers")
    if type_.startswith("Nullable("):
        is_null, filled = _fill_nulls(values)
        return is_null.tobytes() + _encode_numbers(type_[9:-1], filled)
    return _encode_numbers(type_, values)


def _fill_nulls(values: _Numbers) -> tuple[NDArray[np.bool_], _Numbers]:
    """Return where a column is NULL, and the column with another value there: both (n,)."""
    if isinstance(values, np.ndarray):
        is_null = np.isnan(values)
        return is_null, np.where(is_null, 0, values)
    is_null = np.array([value is None for value in values], bool)
    if is_null.all():
        return is_null, np.zeros(len(values), np.uint8)
    filler = next(value for value in values if value is not None)
    return is_null, [filler if value is None else value for value in values]


def _encode_numbers(type_: str, values: _Numbers) -> bytes:
    if type_ == "Float64":
        return _to_array("<f8", values).astype("<f8", copy=False).tobytes()
    layout, least, greatest = _NUMBERS[_ZONE.sub("", type_)]
    if type_.startswith("DateTime") and not isinstance(values, np.ndarray):
        values = _count_units(values, timedelta(seconds=1) if layout == "<u4" else timedelta(milliseconds=1))
    values = _to_array(layout, values)
    if len(values):
        low, high = values.min(), values.max()
        if not (low >= least and high <= greatest):  # NaN is neither
            raise ValueError(f"{high if low >= least else low} is not within {least} and {greatest}")
    return values.astype(layout, copy=False).tobytes()


def _to_array(layout: str, values: _Numbers) -> NDArray[Any]:
    """Return numbers as an array; those of a sequence are checked to be such numbers."""
    return values if isinstance(values, np.ndarray) else np.array(array(_TYPE_CODES[layout], values), layout)


def _count_units(times: Sequence[datetime | int], unit: timedelta) -> NDArray[Any]:
    """Return times as numbers of units since 1970, each different one computed once; numbers stay."""
    distinct, codes = _number_distinct(times)
    counts = [time if isinstance(time, int) else (time - _EPOCH) // unit for time in distinct]
    numbers: NDArray[Any] = np.array(counts, np.int64)[codes]
    return numbers


def _number_distinct(values: _Numbers) -> tuple[list[Any], NDArray[Any]]:
    """Return the distinct values, and for each row the index of its value: (n,)."""
    distinct = list(dict.fromkeys(values))
    index = {value: number for number, value in enumerate(distinct)}
    return distinct, np.fromiter(map(index.__getitem__, values), np.uint32, len(values))


def _encode_lists(type_: str, lists: Any) -> bytes:
    """Write where each row's list ends, then the values of all lists."""
    ends = np.cumsum([len(values) for values in lists], dtype="<u8")
    return ends.tobytes() + _encode_numbers(type_, list(chain.from_iterable(lists)))


def _encode_keys(values: Words) -> bytes:
    """Write few different texts as ``LowCardinality``: each once, then its number for every row."""
    if not len(values):
        return b""
    _check_codes(values)
    size = next(size for size in range(3) if len(values.words) <= 1 << (8 << size))
    keys = [_text(word) for word in values.words]
    head = np.array([_KEYS_VERSION, _OWN_DICTIONARY | size, len(keys)], "<u8").tobytes()
    numbers = values.codes.astype(f"<u{1 << size}").tobytes()
    return b"".join([head, *keys, np.array(len(values), "<u8").tobytes(), numbers])


def _encode_texts(values: Array) -> bytes:
    if isinstance(values, Words):
        _check_codes(values)
        words = [_text(word) for word in values.words]
        return b"".join([words[code] for code in values.codes.tolist()])
    return b"".join([b"\0" if text == "" else _text(text) for text in values])


def _check_codes(values: Words) -> None:
    if len(values) and not (values.codes.min() >= 0 and values.codes.max() < len(values.words)):
        raise ValueError(f"a code is not within 0 and {len(values.words) - 1}")


def _text(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return (_LENGTHS[len(data)] if len(data) < len(_LENGTHS) else _varint(len(data))) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


# Of nearly all texts and files.
_LENGTHS = [_varint(length) for length in range(4096)]
