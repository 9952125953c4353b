"""Own range: far outside what this very series has shown in the last weeks.

It is told by the middle half of their block medians, as John Tukey's fences are, and not by their extremes:
a fault that lasts for days would else be usual after its first hours.

Source: IOOS QARTOD, test 5 (climatology), with the baseline of the series' own past in place of a table by
season; the default of ``spans`` is unverified.
"""

import numpy as np

from quantrac.domain.qa.checks.scale import rescale
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, rows
from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag

HALVES = 3.0
"""Widths of its middle half that the usual range is wide: 4 standard deviations of a normal distribution."""


def own_range(
    window: Window,
    *,
    spans: Threshold = 2.0,
    at_least_span: Threshold = 0.0,
    relative: Threshold = 0.05,
    log_floor: Threshold = np.nan,
) -> Outcomes:
    """Suspect a reading more than ``spans`` widths outside the middle half of what its series usually shows.

    The width is three times that of the middle half, and never less than ``at_least_span`` (unit of the
    value) or ``relative`` times the end of the half further from 0. With ``log_floor`` (unit of the value)
    logarithms are compared (:func:`~quantrac.domain.qa.checks.scale.rescale`), for quantities that vary by
    factors: ``at_least_span`` is then one too (0.69 for a factor of 2), and ``relative`` does not count.

    Too little known of the series, one that never moved, and a row without thresholds are NOT_EVALUATED.

    >>> own_range(Window.of([79.0, 81.0], own=(10.0, 20.0))).tolist()
    [1, 3]
    >>> turbid = Window.of([300.0, 2000.0, 0.0], own=(10.0, 20.0))
    >>> own_range(turbid, log_floor=3).tolist()
    [1, 3, 1]
    >>> own_range(Window.of([29.0])).tolist()
    [2]
    """
    value, low, high = _limits(window, spans, at_least_span, relative, log_floor)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[(value < low) | (value > high)] = Flag.SUSPECT
    outcome[np.isnan(value) | np.isnan(low) | np.isnan(high)] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    spans: Threshold = 2.0,
    at_least_span: Threshold = 0.0,
    relative: Threshold = 0.05,
    log_floor: Threshold = np.nan,
) -> list[str]:
    """Name the middle half of the usual values and the limits around it, both in the unit of the value.

    >>> explain(Window.of([81.0], own=(10.0, 20.0)))
    ['81, middle half of the usual values 10 to 20, limits -50 and 80']
    >>> explain(Window.of([2000.0], own=(10.0, 20.0)), log_floor=3)
    ['2000, middle half of the usual values 10 to 20, limits -2.58 and 702']
    >>> explain(Window.of([5.0], own=(5.0, 5.0)), relative=0)
    ['the series has never moved']
    """
    _, low, high = _limits(window, spans, at_least_span, relative, log_floor)
    by_factors = ~np.isnan(np.broadcast_to(log_floor, len(window)))
    ends = (np.where(by_factors, np.exp(limit) - log_floor, limit) for limit in (low, high))
    lacking = np.isnan(spans) | np.isnan(at_least_span) | np.isnan(relative)
    return [
        "too little is known of the series"
        if np.isnan(usual) or np.isnan(most)
        else NO_THRESHOLD
        if no_threshold
        else "the series has never moved"
        if np.isnan(from_) or np.isnan(to)
        else f"{value:.10g}, middle half of the usual values {usual:.6g} to {most:.6g}, "
        f"limits {from_:.3g} and {to:.3g}"
        for value, usual, most, from_, to, no_threshold in rows(
            window.value, window.own_low, window.own_high, *ends, lacking
        )
    ]


def _limits(
    window: Window, spans: Threshold, at_least_span: Threshold, relative: Threshold, log_floor: Threshold
) -> tuple[Floats, Floats, Floats]:
    """Value and limits, each (n,), of the logarithms where asked; NaN where something is lacking."""
    low, high = rescale(window.own_low, log_floor), rescale(window.own_high, log_floor)
    share = np.where(np.isnan(log_floor), relative * np.maximum(np.abs(low), np.abs(high)), 0.0 * relative)
    width = np.maximum(np.maximum(HALVES * (high - low), at_least_span), share)
    margin = np.where(width > 0, spans * width, np.nan)
    return rescale(window.value, log_floor), low - margin, high + margin
