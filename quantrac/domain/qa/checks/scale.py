"""The scale on which a test compares: as it is, or by factors."""

import numpy as np

from quantrac.domain.qa.window import Floats, Threshold

REFERENCE_MINUTES = 15.0
"""Step for which the limits of change are written; half of the world's river stations have it."""


def rescale(value: Floats, log_floor: Threshold) -> Floats:
    """Return ``value`` as it is where ``log_floor`` is NaN, else the logarithm of ``value + log_floor``.

    Values of any shape whose rows are those of ``log_floor``; negative ones count as 0. The floor, above 0,
    keeps factors near zero, where an instrument shows noise, from counting for much.

    >>> rescale(np.array([0.0, 7.0]), np.nan).tolist(), rescale(np.array([0.0, 7.0]), 1.0).round(2).tolist()
    ([0.0, 7.0], [0.0, 2.08])
    """
    floor = np.asarray(log_floor, dtype=np.float64)
    if np.any(floor <= 0):
        raise ValueError(f"log_floor {log_floor} is not above 0")
    if np.all(np.isnan(floor)):
        return value
    if floor.ndim:
        floor = floor.reshape(-1, *[1] * (value.ndim - 1))
    on_scale: Floats = np.where(np.isnan(floor), value, np.log(np.maximum(value, 0.0) + floor))
    return on_scale


def growth(minutes: Floats, step_minutes: Threshold = REFERENCE_MINUTES) -> Floats:
    """Return how much further (n,) a series may have moved in ``minutes`` than in ``step_minutes``.

    A series that wanders moves with the square root of time; one that drifts steadily would move faster, but
    steady drift stays far below a limit for jumps. Shorter steps keep the limit, because noise does not
    shrink with them.

    >>> growth(np.array([1.0, 5.0, 20.0]), 5).tolist(), growth(np.array([20.0]), np.nan).tolist()
    ([1.0, 1.0, 2.0], [1.0])
    """
    factor: Floats = np.fmax(1.0, np.sqrt(minutes / step_minutes))
    return factor
