"""VN_WQI, the water quality index of a sample of surface water.

Source: Decision 1460/QĐ-TCMT of 12 November 2019. Its own text was read for the total (2.2 b), for what an
index needs and for the sub-indices of its worked example (2.3); the totals that the example prints do not
follow from its formulas. The tables are taken from descriptions and calculators of it: what rests on less
than two of them is marked ``unverified`` beside the number.

The decision speaks of periodic samples of inland surface water (1.1, 1.3.3), and lets waters be compared only
where the index of both is made of the same parameters.

Units: mg/L, °C; MPN/100 mL for the microbes, µg/L for the pesticides. A negative value counts as missing.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction
from math import prod

from quantrac.domain.indices.levels import Level, level_of
from quantrac.domain.indices.rounding import Amount, exact, half_up
from quantrac.domain.qualifiers import BELOW, NO_QUALIFIER, Qualifier
from quantrac.domain.registry.pollution import Pollution

OUTSIDE_THE_DECISION = (
    "Decision 1460/QĐ-TCMT speaks of periodic samples: an index of automatic data is outside it"
)
"""What is said wherever the index of an automatic station is shown."""

TEMPERATURE = "Temp"
"""Needed for the saturation of DO; has no sub-index."""
TEMPERATURE_RANGE = (0, 50)
"""°C in which the saturation of DO is used; source: default, unverified (the polynomial ends below 0)."""

LEAST_GROUPS = 3
LEAST_IN_IV = 3
"""Groups, and parameters of group IV, that an index needs; source: the decision's text."""


class Group(StrEnum):
    """Groups of parameters."""

    PH = "I"
    PESTICIDES = "II"
    METALS = "III"
    ORGANICS_AND_NUTRIENTS = "IV"
    MICROBES = "V"


class Formula(IntEnum):
    """How the means of groups IV and V become one, by the decision's numbers (2.2 b)."""

    EQUAL_WEIGHTS = 3
    """(IV · V)^(1/2): the default."""
    WITHOUT_MICROBES = 4
    """IV alone: nothing of group V was measured."""
    ORGANIC_POLLUTION = 5
    """(IV² · V)^(1/3): the water body is one where organic pollution needs attention."""


NO_QUALIFIERS: Mapping[str, Qualifier] = {}


@dataclass(frozen=True, slots=True)
class Scale:
    """Sub-index of one parameter: linear between points, constant outside."""

    group: Group
    points: tuple[tuple[Fraction, int], ...]
    """(Concentration, sub-index), rising concentration. A value at a point has the sub-index of the point."""
    below: int = 100
    """Sub-index below the first point."""
    above: int = 10
    """Sub-index above the last point."""
    unverified: str = ""
    """What about this entry rests on one source or none."""

    def at(self, amount: Fraction) -> Fraction:
        """Return the sub-index, not rounded."""
        concentrations = [concentration for concentration, _ in self.points]
        if amount < concentrations[0]:
            return Fraction(self.below)
        if amount > concentrations[-1]:
            return Fraction(self.above)
        upper = max(1, bisect_left(concentrations, amount))
        (start, low), (end, high) = self.points[upper - 1], self.points[upper]
        return low + (amount - start) * (high - low) / (end - start)

    def beyond(self, limit: Fraction, qualifier: Qualifier) -> Fraction | None:
        """Return the sub-index of all concentrations below or above a limit; ``None`` where they differ.

        >>> SCALES["Coliform"].beyond(Fraction(11000), ABOVE), SCALES["BOD"].beyond(Fraction(2), BELOW)
        (Fraction(10, 1), Fraction(100, 1))
        >>> SCALES["BOD"].beyond(Fraction(5), BELOW) is None
        True
        """
        is_below = qualifier == BELOW
        first, last = self.points[0][0], self.points[-1][0]
        # Linear between points, so that the points and the limit itself say whether it is constant.
        subindices = {
            Fraction(subindex)
            for concentration, subindex in self.points
            if (concentration < limit if is_below else concentration > limit)
        }
        subindices.add(Fraction(self.below if is_below else self.above))
        if first < limit < last or limit == (last if is_below else first):
            subindices.add(self.at(limit))
        elif limit > last if is_below else limit < first:
            subindices.add(Fraction(self.above if is_below else self.below))
        return subindices.pop() if len(subindices) == 1 else None


def _scale(
    group: Group,
    *points: tuple[str, int],
    below: int = 100,
    above: int = 10,
    unverified: str = "",
) -> Scale:
    return Scale(group, tuple((Fraction(at), q) for at, q in points), below, above, unverified)


def _limit(group: Group, limit: str, unverified: str = "") -> Scale:
    """100 up to a limit, 10 above it."""
    return _scale(group, ("0", 100), (limit, 100), unverified=unverified)


