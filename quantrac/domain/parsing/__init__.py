"""From the bytes of one station file to readings and rejects.

Pure and total: the same bytes, name, station and time of receipt give the same result, and no bytes raise.
A bad line becomes a reject with its line number, text and reason, and never takes good lines with it.

- ``text`` decodes; ``formats`` knows the column orders; ``fields`` reads numbers and times;
- ``targets`` turns a name and a unit as sent into a catalogue code, a unit and a conversion;
- ``filename`` reads the name; ``reasons`` lists every code a reject can carry; ``parser`` puts it together.
"""

from quantrac.domain.parsing.filename import station_code_from_name
from quantrac.domain.parsing.formats import FORMATS, Format
from quantrac.domain.parsing.parser import ParsedFile, parse_file
from quantrac.domain.parsing.reasons import REASONS, Reason

__all__ = ["FORMATS", "REASONS", "Format", "ParsedFile", "Reason", "parse_file", "station_code_from_name"]
