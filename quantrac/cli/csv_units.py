"""Units of a CSV's columns: what headings and options say they are, and whether the values can be in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from quantrac.cli.terminal import echo
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.indices.rounding import exact
from quantrac.domain.magnitudes import doubt_unit
from quantrac.domain.registry.stations import StationType
from quantrac.domain.tables.headings import is_micrograms, is_national_export, split_heading
from quantrac.domain.units import Conversion, canonical_unit, check_unit, conversion
from quantrac.errors import UserError


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a column."""

    text: str
    parameter: str | None
    """What :func:`read_heading` was told to make of its name; ``None`` for nothing."""
    unit: str | None = None
    """As it is written; ``None`` where the heading states none."""


def read_heading(text: str, parameter_of: Callable[[str], str | None]) -> Heading:
    """Read a heading; a name that holds brackets itself, such as ``Cr(VI)``, is one."""
    if parameter := parameter_of(text):
        return Heading(text, parameter)
    name, unit = split_heading(text)
    parameter = parameter_of(name)
    return Heading(text, parameter, unit if parameter else None)


@dataclass(frozen=True, slots=True)
class Target:
    """What the values of columns become."""

    medium: StationType
    parameter_of: Callable[[str], str | None]
    """Name → parameter, ``None`` for a name that means none."""
    units: Mapping[str, str]
    """Parameter → canonical unit."""


def convert_columns(
    headings: Sequence[Heading], rows: Sequence[dict[str, Fraction]], options: Iterable[str], target: Target
) -> dict[str, str]:
    """Bring the values of columns, in place, into the units of a target.

    ``rows`` hold values by parameter; one that becomes negative is taken out. ``options``, such as
    ``CO=mg/m3``, win over the headings, and these over the target's own units. Returns parameter → unit that
    its column is taken to be in; raises UserError for a unit that is none, or none of the parameter.
    """
    columns = {heading.parameter: heading for heading in headings if heading.parameter is not None}
    stated_units = _read_options(options, target.parameter_of)
    if unused := stated_units.keys() - columns.keys():
        raise UserError(f"--unit: the file has no column of {', '.join(sorted(unused))}")
    units: dict[str, str] = {}
    for parameter, heading in columns.items():
        units[parameter] = stated_units.get(parameter) or heading.unit or target.units[parameter]
        if parameter not in stated_units and _is_mislabelled_export(headings, heading, rows):
            units[parameter] = "µg/m3"
            why = "exports of the national system hold µg there"
            echo(f"line 1: {heading.text!r} is read as µg/m3: {why}", err=True)
        where = f"column {heading.text!r}"
        factors = find_conversion(parameter, units[parameter], target.units[parameter], target.medium, where)
        if factors is not None:
            _convert_column(rows, parameter, factors)
    return units


def _convert_column(rows: Iterable[dict[str, Fraction]], parameter: str, factors: Conversion) -> None:
    for row in rows:
        value = exact(factors.apply(float(row.pop(parameter)))) if parameter in row else None
        if value is not None:
            row[parameter] = value


def _read_options(options: Iterable[str], parameter_of: Callable[[str], str | None]) -> dict[str, str]:
    """Read options such as ``CO=mg/m3`` as parameter → canonical unit; raises UserError."""
    units = {}
    for option in options:
        name, sign, unit = option.partition("=")
        if not sign:
            raise UserError(f"--unit {option!r}: write it as NAME=UNIT, such as CO=mg/m3")
        parameter = parameter_of(name)
        if parameter is None:
            raise UserError(f"--unit {option!r}: {name!r} is no parameter of the index")
        units[parameter] = _check_unit(unit, f"--unit {option!r}")
    return units


def find_conversion(
    parameter: str, unit: str, target: str, medium: StationType, where: str
) -> Conversion | None:
    """Return how values in a unit become values in the target, ``None`` where they are; raises UserError."""
    source, entry = _check_unit(unit, where), find_parameter(parameter)
    if source == target:
        return None
    factors = conversion(source, target, molar_mass=entry.molar_mass if entry else None, medium=medium)
    if factors is None:
        raise UserError(f"{where}: {unit!r} does not convert to {target!r}, the unit of {parameter}")
    return factors


def _is_mislabelled_export(
    headings: Sequence[Heading], heading: Heading, rows: Sequence[Mapping[str, Fraction]]
) -> bool:
    """Tell whether a column is CO of an export of the national system that holds µg."""
    is_export = is_national_export(entry.text for entry in headings)
    values = (float(row["CO"]) for row in rows if "CO" in row)
    return is_export and is_micrograms(heading.parameter, heading.unit, values)


def describe_doubt(parameter: str, unit: str, values: Iterable[tuple[int, float]], option: str) -> str:
    """Say in a sentence why ambient values in µg/m3 cannot be that; empty where they can.

    ``unit`` is the one that the file or the user states, ``values`` are (number of the day, µg/m3), and
    ``option`` is how to state another unit, with ``{unit}`` in it.
    """
    doubt = doubt_unit(parameter, values)
    if doubt is None:
        return ""
    days = f"on {doubt.days} of {doubt.of_days} days"
    if doubt.is_too_low:
        finding, other_unit = f"the highest value stays below {doubt.bound:g} µg/m3", "mg/m3"
    else:
        finding, other_unit = f"half of the hours lie above {doubt.bound:g} µg/m3", "µg/m3"
    question = f"is it {other_unit}? Then write {option.format(unit=other_unit)}"
    if canonical_unit(unit) == other_unit:
        question = "look at the unit"
    return f"{parameter} is taken to be in {unit}, but {days} {finding}: {question}"


def _check_unit(unit: str, where: str) -> str:
    try:
        return check_unit(unit)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