_II, _III, _IV, _V = Group.PESTICIDES, Group.METALS, Group.ORGANICS_AND_NUTRIENTS, Group.MICROBES
_ONE_SOURCE = "one source"

SCALES: Mapping[str, Scale] = {
    "pH": _scale(Group.PH, ("5.5", 50), ("6", 100), ("8.5", 100), ("9", 50), below=10),
    "Aldrin": _limit(_II, "0.1", _ONE_SOURCE),
    "BHC": _limit(_II, "0.02", _ONE_SOURCE),
    "Dieldrin": _limit(_II, "0.1", _ONE_SOURCE),
    "DDTs": _limit(_II, "1.0", _ONE_SOURCE),
    "Heptachlor & epoxide": _limit(_II, "0.2", _ONE_SOURCE),
    "As": _scale(_III, ("0.01", 100), ("0.02", 75), ("0.05", 50), ("0.1", 25)),
    "Cd": _scale(_III, ("0.005", 75), ("0.008", 50), ("0.01", 25), ("0.1", 10), unverified=_ONE_SOURCE),
    "Pb": _scale(_III, ("0.02", 75), ("0.04", 50), ("0.05", 25), ("0.5", 10), unverified=_ONE_SOURCE),
    "Cr6+": _scale(_III, ("0.01", 100), ("0.02", 75), ("0.04", 50), ("0.05", 25), ("0.1", 10),
                   unverified="the point 0.05: one source"),
    "Cu": _scale(_III, ("0.1", 100), ("0.2", 75), ("0.5", 50), ("1.0", 25), ("2", 10)),
    "Zn": _scale(_III, ("0.5", 100), ("1.0", 75), ("1.5", 50), ("2.0", 25), ("3", 10)),
    "Hg": _scale(_III, ("0.001", 75), ("0.0015", 50), ("0.002", 25), ("0.01", 10), unverified=_ONE_SOURCE),
    # In % of saturation, see saturation().
    "DO": _scale(_IV, ("20", 25), ("50", 50), ("75", 75), ("88", 100), ("112", 100), ("125", 75), ("150", 50),
                 ("200", 25), below=10),
    "BOD": _scale(_IV, ("4", 100), ("6", 75), ("15", 50), ("25", 25), ("50", 10)),
    "COD": _scale(_IV, ("10", 100), ("15", 75), ("30", 50), ("50", 25), ("150", 10)),
    "TOC": _scale(_IV, ("4", 100), ("6", 75), ("15", 50), ("25", 25), ("50", 10)),
    "NH4-N": _scale(_IV, ("0.3", 75), ("0.6", 50), ("0.9", 25), ("5", 10)),
    "NO3-N": _scale(_IV, ("2", 100), ("5", 75), ("10", 50), ("15", 25)),
    "NO2-N": _limit(_IV, "0.05"),
    "PO4-P": _scale(_IV, ("0.1", 100), ("0.2", 75), ("0.3", 50), ("0.5", 25), ("4", 10)),
    "Coliform": _scale(_V, ("2500", 100), ("5000", 75), ("7500", 50), ("10000", 25)),
    "E. coli": _scale(_V, ("20", 100), ("50", 75), ("100", 50), ("200", 25), unverified=_ONE_SOURCE),
}  # fmt: skip
"""Parameter (code of the catalogue where it has one) → scale."""

SAME_AS: Mapping[str, str] = {"NH4": "NH4-N"}
"""Names used for a parameter of the index; unverified: limits count a station's ammonium as nitrogen."""

_WEIGHTS = {
    Formula.EQUAL_WEIGHTS: (1, 1),
    Formula.WITHOUT_MICROBES: (1, 0),
    Formula.ORGANIC_POLLUTION: (2, 1),
}
"""Of groups IV and V in their geometric mean."""

_COMPULSORY = {Pollution.PESTICIDES: Group.PESTICIDES, Pollution.METALS: Group.METALS}
"""Groups without which there is no index where such pollution is known; source: the decision's text."""

_WORDS = "English words: a translation"
LEVELS = (
    Level(0, "Ô nhiễm rất nặng", "very heavily polluted", "nâu", "brown", (126, 0, 35), _WORDS),
    Level(10, "Kém", "very bad", "đỏ", "red", (255, 0, 0), _WORDS),
    Level(26, "Xấu", "bad", "da cam", "orange", (255, 126, 0), _WORDS),
    Level(51, "Trung bình", "moderate", "vàng", "yellow", (255, 255, 0), _WORDS),
    Level(76, "Tốt", "good", "xanh lá", "green", (0, 228, 0), _WORDS),
    Level(91, "Rất tốt", "very good", "xanh nước biển", "blue", (51, 51, 255), _WORDS),
)


