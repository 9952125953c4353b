"""Flagged sets of a province by number, cheap to make: fresh and old ones by turns."""

from datetime import datetime, timedelta

from quantrac.domain.ids import file_id
from quantrac.domain.readings import FlaggedReadings, FlaggedSet
from quantrac.domain.registry.stations import StationType
from quantrac.testing.builders import NOON, flagged_reading
from schemas.messages.registry.stations import Station, StationParameter

PROVINCE = "01"
CODES = tuple(f"P{number:02d}" for number in range(15))
"""One reading of each in a set."""


class NumberedSets:
    """Round by round a set of each station; the rounds are fresh and old by turns.

    An old round is that of the first judgements of files, the next one that of their revisions.
    """

    def __init__(self, stations: int, now: datetime) -> None:
        """What is fresh was measured in the ten minutes before ``now`` (UTC) and received then."""
        self._now = now.replace(microsecond=0)
        self.stations = [_station(f"HN_CHAOS_KHI{number:03d}") for number in range(stations)]

    def __getitem__(self, number: int) -> FlaggedSet:
        round_number, place = divmod(number, len(self.stations))
        index, is_old = divmod(round_number, 2)
        file, revision = divmod(index, 2) if is_old else (index, 0)
        station = self.stations[place].code
        name = f"{station}_{'old' if is_old else 'fresh'}_{file}.txt"
        return FlaggedSet(
            station=station,
            file_id=file_id(name.encode()),
            file_name=name,
            account="chaos",
            transport="ftp",
            received_at=self._measured_at(file) + timedelta(minutes=1) if is_old else self._now,
            format="name-value-unit-time",
            rules="0123456789ab",
            readings=self._make_readings(number, file, is_old=bool(is_old)),
            revision=revision,
            cause="late readings" if revision else "",
        )

    def _measured_at(self, file: int) -> datetime:
        return NOON + timedelta(minutes=5 * file)

    def _make_readings(self, number: int, file: int, *, is_old: bool) -> FlaggedReadings:
        at = self._measured_at(file) if is_old else self._now - timedelta(seconds=600 - file % 600)
        return FlaggedReadings.of(
            flagged_reading(
                20 + line + (number * 7919 + line * 104_729) % 1000 / 100,
                parameter=code,
                measured_at=at,
                line=line,
            )
            for line, code in enumerate(CODES, start=1)
        )


def _station(code: str) -> Station:
    return Station(
        code=code,
        name="",
        type=StationType.AMBIENT_AIR,
        province=PROVINCE,
        latitude=21.0,
        longitude=105.8,
        parameters=tuple(StationParameter(code=parameter, unit="µg/m3") for parameter in CODES),
    )
