"""Reads part of a table: a bad cell or row is rejected alone, and the good ones stay.

Names, units and times mean what they would in a station's file (:mod:`quantrac.domain.parsing`). A row gives
at most one reject, whose sentence names all of its bad cells; a column of a name that the station does not
have is rejected once, with the header's line.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import NamedTuple
from zoneinfo import ZoneInfo

from quantrac.domain.bounds import MEASURED, MEASURED_AHEAD
from quantrac.domain.csv_rows import cell_at, is_missing, read_rows
from quantrac.domain.numbers import AmbiguousNumberError, NotDetectedError, NumberError, Numbers
from quantrac.domain.parsing.parser import ParsedFile, names_of
from quantrac.domain.parsing.reasons import REASONS, ParseError, Reason
from quantrac.domain.parsing.targets import Targets
from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier
from quantrac.domain.readings import Reading, Readings, Reject
from quantrac.domain.registry.stations import Station
from quantrac.domain.spellings import fold
from quantrac.domain.statuses import MEASURING, read_status
from quantrac.domain.tables.layout import Meaning
from quantrac.domain.tables.part import Part, read_part
from quantrac.domain.written_times import read_parts, read_written

FORMAT = "table"
"""Name of the format of what is read here."""
HEADER_LINE = 1
"""Of rejects that are about a column."""
_CELLS_NAMED = 5
"""Bad cells of a row that its reject names; a row has a text of 500 characters."""
_TEXT_LIMIT = 500
_NUMBER_REASONS = {
    NumberError: Reason.VALUE_NOT_A_NUMBER,
    AmbiguousNumberError: Reason.AMBIGUOUS_NUMBER,
    NotDetectedError: Reason.NOT_DETECTED,
}


class CellError(Exception):
    """A cell gives no reading; caught in this module."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class _Row(NamedTuple):
    """What holds for all values of a row."""

    line: int
    measured_at: datetime
    """UTC."""
    targets: Targets
    status: str


def read_table(content: bytes, name: str, station: Station, received_at: datetime) -> ParsedFile:
    """Read part of a table (:func:`quantrac.domain.tables.part.write_part`); no bytes raise.

    Lines of readings and rejects are those of the table, the header's is 1. ``received_at`` (UTC) bounds the
    times accepted: up to a year ahead. Of several readings of one parameter and time in a part the first
    stays. Raises ValueError where the station's own entry is wrong (unknown time zone or unit).
    """
    part = read_part(content)
    if part is None:
        sentence = "The first line does not say what the columns of the table hold."
        return ParsedFile(name, rejects=[Reject(0, "", Reason.NOT_TEXT.value, sentence)])
    return _Reader(part, station, received_at).read(name)


