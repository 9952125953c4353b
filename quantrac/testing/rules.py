"""Rules and a rule book for tests: thresholds as a dictionary instead of a folder of rule files."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from quantrac.domain.qa.thresholds.rule_book import Rules, Thresholds

THRESHOLDS: dict[str, Mapping[str, Any]] = {
    "status": {},
    "unit": {},
    "equipment_range": {},
    "flat_line": {"suspect_after": 30.0, "fail_after": 60.0},
    "spike": {"suspect": 50.0, "fail": 500.0, "spreads": 6.0},
}
"""A handful of quality tests, with thresholds that a few readings can cross."""


class FixedRules:
    """The same thresholds for every station at all times.

    Satisfies :class:`quantrac.domain.qa.thresholds.rule_book.Rules`.
    """

    def __init__(
        self,
        thresholds: Thresholds = THRESHOLDS,
        *,
        by_parameter: Mapping[str, Thresholds] | None = None,
        required: Iterable[str] = ("status", "unit"),
        version: str = "0123456789ab",
    ) -> None:
        """``by_parameter``: thresholds that one parameter has besides."""
        self._thresholds = thresholds
        # Made once a parameter: the judge recognises thresholds by the object.
        self._by_parameter = {code: {**thresholds, **own} for code, own in (by_parameter or {}).items()}
        self.required = frozenset(required)
        self.version = version
        self.stations: frozenset[str] = frozenset()

    def thresholds(self, station_type: str, station: str, parameter: str, at: datetime) -> Thresholds:
        """Return the thresholds of a parameter, whatever the station and the time."""
        return self._by_parameter.get(parameter, self._thresholds)

    def changes(self, station_type: str, station: str, parameter: str) -> Sequence[datetime]:
        """Return no times: nothing changes."""
        return ()


class FixedRuleBook:
    """One set of rules for every reading, or others from a time of receipt on or for a span of measurement.

    Satisfies :class:`quantrac.domain.qa.thresholds.rule_book.RuleBook`.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        received: Iterable[tuple[datetime, Rules]] = (),
        measured: Iterable[tuple[datetime, datetime, Rules]] = (),
    ) -> None:
        """``received``: (from when, rules) in order of time; ``measured``: (start, end, rules), which win."""
        self.edition = 1
        self._rules: Rules = FixedRules() if rules is None else rules
        self._received, self._measured = list(received), list(measured)

    @property
    def changes_received(self) -> Sequence[datetime]:
        """Times of receipt at which other rules begin to judge."""
        return [at for at, _ in self._received]

    @property
    def changes_measured(self) -> Sequence[datetime]:
        """Times of measurement at which other rules begin or cease to judge, in order."""
        return sorted(at for start, end, _ in self._measured for at in (start, end))

    def rules(self, received_at: datetime, measured_at: datetime) -> Rules:
        """Return the rules of the span of measurement, else those of the time of receipt."""
        for start, end, rules in self._measured:
            if start <= measured_at < end:
                return rules
        return next((rules for at, rules in reversed(self._received) if at <= received_at), self._rules)

    def replace(self, rules: Rules) -> None:
        """Have other rules judge from now on, as a new edition."""
        self._rules = rules
        self.edition += 1
