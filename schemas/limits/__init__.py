"""The limits of national standards, as data.

One file a standard in ``national/``; ``files`` reads them, ``replacements`` gives replaced ones their end.
``warning.yaml`` says from which shares of a limit a duty officer is told.
"""

from functools import cache

from quantrac.domain.limits import LimitBook
from quantrac.domain.warning_levels import WarningShares
from schemas.limits.files import NATIONAL, WARNING, load, load_shares

__all__ = ["NATIONAL", "load", "load_national", "warning_shares"]


@cache
def load_national() -> LimitBook:
    """Return the shipped standards, read once; raises ValueError as :func:`load` does."""
    return load(NATIONAL)


@cache
def warning_shares() -> WarningShares:
    """Return the shipped shares of a limit, read once."""
    return load_shares(WARNING)
