"""From a name and a unit as sent to a catalogue code, a unit and a conversion."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.parsing.reasons import ParseError, Reason
from quantrac.domain.registry.stations import Station, StationParameter
from quantrac.domain.sharing import share
from quantrac.domain.spellings import fold
from quantrac.domain.times import VIETNAM
from quantrac.domain.units import Conversion, canonical_unit, conversion

DEFAULT_ZONE = VIETNAM
# Real stations have under 200 spellings; the cap bounds what a hostile file can leave in memory.
_CACHED_SPELLINGS = 4096


class Target(NamedTuple):
    """What a name and a unit in a file stand for."""

    code: str
    unit: str
    conversion: Conversion | None
    """``None`` where the value is already in ``unit``."""


class Layout(NamedTuple):
    """What the names and units of a whole file stand for, one a line."""

    codes: list[str]
    """All different."""
    units: list[str]
    conversions: list[tuple[int, Conversion]]
    """Index of a line and how its value is converted, of those lines where it is."""


@lru_cache(maxsize=_CACHED_SPELLINGS)
def _layout(targets: tuple[Target, ...]) -> Layout | None:
    codes = share(target.code for target in targets)
    if len(set(codes)) < len(codes):
        return None
    conversions = [(row, t.conversion) for row, t in enumerate(targets) if t.conversion is not None]
    return Layout(codes, share(target.unit for target in targets), conversions)


class Targets(dict[tuple[str, str], Target]):
    """(name, unit) as sent → target, resolved on first use; unknown ones raise :class:`ParseError`."""

    def __init__(self, resolve: Callable[[str, str], Target]) -> None:
        super().__init__()
        self._resolve = resolve
        self._last_layout: tuple[list[str], list[str], Layout | None] = [], [], None

    def layout(self, names: Sequence[str], units: Sequence[str]) -> Layout | None:
        """Return what a file's names and units stand for; ``None`` where two lines have the same code.

        A station's files mostly have the same ones in the same order: the very same layout is given again
        then, and to other stations of which all is equal. Raises :class:`ParseError` for one that is unknown.
        """
        last_names, last_units, layout = self._last_layout
        shared_names, shared_units = share(names), share(units)
        if shared_names is not last_names or shared_units is not last_units:
            layout = _layout(tuple(self[spelling] for spelling in zip(names, units, strict=True)))
            self._last_layout = shared_names, shared_units, layout
        return layout

    def __missing__(self, spelling: tuple[str, str]) -> Target:
        target = self._resolve(*spelling)
        if len(self) >= _CACHED_SPELLINGS:
            self.clear()
        self[spelling] = target
        return target


class Names(Protocol):
    """Resolves the names and units of a file."""

    zone: ZoneInfo

    def targets_at(self, measured_at: datetime) -> Targets:
        """Return the meanings in force at a time (UTC)."""


class CatalogueNames:
    """Without a station: known names get their catalogue code, others stay; values and units stay as sent."""

    zone = DEFAULT_ZONE

    def __init__(self) -> None:
        self._targets = Targets(self._resolve)

    def targets_at(self, measured_at: datetime) -> Targets:
        """Return the catalogue's meanings; they do not depend on time."""
        return self._targets

    def _resolve(self, name: str, unit: str) -> Target:
        if not fold(name):
            raise ParseError(Reason.MISSING_NAME)
        parameter = find_parameter(name)
        code = parameter.code if parameter else name.strip()
        canonical = _canonical_unit(unit)
        # Only a written unit can be one that the parameter does not have; an empty column says nothing.
        if parameter and canonical and not parameter.can_be_in(canonical):
            usual = " or ".join(dict.fromkeys(parameter.units.values()))
            raise ParseError(Reason.INCOMPATIBLE_UNIT, unit=unit, parameter=code, target=usual)
        return Target(code, canonical, None)


