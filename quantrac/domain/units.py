"""Units of the stations' files: their canonical spelling, and conversion between them.

What a unit measures follows from its symbols (:mod:`quantrac.domain.unit_grammar`); units that are no product
of symbols, such as ``°C``, ``ppb`` or ``NTU``, stand in a table. A unit that is in neither, or measures
nothing that stations do, is unknown (``None``), never guessed. "Nm3" is the national normal cubic metre, at
25 °C and 760 mmHg (QCVN 05:2023, QCVN 19:2009), not the 0 °C one used elsewhere.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from quantrac.domain.registry.stations import StationType
from quantrac.domain.spellings import nearest, plain_letters
from quantrac.domain.unit_grammar import MOST_LETTERS, Dimension, Volume, parse_product, plain_unit

MOLAR_VOLUME = 24.4654
"""Litres an ideal gas takes per mole at 25 °C and 101.325 kPa: R·298.15 K / 101.325 kPa."""

_WATERS = frozenset({StationType.SURFACE_WATER, StationType.GROUNDWATER, StationType.WASTEWATER})
_KEPT_SPELLINGS = 4096


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: ``base value = value * factor + offset`` in the base unit of its dimension."""

    name: str
    """Canonical spelling."""
    dimension: Dimension
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    volume: Volume | None = None
    """Whose volume it counts; ``None`` where a cubic metre is as it comes."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A linear conversion from one unit to another."""

    factor: float
    offset: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        return self.factor == 1 and self.offset == 0

    def apply(self, value: float) -> float:
        """Convert, rounded to 12 significant digits so that 0.3 mg does not become 300.00000000000006 µg.

        >>> Conversion(1000).apply(1.1)
        1100.0
        """
        return float(f"{value * self.factor + self.offset:.12g}")


_MIXING_RATIO: Dimension = (("mixing ratio", 1),)
_CONCENTRATION: Dimension = (("length", -3), ("mass", 1))

_PRODUCTS = (
    ("ng/m3", "µg/m3", "mg/m3", "ng/Nm3", "µg/Nm3", "mg/Nm3"),
    ("µg/L", "mg/L", "g/L"),
    ("Pa", "hPa", "kPa", "bar"),
    ("m/s", "km/h"),
    ("m3/h", "m3/s", "m3/d", "L/s", "L/min", "Nm3/h"),
    ("W/m2",),
    ("µS/cm", "mS/cm", "mS/m"),
    ("mV", "V"),
    ("mm", "cm", "m"),
    ("MPN/100mL", "CFU/100mL"),
)
"""By what they measure, which is all that stations measure in products; the first of equal ones is the
canonical spelling of all (``hPa`` of ``mbar``)."""

_NAMED = (
    # Spelling, what it measures, factor, offset, other spellings.
    ("", "ratio", 1, 0, ("-", "--", "---", "pH")),
    ("%", "percent", 1, 0, ("%V", "%vol", "%v/v", "%RH")),
    ("‰", "per mille", 1, 0, ()),
    ("ppb", "mixing ratio", 1, 0, ("ppbv", "nmol/mol")),
    ("ppm", "mixing ratio", 1000, 0, ("ppmv", "µmol/mol")),
    ("ppmC", "carbon mixing ratio", 1, 0, ()),
    ("°C", "temperature", 1, 0, ("oC", "C", "degC", "độ C", "Celsius")),
    ("°F", "temperature", Fraction(5, 9), Fraction(-160, 9), ("oF", "F", "degF", "Fahrenheit")),
    ("K", "temperature", 1, Fraction("-273.15"), ()),
    ("°", "angle", 1, 0, ("o", "deg", "Degree", "Degrees", "độ")),
    ("mmHg", "pressure", Fraction("133.322387415"), 0, ()),
    # Nephelometric (white light) and formazin (infrared, ISO 7027) turbidity do not convert into each other.
    ("NTU", "turbidity, white light", 1, 0, ()),
    ("FNU", "turbidity, infrared", 1, 0, ()),
    ("Pt-Co", "colour", 1, 0, ("PtCo", "Pt/Co", "TCU", "Hazen")),
    ("dBA", "sound level", 1, 0, ("dB(A)", "dB")),
)


def _product(spelling: str) -> Unit | None:
    product = parse_product(spelling)
    if product is None:
        return None
    return Unit(product.name, product.dimension, product.factor, volume=product.volume)


UNITS = (
    *(unit for names in _PRODUCTS for unit in map(_product, names) if unit is not None),
    *(
        Unit(name, ((kind, 1),), Fraction(factor), Fraction(offset))
        for name, kind, factor, offset, _ in _NAMED
    ),
)
"""The units that have a name here; other products of what these measure, such as ``g/m3``, are known too."""


def spelling_key(spelling: str) -> str:
    """Fold what :func:`plain_unit` does, case, blanks and marks: ``µg/m³`` and ``ug/M3`` are one spelling."""
    folded = plain_letters(plain_unit(spelling).casefold())
    return "".join(folded.split()).replace("\u03bc", "u").replace("^", "")


SPELLINGS = {unit.name: unit.name for unit in UNITS} | {
    spelling: name for name, *_, spellings in _NAMED for spelling in spellings
}
"""Spelling that is known as a whole → canonical spelling."""