class _Reader:
    """Reads the rows of one part."""

    def __init__(self, part: Part, station: Station, received_at: datetime) -> None:
        self._part, self._station = part, station
        layout = self._layout = part.layout
        self._wide = layout.wide
        """The columns that are read: one of an unknown name is dropped at its first value."""
        self._names = names_of(station)
        self._zone = ZoneInfo(layout.zone) if layout.zone else self._names.zone
        self._latest = min(received_at + MEASURED_AHEAD, MEASURED.last)
        self._times: dict[tuple[str, ...], tuple[datetime, Targets]] = {}
        self._meanings = {fold(name): meaning for name, meaning in layout.names}
        self._missing = frozenset(text.casefold() for text in layout.missing)
        shown = "0,5" if layout.shown_sign == "," else "0.5"
        numbers = Numbers(lambda: [shown], layout.decimal_sign, may_hold_commas=layout.shown_sign == ",")
        self._read_number, self._read_qualified = numbers.read, numbers.read_qualified
        self._readings = Readings()
        self._places: dict[tuple[str, datetime], int] = {}
        """Of each reading among them, by parameter and time."""
        self._rejects: list[Reject] = []
        self._unknown: dict[str, str] = {}
        """Name of a column that the station does not have → sentence."""

    def read(self, name: str) -> ParsedFile:
        """Return the readings and rejects of all rows."""
        rows = [self._part.header, *self._part.rows]
        try:
            for number, cells in read_rows(rows):
                if number > 1:
                    self._read_row(self._part.lines[number - 2], rows[number - 1], cells)
        except csv.Error as error:
            self._rejects.append(Reject(0, "", Reason.NOT_TEXT.value, f"A cell is past all bounds: {error}."))
        if self._unknown:
            sentence = " ".join(self._unknown.values())
            header = self._part.header[:_TEXT_LIMIT]
            reject = Reject(HEADER_LINE, header, Reason.UNKNOWN_PARAMETER.value, sentence)
            self._rejects.insert(0, reject)
        return ParsedFile(name, FORMAT if self._readings else "", self._readings, self._rejects)

    def _read_row(self, line: int, text: str, cells: Sequence[str]) -> None:
        errors: list[CellError] = []
        try:
            status = cell_at(cells, self._layout.status)
            row = _Row(line, *self._read_time(cells), read_status(status) if status else MEASURING)
            for heading, value, meaning in self._values(cells):
                try:
                    self._add(row, heading, value, meaning)
                except CellError as error:
                    errors.append(error)
        except CellError as error:
            errors.append(error)
        if errors:
            sentences = list(dict.fromkeys(map(str, errors)))
            more = len(sentences) - _CELLS_NAMED
            sentence = " ".join(sentences[:_CELLS_NAMED]) + (f" And {more} more." if more > 0 else "")
            self._rejects.append(Reject(line, text[:_TEXT_LIMIT], errors[0].reason.value, sentence))

    def _values(self, cells: Sequence[str]) -> Iterator[tuple[str, str, Meaning]]:
        """Yield heading or name, text and meaning of each cell of a value that is not empty."""
        layout, count = self._layout, len(cells)
        for index, meaning in self._wide:
            if index < count and cells[index]:
                yield meaning.name, cells[index], meaning
        if layout.name is not None:
            name, value = cell_at(cells, layout.name), cell_at(cells, layout.value)
            if value:
                meaning = self._meanings.get(fold(name), Meaning(name))
                unit = meaning.unit or cell_at(cells, layout.unit)
                yield name, value, Meaning(meaning.name, unit, meaning.words)

    def _add(self, row: _Row, heading: str, text: str, meaning: Meaning) -> None:
        measured_at, targets, status = row.measured_at, row.targets, row.status
        qualifier: Qualifier = NO_QUALIFIER
        if self._missing and text.casefold() in self._missing:  # such as -200
            return
        try:
            value = self._read_number(text)
        except NumberError:  # before anything is asked of a name that has no values
            if is_missing(text):
                return
            value, qualifier = self._read_other(heading, text, meaning)
        try:
            code, unit, conversion = targets[meaning.name, meaning.unit]
        except ParseError as error:
            sentence = REASONS[error.reason].format(**error.facts | {"station": self._station.code})
            if error.reason is Reason.UNKNOWN_PARAMETER and self._layout.name is None:
                self._wide = tuple(column for column in self._wide if column[1].name != heading)
                self._unknown[heading] = sentence
                return
            raise CellError(error.reason, sentence) from None
        if conversion is not None:
            value = conversion.apply(value)
            if not isfinite(value):
                raise CellError(Reason.VALUE_NOT_A_NUMBER, f'{heading}: "{text}" is beyond all numbers.')
        readings = self._readings
        row_index = self._places.setdefault((code, measured_at), len(readings.line))
        if row_index < len(readings.line):
            raise _duplicate(readings[row_index], value, qualifier, status)
        readings.line.append(row.line)
        readings.parameter.append(code)
        readings.value.append(value)
        readings.text.append(text)
        readings.unit.append(unit)
        readings.measured_at.append(measured_at)
        readings.status.append(status)
        readings.qualifier.append(qualifier)

    def _read_other(self, heading: str, text: str, meaning: Meaning) -> tuple[float, Qualifier]:
        """Read a cell that is no plain number: a word, or a value beyond a limit of the method."""
        words = dict(meaning.words)
        if (word := text.upper()) in words:
            return words[word], NO_QUALIFIER
        try:
            return self._read_qualified(text)
        except NumberError as error:
            raise CellError(_NUMBER_REASONS[type(error)], f"{heading}: {error}.") from None

    def _read_time(self, cells: Sequence[str]) -> tuple[datetime, Targets]:
        texts = tuple(cell_at(cells, index) for index in self._layout.time)
        meaning = self._times.get(texts)
        if meaning is None:
            meaning = self._times[texts] = self._look_up_time(texts)
        return meaning

    def _look_up_time(self, texts: tuple[str, ...]) -> tuple[datetime, Targets]:
        written = "-".join(texts)
        try:
            measured_at = _to_utc(texts, self._zone)
        except (ValueError, OverflowError):
            raise CellError(Reason.BAD_TIME, f'The time "{written}" is none.') from None
        if not MEASURED.first <= measured_at <= self._latest:
            sentence = f'The time "{written}" lies before 1990 or over a year after the receipt.'
            raise CellError(Reason.TIME_OUT_OF_RANGE, sentence)
        return measured_at, self._names.targets_at(measured_at)


def _duplicate(first: Reading, value: float, qualifier: Qualifier, status: str) -> CellError:
    if (first.value, first.qualifier, first.status) == (value, qualifier, status):
        sentence = f"Line {first.line} already gave the readings of this time."
        return CellError(Reason.DUPLICATE_LINE, sentence)
    sentence = f"Line {first.line} already gave {first.parameter} for this time as {first.text}; that stays."
    return CellError(Reason.DUPLICATE_PARAMETER, sentence)


def _to_utc(texts: tuple[str, ...], zone: ZoneInfo) -> datetime:
    """Return the time (UTC) that one text states, or several parts; raises ValueError, OverflowError."""
    time = read_written(texts[0]) if len(texts) == 1 else read_parts(texts)
    time = time if time.tzinfo else time.replace(tzinfo=zone)
    return time.astimezone(UTC).replace(microsecond=0)