class StationNames:
    """The names of a station: codes, then registered file names, then the catalogue's spellings.

    They hold for every station with the same type, time zone and parameters. Raises ValueError where the time
    zone or a unit is unknown.
    """

    def __init__(self, station: Station) -> None:
        self.zone = _zone(station)
        self._edges = sorted({edge for entry in station.parameters for edge in _edges(entry)})
        self._targets = [self._targets_of_period(station, i) for i in range(len(self._edges) + 1)]

    def targets_at(self, measured_at: datetime) -> Targets:
        """Return the meanings in the validity period that a time (UTC) falls into."""
        return self._targets[bisect_right(self._edges, measured_at)]

    def _targets_of_period(self, station: Station, index: int) -> Targets:
        """Between two edges the registered parameters do not change: one table a period."""
        start = self._edges[index - 1] if index else datetime.min.replace(tzinfo=UTC)
        entries = [_Entry(entry, station) for entry in station.parameters if entry.valid_at(start)]
        by_key: dict[str, _Entry] = {}
        for keys in (_code, _file_names, _catalogue_spellings):
            for entry in entries:
                for key in keys(entry.parameter):
                    by_key.setdefault(key, entry)

        def resolve(name: str, unit: str) -> Target:
            key = fold(name)
            if not key:
                raise ParseError(Reason.MISSING_NAME)
            entry = by_key.get(key)
            if entry is None:
                raise ParseError(Reason.UNKNOWN_PARAMETER, name=name)
            return entry.target(unit)

        return Targets(resolve)


class _Entry:
    """One registered parameter, with the units that its name may have in files."""

    def __init__(self, parameter: StationParameter, station: Station) -> None:
        self.parameter = parameter
        self._unit = _registered_unit(parameter.unit, parameter, station)
        default_unit = parameter.unit if parameter.file_unit is None else parameter.file_unit
        self._default_unit = _registered_unit(default_unit, parameter, station)
        self._unit_override = {
            _registered_unit(file_unit, parameter, station): _registered_unit(true_unit, parameter, station)
            for file_unit, true_unit in parameter.unit_override
        }
        entry = find_parameter(parameter.code)
        self._molar_mass = entry.molar_mass if entry else None
        self._medium = station.type

    def target(self, unit: str) -> Target:
        file_unit = _canonical_unit(unit)
        true_unit = self._unit_override.get(file_unit, file_unit) or self._default_unit
        if true_unit == self._unit:
            return Target(self.parameter.code, self.parameter.unit, None)
        factors = conversion(true_unit, self._unit, molar_mass=self._molar_mass, medium=self._medium)
        if factors is None:
            raise ParseError(
                Reason.INCOMPATIBLE_UNIT, unit=unit, parameter=self.parameter.code, target=self._unit
            )
        return Target(self.parameter.code, self.parameter.unit, factors)


def _code(parameter: StationParameter) -> Iterable[str]:
    return (fold(parameter.code),)


def _file_names(parameter: StationParameter) -> Iterable[str]:
    return map(fold, parameter.file_names)


def _catalogue_spellings(parameter: StationParameter) -> Iterable[str]:
    return _catalogue_keys(parameter.code)


@lru_cache(maxsize=1024)  # thousands of stations register the same parameters
def _catalogue_keys(code: str) -> tuple[str, ...]:
    parameter = find_parameter(code)
    return tuple(map(fold, parameter.spellings)) if parameter else ()


def _edges(parameter: StationParameter) -> Iterable[datetime]:
    return (edge for edge in (parameter.valid_from, parameter.valid_to) if edge is not None)


def _canonical_unit(unit: str) -> str:
    canonical = canonical_unit(unit)
    if canonical is None:
        raise ParseError(Reason.UNKNOWN_UNIT, unit=unit)
    return canonical


def _registered_unit(unit: str, parameter: StationParameter, station: Station) -> str:
    canonical = canonical_unit(unit)
    if canonical is None:
        raise ValueError(f"Station {station.code}, parameter {parameter.code}: the unit {unit!r} is unknown.")
    return canonical


def _zone(station: Station) -> ZoneInfo:
    try:
        return ZoneInfo(station.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"Station {station.code}: the time zone {station.timezone!r} is unknown.") from None
