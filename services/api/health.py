"""Whether the process lives, and whether it can do its work."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter

from services.api.common.answers import AnswerModel
from services.api.common.problems import Unavailable, describe_problems


class Health(AnswerModel):
    """That all is well."""

    status: Literal["ok"] = "ok"


def create_router(find_obstacle: Callable[[], str]) -> APIRouter:
    """Build the router; ``find_obstacle`` says why the API cannot answer now, empty = it can."""
    health = APIRouter(prefix="/health", tags=["Health"])

    @health.get("/live", summary="Is the process alive?")
    async def live() -> Health:
        """Answer as long as the process does."""
        return Health()

    @health.get("/ready", summary="Can requests be answered?", responses=describe_problems(Unavailable))
    async def ready() -> Health:
        """Tell whether ClickHouse answered within the last seconds and the station registry has been read."""
        if reason := find_obstacle():
            raise Unavailable(reason)
        return Health()

    return health
