"""Pictures of quality tests: small SVG, the same on every machine.

Each reading of an example is a mark in the shape and colour of its outcome. Behind the marks the test itself
was asked about every height of the picture: tinted is where it would have called a reading SUSPECT or FAIL.
Colours are of middle lightness, so that they read on white and on black; shapes tell the outcomes apart
without colour.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

import numpy as np

from docs.qa_examples import Example, Seen
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.window import Floats
from quantrac.domain.readings import Flag

WIDTH, HEIGHT = 360, 120
LEFT, RIGHT, TOP, BOTTOM = 40, 318, 20, 104
"""Of the plot, in pixels; right of it stand the names of lines."""

INK = "#848d97"
COLOUR = {
    Flag.GOOD: "#2f9e62",
    Flag.NOT_EVALUATED: INK,
    Flag.SUSPECT: "#d08700",
    Flag.FAIL: "#e5484d",
    Flag.MISSING: "#8e6fd8",
}
NAME = {flag: flag.name.lower().replace("_", " ") for flag in Flag}


class _Scale:
    """Where a value stands: linear, or beyond ``bend`` logarithmic."""

    def __init__(self, bend: float, low: float, high: float) -> None:
        self._bend = bend
        self.ends = low, high
        ends = self._bent(np.array([low, high]))
        room = 0.1 * float(ends[1] - ends[0]) or 1.0
        self._low, self._high = float(ends[0]) - room, float(ends[1]) + room

    def _bent(self, value: Floats) -> Floats:
        return value if np.isnan(self._bend) else np.arcsinh(value / self._bend)

    def height(self, value: float) -> float:
        share = (float(self._bent(np.array([value]))[0]) - self._low) / (self._high - self._low)
        return BOTTOM - share * (BOTTOM - TOP)

    def levels(self) -> Floats:
        """The value in the middle of each pixel row, from the top."""
        share = (np.arange(BOTTOM - TOP) + 0.5) / (BOTTOM - TOP)
        bent = self._high - share * (self._high - self._low)
        levels: Floats = bent if np.isnan(self._bend) else self._bend * np.sinh(bent)
        return levels


def picture(seen: Seen) -> str:
    """Return the SVG of an example's readings as their test saw them."""
    example = seen.example
    scale = _scale(example)
    lines = [_head(title(seen), describe(seen)), _text(LEFT, 12, _caption(example))]
    lines += [_text(LEFT - 4, scale.height(end) + 3, _tick(end), "end") for end in scale.ends]
    lines += _shades(seen, scale)
    lines += _others(seen, scale)
    outcomes = dict(zip(seen.place.tolist(), seen.outcome.tolist(), strict=True))
    labels = {**example.status, **example.unit}
    for place, shown in enumerate(example.shown):
        x, y = _x(example, place), scale.height(shown) if np.isfinite(shown) else BOTTOM - 6
        if place in outcomes:
            lines.append(_mark(Flag(outcomes[place]), x, y))
        elif np.isfinite(shown):  # the test is not asked about it
            lines.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="1.5"/>')
        if place in labels and labels[place] != labels.get(place - 1):  # once for a run of the same
            lines.append(_text(x, HEIGHT - 5, labels[place], "middle"))
    return "\n".join([*lines, "</svg>", ""])


def legend() -> str:
    """Return the SVG that says which mark means what."""
    lines = [_head("Marks", "What the marks of the pictures mean", height=20)]
    x = 8
    for flag in Flag:
        words = f"{flag.value} {NAME[flag]}"
        lines += [_mark(flag, x, 10), _text(x + 8, 13, words)]
        x += 28 + 5 * len(words)
    return "\n".join([*lines, "</svg>", ""])


def title(seen: Seen) -> str:
    """Name the picture."""
    return f"{seen.test}: {_caption(seen.example)}"


def describe(seen: Seen) -> str:
    """Put the picture into words, for those who cannot see it."""
    counts = [(NAME[flag], int(np.sum(seen.outcome == flag))) for flag in Flag]
    told = ", ".join(f"{count} {name}" for name, count in counts if count)
    return f"{len(seen.outcome)} readings: {told}."


def _scale(example: Example) -> _Scale:
    values = [value for value in example.shown if np.isfinite(value)]
    values += [*example.earlier.values(), *(each for line in example.others.values() for each in line)]
    values += example.neighbours
    return _Scale(example.bend, min(values, default=0.0), max(values, default=1.0))


def _caption(example: Example) -> str:
    name = " ".join(filter(None, (example.parameter, example.unit_name)))
    what = f"{name}, {example.medium.value.replace('-', ' ')}"
    return f"{what}, every {example.step:g} min" + (f"; {example.axis.label}" if example.axis else "")


