"""The rule book: which rule set judges which reading."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from quantrac.domain.stations import Activation, Registry
from schemas.messages import registry as messages
from schemas.rules.files import from_content
from schemas.rules.ruleset import RuleSet

log = logging.getLogger(__name__)

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
        return _sorted(each.received_from for each, _ in self.activations)

    @property
    def changes_measured(self) -> Sequence[datetime]:
        """Times of measurement (UTC, sorted) between which :meth:`rules` is constant."""
        return _sorted(at for each, _ in self.activations for at in (each.measured_from, each.measured_to))

    @property
    def activations(self) -> Sequence[tuple[Activation, RuleSet]]:
        """The activations with their rule sets, oldest first."""
        return tuple(self._edition.pages.values())

    def rules(self, received_at: datetime, measured_at: datetime) -> RuleSet:
        """Return what judges a reading; both times UTC."""
        for activation, rules in reversed(self.activations):
            if activation.applies(received_at, measured_at):
                return rules
        return self._default

    def _follow(self) -> None:
        registered = self._registry.rules
        known = self._edition
        if registered is known.registered:
            return
        pages = {name: page for name, page in known.pages.items() if name in registered}
        # Replays and switches back name the same rules again: a rule set takes 2 MB.
        read = {each.content: rules for each, rules in pages.values()}
        for name, each in registered.items():
            if name in pages and pages[name][0] == each:
                continue
            try:
                rules = read[each.content] = read.get(each.content) or from_content(each.content)
                if rules.version != each.version:
                    raise ValueError(f"its content has the version {rules.version}, not {each.version}")
                pages[name] = each, rules
            except ValueError as error:
                log.error("rules/%s left out: %s", name, error)
        ordered = dict(sorted(pages.items(), key=lambda page: (page[1][0].activated_at, page[0])))
        changed = ordered != known.pages
        self._edition = _Edition(known.number + changed, registered, ordered)


def activation(
    rules: RuleSet,
    *,
    by: str,
    why: str,
    now: datetime,
    received_from: datetime | None = None,
    measured: tuple[datetime | None, datetime | None] = (None, None),
) -> messages.Activation:
    """Return the registry record that puts a rule set in force.

    It judges what is received from ``received_from`` on, by default ten seconds after ``now``, or, with
    ``measured``, the readings of that span, as a published replay leaves them. All times UTC. Raises
    ValueError where ``received_from`` comes before every validator can know of it.
    """
    if measured == (None, None):
        received_from = received_from or now + NOTICE
        if received_from < now + NOTICE:
            raise ValueError(
                f"{received_from:%Y-%m-%dT%H:%M:%SZ} comes too soon: rules switch {NOTICE.seconds} s from "
                "now at the earliest; what was judged before is judged again by `quantrac replay`"
            )
    return messages.Activation(
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


def _sorted(times: Iterable[datetime | None]) -> Sequence[datetime]:
    return tuple(sorted({at for at in times if at is not None}))
