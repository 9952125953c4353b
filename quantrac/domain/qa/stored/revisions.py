"""Revisions: the readings of a file that get another flag."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from quantrac.domain.qa.station_readings import instant
from quantrac.domain.qa.stored.history import FileHead
from quantrac.domain.qa.stored.span import Judged
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedReading, FlaggedSet


@dataclass(frozen=True, slots=True)
class Revision:
    """Readings of one file that get another flag."""

    station: str
    received_at: datetime
    """UTC, in milliseconds; the file is found by station and this."""
    rules: str
    """Version of the rule set that judged them."""
    revision: int
    cause: str
    readings: tuple[FlaggedReading, ...]
    """By line."""

    def of(self, file: FileHead) -> FlaggedSet:
        """Return the message that carries it."""
        return FlaggedSet(
            station=self.station,
            file_id=file.file_id,
            file_name=file.file_name,
            account=file.account,
            transport=file.transport,
            received_at=self.received_at,
            format=file.format,
            rules=self.rules,
            readings=list(self.readings),
            revision=self.revision,
            cause=self.cause,
        )


def revise(judged: Judged, expectations: Expectations, causes: Iterable[str]) -> list[Revision]:
    """Return what is to be sent of judged readings: those whose flag differs from the stored one, by file.

    Readings of one file that are judged by different rules become two revisions.
    """
    readings = judged.readings
    received = readings.received
    files: dict[tuple[float, str], list[int]] = defaultdict(list)
    for row in np.flatnonzero(judged.flag != readings.flag).tolist():
        rules = expectations.version(int(judged.profile[row]))
        files[float(received[row]), rules].append(row)
    codes, revision = readings.parameter, readings.revision
    return [
        Revision(
            station=readings.station,
            received_at=instant(at),
            rules=rules,
            revision=1 + int(revision[rows].max()),
            cause=",".join(sorted(causes)),
            readings=tuple(
                FlaggedReading(
                    line=int(readings.line[row]),
                    parameter=codes[row],
                    value=float(readings.value[row]),
                    text=readings.text[row],
                    unit=readings.unit[row],
                    measured_at=instant(readings.time[row]),
                    status=readings.status[row],
                    flag=int(judged.flag[row]),
                    tests=judged.tests(row),
                    equal_since=instant(judged.equal_since[row]),
                )
                for row in sorted(rows, key=lambda row: int(readings.line[row]))
            ),
        )
        for (at, rules), rows in sorted(files.items())
    ]


def head_of(heads: Mapping[datetime, FileHead], revision: Revision) -> FileHead:
    """Return the file of a revision; raises LookupError where it is not stored."""
    if revision.received_at not in heads:
        raise LookupError(f"{revision.station}: no file received at {revision.received_at} is stored")
    return heads[revision.received_at]