@dataclass(frozen=True, slots=True)
class WaterIndex:
    """VN_WQI of a sample, with what it rests on."""

    subindices: Mapping[str, Fraction]
    """Parameter → sub-index, not rounded, where there is one."""
    groups: Mapping[Group, float]
    """Group → its mean, geometric for II and III, where it has a parameter."""
    index: int | None
    """``None`` where too little was measured: groups, parameters of group IV, or a compulsory group."""
    formula: Formula | None
    """The one that gave the index; ``None`` without an index."""

    @property
    def level(self) -> Level | None:
        """Words and colour of the index."""
        return None if self.index is None else level_of(self.index, LEVELS)


def saturation(dissolved_oxygen: Amount, temperature: Amount) -> Fraction | None:
    """Return DO (mg/L) in % of what fresh water holds at a temperature (°C); ``None`` if either is missing.

    >>> round(float(saturation(6.0, 25.0)), 2)
    73.39
    """
    oxygen, t = exact(dissolved_oxygen), exact(temperature)
    lowest, highest = TEMPERATURE_RANGE
    if oxygen is None or t is None or not lowest <= t <= highest:
        return None
    a, b, c, d = (Fraction(text) for text in ("14.652", "0.41022", "0.0079910", "0.000077774"))
    return oxygen / (a - b * t + c * t**2 - d * t**3) * 100


def water_index(
    sample: Mapping[str, Amount],
    *,
    qualifiers: Mapping[str, Qualifier] = NO_QUALIFIERS,
    pollution: Collection[Pollution] = (),
    least_groups: int = LEAST_GROUPS,
    least_in_iv: int = LEAST_IN_IV,
) -> WaterIndex:
    """Return VN_WQI of a sample.

    ``sample``: parameter of :data:`SCALES` (or ``Temp``, for DO) → value. ``qualifiers``: parameter → on
    which side of its value, a limit of the method, the true one lies. It has a sub-index where all values
    there have the same, such as below the first and above the last point of its table. ``pollution``: what is
    known of the water body. Group IV is needed in any case.

    >>> river = {"pH": 7.2, "DO": 6.0, "Temp": 25.0, "BOD": 10.0, "COD": 20.0, "NH4-N": 0.45, "PO4-P": 0.15}
    >>> river["Coliform"] = 6000.0
    >>> water_index(river).index, water_index(river, pollution=[Pollution.ORGANIC]).index
    (68, 69)
    """
    subindices = {}
    for name, scale in SCALES.items():
        amount = exact(sample.get(name))
        if name == "DO":
            temperature = None if qualifiers.get(TEMPERATURE) else sample.get(TEMPERATURE)
            amount = saturation(amount, temperature)
        subindex = None if amount is None else _subindex(scale, amount, qualifiers.get(name, NO_QUALIFIER))
        if subindex is not None:
            subindices[name] = subindex
    groups = {}
    for group in Group:
        members = [value for name, value in subindices.items() if SCALES[name].group is group]
        if members:
            groups[group] = _group_mean(group, members)
    in_iv = sum(SCALES[name].group is Group.ORGANICS_AND_NUTRIENTS for name in subindices)
    compulsory = {group for kind, group in _COMPULSORY.items() if kind in pollution}
    if len(groups) < least_groups or in_iv < max(1, least_in_iv) or not compulsory <= groups.keys():
        return WaterIndex(subindices, groups, index=None, formula=None)
    formula = _select_formula(groups, pollution)
    return WaterIndex(subindices, groups, _total(groups, formula), formula)


def _subindex(scale: Scale, amount: Fraction, qualifier: Qualifier) -> Fraction | None:
    return scale.beyond(amount, qualifier) if qualifier else scale.at(amount)


def _group_mean(group: Group, members: list[Fraction]) -> float:
    if group in {Group.PESTICIDES, Group.METALS}:
        return prod(map(float, members)) ** (1 / len(members))
    return float(sum(members, Fraction(0)) / len(members))


def _select_formula(groups: Collection[Group], pollution: Collection[Pollution]) -> Formula:
    if _V not in groups:
        return Formula.WITHOUT_MICROBES
    return Formula.ORGANIC_POLLUTION if Pollution.ORGANIC in pollution else Formula.EQUAL_WEIGHTS


def _total(groups: Mapping[Group, float], formula: Formula) -> int:
    """I/100 · II/100 · III/100 · the geometric mean of IV and V; a group not measured drops out."""
    factors = prod(groups[group] / 100 for group in (Group.PH, _II, _III) if group in groups)
    of_iv, of_v = _WEIGHTS[formula]
    core = (groups[_IV] ** of_iv * groups.get(_V, 1.0) ** of_v) ** (1 / (of_iv + of_v))
    total = exact(round(factors * core, 9))  # a root is not exact: within 1e-9 of a half counts as the half
    return half_up(*(total or Fraction(0)).as_integer_ratio())
