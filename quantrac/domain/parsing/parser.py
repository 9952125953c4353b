"""Reads one file line by line: a bad line is rejected alone, and the good ones stay."""

from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite

from quantrac.domain.numbers import (
    AmbiguousNumberError,
    DecimalSign,
    NotDetectedError,
    NumberError,
    Numbers,
    is_number,
)
from quantrac.domain.parsing.fields import Times
from quantrac.domain.parsing.filename import is_side_file, station_code_from_name
from quantrac.domain.parsing.formats import (
    MAX_COLUMNS,
    Columns,
    breaks_off,
    find_format,
    format_error,
    split_line,
    value_texts,
)
from quantrac.domain.parsing.reasons import MAX_REJECTS_BEFORE_READING, ParseError, Reason, Rejects, reject
from quantrac.domain.parsing.targets import CatalogueNames, Names, StationNames
from quantrac.domain.parsing.text import Lines, read_lines
from quantrac.domain.parsing.uniform import UNIFORM_FORMAT, read_uniform
from quantrac.domain.qualifiers import NO_QUALIFIER
from quantrac.domain.readings import Reading, Readings, Reject
from quantrac.domain.registry.stations import Station
from quantrac.domain.statuses import read_status
from quantrac.domain.titles import is_comment, is_end_mark, is_title_row
from quantrac.domain.units import Conversion

_NUMBER_REASONS = {
    NumberError: Reason.VALUE_NOT_A_NUMBER,
    AmbiguousNumberError: Reason.AMBIGUOUS_NUMBER,
    NotDetectedError: Reason.NOT_DETECTED,
}
_TITLE_COLUMNS = 3
"""Two words and the TAB that loggers put behind them."""


@dataclass(slots=True)
class ParsedFile:
    """The readings and rejects of one file."""

    name: str
    """As sent."""
    format: str = ""
    """Name of the format of the first reading; empty when nothing was readable."""
    readings: Readings = field(default_factory=Readings)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def station_code(self) -> str:
        """The code that the file name states; empty where it states none."""
        return station_code_from_name(self.name)


def parse_file(content: bytes, name: str, station: Station | None, received_at: datetime) -> ParsedFile:
    """Read a station file; no bytes and no name raise.

    With a station, names are resolved by its registered parameters and values converted to their units; a
    name not registered at the time of its line is a reject. Without one, known names get their catalogue
    code and units their canonical spelling, and values stay. Times are the station's clock (without one
    UTC+7). ``received_at`` (UTC) bounds the times accepted: up to a year ahead.

    The first of several readings of one parameter and time stays; the others are rejects. Raises ValueError
    where the station's own entry is wrong (unknown time zone or unit).
    """
    if is_side_file(name):
        return _refuse(name, Reason.SIDE_FILE, name=name)
    lines = read_lines(content, station.encoding if station else "utf-8")
    times = Times(names_of(station), received_at)
    decimal_sign = station.decimal_sign if station else None
    uniform = read_uniform(lines, times) if decimal_sign != "," else None
    if uniform is not None:
        return ParsedFile(name, UNIFORM_FORMAT, uniform)
    rejects = Rejects(station.code if station else "")
    readings = _Reader(times, _numbers(lines, decimal_sign), rejects).read(lines)
    if readings:
        return ParsedFile(name, _format_name(lines.text(readings.line[0])), readings, rejects.close())
    if not lines.is_text and rejects.are_shapeless:
        return _refuse(name, Reason.NOT_TEXT)
    if not rejects.count:
        return _refuse(name, Reason.EMPTY_FILE, size=len(content))
    return ParsedFile(name, rejects=rejects.close())


def _refuse(file_name: str, reason: Reason, **facts: object) -> ParsedFile:
    """Refuse a file whole."""
    return ParsedFile(file_name, rejects=[reject(0, "", reason, facts)])


def _numbers(lines: Lines, declared: DecimalSign | None) -> Numbers:
    """Return the reader of a file's numbers."""
    texts = [*lines.complete, lines.rest]
    return Numbers(lambda: value_texts(texts), declared, may_hold_commas="," in "".join(texts))


