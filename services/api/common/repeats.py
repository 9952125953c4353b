"""A key of the query string that is given twice: without a word the last value would win."""

from collections import Counter

from fastapi import Depends, Request

from services.api.common.problems import BadParameter


async def _refuse_repeats(request: Request) -> None:
    """Raise :class:`BadParameter` where a key comes several times; no operation takes several values."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [
        (name, f"it is given {count} times, and one value is taken; ask once for each")
        for name, count in counts.items()
        if count > 1
    ]
    if repeated:
        raise BadParameter(*repeated)


REFUSE_REPEATS = Depends(_refuse_repeats)
