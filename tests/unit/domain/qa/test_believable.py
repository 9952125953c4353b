"""What is not of this world is never good, from the first reading of a series on; what only looks odd is."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.stored.offline import Series, flag_series
from quantrac.domain.qa.window import Window
from quantrac.domain.registry.stations import StationType
from schemas.rules import RuleBook, RuleSet, load

GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9
START = datetime(2026, 3, 20, tzinfo=UTC).timestamp()
NOW = datetime(2026, 4, 1, tzinfo=UTC)
PLACES = [(parameter.code, medium) for parameter in CATALOGUE for medium in parameter.units]
CODES = [65535, 65534, 32767, -32768, 4294967295, 2147483647, -2147483648]
"""What registers show where no sensor answers, ..."""
CODES += [6553.5, 655.35, 3276.7, 327.67, -3276.8, -327.68]
"""... the same with decimals, ..."""
CODES += [-999, -9999, -99999, 9999, 99999, 999999, -6999, 7999]
"""... and what loggers fill in."""
POWER_ON, THERMOMETERS = (85.0, -127.0), ("Temp", "TempIn", "TempEnv")


@cache
def rules() -> RuleSet:
    return load()


def flags(values, parameter, medium=StationType.SURFACE_WATER, *, minutes=5.0, status="00", offset=0.0):
    """The flags of a series that begins with its first value."""
    time = START + offset + 60 * minutes * np.arange(len(values))
    column = np.array(values, dtype=float)
    statuses = np.array([status] * len(values) if isinstance(status, str) else status, dtype=object)
    series = {parameter: Series(time, column, statuses)}
    judged = flag_series(series, medium, book=RuleBook(rules()), now=NOW, interval=60 * minutes)
    return judged[parameter].flag.tolist(), judged[parameter].tests


def by_value(parameter, medium, values):
    """The worst that tests without a past say of each value."""
    thresholds = rules().thresholds(medium.value, "X", parameter, NOW)
    window = Window.of(values)
    outcomes = [TESTS[test].judge(window, **thresholds[test]) for test in ("physical_range", "error_code")]
    return np.max(outcomes, axis=0).tolist()


@pytest.mark.parametrize(("parameter", "medium"), PLACES)
def test_no_code_of_a_dead_bus_or_logger_passes_for_a_value_of_any_parameter(parameter, medium):
    outcomes = dict(zip(CODES, by_value(parameter, medium, CODES), strict=True))
    assert {code: outcome for code, outcome in outcomes.items() if outcome not in (SUSPECT, FAIL)} == {}


@pytest.mark.parametrize(
    ("parameter", "medium"),
    [place for place in PLACES if place[0] in THERMOMETERS and place[1] is not StationType.STACK],
)
def test_what_a_digital_thermometer_shows_after_power_on_is_no_temperature(parameter, medium):
    assert by_value(parameter, medium, POWER_ON) == [FAIL, FAIL]


def test_a_chimney_may_have_85_degrees():
    assert by_value("Temp", StationType.STACK, [85.0]) == [GOOD]


GASES = [gas for gas in CATALOGUE if gas.molar_mass and gas.units.get(StationType.AMBIENT_AIR) == "µg/m3"]


@pytest.mark.parametrize("gas", GASES, ids=lambda gas: gas.code)
def test_a_code_in_ppb_passes_for_no_gas_in_air(gas):
    code = 65535 * gas.molar_mass / 24.45
    assert by_value(gas.code, StationType.AMBIENT_AIR, [code])[0] in (SUSPECT, FAIL)


@pytest.mark.parametrize(
    ("parameter", "medium", "value"),
    [
        ("Pressure", StationType.AMBIENT_AIR, 999.9),
        ("Pressure", StationType.AMBIENT_AIR, 999.0),
        ("CO", StationType.AMBIENT_AIR, 999.0),
        ("PM2.5", StationType.AMBIENT_AIR, 255.0),
        ("Turbidity", StationType.SURFACE_WATER, 4000.0),
        ("TSS", StationType.SURFACE_WATER, 4800.0),
        ("EC", StationType.SURFACE_WATER, 52000.0),
        ("WaterLevel", StationType.GROUNDWATER, 32.767),
        ("Flow", StationType.WASTEWATER, 999.0),
        ("ORP", StationType.WASTEWATER, -327.6),
        ("Coliform", StationType.SURFACE_WATER, 110000.0),
    ],
)
def test_an_everyday_number_is_no_code(parameter, medium, value):
    assert by_value(parameter, medium, [value]) == [GOOD]


@pytest.mark.parametrize("code", [65535.0, 32767.0, 9999.0])
@pytest.mark.parametrize(
    ("parameter", "medium", "usual"),
    [("CO", StationType.AMBIENT_AIR, 900.0), ("EC", StationType.SURFACE_WATER, 400.0)],
)
def test_a_sensor_that_dies_within_the_first_day_is_never_good(parameter, medium, usual, code):
    alive = [usual + 7 * (i % 5) for i in range(40)]
    flag, _ = flags([*alive, *[code] * 60, *alive], parameter, medium)
    assert set(flag[:40]) == {GOOD}
    assert set(flag[40:100]) <= {SUSPECT, FAIL}
    assert set(flag[105:]) == {GOOD}


def test_a_sensor_that_is_dead_from_the_first_reading_on_is_never_good():
    assert set(flags([65535.0] * 30, "CO", StationType.AMBIENT_AIR)[0]) == {FAIL}


def test_a_jump_by_orders_of_magnitude_is_not_good_in_a_river_heard_first_today():
    flag, tests = flags([400.0, 405.0, 402.0, 65000.0, 401.0], "EC", minutes=15)
    assert (flag[:3], flag[3] in (SUSPECT, FAIL)) == ([GOOD] * 3, True)
    assert tests[3]["rate_of_change"] in (SUSPECT, FAIL)


def test_a_river_in_flood_is_no_dead_sensor():
    rise = np.exp(np.linspace(np.log(30), np.log(2500), 25))
    flood = [30.0 + i % 3 for i in range(8)] + [*np.round(rise, 1), *np.round(rise[::-1], 1)]
    assert set(flags(flood, "TSS", minutes=15)[0]) == {GOOD}
    tide = 1000 + 24000 * (1 - np.cos(np.arange(50) * np.pi / 25)) / 2
    assert set(flags(np.round(tide), "EC", minutes=15)[0]) == {GOOD}


@pytest.mark.parametrize(
    ("minutes", "offset"), [(5, 150), (5, 90), (60, 42 * 60), (60, 30 * 60), (15, 7 * 60)]
)
def test_a_steady_step_that_does_not_begin_on_the_clock_is_good(minutes, offset):
    values = [19.4, 19.9, 18.7, 20.3] * 8
    flag, _ = flags(values, "SO2", StationType.AMBIENT_AIR, minutes=minutes, offset=offset)
    assert set(flag) == {GOOD}


EVERY_SIXTH = [np.nan if i % 6 == 5 else 3087.03 for i in range(96)]


def test_empty_values_between_equal_ones_hide_no_stuck_sensor():
    flag, tests = flags(EVERY_SIXTH, "CO", StationType.AMBIENT_AIR)
    measured = [i for i in range(96) if i % 6 != 5]
    # Six hours are 72 steps.
    assert [flag[i] for i in measured if i < 72] == [GOOD] * 60
    assert {flag[i] for i in measured if i >= 72} == {SUSPECT}
    assert {tests[i]["flat_line"] for i in measured if i >= 72} == {SUSPECT}
    assert {flag[i] for i in range(96) if i % 6 == 5} == {MISSING}


@pytest.mark.parametrize("status", ["01", "02"])
def test_rows_of_a_device_that_shows_no_signal_hide_no_stuck_sensor_and_are_none(status):
    between = [0.0 if i % 6 == 5 else 3087.03 for i in range(96)]
    statuses = [status if i % 6 == 5 else "00" for i in range(96)]
    flag, tests = flags(between, "CO", StationType.AMBIENT_AIR, status=statuses)
    assert {flag[i] for i in range(72, 96) if i % 6 != 5} == {SUSPECT}
    assert {tests[i]["flat_line"] for i in range(96) if i % 6 == 5} == {NOT_EVALUATED}


def test_rows_that_never_came_hide_no_stuck_sensor():
    kept = np.array([i for i in range(120) if i % 6 != 5])
    series = Series(START + 300.0 * kept, np.full(len(kept), 3087.03))
    judged = flag_series(
        {"CO": series}, StationType.AMBIENT_AIR, book=RuleBook(rules()), now=NOW, interval=300.0
    )
    assert judged["CO"].flag[kept >= 72].tolist() == [SUSPECT] * int((kept >= 72).sum())


def test_gaps_between_different_values_make_no_flat_line():
    alive = [np.nan if i % 6 == 5 else 3087.03 + i % 2 for i in range(288)]
    flag, _ = flags(alive, "CO", StationType.AMBIENT_AIR)
    assert set(flag) == {GOOD, MISSING}
