"""Revisions: the readings of a file that get another flag."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from quantrac.domain.qa.baseline.blocks import block_of
from quantrac.domain.qa.baseline.update import Span
from quantrac.domain.qa.evaluate import outcomes_by_test
from quantrac.domain.qa.stored.history import FileHead
from quantrac.domain.qa.stored.stretch import Stretch
from quantrac.domain.qa.window import Indices
from quantrac.domain.readings import FlaggedReading, FlaggedReadings, FlaggedSet
from quantrac.domain.times import from_seconds, to_seconds

MONTH = 120
"""Blocks read and judged at a time, so that a long span needs no more memory than a short one."""


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A stored reading whose flag is another one now."""

    reading: FlaggedReading
    """With its new flag."""
    received_at: datetime
    """UTC, in milliseconds; the file is found by station and this."""
    revision: int
    """The judgement of its file that gave the stored flag; 0 is the first."""
    rules: str
    """Version of the rule set that judged it now."""


def flag_changes(stretch: Stretch, rows: Indices, since: float) -> Iterator[FlagChange]:
    """Yield those of some judged rows (m,) of a stretch whose flag differs from the stored one, in order.

    No reading before ``since`` (seconds since 1970 UTC) makes a value older.
    """
    flags = stretch.flags()
    station, readings = stretch.station, stretch.station.readings
    rows = rows[flags[rows] != readings.flag[stretch.rows[rows]]]
    if not len(rows):
        return
    changed = readings.take(stretch.rows[rows])
    equal_since = station.equal_since(stretch.rows[rows], since)
    received, revision, codes = changed.received, changed.revision, changed.parameter
    for index, row in enumerate(rows.tolist()):
        yield FlagChange(
            FlaggedReading(
                line=int(changed.line[index]),
                parameter=codes[index],
                value=float(changed.value[index]),
                text=changed.text_of(index),
                unit=changed.unit[index],
                measured_at=from_seconds(changed.time[index]),
                status=changed.status[index],
                flag=int(flags[row]),
                tests=outcomes_by_test(stretch.outcomes[row].tolist(), int(stretch.decided[row])),
                equal_since=from_seconds(equal_since[index]),
                qualifier=changed.qualifier[index],
            ),
            received_at=from_seconds(received[index]),
            revision=int(revision[index]),
            rules=station.expectations.version(int(stretch.profile[row])),
        )


class FileNotStored(LookupError):
    """A reading is stored, and the file it came with is not."""


def revisions_of(
    station: str,
    changes: Sequence[FlagChange],
    spans: Sequence[Span],
    files: Mapping[datetime, FileHead],
) -> list[FlaggedSet]:
    """Gather changes by file, as they are to be sent; each carries the causes of the span it lies in.

    ``spans`` are sorted and apart, and hold all changes. Readings of one file that are judged by different
    rules become two revisions, and so do those of different spans and months. Raises FileNotStored for a file
    that is not among ``files``.
    """
    starts = [span.start for span in spans]
    groups: dict[tuple[int, int, datetime, str], list[FlagChange]] = defaultdict(list)
    for change in changes:
        measured_at = to_seconds(change.reading.measured_at)
        span = int(np.searchsorted(starts, measured_at, side="right")) - 1
        month = (block_of(measured_at) - block_of(starts[span])) // MONTH
        groups[span, month, change.received_at, change.rules].append(change)
    return [
        _revision(station, group, rules, spans[span].causes, files)
        for (span, _, _, rules), group in sorted(groups.items(), key=lambda item: item[0])
    ]


def _revision(
    station: str,
    changes: Sequence[FlagChange],
    rules: str,
    causes: frozenset[str],
    files: Mapping[datetime, FileHead],
) -> FlaggedSet:
    received_at = changes[0].received_at
    if received_at not in files:
        raise FileNotStored(f"{station}: no file received at {received_at} is stored")
    file = files[received_at]
    readings = sorted(
        (change.reading for change in changes), key=lambda r: (r.line, r.parameter, r.measured_at)
    )
    return FlaggedSet(
        station=station,
        file_id=file.file_id,
        file_name=file.file_name,
        account=file.account,
        transport=file.transport,
        received_at=received_at,
        format=file.format,
        rules=rules,
        readings=FlaggedReadings.of(readings),
        revision=1 + max(change.revision for change in changes),
        cause=",".join(sorted(causes)),
    )
