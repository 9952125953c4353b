"""What people have decided in the demo at its first start: a review of readings, and a rule changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from quantrac.domain.times import DAY_DELTA, local_day_start
from schemas.messages.registry.activations import Activation
from schemas.messages.registry.decisions import Decision
from schemas.rules import load
from schemas.rules.book import activation

_BY = "demo"
_RULES = Path(__file__).parent / "rules"


def demo_decisions(now: datetime) -> Sequence[Decision]:
    """Return the reviews: the day before ``now`` (UTC), from 10:00 to 11:00 in Vietnam, NO2 of a station."""
    start = local_day_start(now) - DAY_DELTA + timedelta(hours=10)
    review = Decision(
        id=f"{start:%Y%m%dT%H%M%S}-demo",
        station="HN_DEMO_KHI002",
        parameters=("NO2",),
        start=start,
        end=start + timedelta(hours=1),
        flag="suspect",
        by=_BY,
        why="made up for the demo: a bus stood with its engine running beside the inlet",
        decided_at=now,
    )
    return (review,)


def demo_activation(now: datetime) -> Activation:
    """Return the change of rules: the demo's over the national ones, from 10 s after ``now`` (UTC) on."""
    why = "made up for the demo: an analyser that is stuck is told earlier"
    return activation(load(_RULES), by=_BY, why=why, now=now)
