"""What is unusual in a station's record, though allowed: more likely a slip than meant so."""

from collections.abc import Iterator, Sequence

from quantrac.domain.catalogue import CATALOGUE, find_parameter
from quantrac.domain.problems import Problem
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.stations import Station, StationParameter, StationType, WarningLevels
from quantrac.domain.registry.validity import Valid, overlap
from quantrac.domain.spellings import LIKELY, nearest


def remarks_on(station: Station) -> Iterator[Problem]:
    """Yield what a person should look at again."""
    if not station.parameters:
        yield Problem(("parameters",), "it measures nothing, so nothing of its files is read")
    for number, entry in enumerate(station.parameters, start=1):
        yield from _remarks_on_parameter(entry, ("parameters", number), station.type)
    dated: dict[str, Sequence[Valid]] = {
        "parameters": station.parameters,
        "intervals": station.intervals,
        "stamps": station.stamps,
        "permits": station.permits,
        "pollution": station.pollution,
    }
    for key, entries in dated.items():
        for number, dates in enumerate(entries, start=1):
            if not overlap(station, dates):
                yield Problem((key, number), "it is valid only while the station is not")
    for number, window in enumerate(station.maintenance, start=1):
        for earlier, previous in enumerate(station.maintenance[: number - 1], start=1):
            if _meet(previous, window):
                sentence = f"it meets maintenance.{earlier}; where both hold, this one counts"
                yield Problem(("maintenance", number), sentence)


def _remarks_on_parameter(
    entry: StationParameter, path: tuple[str | int, ...], medium: StationType
) -> Iterator[Problem]:
    parameter = find_parameter(entry.code)
    if parameter is None:
        sentence = f"{entry.code!r} is not in the catalogue: no range, limit or index is known for it"
        codes = _likely_codes(entry.code)
        hint = f"; did you mean {' or '.join(map(repr, codes))}?" if codes else ""
        yield Problem((*path, "code"), sentence + hint)
    elif parameter.units and medium not in parameter.units:
        media = ", ".join(sorted(parameter.units))
        yield Problem((*path, "code"), f"{entry.code} is usual in {media}, not in {medium}")
    if entry.warning_levels is not None and not _is_ordered(entry.warning_levels):
        sentence = "the levels neither rise nor fall from tendency over preparing to exceeded"
        yield Problem((*path, "warning_levels"), sentence)


def _likely_codes(name: str) -> list[str]:
    """Return the catalogue's codes that may be meant by a name, the likeliest first."""
    codes = {spelling: usual.code for usual in CATALOGUE for spelling in usual.spellings}
    return list(dict.fromkeys(codes[near] for near in nearest(name, codes, count=2, least=LIKELY)))


def _is_ordered(levels: WarningLevels) -> bool:
    values = [v for v in (levels.tendency, levels.preparing, levels.exceeded) if v is not None]
    return values in (sorted(values), sorted(values, reverse=True))


def _meet(first: Decision, second: Decision) -> bool:
    """Tell whether two windows speak of one reading."""
    alike = not (first.parameters and second.parameters) or set(first.parameters) & set(second.parameters)
    return bool(alike) and max(first.start, second.start) < min(first.end, second.end)