class _Reader:
    """Reads the lines of one file."""

    def __init__(self, times: Times, numbers: Numbers, rejects: Rejects) -> None:
        self._readings: list[Reading] = []
        self._times, self._rejects = times, rejects
        self._read_number, self._read_qualified = numbers.read, numbers.read_qualified
        self._first_readings: dict[tuple[str, datetime], Reading] = {}
        self._started = False
        self._title: tuple[int, str] | None = None

    def read(self, lines: Lines) -> Readings:
        """Return the readings of good lines; the others become rejects."""
        self._read_lines(lines)
        return Readings.of(self._readings)

    def _read_lines(self, lines: Lines) -> None:
        for number, line in enumerate(lines.complete, 1):
            if number in lines.errors:
                self._reject(number, line, lines.errors[number])
            else:
                self._read_line(number, line)
            if not self._readings and self._rejects.count >= MAX_REJECTS_BEFORE_READING:
                self._rejects.skip(sum(1 for line in lines.complete[number:] if line.strip()))
                return
        self._read_rest(len(lines.complete) + 1, lines)
        self._reject_title()

    def _reject_title(self) -> None:
        """Reject the title line where no reading followed: it may have been meant as one."""
        if self._title is not None and not self._readings:
            number, line = self._title
            self._reject(number, line, format_error(line, split_line(line)))

    def _read_rest(self, number: int, lines: Lines) -> None:
        """Read what follows the last line end: a whole line, or one that the transfer cut."""
        if not lines.rest.strip():
            return
        previous = split_line(lines.text(self._readings[-1].line)) if self._readings else None
        is_remark = is_end_mark(lines.rest) or is_comment(lines.rest)
        if not is_remark and breaks_off(split_line(lines.rest), previous):
            self._rejects.add(number, lines.rest, Reason.TRUNCATED_LINE)
        elif number in lines.errors:
            self._reject(number, lines.rest, lines.errors[number])
        else:
            self._read_line(number, lines.rest)

    def _read_line(self, number: int, line: str) -> None:
        try:
            # The line nearly all files are made of: five columns, at a time that a line before it had.
            columns = line.split("\t", MAX_COLUMNS)
            meaning = self._times.get(columns[3]) if len(columns) == MAX_COLUMNS else None
            if meaning is not None:
                name, text, unit, _, status = columns
            else:
                arranged = self._arrange(number, line)
                if arranged is None:
                    return
                name, text, unit, time, status = arranged
                meaning = self._times[time]
            measured_at, targets = meaning
            code, unit, conversion = targets[name, unit]
            try:  # nearly every value is a plain number
                value, qualifier = self._read_number(text), NO_QUALIFIER
            except NumberError:
                value, qualifier = self._read_qualified(text)
            if conversion is not None:
                value = _convert(value, conversion, text)
            status = read_status(status)
            reading = Reading(number, code, value, text, unit, measured_at, status, qualifier=qualifier)
            first = self._first_readings.setdefault((code, measured_at), reading)
            if first is not reading:
                raise _duplicate(first, reading)
        except ParseError as error:
            self._reject(number, line, error)
        except NumberError as error:
            self._rejects.add(number, line, _NUMBER_REASONS[type(error)], text=text)
        else:
            self._readings.append(reading)

    def _reject(self, number: int, line: str, error: ParseError) -> None:
        self._rejects.add(number, line, error.reason, **error.facts)

    def _arrange(self, number: int, line: str) -> Columns | None:
        """Find the line's format; ``None`` for lines about no reading: blank, comments, titles, end marks."""
        if not line.strip():
            return None
        columns = split_line(line)
        line_format = find_format(columns)
        if line_format is None and is_comment(line):
            return None
        is_first, self._started = not self._started, True
        if is_first and _is_title(line, columns):
            self._title = number, line
            return None
        if line_format is None:
            if is_end_mark(line) or is_title_row(columns):
                return None
            raise format_error(line, columns)
        arranged = line_format.arrange(columns)
        if "\t" not in line and "," in arranged[1]:
            raise ParseError(Reason.VALUE_NOT_A_NUMBER, text=arranged[1])
        return arranged


def _is_title(line: str, columns: list[str]) -> bool:
    """Tell a title line (``stationID_stationName``, TAB) from a broken reading (``NO``, TAB, ``12.5``)."""
    filled = [column for column in columns if column.strip()]
    if len(columns) > _TITLE_COLUMNS or len(filled) > 2:
        return False
    return not is_number(filled[-1]) or "\t" not in line


def _format_name(line: str) -> str:
    """Name the format of a line that gave a reading."""
    line_format = find_format(split_line(line))
    separator = "" if "\t" in line else ", blanks"
    return f"{line_format.name}{separator}" if line_format else ""


def _convert(value: float, conversion: Conversion, text: str) -> float:
    converted = conversion.apply(value)
    if not isfinite(converted):
        raise ParseError(Reason.VALUE_NOT_A_NUMBER, text=text)
    return converted


def _duplicate(first: Reading, second: Reading) -> ParseError:
    is_same = (first.value, first.qualifier, first.status) == (second.value, second.qualifier, second.status)
    reason = Reason.DUPLICATE_LINE if is_same else Reason.DUPLICATE_PARAMETER
    return ParseError(reason, first=first.line, parameter=first.parameter, text=first.text)


_STATION_NAMES: dict[str, tuple[Station, StationNames]] = {}
"""By code, with the record that they come from."""
_ALIKE: dict[object, StationNames] = {}
"""By all that they come from: most stations register as others do; names of their own took 12 kB each."""
_MOST_ALIKE = 20_000
"""Names kept for stations to come; records that were replaced must not fill the memory."""


def names_of(station: Station | None) -> Names:
    """Return the names of a station, cached by its code until the registry replaces the record."""
    if station is None:
        return CatalogueNames()
    record, names = _STATION_NAMES.get(station.code, (None, None))
    if names is None or record is not station:
        names = _names_alike(station)
        _STATION_NAMES[station.code] = station, names
    return names


def _names_alike(station: Station) -> StationNames:
    key = station.timezone, station.type, station.parameters
    names = _ALIKE.get(key)
    if names is None:
        if len(_ALIKE) >= _MOST_ALIKE:
            _ALIKE.clear()
        names = _ALIKE[key] = StationNames(station)
    return names
