"""Times as they are written: midnight in its two spellings, and nothing past it."""

import doctest
from datetime import datetime, timedelta
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain import control_characters, statuses, titles, written_times
from quantrac.domain.written_times import read_digits, read_iso, read_written

FORMS = [
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:00",
    "%Y%m%dT%H%M",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:00",
    "%H:%M %d/%m/%Y",
    "%H:%M:00 %d/%m/%Y",
    "%Y%m%d%H%M",
    "%Y%m%d%H%M00",
]


@pytest.mark.parametrize("module", [written_times, control_characters, titles, statuses])
def test_the_examples_in_the_docstrings_are_true(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@given(st.datetimes(read_iso("1990-01-01"), read_iso("2105-12-31")), st.sampled_from(FORMS))
def test_every_form_gives_the_time_it_was_written_from(time: datetime, form: str) -> None:
    minute = time.replace(second=0, microsecond=0)
    assert read_written(minute.strftime(form)) == minute
    midnight = minute.replace(hour=0, minute=0)
    end_of_day = form.replace("%H", "24").replace("%M", "00")
    assert read_written(midnight.strftime(end_of_day)) == midnight + timedelta(days=1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("hour", "minute"), [("24", "05"), ("24", "01"), ("25", "00"), ("23", "60")])
def test_there_is_no_time_past_24(form: str, hour: str, minute: str) -> None:
    text = read_iso("2026-03-24").strftime(form.replace("%H", hour).replace("%M", minute))
    with pytest.raises(ValueError, match="is no time"):
        read_written(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-24T24:00:01", "2026-03-24T24:00:00.5", "24/03/2026 24:00:01", "20260324240001"),
        *("2026-02-30 24:00", "9999-12-31T24:00", "31/12/9999 24:00", "999912312400", "0000-01-01"),
        *("2026032424000", "1774396800", "٢٠٢٦٠٣٢٤٢٤٠٠", "", "24:00", "noon"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        read_written(text)


def test_a_zone_stays_with_its_time() -> None:
    assert read_iso("2026-03-24T24:00:00+07:00").isoformat() == "2026-03-25T00:00:00+07:00"
    assert read_iso("2026-03-24 24:00:00.000Z").isoformat() == "2026-03-25T00:00:00+00:00"


def test_a_year_2400_is_no_midnight() -> None:
    assert read_iso("2400-01-01").year == 2400
    assert read_digits("240024002400"[:2] + "26" + "0324" + "2400").isoformat() == "2426-03-25T00:00:00"
