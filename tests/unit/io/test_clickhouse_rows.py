"""ClickHouse's format Native, read as rows."""

import numpy as np
import pytest

from quantrac.io.clickhouse_rows import decode_blocks

ROWS = np.dtype([("count", "<u4"), ("value", "<f8"), ("days", "<f8", (2,))])


def block(*columns: tuple[bytes, bytes, bytes], rows: int) -> bytes:
    parts = [bytes([len(name)]) + name + bytes([len(type_)]) + type_ + data for name, type_, data in columns]
    return bytes([len(columns), rows]) + b"".join(parts)


def numbers(dtype: str, *values: float) -> bytes:
    return np.array(values, dtype).tobytes()


def test_blocks_of_columns_become_rows_in_their_order() -> None:
    first = block(
        (b"a", b"UInt32", numbers("<u4", 1, 2)),
        (b"b", b"Float64", numbers("<f8", 0.5, 1.5)),
        (b"c", b"Array(Float64)", numbers("<u8", 2, 4) + numbers("<f8", 1, 2, 3, 4)),
        rows=2,
    )
    second = block(
        (b"a", b"DateTime('UTC')", numbers("<u4", 3)),
        (b"b", b"Float64", numbers("<f8", 2.5)),
        (b"c", b"Array(Float64)", numbers("<u8", 2) + numbers("<f8", 5, 6)),
        rows=1,
    )
    rows = decode_blocks(first + second, ROWS)
    assert rows["count"].tolist() == [1, 2, 3]
    assert rows["value"].tolist() == [0.5, 1.5, 2.5]
    assert rows["days"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert decode_blocks(b"", ROWS).tolist() == []


def test_a_column_of_another_type_is_refused_and_named() -> None:
    dtype = np.dtype([("station", "<u2")])
    data = block((b"s", b"LowCardinality(UInt16)", b""), rows=1)
    with pytest.raises(ValueError, match=r"station came as LowCardinality\(UInt16\), not as UInt16"):
        decode_blocks(data, dtype)
    with pytest.raises(ValueError, match="1 columns came where 3 were asked for"):
        decode_blocks(data, ROWS)