_BY_KEY = {spelling_key(spelling): name for spelling, name in SPELLINGS.items()}
_BY_NAME = {unit.name: unit for unit in UNITS}
_MEASURED = {unit.dimension for unit in UNITS}


def _by_meaning() -> dict[tuple[Dimension, Fraction, Volume | None], str]:
    names: dict[tuple[Dimension, Fraction, Volume | None], str] = {}
    for unit in UNITS:
        names.setdefault((unit.dimension, unit.factor, unit.volume), unit.name)
    return names


_BY_MEANING = _by_meaning()


def canonical_unit(spelling: str) -> str | None:
    """Return the canonical spelling of a unit as a file writes it, or ``None`` where it is unknown.

    Empty, ``-`` and ``---`` are the dimensionless unit ``''``.

    >>> [canonical_unit(spelling) for spelling in ("ug/m3", "mg·m⁻³", "m3/ngày đêm", "furlong")]
    ['µg/m3', 'mg/m3', 'm3/d', None]
    """
    return _canonical(spelling) if len(spelling) <= MOST_LETTERS else None


@lru_cache(maxsize=_KEPT_SPELLINGS)
def _canonical(spelling: str) -> str | None:
    name = _BY_KEY.get(spelling_key(spelling))
    if name is not None:
        return name
    unit = _product(spelling)
    if unit is None or unit.dimension not in _MEASURED:
        return None
    return _BY_MEANING.get((unit.dimension, unit.factor, unit.volume), unit.name)


def check_unit(spelling: str) -> str:
    """Return the canonical spelling; raises ``ValueError`` with the nearest spelling for an unknown unit.

    >>> check_unit("µg/m33")
    Traceback (most recent call last):
    ...
    ValueError: the unit 'µg/m33' is unknown; the nearest is 'µg/m3'
    """
    canonical = canonical_unit(spelling)
    if canonical is None:
        near = nearest(spelling, filter(None, SPELLINGS))
        raise ValueError(f"the unit {spelling!r:.60} is unknown; the nearest is {near[0]!r}")
    return canonical


@lru_cache(maxsize=_KEPT_SPELLINGS)
def conversion(
    source: str, target: str, *, molar_mass: float | None = None, medium: StationType | None = None
) -> Conversion | None:
    """Return how to convert between two canonical units, or ``None`` where they do not convert.

    ``molar_mass`` (g/mol) opens the way between ppb or ppm and mass per normal cubic metre at 25 °C.
    ``medium`` says whose a cubic metre is: in ambient air it is taken as a normal one, as national practice
    does, and in water it holds 1000 L. In a hot stack m3 and Nm3 differ.

    >>> conversion("ppb", "µg/Nm3", molar_mass=48.0).apply(10)
    19.6195443361
    >>> conversion("g/m3", "mg/L", medium=StationType.WASTEWATER), conversion("g/m3", "mg/L")
    (Conversion(factor=1.0, offset=0.0), None)
    """
    start, end = _unit(source, molar_mass), _unit(target, molar_mass)
    if start is None or end is None:
        return None
    if start.dimension != end.dimension or not _is_same_volume(start.volume, end.volume, medium):
        return None
    factor = start.factor / end.factor
    return Conversion(float(factor), float((start.offset - end.offset) / end.factor))


@lru_cache(maxsize=_KEPT_SPELLINGS)
def is_comparable(
    source: str, target: str, *, molar_mass: float | None = None, medium: StationType | None = None
) -> bool:
    """Tell whether two canonical units measure the same, whether or not how to convert them is known.

    Beside what converts, that is gas by the cubic metre and by the normal one; without a medium, mass in any
    volume.

    >>> is_comparable("mg/m3", "mg/Nm3"), is_comparable("mg/L", "°C")
    (True, False)
    """
    start, end = _unit(source, molar_mass), _unit(target, molar_mass)
    if start is None or end is None:
        return False
    is_gas = medium not in _WATERS and Volume.LIQUID not in {start.volume, end.volume}
    is_same_volume = medium is None or is_gas or _is_same_volume(start.volume, end.volume, medium)
    return start.dimension == end.dimension and is_same_volume


def _unit(name: str, molar_mass: float | None) -> Unit | None:
    """Return a unit by its canonical spelling; a mixing ratio as a mass where the gas has a molar mass."""
    unit = _BY_NAME.get(name) or (_product(name) if canonical_unit(name) == name else None)
    if unit is None or unit.dimension != _MIXING_RATIO or molar_mass is None:
        return unit
    microgram = Fraction(1, 10**6)
    factor = unit.factor * Fraction(molar_mass) / Fraction(MOLAR_VOLUME) * microgram
    return Unit(unit.name, _CONCENTRATION, factor, volume=Volume.NORMAL)


def _is_same_volume(source: Volume | None, target: Volume | None, medium: StationType | None) -> bool:
    volumes = {source, target}
    if len(volumes) == 1:
        return True
    return (volumes == {None, Volume.NORMAL} and medium is StationType.AMBIENT_AIR) or (
        volumes == {None, Volume.LIQUID} and medium in _WATERS
    )
