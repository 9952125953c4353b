"""``python -m docs.station_files_page``: write the tables of docs/station-files.md from what reads files."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from quantrac.domain.catalogue import CATALOGUE, Parameter
from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.inspection.doubt import ASSUMPTION_ADVICE, ASSUMPTIONS, TEST_ADVICE
from quantrac.domain.layouts import LAYOUTS
from quantrac.domain.numbers import AmbiguousNumberError, NotDetectedError, NumberError, Numbers
from quantrac.domain.parsing import FORMATS, station_code_from_name
from quantrac.domain.parsing.fields import to_utc
from quantrac.domain.parsing.reasons import ParseError
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.registry.stations import StationType
from quantrac.domain.rejects import REJECT_REASONS, advise_on, describe_reason
from quantrac.domain.statuses import MEANING
from quantrac.domain.times import VIETNAM
from quantrac.domain.titles import COMMENT_SIGNS, END_MARKS, TITLES
from quantrac.domain.units import SPELLINGS, UNITS
from services.receiver.config import IntakeSettings

PAGE = Path(__file__).parent / "station-files.md"
_BEGIN, _END = "<!-- {}: written by `make docs` -->\n", "<!-- /{} -->"

_NUMBERS = ("27.81", "-1.60", "1.5E-05", "7,85", "1,013", "1.234,5", "12,4x", "NaN", "-", "1_000")
_QUALIFIED = ("<0.2", "> 11000", "KPH (<0,03)", "ND (LOD=0.03)", "KPH", "<LOD")
_TIMES = ("20260325000500", "202603250005", "20260324240000", "20260324240500", "2026-03-25T00:05:00", "0")
_FILE_NAMES = (
    "HN_BKHN_KHIKXQ_20260325000500.txt",
    "TRAM1_202603250005.csv",
    "HN_BKHN_KHIKXQ_20260325000500.txt (1)",
    "01_06_2023 00_06.lsi",
)
_MEDIA = {
    StationType.AMBIENT_AIR: "air",
    StationType.STACK: "stack",
    StationType.SURFACE_WATER: "surface water",
    StationType.GROUNDWATER: "groundwater",
    StationType.WASTEWATER: "wastewater",
}


def generated() -> str:
    """Return what the page should be; raises ValueError where it has lost a marker."""
    page = PAGE.read_text(encoding="utf-8")
    if page.count(_BEGIN.partition(":")[2]) != len(SECTIONS):
        raise ValueError(f"{PAGE.name} has not one marker for each of {', '.join(SECTIONS)}")
    for name, section in SECTIONS.items():
        before, begin, rest = page.partition(_BEGIN.format(name))
        _, end, after = rest.partition(_END.format(name))
        if not (begin and end):
            raise ValueError(f"{PAGE.name} has lost a marker of {name}")
        page = f"{before}{begin}\n{section()}\n\n{end}{after}"
    return page


def _layouts() -> str:
    rows = (
        (f"`{layout.name}`", f"`{layout.sample.replace(chr(9), '→')}`", _count(layout.columns))
        for layout in FORMATS
    )
    return _table(("layout", "a line", "columns"), rows)


def _count(columns: range) -> str:
    return str(columns[0]) if len(columns) == 1 else f"{columns[0]} or {columns[-1]} (status)"


def _remarks() -> str:
    titles = [(column, _words(sorted(words))) for column, words in TITLES.items()]
    titles.append(("comment", f"a line without a TAB that begins with {_words(COMMENT_SIGNS)}"))
    titles.append(("end mark", _words(sorted(END_MARKS)) + ", alone in its line, in any signs"))
    note = (
        "Written from practice, unverified; case and accents do not matter. A row of titles names two kinds."
    )
    return f"{_table(('title of', 'words'), titles)}\n\n{note}"


def _numbers() -> str:
    return _table(("a value", "is read as"), ((_code(text), _read_number(text)) for text in _NUMBERS))


def _qualifiers() -> str:
    return _table(("a value", "is read as"), ((_code(text), _read_number(text)) for text in _QUALIFIED))


def _read_number(text: str) -> str:
    """Say what a value alone in its file is read as, or why not."""
    reasons = {AmbiguousNumberError: "ambiguous-number", NotDetectedError: "not-detected"}
    try:
        value, qualifier = Numbers().read_qualified(text)
    except NumberError as error:
        return f"`{reasons.get(type(error), 'value-not-a-number')}`"
    return f"{shortest_decimal(value)}, qualifier `{qualifier}`" if qualifier else shortest_decimal(value)


def _times() -> str:
    return _table(("a time", "is read as (UTC+7)"), ((_code(text), _read_time(text)) for text in _TIMES))


def _read_time(text: str) -> str:
    try:
        return f"{to_utc(text, VIETNAM).astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"
    except ParseError as error:
        return f"`{error.reason}`"


def _statuses() -> str:
    counts = ("counts in averages", "no measurement: flag fail", "no measurement: flag fail")
    rows = (
        (_code(code), meaning, count) for (code, meaning), count in zip(MEANING.items(), counts, strict=True)
    )
    return _table(("status", "the instrument", "its value"), rows)


def _units() -> str:
    spellings = {unit.name: [s for s, name in SPELLINGS.items() if name == unit.name != s] for unit in UNITS}
    groups: dict[object, list[str]] = {}
    for unit in UNITS:
        groups.setdefault(unit.dimension, []).append(unit.name)
    rows = [
        (
            ", ".join(_code(name) if name else "(none)" for name in names),
            ", ".join(_code(spelling) for name in names for spelling in spellings[name]),
        )
        for names in groups.values()
    ]
    return _table(("units of one quantity", "other spellings"), rows)


def _parameters() -> str:
    rows = (
        (
            _code(entry.code),
            f"{entry.name}; {entry.name_vi}",
            ", ".join(map(_code, entry.aliases)),
            _usual_units(entry),
        )
        for entry in CATALOGUE
    )
    note = "What is practice and stands in no source is marked in `quantrac/domain/catalogue.py`."
    return f"{_table(('code', 'names', 'other spellings', 'usual unit'), rows)}\n\n{note}"


def _usual_units(entry: Parameter) -> str:
    media: dict[str, list[str]] = {}
    for medium, unit in entry.units.items():
        media.setdefault(unit, []).append(_MEDIA[medium])
    return "; ".join(
        f"{_code(unit) if unit else '(none)'} {', '.join(names)}" for unit, names in media.items()
    )


def _names() -> str:
    rows = ((_code(name), _code(station_code_from_name(name))) for name in _FILE_NAMES)
    return _table(("a name", "states the station"), rows)


def _folders() -> str:
    rows = ((str(layout.number), _code(layout.sample) or "(no folders)") for layout in LAYOUTS)
    return _table(("layout", "of 30 May 2019"), rows)


def _temporary() -> str:
    default: str = IntakeSettings.model_fields["temporary_names"].default
    return ", ".join(map(_code, default.split())) + ", whatever their case."


def _reasons() -> str:
    rows = ((_code(code), describe_reason(code), advise_on(code)) for code in REJECT_REASONS)
    return _table(("reason", "means", "what to change"), rows)


def _assumptions() -> str:
    rows = ((_code(code), meaning, ASSUMPTION_ADVICE[code]) for code, meaning in ASSUMPTIONS.items())
    return _table(("code", "means", "what to change"), rows)


def _tests() -> str:
    rows = (
        (f"[`{test}`](quality-control.md#{test})", _meaning(test), advice)
        for test, advice in TEST_ADVICE.items()
    )
    return _table(("code", "means", "what to change"), rows)


def _meaning(test: str) -> str:
    """Return the first sentence of a test's module, without the name that stands before it.

    >>> _meaning("future")
    'Nothing is received before it was measured.'
    """
    text = (sys.modules[TESTS[test].judge.__module__].__doc__ or "").split("\n")[0]
    sentence = text.partition(": ")[2]
    return sentence[:1].upper() + sentence[1:]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _words(words: Iterable[str]) -> str:
    return ", ".join(map(_code, words))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


SECTIONS: dict[str, Callable[[], str]] = {
    "layouts": _layouts,
    "remarks": _remarks,
    "numbers": _numbers,
    "qualifiers": _qualifiers,
    "times": _times,
    "statuses": _statuses,
    "units": _units,
    "parameters": _parameters,
    "names": _names,
    "folders": _folders,
    "temporary": _temporary,
    "reasons": _reasons,
    "assumptions": _assumptions,
    "tests": _tests,
}
"""Name of a marker → what stands between it and its end."""


if __name__ == "__main__":
    PAGE.write_text(generated(), encoding="utf-8")
