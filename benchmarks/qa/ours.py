"""The product's own tests on a series from a file, and their limits without the judged station."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from series import LOG_FLOOR, Series, on_test_scale

from quantrac.domain.qa.stored import offline
from quantrac.domain.registry.stations import StationType
from schemas.rules import NATIONAL, RuleBook, RuleSet, load

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]

MARGIN = 8
"""A step of so many times what one good step in a thousand exceeds is no river."""
LIMITED = ("Temp", "pH", "DO")
"""Parameters with a limit in units on the step; the others are judged by the station's own steps."""


def flag_station(
    times: NDArray[np.datetime64],
    values: Mapping[str, Floats],
    medium: str,
    interval_seconds: int | None,
    rules: Path | None,
) -> dict[str, Flags]:
    """Return the QARTOD flags of each parameter of one station, as a replay of its readings gives them.

    ``times`` (n,) is UTC, ascending; each value array has its shape, NaN where there is no reading.
    """
    seconds = times.astype("datetime64[s]").astype(np.float64)
    flagged = offline.flag_series(
        {code: offline.Series(seconds, column) for code, column in values.items()},
        StationType(medium),
        book=RuleBook(load(rules or NATIONAL)),
        now=datetime.now(UTC),
        interval=interval_seconds,
    )
    return {code: each.flag for code, each in flagged.items()}


def flag_series(
    times: NDArray[np.datetime64],
    values: Floats,
    parameter: str,
    medium: str,
    interval_seconds: int | None,
    rules: Path | None,
) -> Flags:
    """Return the QARTOD flags of one series that has no neighbours at its station."""
    return flag_station(times, {parameter: values}, medium, interval_seconds, rules)[parameter]


def limits_from(others: Sequence[Series], parameter: str) -> dict[str, dict[str, float]]:
    """Return the limits in units that other stations give, by test and keyword.

    The step limit is the largest of their :func:`usual_step` times :data:`MARGIN`, that of spikes of
    turbidity the median of their :func:`usual_distance`.
    """
    limits = {}
    if others and parameter in LIMITED:
        limits["rate_of_change"] = {"suspect": MARGIN * max(usual_step(s) for s in others)}
    if others and parameter in LOG_FLOOR:
        limits["spike"] = {"suspect": float(np.median([usual_distance(s) for s in others]))}
    return limits


@cache
def _national() -> RuleSet:
    return load(NATIONAL)


def is_judged_by(series: Series, test: str) -> bool:
    """Tell whether the national rules have a test judge a series."""
    scope = StationType(series.medium), "", series.parameter
    return test in _national().thresholds(*scope, series.times[0].astype(datetime).replace(tzinfo=UTC))


def write_rules(series: Series, thresholds: Mapping[str, Mapping[str, float]], path: Path) -> Path:
    """Write thresholds of a series, by test and keyword, as rules over the national ones."""
    tests = {test: dict(keywords) for test, keywords in thresholds.items() if keywords}
    rules = {"station_types": {series.medium: {"parameters": {series.parameter: tests}}}} if tests else {}
    path.write_text(json.dumps(rules))
    return path


def usual_step(series: Series) -> float:
    """What one in a thousand good steps exceeds, brought to 15 minutes by the square root of the time."""
    change = np.abs(np.diff(series.values))
    minutes = np.diff(series.times).astype(float) / 60
    good = ~(series.labelled | series.excluded)
    use = good[1:] & good[:-1] & ~np.isnan(change) & (minutes > 0) & (minutes <= 120)
    return float(np.quantile(change[use] * np.sqrt(15 / minutes[use]), 0.999))


def usual_distance(series: Series) -> float:
    """What one in a thousand good readings exceeds of distance from the median of the 16 before it.

    On the scale of the test, beyond six median absolute deviations, readings of the last six hours only.
    """
    x, depth = on_test_scale(series), 16
    seconds = series.times.astype("datetime64[s]").astype(np.int64)
    past = np.lib.stride_tricks.sliding_window_view(np.pad(x, (depth, 0), constant_values=np.nan), depth)[:-1]
    when = np.lib.stride_tricks.sliding_window_view(np.pad(seconds, (depth, 0)), depth)[:-1]
    past = np.where(when >= seconds[:, None] - 6 * 3600, past, np.nan)
    use = (np.sum(~np.isnan(past), axis=1) >= 3) & ~(series.labelled | series.excluded | np.isnan(x))
    median = np.nanmedian(past[use], axis=1)
    spread = np.nanmedian(np.abs(past[use] - median[:, None]), axis=1)
    return float(np.quantile(np.abs(x[use] - median) - 6 * spread, 0.999))
