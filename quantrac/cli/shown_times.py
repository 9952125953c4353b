"""Times as the commands show them to people: on Vietnam's clock, with the offset.

JSON is for programs and has UTC (``Z``), as the REST API has.
"""

from datetime import datetime

from quantrac.domain.times import VIETNAM, to_local_iso


def show_time(time: datetime) -> str:
    """Write a time (aware) to the second.

    >>> from datetime import UTC
    >>> show_time(datetime(2026, 3, 25, tzinfo=UTC))
    '2026-03-25T07:00:00+07:00'
    """
    return to_local_iso(time)


def show_short(time: datetime) -> str:
    """Write a time (aware) as people write it in the registry's files: without seconds where it has none.

    >>> from datetime import UTC
    >>> show_short(datetime(2026, 3, 25, tzinfo=UTC))
    '2026-03-25T07:00+07:00'
    """
    local = time.replace(microsecond=0).astimezone(VIETNAM)
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def show_span(start: datetime | None, end: datetime | None) -> str:
    """Write a span of time, ``None`` = without beginning or end.

    >>> from datetime import UTC
    >>> show_span(None, datetime(2026, 3, 25, tzinfo=UTC))
    'ever to 2026-03-25T07:00:00+07:00'
    """
    return " to ".join("ever" if time is None else show_time(time) for time in (start, end))


def show_day(time: datetime) -> str:
    """Write the day of Vietnam that a time (aware) lies in.

    >>> from datetime import UTC
    >>> show_day(datetime(2026, 3, 24, 17, tzinfo=UTC))
    '2026-03-25'
    """
    return f"{time.astimezone(VIETNAM):%Y-%m-%d}"
