"""What every request can use; built once by ``wiring``, or by a test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from fastapi import Depends, Request

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import Result
from schemas.rules import RuleBook
from services.api.slots import KeySlots


class Database(Protocol):
    """Where rows come from."""

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""
        ...

    def answers(self) -> bool:
        """Tell whether the server answers a query."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The dependencies of the API."""

    database: Database
    registry: Registry
    """Changed by another thread as records arrive."""
    book: RuleBook
    """Which rules judge which reading; follows the registry."""
    limits: LimitBook
    """What averages are judged by; never changes."""
    registry_read: Callable[[], bool]
    """Tells whether the registry holds everything that was in its topic at the start."""
    clock: Callable[[], datetime]
    """Now, UTC."""
    tier: Literal["province", "ministry"] = "province"
    page_limit: int = 10_000
    """Most rows of one page."""
    threads: int = 8
    """Requests that wait for ClickHouse at once."""
    registry_problem: Callable[[], str] = lambda: ""
    """Says why what the registry holds may be old by now; empty = it is followed."""
    slots: KeySlots = field(default_factory=KeySlots)
    """How many of them may be of one key."""

    @property
    def keeps_bytes(self) -> bool:
        """Whether raw files arrive here; the ministry gets readings only."""
        return self.tier == "province"

    def missing(self) -> str:
        """Name what keeps the API from answering; empty when nothing does. Waits seconds for ClickHouse."""
        if not self.registry_read():
            return "The station registry has not been read yet."
        if problem := self.registry_problem():
            return f"The station registry is not followed: {problem}."
        return "" if self.database.answers() else "ClickHouse does not answer."


async def context_of(request: Request) -> Context:
    """Return the context of the application that a request came to."""
    context: Context = request.app.state.context
    return context


InContext = Annotated[Context, Depends(context_of)]
