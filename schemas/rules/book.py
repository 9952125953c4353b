"""The rule book: which rule set judges which reading."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from quantrac.domain.registry.activations import Activation
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import to_local_iso
from quantrac.errors import UserError
from schemas.rules.files import from_content
from schemas.rules.ruleset import RuleSet

if TYPE_CHECKING:  # rules are read without pydantic, which takes longer to import than they to read
    from schemas.messages.registry.activations import Activation as ActivationMessage

log = logging.getLogger(__name__)

_EVER, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

NOTICE = timedelta(seconds=10)
"""How far ahead a switch is announced, so that every validator knows of it before it comes."""


@dataclass(frozen=True, slots=True)
class _Edition:
    number: int
    registered: Mapping[str, Activation]
    """The registry's records it was made from."""
    pages: Mapping[str, tuple[Activation, RuleSet]]
    """By id, oldest first; the last one that applies counts."""


class RuleBook:
    """The default rule set and the activations of a registry, followed while its records are replaced.

    Satisfies :class:`quantrac.domain.qa.thresholds.rule_book.RuleBook`. Reading :attr:`edition` takes in
    what the registry has got since; between two such readings nothing changes. A record whose content is no
    rule set is left out with the reason in the log, and what stood under its id before stays.
    """

    def __init__(self, default: RuleSet, registry: Registry | None = None) -> None:
        """Without a registry the default holds for every reading."""
        self._default, self._registry = default, registry or Registry()
        self._edition = _Edition(0, {}, {})
        self._follow()

    @property
    def edition(self) -> int:
        """Number that grows when an activation comes or goes: what was worked out before is out of date."""
        self._follow()
        return self._edition.number

    @property
    def changes_received(self) -> Sequence[datetime]:
        """Times of receipt (UTC, sorted) between which :meth:`rules` is constant."""
        return _sort_times(activation.received_from for activation, _ in self.activations)

    @property
    def changes_measured(self) -> Sequence[datetime]:
        """Times of measurement (UTC, sorted) between which :meth:`rules` is constant."""
        return _sort_times(
            time
            for activation, _ in self.activations
            for time in (activation.measured_from, activation.measured_to)
        )

    @property
    def activations(self) -> Sequence[tuple[Activation, RuleSet]]:
        """The activations with their rule sets, oldest first."""
        return tuple(self._edition.pages.values())

    def rules(self, received_at: datetime, measured_at: datetime) -> RuleSet:
        """Return what judges a reading; both times UTC."""
        return self._judging(self.activations, received_at, measured_at)

    def rule_sets_before(self, activation: Activation) -> Sequence[RuleSet]:
        """Return the rule sets that judged before what an activation judges, without repetition.

        That is one where it counts from a time of receipt. The readings of a span of measurement were
        received from its start until it was activated, and so may have been judged by several.
        """
        pages = self.activations
        earlier = list(takewhile(lambda page: page[0] != activation, pages))
        if activation.received_from is not None:
            return (self._judging(earlier, activation.received_from, activation.received_from),)
        since = activation.measured_from or _EVER
        received = [page.received_from for page, _ in earlier]
        measured = [time for page, _ in earlier for time in (page.measured_from, page.measured_to)]
        sets = {
            rules.version: rules
            for received_at in (since, *_times_in(received, since, activation.activated_at))
            for measured_at in (since, *_times_in(measured, since, activation.measured_to or _END))
            for rules in [self._judging(earlier, received_at, measured_at)]
        }
        return tuple(sets.values())

    def _judging(
        self, pages: Sequence[tuple[Activation, RuleSet]], received_at: datetime, measured_at: datetime
    ) -> RuleSet:
        for activation, rules in reversed(pages):
            if activation.applies(received_at, measured_at):
                return rules
        return self._default

    def _follow(self) -> None:
        registered = self._registry.rules
        edition = self._edition
        if registered is edition.registered:
            return
        pages = {name: page for name, page in edition.pages.items() if name in registered}
        # Replays and switches back name the same rules again: a rule set takes 2 MB.
        read = {activation.content: rules for activation, rules in pages.values()}
        for name, activation in registered.items():
            if name in pages and pages[name][0] == activation:
                continue
            try:
                rules = read[activation.content] = read.get(activation.content) or from_content(
                    activation.content
                )
                if rules.version != activation.version:
                    raise ValueError(f"its content has the version {rules.version}, not {activation.version}")
                pages[name] = activation, rules
            except ValueError as error:
                log.error("rules/%s left out: %s", name, error)
        ordered = dict(sorted(pages.items(), key=lambda page: (page[1][0].activated_at, page[0])))
        changed = ordered != edition.pages
        self._edition = _Edition(edition.number + changed, registered, ordered)


def activation(
    rules: RuleSet,
    *,
    by: str,
    why: str,
    now: datetime,
    received_from: datetime | None = None,
    measured: tuple[datetime | None, datetime | None] = (None, None),
) -> "ActivationMessage":
    """Return the registry record that puts a rule set in force.

    It judges what is received from ``received_from`` on, by default ten seconds after ``now``, or, with
    ``measured``, the readings of that span, as a published replay leaves them. All times UTC. Raises
    UserError where ``received_from`` comes before every validator can know of it.
    """
    from pydantic import ValidationError

    from schemas.messages.registry.activations import Activation as ActivationMessage
    from schemas.validation_errors import first_problem

    if measured == (None, None):
        received_from = received_from or now + NOTICE
        if received_from < now + NOTICE:
            raise UserError(
                f"{to_local_iso(received_from)} comes too soon: rules switch {NOTICE.seconds} s from "
                "now at the earliest; what was judged before is judged again by `quantrac replay`"
            )
    try:
        return ActivationMessage(
            id=f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}-{rules.version}",
            version=rules.version,
            content=rules.content,
            by=by,
            why=why,
            activated_at=now,
            received_from=received_from,
            measured_from=measured[0],
            measured_to=measured[1],
        )
    except ValidationError as error:
        raise UserError(first_problem(error, ActivationMessage)) from error


def _times_in(times: Iterable[datetime | None], start: datetime, end: datetime) -> Sequence[datetime]:
    """Return those that lie between, sorted."""
    return [time for time in _sort_times(times) if start < time < end]


def _sort_times(times: Iterable[datetime | None]) -> Sequence[datetime]:
    return tuple(sorted({time for time in times if time is not None}))
