"""The parser alone, dialect by dialect: files of 15 lines a second of CPU, beside a plain split of the same.

Every column order in every encoding, with decimal points, with commas, and with every line broken.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from quantrac.domain.parsing import FORMATS, parse_file
from quantrac.domain.registry.stations import Station, StationParameter, StationType

LINES, FILES = 15, 3_000
NAME = "HN_ABCD_KHI001_20260325000500.txt"
RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)
COMMON, WORST = 20_000, 5_000


def main() -> None:
    station = Station(
        code="HN_ABCD_KHI001",
        name="Trạm mẫu",
        name_en="Sample station",
        type=StationType.AMBIENT_AIR,
        province="01",
        latitude=21.0,
        longitude=105.8,
        interval_seconds=300,
        parameters=tuple(StationParameter(f"Thông số {n}", "µg/m3") for n in range(LINES)),
    )
    print(f"{'dialect':52} {'files/s':>8}  plain split ÷ ours")
    rates = {}
    for dialect, content in dialects():
        ours = rate(lambda content=content: parse_file(content, NAME, station, RECEIVED))  # type: ignore[misc]
        plain = rate(lambda content=content: bare(content))  # type: ignore[misc]
        rates[dialect] = ours
        print(f"{dialect:52} {ours:8,.0f}  {plain / ours:5.1f}")
    common, worst = next(iter(rates.values())), min(rates.values())
    print(f"common {common:,.0f} ({verdict(common >= COMMON)} {COMMON:,}), ", end="")
    print(f"worst {worst:,.0f} ({verdict(worst >= WORST)} {WORST:,})")


def dialects() -> Iterator[tuple[str, bytes]]:
    """Yield (name, a file), the common one first."""
    for order in FORMATS:
        for codec in ("utf-8", "utf-8-sig", "utf-16"):
            for value in ("27.81", "27,81", "12,4x"):
                lines = [
                    order.sample.replace("PM2.5", f"Thông số {n}").replace("27.81", value)
                    for n in range(LINES)
                ]
                yield f"{order.name}, {codec}, {value}", ("\r\n".join(lines) + "\r\n").encode(codec)


def bare(content: bytes) -> list[list[str]]:
    """Do the least: decode as if it were Latin-1, split into lines and columns."""
    return [line.split("\t") for line in content.decode("latin-1").splitlines()]


def rate(step: Callable[[], object]) -> float:
    """Return how often a second of CPU holds the step, once it is warm."""
    for _ in range(FILES // 10):
        step()
    begun = time.process_time()
    for _ in range(FILES):
        step()
    return FILES / (time.process_time() - begun)


def verdict(met: bool) -> str:
    return "met: ≥" if met else "MISSED: ≥"


if __name__ == "__main__":
    main()
