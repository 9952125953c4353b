"""The grammar of units: what a spelling such as ``mg·m⁻³`` or ``m3/ngày đêm`` says, symbol by symbol.

A unit is a product of symbols, each with a prefix and an exponent: ``mg/m3``, ``mg m-3``, ``mg.m^-3``,
``MPN/100mL``. A slash takes the one symbol after it below the line; a product after a slash (``W/m2.K``)
could mean two things and is none. English and Vietnamese words stand for symbols (``m3/hour``, ``m³/giờ``).

It is a grammar of our own because pint (0.25.3) reads none of ``m3``, ``Nm3``, ``oC`` and ``MPN/100mL``, and
takes ``˚C`` for coulombs. It would also cost 0.4 s and 19 MB at the start of a process, and 140 µs for each
new spelling; this takes 50 µs.
"""

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from quantrac.domain.spellings import clean, plain_letters

Dimension = tuple[tuple[str, int], ...]
"""(base quantity, exponent), by name; without those that cancel out."""


class Volume(Enum):
    """Whose volume a concentration or a flow counts; the same cubic metre holds another mass of each."""

    NORMAL = "normal"
    """Of gas at 25 °C and 760 mmHg: ``Nm3``."""
    LIQUID = "liquid"
    """Of water: a litre below the line."""


@dataclass(frozen=True, slots=True)
class Product:
    """A unit as its symbols say: a value times ``factor`` is in grams, metres, seconds, pascals ..."""

    dimension: Dimension
    factor: Fraction
    volume: Volume | None
    """``None`` where a cubic metre is as it comes."""
    name: str
    """In the form of this module: symbols as :data:`_SYMBOLS` has them, exponents above 0, slashes."""


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str
    base: str
    exponent: int
    factor: Fraction
    volume: Volume | None = None


_Factor = tuple[int, _Symbol, int]
"""Number before a symbol, the symbol, its exponent."""


_PREFIXES = {
    "n": Fraction(1, 10**9),
    "µ": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "c": Fraction(1, 100),
    "d": Fraction(1, 10),
    "": Fraction(1),
    "h": Fraction(100),
    "k": Fraction(1000),
    "M": Fraction(10**6),
}
_ROWS = (
    # Symbol, base quantity, its exponent, factor to the base, prefixes that it may bear.
    ("g", "mass", 1, Fraction(1), ("n", "µ", "m", "", "k")),
    ("t", "mass", 1, Fraction(10**6), ("",)),
    ("m", "length", 1, Fraction(1), ("m", "c", "d", "", "k")),
    ("L", "length", 3, Fraction(1, 1000), ("m", "d", "", "M")),
    ("s", "time", 1, Fraction(1), ("",)),
    ("min", "time", 1, Fraction(60), ("",)),
    ("h", "time", 1, Fraction(3600), ("",)),
    ("d", "time", 1, Fraction(86400), ("",)),
    ("Pa", "pressure", 1, Fraction(1), ("", "h", "k", "M")),
    ("bar", "pressure", 1, Fraction(10**5), ("m", "")),
    ("S", "conductance", 1, Fraction(1), ("µ", "m")),
    ("V", "potential", 1, Fraction(1), ("µ", "m", "")),
    ("W", "power", 1, Fraction(1), ("", "k")),
    ("MPN", "most probable number", 1, Fraction(1), ("",)),
    ("CFU", "colonies", 1, Fraction(1), ("",)),
)
_NORMAL = "Nm"
"""The edge of a normal cubic metre; only its third power means anything."""
_SYMBOLS = {
    prefix + name: _Symbol(prefix + name, base, exponent, factor * _PREFIXES[prefix])
    for name, base, exponent, factor, prefixes in _ROWS
    for prefix in prefixes
} | {_NORMAL: _Symbol(_NORMAL, "length", 1, Fraction(1), Volume.NORMAL)}

# Without their Vietnamese marks.
_WORDS = {
    word: symbol
    for symbol, words in {
        "s": "sec second seconds giay",
        "min": "mins minute minutes phut",
        "h": "hr hrs hour hours gio",
        "d": "day days ngay",
        "L": "lit liter liters litre litres",
        "µg": "mcg",
        "t": "ton tons tonne tonnes tan",
        "m": "meter meters metre metres met",
        _NORMAL: "mn",
    }.items()
    for word in words.split()
}

# "mL" and "ML" differ by 1e9, so a capital M is a million only where it stands so.
_SYMBOLS["Ml"] = _SYMBOLS["ML"]
_ANY_CASE = {
    symbol.name.casefold(): symbol for symbol in _SYMBOLS.values() if symbol.name not in ("ML", "MPa")
} | {word: _SYMBOLS[symbol] for word, symbol in _WORDS.items()}
"""Symbols by what is left of them without case (``MG``), and by the words for them."""

