"""Concentrations of a flue gas as they would be at a reference oxygen."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported when it computes: most who ask for a limit correct nothing
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

OXYGEN_IN_AIR = 20.9
"""Volume percent, as the formula of QCVN 19:2024/BTNMT takes it."""


def correct_oxygen(values: "ArrayLike", oxygen: "ArrayLike", reference: float) -> "NDArray[np.float64]":
    """Return concentrations as they would be at ``reference`` volume percent of oxygen.

    ``C x (20.9 - reference) / (20.9 - oxygen)`` (QCVN 19:2024/BTNMT; read in a secondary source). ``values``
    and ``oxygen`` (volume percent) are of one shape. NaN where either is missing (NaN), and where the gas is
    air (oxygen from 20.9 on): then nothing was burnt.

    >>> correct_oxygen([112.0, 112.0], [18.7, 20.9], 7.0).round(1).tolist()
    [707.6, nan]
    """
    import numpy as np

    measured = np.asarray(oxygen, np.float64)
    left = np.where(measured < OXYGEN_IN_AIR, OXYGEN_IN_AIR - measured, np.nan)
    corrected: NDArray[np.float64] = np.asarray(values, np.float64) * (OXYGEN_IN_AIR - reference) / left
    return corrected
