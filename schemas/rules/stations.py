"""The stations that a rule set names, against those there are."""

from collections.abc import Collection

from quantrac.domain.spellings import did_you_mean
from quantrac.errors import UserError
from schemas.rules.ruleset import RuleSet


def check_stations(rules: RuleSet, codes: Collection[str]) -> None:
    """Raise UserError, with file and line, where a rule set has rules for stations that are not there."""
    locations: dict[str, str] = {}
    for scope, tests in rules.settings.items():
        if scope.section == "stations" and scope.name not in codes:
            for entries in tests.values():
                locations.setdefault(scope.name, entries[0].location)
    sentences = [
        f"{location}: there is no station {code!r} in the registry{did_you_mean(code, codes)}"
        for code, location in locations.items()
    ]
    if sentences:
        raise UserError("\n  ".join(sentences))
