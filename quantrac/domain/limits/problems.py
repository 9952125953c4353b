"""Why a permit cannot be used as it stands, in sentences."""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime

from quantrac.domain.limits.standards import Standard
from quantrac.domain.registry.permits import Permit
from quantrac.domain.registry.validity import Valid, overlap
from quantrac.domain.spellings import did_you_mean
from quantrac.domain.times import VIETNAM


def wrong_choices(standard: Standard, permit: Permit) -> Iterator[str]:
    """Say what a permit chooses that the standard does not have, or fails to choose."""
    for kind, choice, choices, is_required in (
        ("column", permit.column, standard.columns, any(row.column for row in standard.rows)),
        ("category", permit.category, standard.categories, any(row.category for row in standard.rows)),
    ):
        names = [name for name, _ in choices]
        if choice and choice not in names:
            yield f"{standard.name} has no {kind} {choice!r}; it has {list_names(names) if names else 'none'}"
        elif is_required and not choice:
            yield f"{standard.name} needs a {kind}: {list_names(names)}"
    coefficients = [factor.name for factor in standard.coefficients]
    for name, value in permit.coefficients:
        if name not in coefficients:
            yield f"{standard.name} has no coefficient {name!r}{did_you_mean(name, coefficients)}"
        elif not 0 < value < math.inf:
            yield f"{name} must be a number above 0"
    parameters = {row.parameter for row in standard.rows}
    for parameter in permit.without:
        if parameter not in parameters:
            yield f"without: {standard.name} has no limit of {parameter}{did_you_mean(parameter, parameters)}"


def unmet_needs(standard: Standard, permit: Permit, facility_since: datetime | None) -> Iterator[str]:
    """Say what else keeps a permit, whose choices exist, from giving all its limits.

    ``facility_since`` (UTC): when the facility began; ``None`` = it was always.
    """
    limits = [(limit.parameter, limit.period) for limit in permit.limits]
    for parameter, period in sorted({limit for limit in limits if limits.count(limit) > 1}):
        yield f"it states a limit of {parameter} ({period}) twice"
    rows = list(standard.rows_for(permit))
    required = {factor.name for row in rows for factor in standard.scaling(row)}
    lacking = required - dict(permit.coefficients).keys()
    if lacking:
        yield f"{standard.name} needs the coefficient {list_names(sorted(lacking), 'and')}"
    if not rows and not permit.limits:
        yield f"no value of {standard.name} is known for this permit: state the permit's own limits"
    starts = [at for at in (permit.valid_from, facility_since) if at is not None]
    span = Valid(valid_from=max(starts, default=None), valid_to=permit.valid_to)
    if not overlap(span, standard.span_for(facility_since)):
        yield f"{standard.name} does not hold at any time of this permit{_reason(standard, facility_since)}"


def list_names(names: Iterable[str], last: str = "or") -> str:
    """Write names as a list in a sentence."""
    *before, final = names
    return f"{', '.join(before)} {last} {final}" if before else final


def _reason(standard: Standard, facility_since: datetime | None) -> str:
    """Say why a standard ended: for facilities that are new, earlier than for others."""
    end = standard.valid_to
    if standard.transition is None or end is None or facility_since is None or facility_since < end:
        return ""
    ended, began = (f"{at.astimezone(VIETNAM):%Y-%m-%d}" for at in (end, facility_since))
    return (
        f": it ended on {ended} for facilities that did not exist before, and this one exists since {began}. "
        f"Name {standard.replaced_by}, or, if the facility is older than its first permit here, state "
        "facility_since"
    )
