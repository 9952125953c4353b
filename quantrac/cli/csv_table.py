"""A CSV of many parameters, one row a time: headings, times and values, with what could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from quantrac.cli.csv_units import Heading
from quantrac.cli.terminal import echo
from quantrac.domain.qualifiers import Qualifier
from quantrac.domain.stamps import Stamps, middle_offset
from quantrac.domain.times import HOUR, HOUR_DELTA, VIETNAM_OFFSET
from quantrac.domain.written_times import read_written

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time, as the hours counted from it

Values = dict[str, Fraction]
"""Parameter → value of one row, where there is one."""
Qualifiers = dict[str, Qualifier]
"""Parameter → qualifier of its value, where it has one."""


@dataclass(slots=True)
class Table:
    """A CSV in its order: times as text, and the cells that its reader was asked for."""

    headings: list[Heading]
    """Beside ``time``; without a parameter where nobody asked for the column."""
    lines: list[int]
    times: list[str]
    values: list[Values]
    qualifiers: list[Qualifiers]
    """Of the values that are limits of a method."""
    complaints: int = 0
    """Cells and rows that could not be read."""

    @property
    def columns(self) -> list[str]:
        """Headings beside ``time``, as the file writes them."""
        return [heading.text for heading in self.headings]

    @property
    def parameters(self) -> list[str | None]:
        """Parameter of each column; ``None`` where nobody asked for it."""
        return [heading.parameter for heading in self.headings]

    def complain(self, line: int, problem: str) -> None:
        """Print what could not be read, and count it."""
        self.complaints += 1
        echo(f"line {line}: {problem}", err=True)

    def sub_columns(self, subindices: Mapping[str, str]) -> list[str]:
        """Lay sub-indices, by parameter, out in the order of the columns."""
        return [subindices.get(parameter, "") if parameter else "" for parameter in self.parameters]

    def hours(self, stamps: Stamps) -> list[int | None]:
        """Return each row's hour, counted on Vietnam's clock from 1970, ``None`` for a time that is none.

        ``stamps`` says what a time names of its hour. Complains about each time that is none.
        """
        offset = middle_offset(stamps, HOUR)
        hours: list[int | None] = []
        for line, text in zip(self.lines, self.times, strict=True):
            try:
                hours.append((_hour(text) * HOUR + offset) // HOUR)
            except (ValueError, OverflowError) as error:
                self.complain(line, f"column 'time': {error}")
                hours.append(None)
        return hours


def _hour(text: str) -> int:
    """Read a time; raises ValueError where it is none, or not on the hour.

    >>> _hour("1970-01-02T01:00"), _hour("1970-01-01T18:00Z"), _hour("01:00 02/01/1970")
    (25, 25, 25)
    """
    moment = read_written(text)
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=VIETNAM_OFFSET)
    hours, rest = divmod(moment - EPOCH, HOUR_DELTA)
    if hours < 1:  # days are counted from 1970
        raise ValueError(f"{text!r} is before any station")
    if rest:
        raise ValueError(f"{text!r} is not on the hour")
    return hours
