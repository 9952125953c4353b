"""Which limits hold for a station at a time, and how each came about."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from quantrac.domain.limits.limit import Limit, round_digits
from quantrac.domain.limits.problems import list_names, unmet_needs, wrong_choices
from quantrac.domain.limits.standards import Row, Standard
from quantrac.domain.periods import Period
from quantrac.domain.problems import Problem
from quantrac.domain.registry.permits import Permit
from quantrac.domain.registry.stations import Station, StationType
from quantrac.domain.registry.validity import BEFORE_ALL, change_times, simultaneous
from quantrac.domain.spellings import did_you_mean
from quantrac.errors import UserError


@dataclass(frozen=True, slots=True)
class Applied:
    """A limit with how it came about."""

    limit: Limit
    row: Row | None = None
    """Of the standard; ``None`` where the permit itself states the limit."""
    factors: tuple[tuple[str, float], ...] = ()
    """(coefficient, value) that the row was multiplied by."""


class Basis(NamedTuple):
    """All that a station's limits follow from, beside the standards."""

    medium: StationType
    permits: tuple[Permit, ...]
    facility_since: datetime | None
    """When the facility began to exist, or had its first licence (UTC); ``None`` = it was always."""


def basis_of(station: Station) -> Basis:
    """Return what a station's limits follow from.

    Where the registry does not say since when the facility exists, its first permit does; one that was valid
    always, and a station without permits, mean a facility that was always.
    """
    since = station.facility_since
    if since is None:
        starts = [permit.valid_from or BEFORE_ALL for permit in station.permits]
        first = min(starts, default=BEFORE_ALL)
        since = None if first == BEFORE_ALL else first
    return Basis(station.type, station.permits, since)


class LimitBook:
    """All standards, and what a station is held to at a time.

    Limits follow from a station's type, permits and facility alone, and are remembered by these: a station
    record that is replaced by one with other permits is another question. For the same answer the same tuple
    is returned.
    """

    def __init__(self, standards: Iterable[Standard]) -> None:
        """Raises UserError where two standards have one name."""
        self.standards: dict[str, Standard] = {}
        """By name, as given."""
        for standard in standards:
            if standard.name in self.standards:
                raise UserError(f"{standard.name} is defined twice")
            self.standards[standard.name] = standard
        self._courses: dict[tuple[StationType, tuple[Permit, ...], datetime | None], _Course] = {}

    def limits_of(self, station: Station, at: datetime) -> tuple[Limit, ...]:
        """Return the limits that hold for averages of a station that start at ``at`` (UTC).

        The permit valid then chooses among the rows of its standard. Where there is none, or its standard
        does not hold then, the rows of the medium's standards hold that leave nothing to choose. A limit that
        the permit states itself wins for its parameter and period. A permit that cannot be used
        (:meth:`problems`) gives only what is certain of it: rows that lack a coefficient are left out. Never
        raises.
        """
        return self._course(station).at(at)[0]

    def applied_to(self, station: Station, at: datetime) -> tuple[Applied, ...]:
        """Return the limits of :meth:`limits_of`, in the same order, with how each came about."""
        return self._course(station).at(at)[1]

    def changes_of(self, station: Station) -> tuple[datetime, ...]:
        """Return the times (UTC), ascending, at which the limits of a station may change.

        The first is before all others; between two of them, and after the last, the same limits hold.
        """
        return self._course(station).starts

    def problems(
        self, permit: Permit, medium: StationType, facility_since: datetime | None = None
    ) -> list[str]:
        """Say in sentences why a permit cannot be used as it stands; none = it can.

        ``facility_since`` (UTC): when the facility began; ``None`` = it was always.
        """
        standard = self.standards.get(permit.standard)
        if standard is None:
            return [f"unknown standard {permit.standard!r}{did_you_mean(permit.standard, self.standards)}"]
        if medium not in standard.media:
            return [f"{standard.name} is for {list_names(sorted(standard.media))}, not for {medium}"]
        return list(wrong_choices(standard, permit)) or list(unmet_needs(standard, permit, facility_since))

    def problems_of(self, station: Station) -> list[Problem]:
        """Say what is wrong with a station's permits, each with its place; none = nothing."""
        problems: list[Problem] = []
        medium, permits, facility_since = basis_of(station)
        for number, permit in enumerate(permits, start=1):
            path = "permits", number
            sentences = self.problems(permit, medium, facility_since)
            if permit.valid_from and facility_since and permit.valid_from < facility_since:
                sentences = [*sentences, "it begins before the facility did (facility_since)"]
            problems += [Problem(path, sentence) for sentence in sentences]
            for position, limit in enumerate(permit.limits, start=1):
                units = [entry.unit for entry in station.parameters if entry.code == limit.parameter]
                if units and limit.unit not in units:
                    sentence = (
                        f"{limit.parameter} is measured in {units[0]!r}, "
                        f"so a limit in {limit.unit!r} would never be judged"
                    )
                    problems.append(Problem((*path, "limits", position), sentence))
        for earlier, later in simultaneous(permits):
            sentence = f"it is valid at the same time as permits.{earlier}"
            problems.append(Problem(("permits", later), sentence, counterpart=("permits", earlier)))
        return problems

    def _course(self, station: Station) -> "_Course":
        key = station.type, station.permits, station.facility_since
        course = self._courses.get(key)
        if course is None:
            course = self._courses[key] = _Course(self.standards.values(), basis_of(station))
        return course


