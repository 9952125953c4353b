"""Whether the process lives, and whether it can do its work."""

from fastapi import APIRouter

from services.api.context import InContext
from services.api.models import Health
from services.api.problems import Unavailable, documented

router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", summary="Is the process alive?")
async def live() -> Health:
    """Answer as long as the process does."""
    return Health()


@router.get("/ready", summary="Can requests be answered?", responses=documented(Unavailable))
def ready(context: InContext) -> Health:
    """Ask ClickHouse, and check that the station registry has been read."""
    if missing := context.missing():
        raise Unavailable(missing)
    return Health()
