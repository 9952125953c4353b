"""From the bytes of one station file to readings and rejects.

Pure and total: the same bytes, name, station and time of receipt give the same result, and no bytes raise.
A bad line becomes a reject with its line number, text and reason, and never takes good lines with it.

- ``text`` decodes; ``formats`` knows the column orders; ``fields`` reads the time column;
- ``targets`` turns a name and a unit as sent into a catalogue code, a unit and a conversion;
- ``filename`` reads the name, ``file_time`` how old a file is;
- ``reasons`` lists every code a reject can carry, ``advice`` what to do about it;
- ``parser`` puts it together.
"""

from quantrac.domain.parsing.advice import ADVICE
from quantrac.domain.parsing.file_time import file_time, name_time
from quantrac.domain.parsing.filename import station_code_from_name
from quantrac.domain.parsing.formats import FORMATS, Format
from quantrac.domain.parsing.parser import ParsedFile, parse_file
from quantrac.domain.parsing.reasons import REASONS, Reason
from quantrac.domain.parsing.targets import DEFAULT_ZONE

__all__ = [
    "ADVICE",
    "DEFAULT_ZONE",
    "FORMATS",
    "REASONS",
    "Format",
    "ParsedFile",
    "Reason",
    "file_time",
    "name_time",
    "parse_file",
    "station_code_from_name",
]
