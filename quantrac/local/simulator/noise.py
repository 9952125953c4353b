"""Randomness without state: the same key always gives the same number."""

import math
from hashlib import blake2b
from statistics import NormalDist

_NORMAL = NormalDist()
_TAIL = 0.00135  # probability beyond three standard deviations


def uniform(*key: object) -> float:
    """Return a number in [0, 1) that is a function of the key.

    >>> uniform("HN_DEMO_KHI001", 7) == uniform("HN_DEMO_KHI001", 7)
    True
    """
    digest = blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53  # the 53 bits a float holds


def normal(*key: object) -> float:
    """Return a standard normal number within three standard deviations."""
    return _NORMAL.inv_cdf(_TAIL + (1 - 2 * _TAIL) * uniform(*key))


def smooth(position: float, *key: object) -> float:
    """Return slow noise between -1 and 1: a random knot at every whole position, joined smoothly."""
    knot = math.floor(position)
    part = position - knot
    ease = part * part * (3 - 2 * part)
    left, right = (2 * uniform(*key, knot + step) - 1 for step in (0, 1))
    return left + (right - left) * ease
