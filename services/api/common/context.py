"""What every request can use; built once by ``wiring``, or by a test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Request

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from schemas.rules import RuleBook
from services.api.common.database import Database
from services.api.common.slots import KeySlots


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
    is_registry_read: Callable[[], bool]
    """Tells whether the registry holds everything that was in its topic at the start."""
    clock: Callable[[], datetime]
    """Gives the present time, UTC."""
    tier: Literal["province", "ministry"] = "province"
    page_limit: int = 10_000
    """Most rows of one page."""
    threads: int = 8
    """Requests that wait for ClickHouse at once."""
    registry_problem: Callable[[], str] = lambda: ""
    """Says why the registry may be out of date; empty = it is followed."""
    slots: KeySlots = field(default_factory=KeySlots)
    """How many requests of one key run at once."""

    @property
    def has_raw_files(self) -> bool:
        """Whether raw files arrive here; the ministry gets readings only."""
        return self.tier == "province"

    def find_obstacle(self) -> str:
        """Say why the API cannot answer now; empty = it can. Waits seconds for ClickHouse."""
        if not self.is_registry_read():
            return "The station registry has not been read yet."
        if problem := self.registry_problem():
            return f"The station registry is not followed: {problem}."
        return "" if self.database.answers() else "ClickHouse does not answer."


async def get_context(request: Request) -> Context:
    """Return the context of the application that a request came to."""
    context: Context = request.app.state.context
    return context


ApiContext = Annotated[Context, Depends(get_context)]
"""Parameter of an operation: the API's context."""
