"""ClickHouse's format ``Native``: a block of columns, written straight from numpy's arrays."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
_ZONE = re.compile(r"\('[^']*'\)|, '[^']*'")

# LowCardinality: the version of its serialisation, and that a block brings the whole dictionary it needs.
_KEYS_VERSION = 1
_OWN_DICTIONARY = 1 << 9 | 1 << 10


class UnknownType(Exception):
    """A table's column has a type that is not written here."""


@dataclass(frozen=True, slots=True)
class Words:
    """A column of few different texts."""

    words: Sequence[str]
    codes: NDArray[Any]
    """(n,) index in ``words`` of each row."""

    def __len__(self) -> int:
        return len(self.codes)


Array = NDArray[Any] | Words | Sequence[str] | Sequence[bytes] | Sequence[Sequence[int]]
"""A column: numbers or times; few different texts; texts; bytes; lists of whole numbers."""


def encode_block(columns: Iterable[tuple[str, str, Array]]) -> bytes:
    """Write one block of equally long columns; each is (name, type of the table's column, values).

    Numbers and times are arrays: a time is a number of seconds, or of milliseconds for ``DateTime64(3)``, and
    NaN is NULL in a nullable column. ``String`` and ``LowCardinality(String)`` take :class:`Words`, texts or
    bytes, ``Array`` a sequence for each row.

    Raises ``ValueError`` for values that a type cannot hold, :class:`UnknownType` for a type that is not
    written here.
    """
    parts: list[bytes] = []
    rows: int | None = None
    for name, declared, values in columns:
        rows = len(values) if rows is None else rows
        if len(values) != rows:
            raise ValueError(f"the column {name} has {len(values)} rows, those before it have {rows}")
        try:
            type_, data = _encode_column(declared, values)
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{name}: {error}") from error
        parts += [_text(name), _text(type_), data]
    return b"".join([_varint(len(parts) // 3), _varint(rows or 0), *parts])


def _encode_column(declared: str, values: Array) -> tuple[str, bytes]:
    """Return the type that a column is written as, from which the server converts, and its values."""
    if declared in {"String", "LowCardinality(String)"}:
        if isinstance(values, Words) and declared != "String":
            return declared, _encode_keys(values)
        return "String", _encode_texts(values)
    if declared.startswith("Array("):
        return declared, _encode_lists(declared[6:-1], values)
    if not isinstance(values, np.ndarray):
        raise TypeError(f"{declared} is written from an array, not from {type(values).__name__}")
    if declared.startswith("Nullable("):
        is_null = np.isnan(values)
        return declared, is_null.tobytes() + _encode_numbers(declared[9:-1], np.where(is_null, 0, values))
    return declared, _encode_numbers(declared, values)


def _encode_numbers(type_: str, values: NDArray[Any]) -> bytes:
    if type_ == "Float64":
        return values.astype("<f8", copy=False).tobytes()
    try:
        layout, least, greatest = _NUMBERS[_ZONE.sub("", type_)]
    except KeyError:
        raise UnknownType(f"a column of the type {type_} is not written") from None
    if len(values):
        low, high = values.min(), values.max()
        if not (low >= least and high <= greatest):  # NaN is neither
            raise ValueError(f"{high if low >= least else low} is not within {least} and {greatest}")
    return values.astype(layout, copy=False).tobytes()


def _encode_lists(type_: str, lists: Any) -> bytes:
    """Write where each row's list ends, then the values of all lists."""
    ends = np.cumsum([len(values) for values in lists], dtype="<u8")
    return ends.tobytes() + _encode_numbers(type_, np.array(list(chain.from_iterable(lists))))


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
    return b"".join([b"\0" if text == "" else _text(text) for text in values])  # type: ignore[arg-type]


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
