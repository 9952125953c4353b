"""The login of a tier's analysts: its name, its one database, and what its statements are held to."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.errors import LocalError
from schemas.clickhouse.roles import ANALYST_OUTPUT

MAX_STATEMENT_BYTES = 64 << 10
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")

SLOTS = 4
"""Statements of all analysts at once; the services have theirs apart."""

ANSWER_SECONDS = 600.0
"""The longest an answer may take to be fetched: a client that hardly reads keeps a slot so long."""

_LIMITS = {
    "max_execution_time": "60",
    # Four at once leave the services a third of the engine's 3 GiB; what needs more goes to the disk.
    "max_memory_usage": "536870912",
    "max_bytes_before_external_group_by": "268435456",
    "max_bytes_before_external_sort": "268435456",
    "max_temporary_data_on_disk_size_for_query": "2147483648",
    "max_rows_to_read": "500000000",
    "max_result_rows": "10000000",
    "max_threads": str(max(1, (os.cpu_count() or 1) // 2)),
    "max_query_size": str(2 * MAX_STATEMENT_BYTES),
}

# Of an answer that is in memory at once, as Parquet and JSON are.
_WHOLE_RESULT_BYTES = "134217728"

_SETTINGS = frozenset(
    (
        *ANALYST_OUTPUT,
        *("extremes", "join_use_nulls", "session_timezone", "use_client_time_zone"),
        *("max_block_size", "date_time_input_format", "date_time_output_format"),
        *("union_default_mode", "format_csv_delimiter", "output_format_csv_crlf_end_of_line"),
        *("format_tsv_null_representation",),
        *("output_format_json_quote_64bit_integers", "output_format_json_quote_decimals"),
        *("output_format_json_quote_denormals", "output_format_json_named_tuples_as_objects"),
        *("output_format_parquet_compression_method", "output_format_parquet_string_as_string"),
        *("output_format_arrow_string_as_string", "output_format_arrow_compression_method"),
        *("output_format_pretty_max_rows", "output_format_pretty_color"),
        *("output_format_decimal_trailing_zeros",),
        *("output_format_native_use_flattened_dynamic_and_json_serialization",),
    )
)
"""What a client may choose: how the answer is written."""

_FORMATS = frozenset(
    (
        *("TabSeparated", "TabSeparatedWithNames", "TabSeparatedWithNamesAndTypes"),
        *("TabSeparatedRaw", "TSV", "TSVWithNames", "TSVWithNamesAndTypes", "TSVRaw"),
        *("TSVRawWithNames", "TSKV", "CSV", "CSVWithNames", "CSVWithNamesAndTypes", "Values"),
        *("Vertical", "Markdown", "XML", "Null", "JSON", "JSONStrings", "JSONColumns"),
        *("JSONColumnsWithMetadata", "JSONCompact", "JSONEachRow", "JSONCompactStrings"),
        *("JSONCompactColumns", "JSONStringsEachRow", "JSONObjectEachRow", "JSONLines"),
        *("JSONCompactEachRow", "JSONCompactEachRowWithNames"),
        *("JSONCompactEachRowWithNamesAndTypes", "NDJSON", "JSONCompactStringsEachRow"),
        *("JSONCompactStringsEachRowWithNames", "GeoJSON", "PrettyJSONEachRow"),
        *("JSONCompactStringsEachRowWithNamesAndTypes", "Pretty", "PrettyCompact", "PrettySpace"),
        *("PrettyNoEscapes", "PrettyCompactNoEscapes", "PrettySpaceNoEscapes"),
        *("PrettyCompactMonoBlock", "Native", "RowBinary", "RowBinaryWithNames"),
        *("RowBinaryWithNamesAndTypes", "Parquet", "Arrow", "ArrowStream", "ORC", "Avro"),
        *("MsgPack", "BSONEachRow", "Npy"),
    )
)
"""What answers without reading a schema, a template or a certificate from a file."""


@dataclass(frozen=True, slots=True)
class Analyst:
    """Who reads one database: user, password, database. `role` names the engine's role with these rights."""

    user: str
    password: str
    database: str

    @property
    def role(self) -> str:
        """The name of the engine's role."""
        return f"reader_of_{self.database}"

    def check_database(self, database: str) -> None:
        """Refuse another default database than the login's own; none is none."""
        if database not in ("", self.database):
            text = f"{self.user}: Not enough privileges. This login reads the database {self.database}"
            raise EngineError.with_name(497, "ACCESS_DENIED", text)

    def settings(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return what is set before a statement is looked at: the limits, and how the answer is written.

        Raises `EngineError` for a setting that no client may choose; a limit that it chose is overruled.
        """
        for name in chosen:
            if name not in _SETTINGS and name not in _LIMITS and name != "readonly":
                text = f"Cannot modify '{name}' setting in readonly mode"
                raise EngineError.with_name(164, "READONLY", text)
        output = {name: value for name, value in chosen.items() if name in _SETTINGS}
        return {**ANALYST_OUTPUT, **output, **_LIMITS}


def last_settings(*, streamed: bool) -> dict[str, str]:
    """Return what is set right before a statement runs: after it nothing can be set any more."""
    unstreamed = {} if streamed else {"max_result_bytes": _WHOLE_RESULT_BYTES}
    return {**unstreamed, "readonly": "1"}


def analysts_of(passwords: Mapping[str, str]) -> list[Analyst]:
    """Name the logins: database -> password; raises `LocalError` for a name that no database here has."""
    for database in passwords:
        if not _DATABASE.fullmatch(database):
            raise LocalError(f"{database!r} is no name of a database that analysts can be given.")
    return [Analyst(f"analyst_{name}", password, name) for name, password in sorted(passwords.items())]


def check_format(name: str) -> None:
    """Refuse a format of the answer that needs a file of the server."""
    if name not in _FORMATS:
        raise EngineError.with_name(73, "UNKNOWN_FORMAT", f"Analysts get no answer in the format {name!r}")