class _Course:
    """The limits that follow from one basis, through all times."""

    def __init__(self, standards: Iterable[Standard], basis: Basis) -> None:
        ours = [standard for standard in standards if basis.medium in standard.media]
        times = {at for standard in ours for at in standard.changes()}
        times |= change_times(basis.permits)
        self.starts = (BEFORE_ALL, *sorted(times - {BEFORE_ALL}))
        self._spans: list[tuple[tuple[Limit, ...], tuple[Applied, ...]]] = []
        for start in self.starts:
            applied = tuple(_apply(ours, basis, start))
            if self._spans and self._spans[-1][1] == applied:
                self._spans.append(self._spans[-1])
            else:
                self._spans.append((tuple(entry.limit for entry in applied), applied))

    def at(self, at: datetime) -> tuple[tuple[Limit, ...], tuple[Applied, ...]]:
        return self._spans[bisect_right(self.starts, at) - 1]


def permit_at(permits: Iterable[Permit], at: datetime) -> Permit | None:
    """Return the permit that counts at a time (UTC): the first that is valid then."""
    return next((permit for permit in permits if permit.valid_at(at)), None)


def _apply(standards: Sequence[Standard], basis: Basis, at: datetime) -> Iterator[Applied]:
    permit = permit_at(basis.permits, at)
    if permit is None:
        yield from _apply_free_rows(standards, at)
        return
    standard = next((entry for entry in standards if entry.name == permit.standard), None)
    if standard is not None and standard.span_for(basis.facility_since).valid_at(at):
        yield from _apply_chosen_rows(standard, permit, at)
    else:
        own = {(limit.parameter, limit.period) for limit in permit.limits}
        for applied in _apply_free_rows(standards, at):
            if (applied.limit.parameter, applied.limit.period) not in own:
                yield applied
    yield from _apply_own_limits(permit)


def _apply_free_rows(standards: Sequence[Standard], at: datetime) -> Iterator[Applied]:
    for standard in standards:
        if standard.valid_at(at):
            for row in standard.free_rows:
                if row.valid_at(at):
                    yield Applied(_limit(standard, row, 1.0), row)


def _apply_chosen_rows(standard: Standard, permit: Permit, at: datetime) -> Iterator[Applied]:
    coefficients = {name: value for name, value in permit.coefficients if 0 < value < math.inf}
    for row in standard.rows_for(permit):
        names = [factor.name for factor in standard.scaling(row)]
        if row.valid_at(at) and coefficients.keys() >= set(names):
            factors = tuple((name, coefficients[name]) for name in names)
            product = math.prod(value for _, value in factors)
            yield Applied(_limit(standard, row, product), row, factors)


def _apply_own_limits(permit: Permit) -> Iterator[Applied]:
    for own in {(limit.parameter, limit.period): limit for limit in permit.limits}.values():
        yield Applied(
            Limit(
                own.parameter,
                Period(own.period),
                own.unit,
                permit.number or permit.standard,
                "" if permit.number else permit.column,
                own.minimum,
                own.maximum,
                own.reference_oxygen,
                source=f"permit {permit.number}".strip(),
                certainty="high",
            )
        )


def _limit(standard: Standard, row: Row, factor: float) -> Limit:
    def scale(value: float | None) -> float | None:
        return None if value is None else round_digits(value * factor)

    return Limit(
        row.parameter,
        row.period,
        row.unit,
        standard.name,
        row.column,
        scale(row.minimum),
        scale(row.maximum),
        row.reference_oxygen,
        row.source,
        row.certainty,
    )
