"""Which of an account's stations a file belongs to: by its folder and its name, never by guessing."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from quantrac.domain.layouts import folders_of
from quantrac.domain.parsing import station_code_from_name
from quantrac.domain.readings import Reject
from quantrac.domain.registry.stations import Station
from quantrac.domain.spellings import fold

UNKNOWN_STATION = "unknown-station"
"""Reason of a reject that stands for a whole file (line 0): no station fits."""
AMBIGUOUS_STATION = "ambiguous-station"
"""The same: several stations fit."""


def assign_station(name: str, stations: Sequence[Station], path: str = "") -> Station | None:
    """Return the station of a file, or ``None`` where :func:`match_stations` returns none or several."""
    candidates = match_stations(name, stations, path)
    return candidates[0] if len(candidates) == 1 else None


def match_stations(name: str, stations: Sequence[Station], path: str = "") -> tuple[Station, ...]:
    """Return the stations that a file called ``name`` in the folder ``path`` may belong to.

    ``stations`` are those its account may send for. The first of these that says anything decides; what only
    looks different does not matter (:func:`quantrac.domain.spellings.fold`). Several stations mean that it
    does not say which one.

    1. a folder of the path is a station's code or alias, the one nearest to the file;
    2. the code that the name states (``CODE_yyyyMMddHHmmss``) is a station's code or alias;
    3. the longest code or alias that stands in the name as a whole word;
    4. a registered file pattern fits the name;
    5. the account has one station only, and the name states no code: one that states another code stays
       unassigned.
    """
    codes = _codes(stations)
    for folder in map(fold, reversed(folders_of(path))):
        if folder in codes:
            return codes[folder]
    stated_code = fold(station_code_from_name(name))
    if stated_code in codes:
        return codes[stated_code]
    folded_name = fold(name)
    codes_in_name = [code for code in codes if _is_word_of(code, folded_name)]
    if codes_in_name:
        longest = max(map(len, codes_in_name))
        candidates = [station for code in codes_in_name if len(code) == longest for station in codes[code]]
        return tuple(dict.fromkeys(candidates))
    matches = tuple(s for s in stations if fits_pattern(name, s.file_patterns))
    if matches:
        return matches
    return (stations[0],) if len(stations) == 1 and not stated_code else ()


def assignment_reject(name: str, candidates: Sequence[Station], among: str) -> Reject:
    """Return the reject of a whole file that no station, or more than one, may have sent.

    ``among`` ends the sentence that there is none: ``of account bkhn``.
    """
    if candidates:
        codes = ", ".join(station.code for station in candidates)
        return Reject(0, "", AMBIGUOUS_STATION, f'The file name "{name}" fits several: {codes}.')
    return Reject(0, "", UNKNOWN_STATION, f'The file name "{name}" belongs to no station {among}.')


def stands_in(station: Station, text: str) -> bool:
    """Tell whether a station's code or alias stands in a text as a whole word."""
    folded = fold(text)
    return any(_is_word_of(fold(code), folded) for code in (station.code, *station.aliases))


def _codes(stations: Sequence[Station]) -> dict[str, tuple[Station, ...]]:
    """Code or alias, folded → the stations that bear it; an alias never takes another one's own code."""
    codes: dict[str, tuple[Station, ...]] = {}
    for station in stations:
        for alias in station.aliases:
            codes[fold(alias)] = (*codes.get(fold(alias), ()), station)
    return codes | {fold(station.code): (station,) for station in stations}


def fits_pattern(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a pattern fits a file name: as a glob where it holds ``*`` or ``?``, else as a part of it.

    >>> fits_pattern("KXQ so 2 01_06_2023.lsi", ["kxq so 2"]), fits_pattern("A12.lsi", ["a?.lsi"])
    (True, False)
    """
    folded = _fold_within(name)
    return any(
        fnmatchcase(folded, _fold_within(pattern))
        if re.search(r"[*?]", pattern)
        else _fold_within(pattern) in folded
        for pattern in patterns
    )


def _fold_within(text: str) -> str:
    """Fold a text whose blanks at the ends count: ``Tram 1 `` is no part of ``Tram 12.txt``."""
    return fold(f"|{text}|")[1:-1]


def _is_word_of(code: str, name: str) -> bool:
    # Neighbouring letters and digits would make it another code: HN_A_KHI1 is not HN_A_KHI.
    return re.search(rf"(?<![^\W_]){re.escape(code)}(?![^\W_])", name) is not None
