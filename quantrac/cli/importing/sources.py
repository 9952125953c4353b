"""The files that are imported, one after the other, with their stations."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from quantrac.cli.importing.mapping import TableMapping
from quantrac.cli.importing.plan import TablePlan, plan_table
from quantrac.cli.importing.sending import HistoryFile
from quantrac.cli.importing.tables import StationFile, find_files, open_file
from quantrac.cli.importing.tally import describe_interval
from quantrac.domain.assignment import match_stations
from quantrac.domain.registry.registry import Registry
from quantrac.domain.spellings import did_you_mean
from quantrac.domain.tables.reader import read_table


@dataclass(slots=True)
class Sources:
    """The files that are imported, opened one after the other."""

    paths: Sequence[Path]
    mapping: TableMapping
    registry: Registry
    station: str
    unplaced: Counter[str] = field(default_factory=Counter)
    """Sentence about rows and files without a station → how many."""

    def files(self, say: Callable[[str], None]) -> Iterator[HistoryFile]:
        """Yield all files of history; says of each table how it is read.

        Raises UserError for one that cannot be read.
        """
        for path, folder in find_files(self.paths):
            source = open_file(path, folder)
            if isinstance(source, StationFile):
                yield from self._station_file(source)
                continue
            plan = plan_table(source, self.mapping, self.registry, self.station)
            yield from self._table(plan, say)

    def _table(self, plan: TablePlan, say: Callable[[str], None]) -> Iterator[HistoryFile]:
        name = plan.table.path.name
        for line in describe_plan(plan):
            say(line)
        described: set[str] = set()
        for part in plan.parts():
            if part.station not in described:
                described.add(part.station)
                station = self.registry.stations[part.station]
                parsed = read_table(part.content, name, station, datetime.now(UTC))
                if sentence := describe_interval(station, parsed):
                    say(sentence)
            yield HistoryFile(part.station, name, "/", part.content, part.rows)
        for text, count in plan.unplaced.items():
            near = did_you_mean(text, self.registry.stations)
            self.unplaced[f"{name}: {text!r} is no station of the registry{near}"] += count

    def _station_file(self, source: StationFile) -> Iterator[HistoryFile]:
        name, stations = source.path.name, list(self.registry.stations.values())
        matches = match_stations(name, stations, source.folder) if not self.station else ()
        if not self.station and len(matches) != 1:
            self.unplaced[f"{name}: neither name nor folder says the station"] += 1
            return
        content = source.path.read_bytes()
        code = self.station or matches[0].code
        yield HistoryFile(code, name, source.folder, content, content.count(b"\n"))


def describe_plan(plan: TablePlan) -> Iterator[str]:
    """Yield sentences on how a table is read."""
    layout, name = plan.layout, plan.table.path.name
    station = f"station {plan.station}" if plan.station else "stations by column"
    if layout.name is None:
        columns = ", ".join(
            f"{m.name}{f' in {m.unit}' if m.unit else ''}{' (words)' if m.words else ''}"
            for _, m in layout.wide
        )
    else:
        columns = "one reading a row"
    yield f"{name}: {len(plan.table.rows):,} rows, {station}; {columns}"
    if plan.left_out:
        yield f"{name}: left out, as no parameter: {', '.join(map(repr, plan.left_out))}"
    yield from (f"{name}: {remark}" for remark in plan.remarks)
