"""Local times in the format Native, which names no zone to a client that states no protocol version.

The engine answers every client as such a one: ``DateTime('Asia/Ho_Chi_Minh')`` is sent as ``DateTime``, and
clickhouse-connect takes it for UTC. ``DateTime64`` keeps its zone, so that is what such a column is sent as.
"""

import json
import re
from collections.abc import Callable, Sequence

from quantrac.local.clickhouse.statements import format_start, quote_name, verb

_LOCAL = re.compile(r"DateTime\('(?!UTC')[^'\\]+'\)")

Describe = Callable[[bytes], bytes]
"""Asks the engine for a statement's answer in the format JSONCompactEachRow."""


def keep_zones(select: bytes, describe: Describe) -> bytes:
    """Return a statement whose answer in Native says of each column in which zone its times are.

    ``select`` is one statement as the engine's parser writes it. It is returned as it is where no column
    needs it, and where two have one name.
    """
    if verb(select) not in ("SELECT", "WITH"):
        return select
    end = format_start(select)
    query, rest = select[:end].rstrip(b" ;"), select[end:]
    rows = [json.loads(line) for line in describe(b"DESCRIBE (" + query + b")").splitlines()]
    columns = [(str(row[0]), str(row[1])) for row in rows]
    if len({name for name, _ in columns}) < len(columns):
        return select
    casts = _casts(columns)
    return b"SELECT * REPLACE (" + casts + b") FROM (" + query + b") " + rest if casts else select


def _casts(columns: Sequence[tuple[str, str]]) -> bytes:
    casts = []
    for name, type_ in columns:
        if _LOCAL.fullmatch(type_):
            quoted, zoned = quote_name(name), type_.replace("DateTime(", "DateTime64(0, ")
            casts.append(f"CAST({quoted} AS {zoned}) AS {quoted}")
    return ", ".join(casts).encode()
