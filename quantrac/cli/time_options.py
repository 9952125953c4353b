"""Times as options: the one rule that every command has for them.

A date is a day of Vietnam, from its midnight on; a time names its zone, ``+07:00`` or ``Z``. One without a
zone is refused: nobody has to guess which clock was meant. What the commands print
(:mod:`quantrac.cli.shown_times`) can be typed again.
"""

from datetime import date, datetime
from typing import Any

import click

from quantrac.domain.times import parse_time
from quantrac.domain.written_times import read_iso
from quantrac.errors import UserError


class Time(click.ParamType):
    """Becomes a ``datetime`` in UTC."""

    name = "time"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what the help calls a value."""
        return "DATE|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time in UTC; see :func:`quantrac.domain.times.parse_time`."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_time(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


class Day(click.ParamType):
    """Becomes a ``date``, one of Vietnam's days."""

    name = "date"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what the help calls a value."""
        return "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the date; a time is refused."""
        if isinstance(value, date):
            return value
        try:
            if len(value) != len("2026-03-25"):
                raise ValueError
            return read_iso(value).date()
        except ValueError:
            self.fail(f"{value!r} is no date such as 2026-03-25", param, ctx)


TIME = Time()
"""A moment: of an option such as ``--from``, ``--to`` or ``--at``."""
DAY = Day()
"""A whole day."""
