"""When an entry of the registry is valid.

``valid_from`` is inclusive, ``valid_to`` exclusive, both UTC; ``None`` leaves that side open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Valid:
    """A period of validity."""

    valid_from: datetime | None = field(default=None, kw_only=True)
    valid_to: datetime | None = field(default=None, kw_only=True)

    def valid_at(self, time: datetime) -> bool:
        """Tell whether ``time`` (UTC) lies in the period."""
        return (self.valid_from is None or self.valid_from <= time) and (
            self.valid_to is None or time < self.valid_to
        )


def change_times(entries: Iterable[Valid]) -> set[datetime]:
    """Return the times at which any of the entries begins or ends."""
    return {at for entry in entries for at in (entry.valid_from, entry.valid_to) if at is not None}


def overlap(first: Valid, second: Valid) -> bool:
    """Tell whether both are valid at some time."""
    starts = [entry.valid_from or BEFORE_ALL for entry in (first, second)]
    return all(entry.valid_to is None or max(starts) < entry.valid_to for entry in (first, second))


def simultaneous(entries: Sequence[Valid]) -> Iterator[tuple[int, int]]:
    """Yield the places, counted from 1, of each two entries that are valid at some time both."""
    for (first, entry), (second, following) in combinations(enumerate(entries, start=1), 2):
        if overlap(entry, following):
            yield first, second
