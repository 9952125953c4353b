"""Units of the stations' files: their canonical spelling, their variants, and conversion between them.

A unit that is not in the table is unknown (``None``), never guessed. "Nm3" is the national normal cubic
metre, at 25 °C and 760 mmHg (QCVN 05:2023, QCVN 19:2009), not the 0 °C one used elsewhere.
"""

import unicodedata
from dataclasses import dataclass

MOLAR_VOLUME = 24.4654
"""Litres an ideal gas takes per mole at 25 °C and 101.325 kPa: R·298.15 K / 101.325 kPa."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: ``base value = value * factor + offset`` in the base unit of its kind."""

    name: str
    kind: str
    factor: float = 1.0
    offset: float = 0.0
    spellings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """A linear conversion from one unit to another."""

    factor: float
    offset: float = 0.0

    def apply(self, value: float) -> float:
        """Convert, rounded to 12 significant digits so that 0.3 mg does not become 300.00000000000006 µg.

        >>> Conversion(1000).apply(1.1)
        1100.0
        """
        return float(f"{value * self.factor + self.offset:.12g}")


UNITS = (
    Unit("", "ratio", spellings=("-", "--", "---", "pH")),
    Unit("%", "percent", spellings=("%V", "%vol", "%v/v", "%RH")),
    Unit("‰", "per mille"),
    Unit("ng/m3", "mass in air", 1e-3),
    Unit("µg/m3", "mass in air"),
    Unit("mg/m3", "mass in air", 1e3),
    Unit("ng/Nm3", "mass in normal air", 1e-3),
    Unit("µg/Nm3", "mass in normal air"),
    Unit("mg/Nm3", "mass in normal air", 1e3),
    Unit("ppb", "mixing ratio", spellings=("ppbv",)),
    Unit("ppm", "mixing ratio", 1e3, spellings=("ppmv",)),
    Unit("ppmC", "carbon mixing ratio"),
    Unit("µg/L", "mass in water", 1e-3),
    Unit("mg/L", "mass in water"),
    Unit("g/L", "mass in water", 1e3),
    Unit("°C", "temperature", spellings=("oC", "C", "degC", "độ C", "Celsius")),
    Unit("°F", "temperature", 5 / 9, -160 / 9, spellings=("oF", "F", "degF", "Fahrenheit")),
    Unit("K", "temperature", 1.0, -273.15),
    Unit("°", "angle", spellings=("o", "deg", "Degree", "Degrees", "độ")),
    Unit("Pa", "pressure", 1e-2),
    Unit("hPa", "pressure", spellings=("mbar",)),
    Unit("kPa", "pressure", 10.0),
    Unit("bar", "pressure", 1e3),
    Unit("mmHg", "pressure", 1.33322387415),
    Unit("m/s", "speed"),
    Unit("km/h", "speed", 1 / 3.6),
    Unit("m3/h", "flow", spellings=("m3/hr", "m3/giờ")),
    Unit("m3/s", "flow", 3600.0),
    Unit("m3/d", "flow", 1 / 24, spellings=("m3/day", "m3/ngày")),
    Unit("L/s", "flow", 3.6),
    Unit("L/min", "flow", 0.06),
    Unit("Nm3/h", "normal flow", spellings=("Nm3/hr",)),
    Unit("W/m2", "irradiance"),
    Unit("µS/cm", "conductivity"),
    Unit("mS/cm", "conductivity", 1e3),
    Unit("mS/m", "conductivity", 10.0),
    # Nephelometric (white light) and formazin (infrared, ISO 7027) turbidity do not convert into each other.
    Unit("NTU", "turbidity, white light"),
    Unit("FNU", "turbidity, infrared"),
    Unit("Pt-Co", "colour", spellings=("PtCo", "Pt/Co", "TCU", "Hazen")),
    Unit("mV", "potential"),
    Unit("V", "potential", 1e3),
    Unit("mm", "length", 1e-3),
    Unit("cm", "length", 1e-2),
    Unit("m", "length"),
    Unit("MPN/100mL", "most probable number"),
    Unit("CFU/100mL", "colony count"),
    Unit("dBA", "sound level", spellings=("dB(A)", "dB")),
)


def _key(spelling: str) -> str:
    """Fold case, blanks, both micro signs and raised digits: ``µg/m³`` and ``ug/M3`` are one spelling."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", spelling).casefold())
    return "".join(folded.split()).replace("μ", "u").replace("^", "")


_BY_NAME = {unit.name: unit for unit in UNITS}
_NAMES = {_key(spelling): unit.name for unit in UNITS for spelling in (unit.name, *unit.spellings)}


def canonical_unit(spelling: str) -> str | None:
    """Return the canonical spelling of a unit as a file writes it, or ``None`` where it is unknown.

    Empty, ``-`` and ``---`` are the dimensionless unit ``''``.

    >>> canonical_unit("ug/m3"), canonical_unit("oC"), canonical_unit("furlong")
    ('µg/m3', '°C', None)
    """
    return _NAMES.get(_key(spelling))


def conversion(
    source: str, target: str, *, molar_mass: float | None = None, normal_is_actual: bool = False
) -> Conversion | None:
    """Return how to convert between two canonical units, or ``None`` where they do not convert.

    ``molar_mass`` (g/mol) opens the way between ppb or ppm and mass per normal cubic metre at 25 °C.
    ``normal_is_actual`` takes m3 and Nm3 as equal, as national practice does for ambient air; in a hot stack
    they differ, so there it stays off.

    >>> conversion("ppb", "µg/Nm3", molar_mass=48.0).apply(10)
    19.6195443361
    """
    try:
        kind, factor, offset = _base(_BY_NAME[source], molar_mass, normal_is_actual)
        target_kind, target_factor, target_offset = _base(_BY_NAME[target], molar_mass, normal_is_actual)
    except KeyError:
        return None
    if kind != target_kind:
        return None
    return Conversion(factor / target_factor, (offset - target_offset) / target_factor)


def _base(unit: Unit, molar_mass: float | None, normal_is_actual: bool) -> tuple[str, float, float]:
    """Kind, factor and offset of a unit once the context has joined kinds that are one there."""
    if unit.kind == "mixing ratio" and molar_mass is not None:
        return "mass in normal air", unit.factor * molar_mass / MOLAR_VOLUME, unit.offset
    if unit.kind == "mass in air" and normal_is_actual:
        return "mass in normal air", unit.factor, unit.offset
    return unit.kind, unit.factor, unit.offset
