"""A file that was read as plain JSON: what ``quantrac parse --json`` prints. Keys are only ever added."""

from collections.abc import Iterable
from typing import Any

from quantrac.domain.inspection.doubt import Doubt
from quantrac.domain.inspection.file import InspectedFile
from quantrac.domain.parsing import ParsedFile
from quantrac.domain.times import to_iso


def to_json(parsed: ParsedFile) -> dict[str, Any]:
    """Return what was read of a file; times are UTC, ISO 8601 with ``Z``."""
    return {
        "station": parsed.station_code,
        "format": parsed.format,
        "readings": [
            {
                "line": reading.line,
                "parameter": reading.parameter,
                "value": reading.value,
                "text": reading.text,
                "unit": reading.unit,
                "measured_at": to_iso(reading.measured_at),
                "status": reading.status,
                "qualifier": reading.qualifier,
            }
            for reading in parsed.readings
        ],
        "rejects": [
            {"line": reject.line, "text": reject.text, "reason": reject.reason, "detail": reject.detail}
            for reject in parsed.rejects
        ],
    }


def to_strict_json(file: InspectedFile, doubts: Iterable[Doubt]) -> dict[str, Any]:
    """Return the same, the station that the file was read by (or null), and what speaks against its lines."""
    return {
        **to_json(file.parsed),
        "assigned": file.station.code if file.station else None,
        "doubts": [
            {"line": doubt.line, "code": doubt.code, "flag": doubt.flag, "detail": doubt.detail}
            for doubt in doubts
        ],
    }
