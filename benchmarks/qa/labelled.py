"""How well the quality tests find what technicians and experts labelled, beside ioos_qc and SaQC; Markdown.

    python benchmarks/qa/labelled.py [DATA] [--no-peers] [--no-air] [--flagger FILE]

DATA has lro_river_qc, oddwater_sandy, nab and hanoi_cem_2025; without it ``shared/data`` beside the
repository. Each station is left out in turn (:mod:`leave_one_out`): in the column "ours" its limits and its
factors come from the other stations only and are printed, in "limits of others" only the limits in units do,
and "national" has the rules as they are. FILE is a Python file with another ``flag_station`` to put in place
of ours.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from runpy import run_path

import faults
import numpy as np
import ours
from leave_one_out import BAD, LeaveOneOut, flag
from numpy.typing import NDArray
from peers import peer_flags
from scoring import Score, events, points, runs
from series import Series, labelled_series

Mask = NDArray[np.bool_]
Flags = NDArray[np.uint8]
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
WINDOWED = "Office"
"""Its labels are windows of weeks around a failure, in which most readings are right: points say little."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("data", nargs="?", type=Path, default=SHARED)
    options.add_argument("--no-peers", action="store_true")
    options.add_argument("--no-air", action="store_true", help="leave the year of air data in Hanoi out")
    options.add_argument("--flagger", type=Path)
    given = options.parse_args()
    if not given.data.is_dir():
        raise SystemExit(f"No folder {given.data}: name the one that has the labelled series.")
    if given.flagger:
        ours.flag_station = run_path(str(given.flagger))["flag_station"]

    every = labelled_series(given.data)
    left_out = LeaveOneOut(every)
    flags = {
        "ours": {s.name: flag(s, left_out.thresholds(s)) for s in every},
        "ours, limits of others": {s.name: flag(s, left_out.limits(s)) for s in every},
        "ours, national": {s.name: flag(s, {}) for s in every},
    }
    if not given.no_peers:
        flags |= peer_flags(every)
    print_events(every, flags)
    print_scores("Events", every, flags, events)
    print_scores("Points", every, flags, points)
    print_thresholds(every, left_out)
    if not given.no_air:
        print_faults(given.data)


def print_thresholds(every: Sequence[Series], left_out: LeaveOneOut) -> None:
    """Print what the other stations gave for each series."""
    print("\n## Thresholds from the other stations\n")
    print(row("series", "thresholds"))
    print(row("---", "---"))
    for s in every:
        thresholds = (
            f"{test}.{keyword} {value:.3g}"
            for test, keywords in left_out.thresholds(s).items()
            for keyword, value in keywords.items()
        )
        print(row(s.name, ", ".join(thresholds)))


def print_events(every: Sequence[Series], flags: Mapping[str, Mapping[str, Mask]]) -> None:
    """Print each series: what is labelled, and events found/false by each judge."""
    print("\n## Series: events found / false\n")
    print(row("series", "readings", "labelled events", "points", "excluded", *flags))
    print(row("---", *["---:"] * (4 + len(flags))))
    for s in every:
        scores = [events(s.labelled, by[s.name], s.excluded) for by in flags.values()]
        counts = (
            f"{n:,}" for n in (len(s.values), len(runs(s.labelled)), s.labelled.sum(), s.excluded.sum())
        )
        print(row(s.name, *counts, *(f"{score.found} / {score.false}" for score in scores)))


def print_scores(
    title: str,
    every: Sequence[Series],
    flags: Mapping[str, Mapping[str, Mask]],
    count: Callable[[Mask, Mask, Mask], Score],
) -> None:
    """Print precision, recall and F1 by parameter and pooled: the counts of all series added up.

    Once more without the series whose labels are windows.
    """
    print(f"\n## {title}: precision / recall / **F1**\n")
    print(row("parameter", *flags))
    print(row("---", *["---:"] * len(flags)))
    parts = {parameter: [s for s in every if s.parameter == parameter] for parameter in _parameters(every)}
    parts |= {"pooled": every, f"pooled without {WINDOWED}": [s for s in every if s.station != WINDOWED]}
    for part, judged in parts.items():
        cells = []
        for by in flags.values():
            total = sum((count(s.labelled, by[s.name], s.excluded) for s in judged), Score())
            cells.append(f"{total.precision:.2f} / {total.recall:.2f} / **{total.f1:.2f}**")
        print(row(part, *cells))


def _parameters(every: Sequence[Series]) -> list[str]:
    return list(dict.fromkeys(s.parameter for s in every))


def print_faults(data: Path) -> None:
    """Print the known faults of the Hanoi year, and the share of plausible hours that is flagged."""
    times, values = faults.station(data)
    broken, known = faults.with_faults(values)
    flags = ours.flag_station(times, broken, faults.MEDIUM, faults.INTERVAL, None)
    print("\n## Known faults of a year in Hanoi\n")
    print(row("fault", "readings to flag", "flagged"))
    print(row("---", "---:", "---:"))
    for fault in known:
        hit = faults.found(fault, np.isin(flags[fault.parameter], BAD))
        print(row(fault.name, f"{len(hit):,}", f"{np.sum(hit):,}"))
    print("\n## Plausible hours flagged, faults of elsewhere not set in\n")
    print(row("parameter", "plausible", "flagged", "share"))
    print(row("---", "---:", "---:", "---:"))
    flags = ours.flag_station(times, values, faults.MEDIUM, faults.INTERVAL, None)
    fine = {name: faults.plausible(values, name) for name in values}
    alarms = {name: int(np.sum(fine[name] & np.isin(flags[name], BAD))) for name in values}
    hours = {name: int(np.sum(fine[name])) for name in values}
    for name in values:
        print(row(name, f"{hours[name]:,}", f"{alarms[name]:,}", f"{alarms[name] / hours[name]:.2%}"))
    total, false = sum(hours.values()), sum(alarms.values())
    print(row("all", f"{total:,}", f"{false:,}", f"{false / total:.2%}"))


def row(*cells: object) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
