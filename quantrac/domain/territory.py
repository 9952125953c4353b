"""The part of the earth in which stations are expected to lie."""

from dataclasses import dataclass

from quantrac.domain.numbers import NumberError, read_plain
from quantrac.errors import UserError


@dataclass(frozen=True, slots=True)
class Territory:
    """A rectangle of latitudes and longitudes, degrees; its edges belong to it."""

    south: float
    west: float
    north: float
    east: float

    def contains(self, latitude: float, longitude: float) -> bool:
        """Tell whether a position, degrees, lies in it.

        >>> VIETNAM.contains(21.03, 105.85), VIETNAM.contains(21.03, 10.585)
        (True, False)
        """
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east

    def __str__(self) -> str:
        return f"latitude {self.south:g} to {self.north:g}, longitude {self.west:g} to {self.east:g}"


VIETNAM = Territory(6.5, 102.0, 23.5, 117.5)
"""The mainland (8.5 to 23.4° N, 102.1 to 109.5° E) with the islands to its east; default, unverified.

A rectangle takes in land and sea of the neighbours too: it finds a lost digit or two numbers in each other's
place, and says nothing of a border.
"""

ANYWHERE = "any"
"""What :func:`read_territory` reads as no territory."""


def read_territory(text: str) -> Territory | None:
    """Read south, west, north and east, degrees, from a text; ``None`` for ``any``, the whole earth.

    Raises UserError for all else.

    >>> str(read_territory("39.4, 115.4, 41.1, 117.6")), read_territory("any")
    ('latitude 39.4 to 41.1, longitude 115.4 to 117.6', None)
    """
    if text.strip() == ANYWHERE:
        return None
    try:
        south, west, north, east = (read_plain(part) for part in text.split(","))
    except NumberError as error:
        raise UserError(f"{error}; {_FORM}") from None
    except ValueError:
        raise UserError(f"{text!r:.80} is no territory; {_FORM}") from None
    if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
        raise UserError(f"{text!r:.80} is no rectangle on the earth; {_FORM}")
    return Territory(south, west, north, east)


_FORM = f"write south, west, north and east in degrees, such as 6.5,102,23.5,117.5, or {ANYWHERE}"
