"""What two tiers may differ in, and what of it can be mended by sending again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from quantrac.domain.ids import received_of
from quantrac.domain.reconciliation.levels import Level


class Subject(StrEnum):
    """What is compared."""

    READINGS = "readings"
    AVERAGES = "averages"
    INDICES = "indices"


class Sum(NamedTuple):
    """How many rows a station has in a period, and the sum of their hashes modulo 2^64."""

    rows: int
    digest: int


class SumKey(NamedTuple):
    """Of what a :class:`Sum` is."""

    station: str
    starts_at: datetime
    """Start of the period, UTC; it may lie before the span that was asked for."""


class RowKey(NamedTuple):
    """One reading, average or index of a station; what it has none of is empty."""

    time: datetime
    """Of a reading when it was measured, else the start, UTC."""
    name: str
    """Parameter, or kind of index."""
    period: str


class RowDigest(NamedTuple):
    """A stored row, as far as it is compared."""

    version: int
    """Of a reading :func:`quantrac.domain.ids.reading_version`; of others each tier counts its own."""
    digest: int


class Source(Protocol):
    """One tier's counts and digests; raises what reading them raises."""

    def sums(
        self, subject: Subject, level: Level, start: datetime, end: datetime, station: str | None = None
    ) -> Mapping[SumKey, Sum]:
        """Return the sums of ``[start, end)`` (UTC), of all stations or of one; none without rows."""
        ...

    def rows(
        self, subject: Subject, station: str, start: datetime, end: datetime
    ) -> Mapping[RowKey, RowDigest]:
        """Return each row of a station in ``[start, end)``."""
        ...

    def has_station(self, code: str) -> bool:
        """Tell whether the tier's registry has a station."""
        ...


class Kind(StrEnum):
    """How the two differ."""

    MISSING_AT_MINISTRY = "missing-at-ministry"
    MISSING_AT_PROVINCE = "missing-at-province"
    OTHER_VERSION = "other-version"
    """The newest version is another one; the higher one was made later."""
    OTHER_CONTENT = "other-content"
    """The same version of a reading, or an average or index, says something else."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that the two do not have alike, or a station that the ministry does not know."""

    subject: Subject
    kind: Kind
    station: str
    key: RowKey | None = None
    """``None`` where all rows of the station are meant."""
    province: RowDigest | None = None
    ministry: RowDigest | None = None
    rows: int = 1

    @property
    def can_be_sent(self) -> bool:
        """Whether the ministry gets what it lacks where the province sends its reading again."""
        if self.subject is not Subject.READINGS or self.key is None or self.province is None:
            return False
        return self.ministry is None or self.province.version >= self.ministry.version

    @property
    def has_file(self) -> bool:
        """Whether the ministry has the reading from the same file already, in another judgement or form."""
        return (
            self.province is not None
            and self.ministry is not None
            and received_of(self.province.version) == received_of(self.ministry.version)
        )


def compare_rows(
    subject: Subject,
    station: str,
    province: Mapping[RowKey, RowDigest],
    ministry: Mapping[RowKey, RowDigest],
) -> Iterator[Difference]:
    """Yield the rows of a station that differ, by time and name."""
    for key in sorted(province.keys() | ministry.keys()):
        rows = province.get(key), ministry.get(key)
        hashes = {row and row.digest for row in rows}
        if len(hashes) > 1:
            yield Difference(subject, _kind(subject, *rows), station, key, *rows)


def _kind(subject: Subject, province: RowDigest | None, ministry: RowDigest | None) -> Kind:
    if ministry is None:
        return Kind.MISSING_AT_MINISTRY
    if province is None:
        return Kind.MISSING_AT_PROVINCE
    if subject is Subject.READINGS and province.version != ministry.version:
        return Kind.OTHER_VERSION
    return Kind.OTHER_CONTENT
