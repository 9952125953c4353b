"""National technical regulations (QCVN) as dated rows, and how a replaced one goes on.

Some rows need a choice: a column, a category of source, coefficients that multiply them; a station's *permit*
makes it. A row without any choice holds for every station of its media, with or without a permit.

A standard that another replaces ends where the new one begins, for some facilities later: a *transition*
leaves the old one to those that existed before the new one began.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from quantrac.domain.limits.limit import Certainty
from quantrac.domain.periods import Period
from quantrac.domain.registry.permits import Permit
from quantrac.domain.registry.stations import StationType
from quantrac.domain.registry.validity import Valid, change_times


@dataclass(frozen=True, slots=True)
class Row(Valid):
    """One value of a standard's table, before any coefficient; its dates lie within the standard's."""

    parameter: str
    """Catalogue code."""
    period: Period
    unit: str
    column: str = ""
    """Empty where it holds in every column."""
    category: str = ""
    """Empty where it holds in every category."""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent."""
    source: str = ""
    certainty: Certainty = "unverified"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A factor of a standard's values that depends on the facility: Kq and Kf, Kp and Kv."""

    name: str
    about: str
    not_for: frozenset[str] = frozenset()
    """Catalogue codes of the parameters it does not multiply."""
    values: tuple[tuple[float, str], ...] = ()
    """(value, when it is this one)."""
    source: str = ""
    certainty: Certainty = "unverified"


@dataclass(frozen=True, slots=True)
class Transition:
    """How long a replaced standard goes on for facilities that existed, or had a licence, before its end."""

    until: datetime
    """Exclusive, UTC."""
    source: str = ""
    certainty: Certainty = "unverified"


@dataclass(frozen=True, slots=True)
class Standard(Valid):
    """One national technical regulation. ``valid_to`` is when the one that replaces it begins."""

    name: str
    """Such as ``QCVN 40:2011/BTNMT``."""
    title: str
    title_vi: str
    media: frozenset[StationType]
    rows: tuple[Row, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """(column, what it is for)."""
    categories: tuple[tuple[str, str], ...] = ()
    """(kind of source, what it is)."""
    coefficients: tuple[Coefficient, ...] = ()
    replaced_by: str = ""
    """Name of the standard that replaces it; empty where none is known."""
    transition: Transition | None = None
    """``None`` = it ends for every facility alike."""
    source: str = ""
    certainty: Certainty = "unverified"
    period_source: str = ""
    """Why these averages are judged, where the standard itself does not say."""
    note: str = ""
    """What is not in it."""

    def span_for(self, facility_since: datetime | None) -> Valid:
        """Return when it holds for a facility that exists since a time (UTC; ``None`` = since always)."""
        end = self.valid_to
        if end and self.transition and (facility_since is None or facility_since < end):
            end = self.transition.until
        return Valid(valid_from=self.valid_from, valid_to=end)

    def rows_for(self, permit: Permit) -> Iterator[Row]:
        """Yield the rows that a permit chooses and does not replace or except, of all dates."""
        own = {(limit.parameter, limit.period) for limit in permit.limits}
        for row in self.rows:
            is_chosen = row.column in {"", permit.column} and row.category in {"", permit.category}
            if is_chosen and row.parameter not in permit.without and (row.parameter, row.period) not in own:
                yield row

    @property
    def free_rows(self) -> tuple[Row, ...]:
        """The rows that leave nothing to choose, of all dates."""
        return tuple(row for row in self.rows if not (row.column or row.category or self.scaling(row)))

    def scaling(self, row: Row) -> list[Coefficient]:
        """Return the coefficients that multiply a row."""
        return [factor for factor in self.coefficients if row.parameter not in factor.not_for]

    def changes(self) -> set[datetime]:
        """Return the times (UTC) at which it, or one of its rows, begins or ends for some facility."""
        times = change_times((self, *self.rows))
        if self.transition:
            times.add(self.transition.until)
        return times