# Look like a degree sign: ring above, masculine ordinal, ring operator, a raised o, a raised 0 that starts.
_DEGREE = re.compile("[\u02da\u00ba\u2218\u1d52]|^\u2070")
_SIGNS = str.maketrans("\u2044\u2215\u00b7\u22c5\u2022\u2219*", "//.....")
# "ngày đêm", a day and a night, is 24 hours; loggers shorten it to "ng.đ".
_DAY_AND_NIGHT = re.compile(r"\bng(?:ay[ ./-]*dem|\.?d)\b", re.IGNORECASE)
_FACTOR = re.compile(
    r"(?:(?P<number>10{1,6}) ?)?(?P<symbol>[^\W\d_]+)(?:(?:\^|\.\.)?\(?(?P<exponent>[+-]?[1-9])\)?)?"
    r"(?P<normal>(?:\(N\)|N)(?![^\W_]))?",
    re.IGNORECASE,
)
_SIGN = re.compile(r" ?(?:(?P<below>/|\bper\b)|[. ]) ?")
MOST_LETTERS = 40
"""Longest spelling that is looked at."""


def plain_unit(spelling: str) -> str:
    """Write a unit without what only looks different: raised digits, degree and micro signs, dots, slashes.

    >>> plain_unit("µg·m⁻³"), plain_unit(" ˚C "), plain_unit("㎎/㎥")
    ('µg.m-3', '°C', 'mg/m3')
    """
    if spelling.isascii():
        return clean(spelling).replace("*", ".")
    return clean(_DEGREE.sub("°", spelling.lstrip())).translate(_SIGNS)


def parse_product(spelling: str) -> Product | None:
    """Read a unit of which every symbol is known, or return ``None``.

    >>> parse_product("mg m-3").name, parse_product("m3/ngày đêm").name, parse_product("W/m2.K")
    ('mg/m3', 'm3/d', None)
    """
    if len(spelling) > MOST_LETTERS:
        return None
    text = _DAY_AND_NIGHT.sub("d", plain_letters(plain_unit(spelling))).rstrip(".")
    if text[:1] + text[-1:] in ("()", "[]"):
        text = text[1:-1]
    factors: list[_Factor] = []
    position, is_below = 0, False
    while (factor := _FACTOR.match(text, position)) is not None:
        symbol, exponent, number = _symbol(factor), int(factor["exponent"] or 1), int(factor["number"] or 1)
        if symbol is None or (symbol.volume and abs(exponent) != 3) or (number > 1 and exponent < 0):
            return None
        factors.append((number, symbol, -exponent if is_below else exponent))
        if factor.end() == len(text):
            return _product(factors)
        sign = _SIGN.match(text, factor.end())
        if sign is None or (is_below and not sign["below"]):
            return None
        position, is_below = sign.end(), bool(sign["below"])
    return None


def _symbol(match: re.Match[str]) -> _Symbol | None:
    """Find the symbol of one factor: as it is written, else in any case, else as a word."""
    name = match["symbol"]
    micro = name.replace("u", "µ", 1)
    symbol = _SYMBOLS.get(name) or _ANY_CASE.get(name.casefold()) or _ANY_CASE.get(micro.casefold())
    if match["normal"]:
        # "m3N", "m3(N)": the letter follows the third power.
        return _SYMBOLS[_NORMAL] if symbol is _SYMBOLS["m"] else None
    return symbol


def _product(factors: list[_Factor]) -> Product | None:
    exponents: dict[str, int] = {}
    factor, volume = Fraction(1), None
    for number, symbol, exponent in factors:
        if symbol.base in exponents:
            return None  # a quantity above and below the line (mg/kg) is a ratio of something to something
        exponents[symbol.base] = symbol.exponent * exponent
        factor *= (number * symbol.factor ** abs(exponent)) ** (1 if exponent > 0 else -1)
        volume = volume or symbol.volume
        if symbol.name.endswith("L") and exponent < 0:
            volume = Volume.LIQUID
    return Product(tuple(sorted(exponents.items())), factor, volume, _name(factors))


def _name(factors: list[_Factor]) -> str:
    def write(number: int, symbol: _Symbol, exponent: int) -> str:
        shown = "" if abs(exponent) == 1 else str(abs(exponent))
        return f"{number if number != 1 else ''}{symbol.name}{shown}"

    above = [write(*factor) for factor in factors if factor[2] > 0]
    below = [f"/{write(*factor)}" for factor in factors if factor[2] < 0]
    return "·".join(above) + "".join(below)
