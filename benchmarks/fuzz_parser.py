"""Random files through the parser: no exception, and never a value that is not in the text.

    python benchmarks/fuzz_parser.py [MILLIONS] [SEED]

Files are put together from the pieces real ones are made of, and then broken: bytes changed, cut out, added,
other files spliced in. A failure prints the bytes and the seed, and ends with 1.
"""

import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from quantrac.domain.control_characters import has_control
from quantrac.domain.parsing import ParsedFile, parse_file
from quantrac.domain.parsing.text import read_lines
from quantrac.domain.readings import Reading
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.domain.units import UNITS as UNITS_KNOWN
from quantrac.domain.units import conversion

RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)
NAMES = [
    "PM2.5",
    "pH",
    "NO3-N",
    "m,p-Xylene",
    "Vinyl chloride",
    "Nhiệt độ",
    "PM2,5",
    "",
    "Flow_Out",
    "CO",
    "名",
]
VALUES = [
    "7.85",
    "-1.60",
    "0",
    "7,85",
    "1e3",
    "nan",
    "inf",
    "1_000",
    "12,4x",
    "",
    "1,234,567",
    "1,013",
    "1.250",
    "+.5",
    "٣",
    "1e999",
]
UNITS = ["", "mg/L", "ug/m3", "oC", "furlong", "---", "µg/m³", "%", "ppb", "0"]
TIMES = [
    *["20260325000500"] * 4,
    "202603250005",
    "20260324240000",
    "20260324240500",
    "20261399000000",
    "",
    "20250325000500",
    "00010101000000",
    "2026032500050",
]
STATUSES = ["00", "01", "02", "", "0", "2", "99", "xx"]
BREAKS = [*["\r\n"] * 4, "\n", "\r", "\n\n", ""]
TABS = [*["\t"] * 8, " ", "  ", "\t\t", ";", ","]
CODECS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1258"]
NOISE = [
    *(b"\0", b"\xff", b"\t", b"\n", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b",", b"9" * 400),
    *(b"\x1b[", b"\x1a", b"\x02"),
]


def main(files: int, seed: int) -> int:
    """Run; returns the exit status."""
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    stations = [None, _station("utf-8"), _station("cp1258")]
    content, begun = b"", time.perf_counter()
    for number in range(files):
        content = broken(rng, written(rng), content)
        station = stations[number % len(stations)]
        try:
            parsed = parse_file(content, "HN_ABCD_KHI001_20260325000500.txt", station, RECEIVED)
            check(content, parsed, station)
        except Exception:
            traceback.print_exc()
            print(f"file {number} of seed {seed}: {content!r}")
            return 1
        outcomes["readings"] += len(parsed.readings)
        outcomes["rejects"] += len(parsed.rejects)
    seconds = time.perf_counter() - begun
    print(f"{files:,} files in {seconds:,.0f} s, {files / seconds:,.0f} a second, seed {seed}: no exception,")
    print(f"{outcomes['readings']:,} readings, each one in its line; {outcomes['rejects']:,} rejects")
    return 0


def check(content: bytes, parsed: ParsedFile, station: Station | None) -> None:
    """Hold every reading against the line it says it comes from."""
    lines = read_lines(content, station.encoding if station else "utf-8") if parsed.readings else None
    for reading in parsed.readings:
        assert lines is not None
        assert reading.text in lines.text(reading.line), reading
        assert reading.value in possible_values(reading), reading
        assert not has_control(reading.parameter + reading.text + reading.unit + reading.status), reading
        assert reading.measured_at.tzinfo is UTC, reading
    numbers = [reading.line for reading in parsed.readings]
    assert len(numbers) == len(set(numbers)), "two readings of one line"


def possible_values(reading: Reading) -> Iterator[float]:
    """Yield the number in the text, then what it becomes from each unit that converts into the reading's."""
    number = float(reading.text.replace(",", "."))
    yield number
    for unit in UNITS_KNOWN:
        if found := conversion(unit.name, reading.unit, medium=StationType.AMBIENT_AIR):
            yield found.apply(number)


def written(rng: random.Random) -> bytes:
    """Write a file of up to six lines in some column order."""
    tab, end, text = rng.choice(TABS), rng.choice(BREAKS), ""
    order = rng.choice(
        [(0, 1, 2, 3, 4), (0, 1, 2, 3, 4), (3, 0, 1, 2), (3, 0, 1), (0, 1, 3, 4), (0, 1, 2, 3)]
    )
    time_ = rng.choice(TIMES)
    for _ in range(rng.randrange(7)):
        at = time_ if rng.random() < 0.9 else rng.choice(TIMES)
        columns = (rng.choice(NAMES), rng.choice(VALUES), rng.choice(UNITS), at, rng.choice(STATUSES))
        text += tab.join(columns[i] for i in order) + end
    return text.encode(rng.choice(CODECS), "replace")


def broken(rng: random.Random, content: bytes, before: bytes) -> bytes:
    """Break a file in up to three places."""
    for _ in range(rng.randrange(4)):
        content = rng.choice(_BREAKAGES)(rng, content, before)
    return content[:100_000]


def _cut(rng: random.Random, content: bytes, _: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _insert(rng: random.Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(NOISE) + content[at:]


def _change(rng: random.Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def _splice(rng: random.Random, content: bytes, before: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)] + before[rng.randrange(len(before) + 1) :]


_BREAKAGES: list[Callable[[random.Random, bytes, bytes], bytes]] = [_cut, _insert, _change, _change, _splice]


def _station(encoding: str) -> Station:
    """Return a station of four parameters."""
    parameters = tuple(StationParameter(name, "") for name in ("pH", "FLOW"))
    return Station(
        code="HN_ABCD_KHI001",
        name="Trạm mẫu",
        name_en="Sample station",
        type=StationType.AMBIENT_AIR,
        province="01",
        latitude=21.0,
        longitude=105.8,
        interval_seconds=300,
        encoding=encoding,
        parameters=(*parameters, StationParameter("PM2.5", "µg/m3"), StationParameter("Temp", "°C")),
    )


if __name__ == "__main__":
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    sys.exit(main(round(millions * 1_000_000), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
