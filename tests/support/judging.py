"""Rules and a station for the judge, readings by minute, and what it says of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.readings import Reading, Readings, ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.testing.rules import FixedRuleBook

START = datetime(2026, 3, 25, tzinfo=UTC)

STATION = "HN_BKHN_KHIKXQ"

DAY = 1440


def minute(number):
    return START + timedelta(minutes=number)


def registry(**station):
    pm = StationParameter("PM2.5", "ug/m3", range_low=0.0, range_high=1000.0)
    co = StationParameter("CO", "ug/m3")
    record = Station(
        STATION,
        "Bách Khoa",
        "Bach Khoa",
        StationType.AMBIENT_AIR,
        "01",
        21.0,
        105.8,
        300,
        parameters=(pm, co),
        **station,
    )
    return Registry(stations={STATION: record})


def reading(minute, value, parameter="PM2.5", status="00", unit="ug/m3"):
    return Reading(1, parameter, value, str(value), unit, START + timedelta(minutes=minute), status)


def a_set(*readings, station=STATION, rejects=(), received=None):
    """A file that came a minute after its last reading, or at minute ``received``."""
    last = max((r.measured_at for r in readings), default=START)
    at = last + timedelta(minutes=1) if received is None else minute(received)
    return ReadingSet(
        station, "0" * 64, "a.txt", "acc", "ftp", at, "circular-10", Readings.of(readings), list(rejects)
    )


def judge(sets, rules=None, memory=None):
    return Judge(registry(), FixedRuleBook(rules), memory or Memory()).judge(sets)


def flags(flagged):
    return [reading.flag for s in flagged for reading in s.readings]


def chunks(items, sizes):
    start = 0
    while start < len(items):
        size = sizes[start % len(sizes)]
        yield items[start : start + size]
        start += size


few_values = st.sampled_from([20.0, 20.0, 20.5, 21.0, 300.0, 5000.0, -1.0])

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)


def provisional(flagged):
    return [s.provisional and s.provisional.causes for s in flagged]


def later(flagged):
    """Leave out the first set, which opens a block of its station."""
    return flagged[1:]
