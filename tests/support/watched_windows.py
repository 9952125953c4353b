"""Watch behind the real windows: readings go in, averages and episodes are computed, alerts come out."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import asdict

from quantrac.domain.registry.stations import StationParameter, WarningLevels
from quantrac.domain.times import HOUR, to_whole_seconds
from quantrac.io.records import Done, Record
from quantrac.testing.builders import station
from services.aggregator.watch.causes.warning import level_of
from services.aggregator.watch.rules import WatchRules
from services.aggregator.windows.exceedances.episode import to_message
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.handler import WindowsHandler
from support.averages import windows_handler
from support.exceedances import BOOK, ExceedancesInMemory, records
from support.watch import START, Stored, Watch

PARAMETERS = (
    StationParameter("O3", "µg/m3", warning_levels=WarningLevels(160.0, 180.0, 200.0)),
    StationParameter("PM2.5", "µg/m3"),
)
Cause = tuple[str, str, str, str]
"""(Station, kind, parameter, period of the limit)."""


class StoredByWindows(Stored):
    """What is stored, averages and episodes as the windows have written them."""

    def __init__(self, windows: ExceedancesInMemory) -> None:
        super().__init__()
        self.windows = windows

    def _hours(self) -> list[dict[str, Any]]:
        return [
            {"station": code, "parameter": name, "starts": [start], "counts": [row["count"]]}
            for (code, name, period, start), row in self.windows.averages.items()
            if period == "hour"
        ]

    def _episodes(self) -> list[dict[str, Any]]:
        rows = []
        for (code, *_), versions in self.windows.exceedances.items():
            episode, version, computed_at = versions[-1]
            times = {"computed_at": computed_at, "known_at": versions[0][2]}
            seconds = {name: datetime.fromtimestamp(time, START.tzinfo) for name, time in times.items()}
            rows.append({"station": code, **asdict(to_message(episode, version)), **seconds})
        return rows


class WatchedWindows(Watch):
    """Stations with a reading of each parameter an interval; the windows compute when they are let."""

    def __init__(
        self,
        *codes: str,
        interval: int = HOUR,
        rules: WatchRules = WatchRules(),  # noqa: B008  # frozen
        grace: int = 60,
    ) -> None:
        self.windows = ExceedancesInMemory()
        entry = replace(station(), interval_seconds=interval, parameters=PARAMETERS)
        self.dirty: dict[str, set[tuple[str, int]]] = {}
        self.unread: deque[Record] = deque()
        """Messages that the windows have published and watch has not taken."""
        super().__init__(*(replace(entry, code=code) for code in codes), rules=rules, grace=grace)
        self.stored = StoredByWindows(self.windows)
        self.restart()

    def put(self, minutes: float, *, code: str, received: float, **values: Any) -> list[tuple[str, str, int]]:
        """Let watch take one file, and its readings wait for the windows; see :meth:`Watch.send`."""
        changes = self.send(minutes, code=code, received=received, **values)
        for (named, parameter, time), row in list(self.stored.rows.items()):
            if named == code and time == to_whole_seconds(START + timedelta(minutes=minutes)):
                flag = 1 if row["counts"] else 3
                self.windows.readings_by_time[code, parameter, time] = row["value"], flag, "00"
                self.dirty.setdefault(code, set()).add((parameter, time // HOUR * HOUR))
        return changes

    def compute(self, most: int = 10_000) -> None:
        """Let the windows compute up to so many dirty hours of each station, the newest first."""
        readings: dict[tuple[str, str, int], Any] = {}
        for code, hours in list(self.dirty.items()):
            part = sorted(hours, key=lambda pair: -pair[1])[:most]
            hours.difference_update(part)
            readings |= {(code, parameter, hour): None for parameter, hour in part}
            if not hours:
                del self.dirty[code]
        if not readings:
            return
        verdict = self._windows().handle(records(readings))
        assert isinstance(verdict, Done), verdict
        self.unread += verdict.records

    def read(self, minutes: float) -> list[tuple[str, str, int]]:
        """Let watch take what the windows have published, and judge."""
        batch = [Record("aggregated", record.key, record.value) for record in self.unread]
        self.unread.clear()
        return self._take_at(batch, minutes)

    def open_causes(self) -> set[Cause]:
        """The causes of the alerts that are open, by what is stored."""
        return {
            (alert.station or "", alert.kind, alert.parameter or "", str(alert.facts.get("period", "")))
            for alert in self.stored.alerts_by_id.values()
            if alert.state != "closed"
        }

    def _windows(self) -> WindowsHandler:
        step = ExceedanceStep(self.windows, self.registry, BOOK, aggregated="a", clock=lambda: self.now)
        return windows_handler(
            *(self.windows, self.windows, self.registry),
            aggregated="a",
            clock=lambda: self.now,
            exceedances=step,
        )


def causes_by_tables(world: WatchedWindows) -> tuple[set[Cause], set[Cause]]:
    """What has to be open by the plain sense of what is stored, and what may be; nothing comes any more."""
    now, rules = to_whole_seconds(world.now), world.rules
    required: set[Cause] = set()
    possible: set[Cause] = set()
    for code, entry in world.registry.stations.items():
        times: dict[str, list[int]] = {}
        for (named, parameter, time), _ in world.stored.rows.items():
            if named == code:
                times.setdefault(parameter, []).append(time)
        if not times:
            continue
        last = {parameter: max(some) for parameter, some in times.items()}
        is_silent = now >= max(last.values()) + entry.interval_seconds + rules.grace
        if is_silent:
            required.add((code, "station-silent", "", ""))
        for parameter, time in last.items():
            if max(last.values()) >= time + entry.interval_seconds + rules.parameter_grace:
                # It may have opened before the station fell silent, and stays open then.
                possible.add((code, "parameter-silent", parameter, ""))
                if not is_silent:
                    required.add((code, "parameter-silent", parameter, ""))
        required |= _exceeded(world, code, now)
        required |= _at_level(world, code, entry, rules)
        share = _share(world, code, entry, now, min(min(some) for some in times.values()))
        if share < rules.completeness + rules.completeness_margin:
            possible.add((code, "data-incomplete", "", ""))
        if share < rules.completeness:
            required.add((code, "data-incomplete", "", ""))
    return required, required | possible


def _exceeded(world: WatchedWindows, code: str, now: int) -> set[Cause]:
    return {
        (code, "limit-exceeded", episode.parameter, episode.period)
        for (named, *_), versions in world.windows.exceedances.items()
        for episode in [versions[-1][0]]
        if named == code and episode.periods and episode.open and _first_end(episode) <= now
    }


def _first_end(episode: Any) -> int:
    return int(episode.starts_at) + {"hour": 1, "8h": 8, "day": 24}.get(episode.period, 10_000) * HOUR


def _at_level(world: WatchedWindows, code: str, entry: Any, rules: WatchRules) -> set[Cause]:
    levels = {parameter.code: parameter.warning_levels for parameter in entry.parameters}
    counting = [
        (parameter, time, row["value"])
        for (named, parameter, time), row in world.stored.rows.items()
        if named == code and row["counts"] and row["received"] - time < rules.late and levels[parameter]
    ]
    newest = max((time for _, time, _ in counting), default=0)
    return {
        (code, "warning-level", parameter, "")
        for parameter, time, value in counting
        if level_of(value, levels[parameter]) and newest - time < rules.calm
    }


def _share(world: WatchedWindows, code: str, entry: Any, now: int, first: int) -> float:
    end = (now - world.rules.grace) // HOUR * HOUR
    if first > end - 24 * HOUR:
        return 1.0
    most = HOUR // entry.interval_seconds
    counted = sum(
        min(most, row["count"])
        for (named, _, period, start), row in world.windows.averages.items()
        if (named, period) == (code, "hour") and end - 24 * HOUR <= start < end
    )
    return counted / (24 * most * len(entry.parameters))
