"""Two libraries on the same series: ioos_qc (the QARTOD tests of IOOS) and SaQC (Helmholtz UFZ).

They live in an environment of their own, made in the cache folder on first use (a minute); this file is also
what runs there. Each library gets a few configurations of rising tolerance, all scaled by what steps the
*other* stations of the parameter make; the other stations choose one by their event F1.

- ioos_qc: gross range (the physical limits of the parameter), rate of change, spike (average of both
  neighbours), flat line.
- SaQC: range, constants, and its local outlier factor (``flagUniLOF``), whose smallest offset is the scaled
  limit. Its neighbours lie on both sides, so it sees what comes after a reading, which a live test cannot.

Turbidity is given to both as ln(NTU + 3), on which ours judges it too.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scoring import Score, events
from series import LOG_FLOOR, Series, on_test_scale

Mask = NDArray[np.bool_]

PINNED = ("ioos_qc==3.0.0", "saqc==2.9.0", "numpy==2.4.6", "pandas==3.1.1")
CONFIGURATIONS = {
    "ioos_qc": tuple(product((2, 4, 8, 16, 32), ("rate", "spike", "rate and spike"))),
    "saqc": tuple(product((1, 2, 4, 8, 16, 32), (1.5, 3.0, 6.0))),
}
"""Tolerance: times the step that one good step in a thousand of the other stations exceeds; at 1 ioos_qc fell
to an F1 of 0.21, so it begins at 2. Then which tests of ioos_qc run beside gross range and flat line, and the
threshold of SaQC's outlier factor."""
PHYSICAL = {"Temp": (-5, 100), "EC": (20, 1e5), "pH": (2, 12), "DO": (0, 30), "Turbidity": (0, 1e4)}
FLAT_HOURS = {"Temp": 24, "EC": 6, "pH": 24, "DO": 6, "Turbidity": 24}
"""Water level is naturally flat: off."""


def peer_flags(every: Sequence[Series]) -> dict[str, dict[str, Mask]]:
    """Return, by peer and series name, what each flags with the configuration that the others chose."""
    python = environment()
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npz"
        np.savez(
            given, **{key: value for n, s in enumerate(every) for key, value in columns(n, s, every).items()}
        )
        subprocess.run([python, __file__, given, found], check=True)
        flags = dict(np.load(found))
    chosen: dict[str, dict[str, Mask]] = {}
    for peer, configurations in CONFIGURATIONS.items():
        chosen[peer] = {}
        for n, series in enumerate(every):
            scores = [on_others(flags, peer, level, n, every).f1 for level in range(len(configurations))]
            best = max(
                range(len(scores)), key=lambda level, scores=scores: (scores[level], level)
            )  # the more tolerant of equals
            chosen[peer][series.name] = flags[f"{peer} {n} {best}"]
    return chosen


def on_others(flags: dict[str, Mask], peer: str, level: int, judged: int, every: Sequence[Series]) -> Score:
    """Add up the events of the judged parameter at the other stations."""
    total = Score(missed=1)  # one, so that an F1 is a number
    for n, s in enumerate(every):
        if s.parameter == every[judged].parameter and s.station != every[judged].station:
            total += events(s.labelled, flags[f"{peer} {n} {level}"], s.excluded)
    return total


def columns(n: int, series: Series, every: Sequence[Series]) -> dict[str, Any]:
    """Return what the worker gets of one series."""
    others = [s for s in every if s.parameter == series.parameter and s.station != series.station]
    low, high = PHYSICAL.get(series.parameter, (-np.inf, np.inf))
    if (floor := LOG_FLOOR.get(series.parameter)) is not None:
        low, high = np.log(low + floor), np.log(high + floor)
    hours = FLAT_HOURS.get(series.parameter, 0)
    step, rate = (float(np.median(each)) for each in zip(*map(usual, others), strict=True))
    limits = np.array([low, high, hours, step, rate])
    return {f"t{n}": series.times.astype(np.int64), f"x{n}": on_test_scale(series), f"limits{n}": limits}


def usual(series: Series) -> tuple[float, float]:
    """Return what one good step in a thousand exceeds: (from reading to reading, by second)."""
    change = np.abs(np.diff(on_test_scale(series)))
    seconds = np.diff(series.times).astype(float)
    good = ~(series.labelled | series.excluded)
    use = good[1:] & good[:-1] & ~np.isnan(change) & (seconds > 0)
    return float(np.quantile(change[use], 0.999)), float(np.quantile(change[use] / seconds[use], 0.999))


def environment() -> Path:
    """Return the Python of the peers' environment; make it when it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "quantrac" / "qa-peers"
    python = cache / "bin" / "python"
    done = cache / "installed.txt"
    if not done.exists() or done.read_text().split() != list(PINNED):
        print(f"Installing {', '.join(PINNED)} into {cache}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", cache], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINNED], check=True)
        done.write_text("\n".join(PINNED))
    return python


def worker(given: str, found: str) -> None:
    """Run both libraries; in the peers' environment."""
    import warnings

    warnings.simplefilter("ignore")
    data = np.load(given)
    flags = {}
    for n in range(sum(key.startswith("limits") for key in data)):
        times, x, limits = data[f"t{n}"], data[f"x{n}"], data[f"limits{n}"]
        for peer, run in {"ioos_qc": ioos, "saqc": saqc}.items():
            for level, configuration in enumerate(CONFIGURATIONS[peer]):
                flags[f"{peer} {n} {level}"] = run(times, x, *limits, *configuration)
    np.savez(found, **flags)


def ioos(
    times: Any,
    x: Any,
    low: float,
    high: float,
    hours: float,
    step: float,
    rate: float,
    tolerance: int,
    tests: str,
) -> Mask:
    from ioos_qc import qartod

    when = times.astype("datetime64[s]")
    flags = [qartod.gross_range_test(x, fail_span=(low, high))]
    if "rate" in tests:
        flags.append(qartod.rate_of_change_test(x, when, threshold=tolerance * rate))
    if "spike" in tests:
        far = tolerance * step
        flags.append(qartod.spike_test(x, suspect_threshold=far, fail_threshold=10 * far))
    if hours:
        flags.append(
            qartod.flat_line_test(x, when, suspect_threshold=int(hours * 3600), fail_threshold=10**8)
        )
    return np.any([np.isin(np.ma.filled(each, 2), (3, 4)) for each in flags], axis=0) & ~np.isnan(x)


def saqc(
    times: Any,
    x: Any,
    low: float,
    high: float,
    hours: float,
    step: float,
    _: float,
    tolerance: int,
    factor: float,
) -> Mask:
    import pandas as pd
    from saqc import SaQC

    # Of several readings of one time the first is judged.
    when, first, back = np.unique(times, return_index=True, return_inverse=True)
    series = pd.Series(x[first], index=pd.to_datetime(when, unit="s"), name="x")
    qc = SaQC(series).flagRange("x", min=low, max=high)
    qc = qc.flagUniLOF("x", thresh=factor, min_offset=tolerance * step)
    if hours:
        qc = qc.flagConstants("x", thresh=0, window=f"{int(hours)}h")
    return (qc.flags["x"].to_numpy() > 0)[back] & ~np.isnan(x)


if __name__ == "__main__":
    worker(*sys.argv[1:])