def _x(example: Example, place: int) -> float:
    return LEFT + (place + 0.5) * (RIGHT - LEFT) / len(example.shown)


def _head(name: str, words: str, height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="9" fill="{INK}">\n'
        f"<title>{escape(name)}</title>\n<desc>{escape(words)}</desc>"
    )


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_n(x)}" y="{_n(y)}"{place}>{escape(words)}</text>'


def _tick(number: float) -> str:
    """Write a number beside the axis, where there is room for six signs.

    >>> _tick(3087.03), _tick(14.4)
    ('3,087', '14.4')
    """
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _shades(seen: Seen, scale: _Scale) -> list[str]:
    """Tint the heights at which a reading would not be good, with a line where that begins."""
    if TESTS[seen.test].on_missing:
        return []
    grid = seen.would_be(scale.levels())
    lines = []
    for flag in (Flag.SUSPECT, Flag.FAIL):
        boxes, edges = "", ""
        for start, end, column in _alike(seen, grid == flag):
            for top, bottom in _runs(column):
                boxes += f"M{_n(start)} {TOP + top}H{_n(end)}V{TOP + bottom}H{_n(start)}Z"
                for at in {top, bottom} - {0, len(column)}:
                    edges += f"M{_n(start)} {TOP + at}H{_n(end)}"
        if boxes:
            lines.append(f'<path d="{boxes}" fill="{COLOUR[flag]}" fill-opacity=".16"/>')
        if edges:
            lines.append(f'<path d="{edges}" stroke="{COLOUR[flag]}" stroke-opacity=".7"/>')
    return lines


def _alike(seen: Seen, bad: np.ndarray) -> Iterator[tuple[float, float, np.ndarray]]:
    """Yield (start, end, column) of neighbouring readings (m, heights) that would be judged alike."""
    half = (RIGHT - LEFT) / len(seen.example.shown) / 2
    rows = range(len(bad))
    for _, group in groupby(rows, key=lambda row: (int(seen.place[row]) - row, bad[row].tobytes())):
        run = list(group)
        first, last = (_x(seen.example, int(seen.place[row])) for row in (run[0], run[-1]))
        yield first - half, last + half, bad[run[0]]


def _runs(column: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], column.astype(np.int8), [0]]))).tolist()
    return [(start, end) for (start, end) in list(pairwise(edges))[::2]]


def _others(seen: Seen, scale: _Scale) -> list[str]:
    """Draw what a reading is compared with: other parameters, the neighbours, an earlier value."""
    example, lines = seen.example, []
    for code, values in example.others.items():
        points = [(_x(example, place), scale.height(value)) for place, value in enumerate(values)]
        lines += _line(points, code)
    if example.neighbours:
        known = [(place, each) for place, each in zip(seen.place, seen.window.neighbours, strict=True)]
        points = [
            (_x(example, int(place)), scale.height(each)) for place, each in known if not np.isnan(each)
        ]
        lines += _line(points, "nearby")
    for place, value in example.earlier.items():
        x, before, after = _x(example, place), scale.height(value), scale.height(example.shown[place])
        lines.append(f'<path d="M{_n(x)} {_n(before)}V{_n(after)}" stroke="{INK}"/>')
        lines.append(f'<circle cx="{_n(x)}" cy="{_n(before)}" r="1.5"/>')
    return lines


def _line(points: Sequence[tuple[float, float]], name: str) -> list[str]:
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    drawn = f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-dasharray="3 2"/>'
    return [drawn, _text(RIGHT + 3, points[-1][1] + 3, name)]


def _mark(outcome: Flag, x: float, y: float) -> str:
    colour = COLOUR[outcome]
    match outcome:
        case Flag.GOOD:
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.6" fill="{colour}"/>'
        case Flag.NOT_EVALUATED:
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.3" fill="none" stroke="{colour}"/>'
        case Flag.SUSPECT:
            return f'<path d="M{_n(x)} {_n(y - 3.8)}l3.8 6.8h-7.6z" fill="{colour}"/>'
        case Flag.FAIL:
            return f'<path d="M{_n(x - 2.8)} {_n(y - 2.8)}h5.6v5.6h-5.6z" fill="{colour}"/>'
        case Flag.MISSING:
            cross = f"M{_n(x - 2.6)} {_n(y - 2.6)}l5.2 5.2m0-5.2l-5.2 5.2"
            return f'<path d="{cross}" stroke="{colour}" stroke-width="1.6"/>'


def _n(number: float) -> str:
    """Write a coordinate.

    >>> _n(12.0), _n(3.14159)
    ('12', '3.1')
    """
    return f"{round(number, 1):g}"
