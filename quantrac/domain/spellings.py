"""Names as people write them: which look the same, and which come near one another."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

LIKELY = 0.6
"""How near a name must be to be what was meant, by the ratio of ``difflib``: 1 for equal ones."""

_TWINS = {
    ord(twin): letter
    for twins, letters in (
        ("АВЕКМНОРСТХаеорсху", "ABEKMHOPCTXaeopcxy"),  # Cyrillic
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),  # Greek
        ("ÐðƉɖ", "ĐđĐđ"),  # eth, and the African d
        ("\u03bc", "\u00b5"),  # Greek mu, which NFKC makes of the micro sign
        ("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-------"),
    )
    for twin, letter in zip(twins, letters, strict=True)
}
"""Code of a letter that looks like another one → that one."""
# Marks that take no room: Unicode's format characters and the selectors of a letter's variant.
_WITHOUT_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_TONE = re.compile(f"[{_TONES}]")
# One or more vowels in a row with their marks, decomposed: circumflex, breve, horn and the five tones.
_VOWELS = re.compile(f"(?:[aeiouy][\u0302\u0306\u031b{_TONES}]*)+")


def clean(text: str) -> str:
    """Write letters that look the same alike; case stays.

    NFKC, which takes raised, lowered and wide letters for plain ones; one dash; đ for its twins; no marks
    without width; single blanks, none at the ends.

    >>> clean("\\ufeffNO₂  Ðục"), clean("PM\\u201110"), clean("m⁻³")
    ('NO2 Đục', 'PM-10', 'm-3')
    """
    if not text.isascii():
        text = _WITHOUT_WIDTH.sub("", unicodedata.normalize("NFKC", text)).translate(_TWINS)
    return " ".join(text.split())


def fold(name: str) -> str:
    """Return what names that look the same have in common, to compare them by.

    As :func:`clean`, without case, and with the tone of Vietnamese vowels in one place, where old and new
    spelling put it on different ones.

    >>> fold("Oxy hoà tan") == fold("OXY HÒA TAN"), fold("Ðộ ẩm") == fold("Độ ẩm"), fold("NO₂")
    (True, True, 'no2')
    """
    folded = clean(name).casefold()
    if folded.isascii():
        return folded
    letters = unicodedata.normalize("NFD", folded)
    return unicodedata.normalize("NFC", _VOWELS.sub(_move_tones, letters))


def _move_tones(vowels: re.Match[str]) -> str:
    return _TONE.sub("", vowels[0]) + "".join(_TONE.findall(vowels[0]))


def plain_letters(text: str) -> str:
    """Return Vietnamese without its marks.

    >>> plain_letters("Đắk Lắk")
    'Dak Lak'
    """
    if text.isascii():
        return text
    bare = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


def nearest(name: object, names: Iterable[str], *, count: int = 1, least: float = 0.0) -> list[str]:
    """Return up to ``count`` of the names that come nearest to one, the nearest first.

    Marks and case do not matter. ``least`` leaves out what is less alike; 0 always gives some.

    >>> nearest("Turbidty", ["COD", "Turbidity"]), nearest("xyz", ["COD"], least=LIKELY)
    (['Turbidity'], [])
    """
    by_key: dict[str, str] = {}
    for candidate in names:
        by_key.setdefault(plain_letters(fold(candidate)), candidate)
    keys = difflib.get_close_matches(plain_letters(fold(str(name))), by_key, n=count, cutoff=least)
    return [by_key[key] for key in keys]


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return how a sentence about an unknown name goes on; empty where no name is likely.

    >>> did_you_mean("unti", ["code", "unit"]), did_you_mean("x", ["code"])
    ("; did you mean 'unit'?", '')
    """
    likely = nearest(name, names, least=LIKELY)
    return f"; did you mean {likely[0]!r}?" if likely else ""


def suggest(name: object, names: Iterable[str]) -> str:
    """Return how a sentence about an unknown name of few goes on: with a likely one, or else with all.

    >>> suggest("unti", ["code", "unit"]), suggest("x", ["code", "unit"])
    ("; did you mean 'unit'?", '; there are code, unit')
    """
    candidates = list(names)
    return did_you_mean(name, candidates) or f"; there are {', '.join(candidates)}"
