"""Wind directions in words: the sixteen points of the compass, in English."""

_POINTS = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]

COMPASS: dict[str, float] = {point: 22.5 * index for index, point in enumerate(_POINTS)}
"""Point → degrees from north, clockwise.

>>> COMPASS["ENE"], COMPASS["W"]
(67.5, 270.0)
"""
