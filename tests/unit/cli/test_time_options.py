"""One rule for times in all commands: what they take, and what they print."""

from datetime import UTC, date, datetime

import click
import pytest

from quantrac.cli.shown_times import show_span, show_time
from quantrac.cli.time_options import DAY, TIME, Day, Time
from quantrac.domain.times import parse_time
from support.commands import commands

OF_TIMES = ("from", "to", "at", "since", "until", "valid-to", "valid-from", "before", "after", "received-at")


ALL = commands()


@pytest.mark.parametrize("path", ALL)
def test_every_option_of_a_time_is_of_the_one_type(path: str) -> None:
    for parameter in ALL[path].params:
        if not isinstance(parameter, click.Option):
            continue
        if parameter.metavar == "TIME" or {f"--{name}" for name in OF_TIMES} & set(parameter.opts):
            assert isinstance(parameter.type, Time | Day), parameter.opts


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-25", datetime(2026, 3, 24, 17, tzinfo=UTC)),
        ("2026-03-25T07:00+07:00", datetime(2026, 3, 25, tzinfo=UTC)),
        ("2026-03-25T00:00Z", datetime(2026, 3, 25, tzinfo=UTC)),
        ("2026-03-24T24:00+07:00", datetime(2026, 3, 24, 17, tzinfo=UTC)),
    ],
)
def test_a_date_is_a_day_of_vietnam_and_a_time_names_its_zone(text: str, time: datetime) -> None:
    assert TIME.convert(text, None, None) == time


@pytest.mark.parametrize(
    "text", ["2026-03-25T07:00", "2026-03-25 07:00:00", "25/03/2026", "yesterday", "0001-01-01", ""]
)
def test_a_time_that_leaves_its_clock_open_is_refused(text: str) -> None:
    with pytest.raises(
        click.BadParameter, match=r"names no zone; write \+07:00 or Z|neither a date nor a time|outside"
    ):
        TIME.convert(text, None, None)


def test_a_day_is_a_date_and_no_time() -> None:
    assert DAY.convert("2026-03-25", None, None) == date(2026, 3, 25)
    for text in ("2026-03-25T00:00Z", "20260325", "25/03/2026", "2026-02-30"):
        with pytest.raises(click.BadParameter, match="is no date such as 2026-03-25"):
            DAY.convert(text, None, None)


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_what_a_command_shows_can_be_typed_again(hour: int) -> None:
    time = datetime(2026, 3, 25, hour, 5, 7, tzinfo=UTC)
    assert show_time(time).endswith("+07:00")
    assert parse_time(show_time(time)) == time


def test_the_last_times_there_are_can_be_shown() -> None:
    assert show_span(None, parse_time("9999-12-31T23:00Z")) == "ever to 9999-12-31T23:00:00Z"
