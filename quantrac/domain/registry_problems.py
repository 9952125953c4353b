"""What is wrong with a station's record although each of its entries is well formed.

Two entries that say different things of one time, what no parameter of that name can be, a place where no
station is. Whoever takes a record from a person asks for these; a record that a service reads back is not
judged again. What is unusual but allowed: :mod:`quantrac.domain.registry_remarks`.
"""

from collections.abc import Iterator, Sequence

from quantrac.domain.catalogue import CATALOGUE, Combined, find_parameter
from quantrac.domain.problems import Problem
from quantrac.domain.provinces import FORMER_CODES, MERGED_AT, look_up_province
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.domain.registry.validity import Valid, overlap, simultaneous
from quantrac.domain.spellings import fold
from quantrac.domain.territory import Territory
from quantrac.domain.units import canonical_unit, check_unit, conversion
from quantrac.errors import UserError

_HOW_TO_END = "end the earlier one with valid_to"


def problems_of(station: Station, territory: Territory | None = None) -> Iterator[Problem]:
    """Yield what is wrong with a station's record; its permits have :meth:`LimitBook.problems_of`.

    Without a ``territory`` it may lie anywhere.
    """
    yield from _problems_of_province(station)
    if territory is not None:
        yield from _problems_of_position(station, territory)
    for number, entry in enumerate(station.parameters, start=1):
        if entry.valid_to is None:  # a mistake of before can still be ended
            yield from _problems_of_code(entry.code, ("parameters", number))
        yield from _problems_of_parameter(entry, ("parameters", number), station.type)
    for first, second in simultaneous(station.parameters):
        yield from _problems_of_pair(station.parameters, first, second)
    for number, permit in enumerate(station.permits, start=1):
        for position, limit in enumerate(permit.limits, start=1):
            path = "permits", number, "limits", position
            yield from _problems_of_unit(limit.parameter, limit.unit, path, station.type)
    for first, second in simultaneous(station.intervals):
        sentence = f"it is valid at the same time as intervals.{first}; {_HOW_TO_END}"
        yield Problem(("intervals", second), sentence, counterpart=("intervals", first))
    for number, decision in enumerate(station.withdrawn, start=1):
        yield from _problems_of_withdrawn(station, decision, number)
    for first, second in simultaneous(station.pollution):
        kind = station.pollution[second - 1].kind
        if station.pollution[first - 1].kind is kind:
            sentence = f"{kind} is valid at the same time in pollution.{first}; {_HOW_TO_END}"
            yield Problem(("pollution", second), sentence, counterpart=("pollution", first))


def _problems_of_withdrawn(station: Station, decision: Decision, number: int) -> Iterator[Problem]:
    """Yield where a parameter is measured and withdrawn at one time."""
    span = Valid(valid_from=decision.start, valid_to=decision.end)
    for position, entry in enumerate(station.parameters, start=1):
        if entry.code in decision.parameters and overlap(span, entry):
            sentence = f"{entry.code} is measured at the same time by parameters.{position}; take one out"
            path = "withdrawn", number, "parameter"
            yield Problem(path, sentence, counterpart=("parameters", position))


def _problems_of_province(station: Station) -> Iterator[Problem]:
    if station.valid_to is not None and station.valid_to <= MERGED_AT and station.province in FORMER_CODES:
        return  # a province of its time
    try:
        look_up_province(station.province)
    except UserError as error:
        yield Problem(("province",), str(error))


def _problems_of_position(station: Station, territory: Territory) -> Iterator[Problem]:
    if not territory.contains(station.latitude, station.longitude):
        sentence = (
            f"latitude {station.latitude:g}, longitude {station.longitude:g} lies outside {territory}; "
            "the option --territory names another territory"
        )
        yield Problem(("latitude",), sentence)


def _problems_of_code(code: str, path: tuple[str | int, ...]) -> Iterator[Problem]:
    parameter = find_parameter(code)
    if parameter is not None and parameter.code != code:
        sentence = f"{code!r} is no catalogue code; it is {parameter.code!r}"
        yield Problem((*path, "code"), sentence)


def _problems_of_parameter(
    entry: StationParameter, path: tuple[str | int, ...], medium: StationType
) -> Iterator[Problem]:
    parameter = find_parameter(entry.code)
    problem = next(_problems_of_unit(entry.code, entry.unit, path, medium), None)
    if problem is not None:
        yield problem
        return
    if entry.counter and (parameter is None or parameter.combined is not Combined.TOTAL):
        summed = ", ".join(p.code for p in CATALOGUE if p.combined is Combined.TOTAL)
        sentence = f"only a parameter whose values are added up can be a counter: {summed}"
        yield Problem((*path, "counter"), sentence)
    unit = check_unit(entry.unit)
    molar_mass = parameter.molar_mass if parameter else None
    for key, source in _units_of_files(entry):
        try:
            factors = conversion(check_unit(source), unit, molar_mass=molar_mass, medium=medium)
        except ValueError as error:
            yield Problem((*path, *key), str(error))
        else:
            if factors is None:
                sentence = f"the unit {source!r} does not convert to {entry.unit!r}, that of {entry.code}"
                yield Problem((*path, *key), sentence)
    wrong_units = [canonical_unit(written) for written, _ in entry.unit_override]
    for number, wrong_unit in enumerate(wrong_units, start=1):
        if wrong_unit in wrong_units[: number - 1]:
            sentence = f"the unit {wrong_unit!r} is overridden twice"
            yield Problem((*path, "unit_override", number, "written"), sentence)


def _problems_of_unit(
    code: str, spelling: str, path: tuple[str | int, ...], medium: StationType
) -> Iterator[Problem]:
    """Yield whether a unit is none, or none that a parameter can have in a medium."""
    parameter = find_parameter(code)
    try:
        unit = check_unit(spelling)
    except ValueError as error:
        yield Problem((*path, "unit"), str(error))
        return
    if parameter is not None and not parameter.can_be_in(unit, medium):
        usual = " or ".join(map(repr, dict.fromkeys(parameter.units.values())))
        yield Problem((*path, "unit"), f"{code} cannot be in {spelling!r}; it is measured in {usual}")


def _units_of_files(entry: StationParameter) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the units that the values of its files are in, each with its place in the entry."""
    if entry.file_unit is not None:
        yield ("file_unit",), entry.file_unit
    for number, (_, true_unit) in enumerate(entry.unit_override, start=1):
        yield ("unit_override", number, "really"), true_unit


def _problems_of_pair(entries: Sequence[StationParameter], first: int, second: int) -> Iterator[Problem]:
    """Yield where a name of two entries, valid at some time both, would mean the one or the other."""
    entry, following = entries[first - 1], entries[second - 1]
    path, counterpart = ("parameters", second), ("parameters", first)
    if entry.code == following.code:
        sentence = f"{entry.code} is valid at the same time as in parameters.{first}; {_HOW_TO_END}"
        yield Problem(path, sentence, counterpart)
        return
    names = {fold(name) for name in (entry.code, *entry.file_names)}
    for name in (following.code, *following.file_names):
        if fold(name) in names:
            sentence = f"{name!r} would mean {entry.code} of parameters.{first} too"
            yield Problem((*path, "file_names"), sentence, counterpart)
