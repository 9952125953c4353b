"""Which limits hold for a station at a time, and how they come about."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.limits import Limit, LimitBook, Row, Standard, Transition, correct_oxygen
from quantrac.domain.periods import Period
from quantrac.domain.registry.permits import Permit, PermitLimit
from quantrac.domain.registry.stations import Station, StationParameter, StationType, WarningLevels
from quantrac.domain.times import VIETNAM
from quantrac.domain.warning_levels import WarningShares, warning_levels
from quantrac.testing.builders import station
from schemas.limits import load_national, warning_shares

BOOK = load_national()
WASTEWATER, STACK = StationType.WASTEWATER, StationType.STACK
AIR, RIVER = StationType.AMBIENT_AIR, StationType.SURFACE_WATER


def local(*date: int) -> datetime:
    return datetime(*date, tzinfo=VIETNAM).astimezone(UTC)  # type: ignore[arg-type]


def station_with(medium: StationType, *permits: Permit, **fields: Any) -> Station:
    """Return a station of a medium with these permits, and no parameters unless they are given."""
    return station(type=medium, permits=permits, **({"parameters": ()} | fields))


def industrial(column: str = "A", **fields: Any) -> Permit:
    choice: dict[str, Any] = {"coefficients": (("Kf", 1.1), ("Kq", 0.9))}
    return Permit(standard="QCVN 40:2011/BTNMT", column=column, **(choice | fields))


def limit(found: Station, at: datetime, parameter: str, period: Period = Period.DAY) -> Limit:
    (only,) = (
        each for each in BOOK.limits_of(found, at) if (each.parameter, each.period) == (parameter, period)
    )
    return only


def has(found: Station, at: datetime, parameter: str) -> bool:
    return any(each.parameter == parameter for each in BOOK.limits_of(found, at))


def test_cod_of_column_a_is_multiplied_by_kq_and_kf() -> None:
    found = limit(station_with(WASTEWATER, industrial()), local(2026, 3, 25), "COD")
    assert found.maximum == 74.25  # 75 x 0.9 x 1.1
    assert (found.standard, found.column, found.unit) == ("QCVN 40:2011/BTNMT", "A", "mg/L")
    assert found.certainty == "high"


@pytest.mark.parametrize(
    ("parameter", "minimum", "maximum"),
    [("pH", 5.5, 9), ("Temp", None, 40), ("Color", None, 150), ("Coliform", None, 5000), ("TSS", None, 99)],
)
def test_coefficients_leave_ph_temperature_colour_and_coliform_alone(
    parameter: str, minimum: float | None, maximum: float
) -> None:
    found = limit(station_with(WASTEWATER, industrial("B")), local(2026, 3, 25), parameter)
    assert (found.minimum, found.maximum) == (minimum, maximum)


def test_pm10_is_lowered_with_the_standard_of_2023() -> None:
    air = station_with(AIR)
    assert limit(air, local(2023, 9, 11), "PM10").maximum == 150
    assert limit(air, local(2023, 9, 11, 23), "PM10").standard == "QCVN 05:2013/BTNMT"
    assert limit(air, local(2023, 9, 12), "PM10").maximum == 100


def test_pm25_is_lowered_at_the_end_of_2025_by_vietnams_clock() -> None:
    air = station_with(AIR)
    assert limit(air, local(2025, 12, 31), "PM2.5").maximum == 50
    assert limit(air, datetime(2025, 12, 31, 16, 59, 59, tzinfo=UTC), "PM2.5").maximum == 50
    assert limit(air, datetime(2025, 12, 31, 17, tzinfo=UTC), "PM2.5").maximum == 45
    assert limit(air, local(2026, 1, 1), "PM2.5", Period.YEAR).maximum == 25


def test_lead_loses_its_yearly_limit_in_2023() -> None:
    def periods(at: datetime) -> set[Period]:
        return {each.period for each in BOOK.limits_of(station_with(AIR), at) if each.parameter == "Pb"}

    assert periods(local(2023, 1, 1)) == {Period.DAY, Period.YEAR}
    assert periods(local(2024, 1, 1)) == {Period.DAY}


def test_groundwater_needs_no_permit() -> None:
    assert limit(station_with(StationType.GROUNDWATER), local(2026, 1, 1), "TDS").maximum == 1500


@pytest.mark.parametrize("medium", [WASTEWATER, STACK])
def test_where_a_choice_is_needed_there_is_no_limit_without_a_permit(medium: StationType) -> None:
    for year in range(2010, 2040):
        assert BOOK.limits_of(station_with(medium), local(year, 6, 1)) == ()


def test_table_1_of_surface_water_needs_no_permit() -> None:
    river = station_with(RIVER)
    begins = local(2023, 9, 12)
    assert BOOK.limits_of(river, begins - timedelta(hours=1)) == ()
    assert limit(river, begins, "NH4-N").maximum == 0.3
    assert limit(river, begins, "Oil and grease").maximum == 5
    # What a class says, only a permit chooses.
    assert not has(river, begins, "DO")
    assert {row.column + row.category for row in BOOK.standards["QCVN 08:2023/BTNMT"].free_rows} == {""}


@pytest.mark.parametrize(
    "permit",
    [
        Permit(standard="QCVN 08-MT:2015/BTNMT", column="A2"),
        Permit(standard="QCVN 08:2099/BTNMT", column="A2"),
        Permit(standard="QCVN 40:2011/BTNMT", column="A"),
    ],
)
def test_a_permit_whose_standard_does_not_hold_leaves_what_holds_without_one(permit: Permit) -> None:
    found = station_with(RIVER, permit)
    assert limit(found, local(2026, 1, 1), "NH4-N").standard == "QCVN 08:2023/BTNMT"
    own = PermitLimit("NH4-N", "mg/L", "day", maximum=0.1)
    strict = station_with(RIVER, replace(permit, limits=(own,)))
    assert limit(strict, local(2026, 1, 1), "NH4-N").maximum == 0.1


def test_a_row_that_a_coefficient_multiplies_needs_a_permit() -> None:
    standard = BOOK.standards["QCVN 40:2011/BTNMT"]
    rows = (Row("pH", Period.DAY, "", maximum=9), Row("COD", Period.DAY, "mg/L", maximum=75))
    plain = replace(standard, columns=(), rows=rows)
    assert [row.parameter for row in plain.free_rows] == ["pH"]


def test_a_permit_can_except_a_parameter() -> None:
    at = local(2026, 1, 1)
    assert has(station_with(WASTEWATER, industrial()), at, "Cl-")
    saline = station_with(WASTEWATER, industrial(without=("Cl-",)))
    assert not has(saline, at, "Cl-")
    assert has(saline, at, "Cl")
    assert BOOK.problems_of(saline) == []


def test_a_permits_own_limit_wins_for_its_parameter_and_period_only() -> None:
    own = PermitLimit("COD", "mg/L", "day", maximum=60.0)
    found = station_with(WASTEWATER, industrial(limits=(own,), number="12/GPMT"))
    cod = limit(found, local(2026, 3, 25), "COD")
    assert (cod.maximum, cod.standard, cod.column) == (60.0, "12/GPMT", "")
    assert (cod.source, cod.certainty) == ("permit 12/GPMT", "high")
    assert limit(found, local(2026, 3, 25), "TSS").maximum == 49.5
    hourly = industrial(limits=(PermitLimit("COD", "mg/L", "hour", maximum=90.0),))
    both = [
        (each.period, each.maximum)
        for each in BOOK.limits_of(station_with(WASTEWATER, hourly), local(2026, 3, 25))
        if each.parameter == "COD"
    ]
    assert both == [(Period.DAY, 74.25), (Period.HOUR, 90.0)]


def test_a_limit_of_a_permit_without_a_number_names_its_standard() -> None:
    own = PermitLimit("COD", "mg/L", "day", maximum=60.0)
    cod = limit(station_with(WASTEWATER, industrial(limits=(own,))), local(2026, 3, 25), "COD")
    assert (cod.standard, cod.column, cod.source) == ("QCVN 40:2011/BTNMT", "A", "permit")


def test_two_permits_follow_each_other() -> None:
    change = local(2026, 7, 1)
    found = station_with(
        WASTEWATER,
        industrial("B", valid_to=change),
        industrial("A", valid_from=change),
    )
    assert limit(found, change - timedelta(hours=1), "COD").maximum == 148.5
    assert limit(found, change, "COD").maximum == 74.25
    assert BOOK.problems_of(found) == []


def test_between_two_permits_of_an_air_station_its_mediums_standard_holds() -> None:
    own = PermitLimit("PM2.5", "µg/m3", "day", maximum=30.0)
    permit = Permit(standard="QCVN 05:2023/BTNMT", limits=(own,), valid_from=local(2026, 6, 1))
    found = station_with(AIR, permit)
    assert limit(found, local(2026, 5, 31), "PM2.5").maximum == 45
    assert limit(found, local(2026, 6, 1), "PM2.5").maximum == 30
    assert limit(found, local(2026, 6, 1), "PM10").maximum == 100


STACK_FACTORS = (("Kp", 1.0), ("Kv", 1.0))
OLD_AND_NEW = [
    (WASTEWATER, industrial(), "QCVN 40:2025/BTNMT", local(2025, 9, 1)),
    (
        STACK,
        Permit(standard="QCVN 19:2009/BTNMT", column="B", coefficients=STACK_FACTORS),
        "QCVN 19:2024/BTNMT",
        local(2025, 7, 1),
    ),
    (
        STACK,
        Permit(standard="QCVN 22:2009/BTNMT", category="gas-turbine", coefficients=STACK_FACTORS),
        "QCVN 19:2024/BTNMT",
        local(2025, 7, 1),
    ),
]


@pytest.mark.parametrize(("medium", "permit", "successor", "begins"), OLD_AND_NEW)
def test_a_facility_older_than_the_new_standard_keeps_the_replaced_one_until_the_transition_ends(
    medium: StationType, permit: Permit, successor: str, begins: datetime
) -> None:
    assert BOOK.standards[permit.standard].replaced_by == successor
    day_before = begins - timedelta(days=1)
    for found in (
        station_with(medium, permit),
        station_with(medium, replace(permit, valid_from=day_before)),
        station_with(medium, permit, facility_since=day_before),
        # A permit of later, for a facility that is older than it.
        station_with(medium, replace(permit, valid_from=local(2026, 7, 1)), facility_since=local(2009, 1, 1)),
        # It had a permit before.
        station_with(
            medium,
            replace(permit, valid_from=local(2020, 1, 1), valid_to=local(2026, 1, 1)),
            replace(permit, valid_from=local(2026, 1, 1)),
        ),
    ):
        assert BOOK.problems_of(found) == []
        assert BOOK.limits_of(found, local(2031, 12, 31))
        assert BOOK.limits_of(found, local(2032, 1, 1)) == ()


@pytest.mark.parametrize(("medium", "permit", "successor", "begins"), OLD_AND_NEW)
def test_a_facility_that_did_not_exist_then_is_held_to_the_replaced_standard_no_longer(
    medium: StationType, permit: Permit, successor: str, begins: datetime
) -> None:
    for found in (
        station_with(medium, permit, facility_since=begins),
        station_with(medium, replace(permit, valid_from=begins)),
    ):
        assert BOOK.limits_of(found, begins) == ()
        (problem,) = BOOK.problems_of(found)
        said = problem.sentence
        assert f"{permit.standard} does not hold at any time of this permit: it ended on" in said
        assert f"Name {successor}" in said
        assert "state facility_since" in said
    # Until the new one began it was held to the old one all the same.
    assert BOOK.limits_of(station_with(medium, permit, facility_since=begins), begins - timedelta(hours=1))


def test_a_new_facility_is_held_to_the_new_standard_that_its_permit_names() -> None:
    permit = Permit(
        standard="QCVN 19:2024/BTNMT", column="A", category="gas-up-to-300mw", valid_from=local(2026, 1, 1)
    )
    found = station_with(STACK, permit)
    assert BOOK.problems_of(found) == []
    assert limit(found, local(2026, 1, 1), "NOx").maximum == 70


def test_a_permit_older_than_its_facility_is_told() -> None:
    found = station_with(
        WASTEWATER, industrial(valid_from=local(2020, 1, 1)), facility_since=local(2021, 1, 1)
    )
    assert [str(problem) for problem in BOOK.problems_of(found)] == [
        "permits.1: it begins before the facility did (facility_since)"
    ]


def test_a_permit_of_a_replaced_standard_without_values_holds_by_its_own_limits() -> None:
    own = PermitLimit("COD", "mg/L", "day", maximum=100.0)
    permit = Permit(standard="QCVN 12-MT:2015/BTNMT", limits=(own,), number="5/GPMT")
    found = station_with(WASTEWATER, permit)
    assert BOOK.problems_of(found) == []
    assert limit(found, local(2026, 1, 1), "COD").maximum == 100


@given(since=st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_transition_never_shortens_a_standard(since: datetime | None) -> None:
    end, until = local(2025, 9, 1), local(2032, 1, 1)
    plain = Standard("Q", "", "", frozenset({WASTEWATER}), valid_to=end)
    span = replace(plain, transition=Transition(until)).span_for(since)
    assert plain.span_for(since).valid_to == end
    assert span.valid_to == (until if since is None or since < end else end)


def test_a_standard_gives_no_limit_before_it_came_into_force() -> None:
    permit = Permit(standard="QCVN 19:2024/BTNMT", column="B", category="biomass-boiler-under-20t")
    assert BOOK.limits_of(station_with(STACK, permit), local(2025, 6, 30)) == ()
    dust = limit(station_with(STACK, permit), local(2025, 7, 1), "PM")
    assert (dust.maximum, dust.reference_oxygen, dust.unit) == (50, 7, "mg/Nm3")


@pytest.mark.parametrize(
    ("category", "parameter", "column", "maximum", "oxygen"),
    [
        ("biomass-boiler-from-20t", "PM", "A", 30, 7),
        ("biomass-boiler-from-20t", "NOx", "C", 350, 7),
        ("gas-above-1200mw", "SO2", "B", 60, 15),
        ("gas-300-to-1200mw", "NOx", "B", 90, 15),
        ("gas-up-to-300mw", "PM", "C", 20, 15),
    ],
)
def test_the_category_of_a_stack_chooses_its_rows(
    category: str, parameter: str, column: str, maximum: float, oxygen: float
) -> None:
    permit = Permit(standard="QCVN 19:2024/BTNMT", column=column, category=category)
    found = limit(station_with(STACK, permit), local(2026, 1, 1), parameter)
    assert (found.maximum, found.reference_oxygen) == (maximum, oxygen)


def test_stacks_of_the_older_standard_are_multiplied_by_kp_and_kv() -> None:
    permit = Permit(standard="QCVN 19:2009/BTNMT", column="B", coefficients=(("Kp", 0.8), ("Kv", 0.8)))
    found = limit(station_with(STACK, permit), local(2024, 1, 1), "PM")
    assert (found.maximum, found.reference_oxygen) == (128, None)  # 200 x 0.8 x 0.8


def test_table_1_of_surface_water_holds_in_every_class_of_rivers_and_lakes() -> None:
    for category in ("river", "lake"):
        for column in "ABCD":
            permit = Permit(standard="QCVN 08:2023/BTNMT", column=column, category=category)
            assert limit(station_with(RIVER, permit), local(2026, 1, 1), "NH4-N").maximum == 0.3
    river = station_with(RIVER, Permit(standard="QCVN 08:2023/BTNMT", column="A", category="river"))
    lake = station_with(RIVER, Permit(standard="QCVN 08:2023/BTNMT", column="A", category="lake"))
    assert limit(river, local(2026, 1, 1), "pH").minimum == 6.5
    assert not has(lake, local(2026, 1, 1), "pH")
    assert limit(lake, local(2026, 1, 1), "DO").minimum == 6
    assert [limit(found, local(2026, 1, 1), "TSS").maximum for found in (river, lake)] == [25, 5]
    assert not has(river, local(2026, 1, 1), "Chlorophyll-a")
    assert limit(lake, local(2026, 1, 1), "Chlorophyll-a").maximum == 14


BAD = [
    (
        Permit(standard="QCVN 40:2012/BTNMT", column="A"),
        "unknown standard 'QCVN 40:2012/BTNMT'; did you mean",
    ),
    (Permit(standard="QCVN 05:2023/BTNMT"), "QCVN 05:2023/BTNMT is for ambient-air, not for wastewater"),
    (industrial("C"), "QCVN 40:2011/BTNMT has no column 'C'; it has A or B"),
    (industrial(""), "QCVN 40:2011/BTNMT needs a column: A or B"),
    (industrial(coefficients=()), "QCVN 40:2011/BTNMT needs the coefficient Kf and Kq"),
    (industrial(coefficients=(("Kq", 0.9),)), "QCVN 40:2011/BTNMT needs the coefficient Kf"),
    (industrial(coefficients=(("Kp", 1.0), ("Kq", 0.9))), "QCVN 40:2011/BTNMT has no coefficient 'Kp'"),
    (industrial(coefficients=(("Kf", -1.0), ("Kq", 0.9))), "Kf must be a number above 0"),
    (Permit(standard="QCVN 40:2025/BTNMT", column="A"), "state the permit's own limits"),
    (industrial(valid_from=local(2032, 1, 1)), "does not hold at any time of this permit"),
    (Permit(standard="QCVN 19:2024/BTNMT"), "QCVN 19:2024/BTNMT is for stack, not for wastewater"),
]


# They are told all the same, though what is chosen too much takes nothing away.
SUPERFLUOUS = [
    (industrial(category="river"), "QCVN 40:2011/BTNMT has no category 'river'; it has none"),
    (industrial(without=("DO",)), "without: QCVN 40:2011/BTNMT has no limit of DO"),
]


@pytest.mark.parametrize(("permit", "sentence"), [*BAD, *SUPERFLUOUS])
def test_a_permit_that_cannot_be_used_is_told_in_a_sentence(permit: Permit, sentence: str) -> None:
    (said, *_) = BOOK.problems(permit, WASTEWATER)
    assert sentence in said


@pytest.mark.parametrize("permit", [permit for permit, _ in BAD])
def test_a_permit_that_cannot_be_used_scales_nothing_and_raises_nothing(permit: Permit) -> None:
    for at in (datetime.min.replace(tzinfo=UTC), local(2026, 1, 1), datetime.max.replace(tzinfo=UTC)):
        assert not [each for each in BOOK.applied_to(station_with(WASTEWATER, permit), at) if each.factors]


def test_without_its_coefficients_a_permit_still_limits_what_needs_none() -> None:
    found = station_with(WASTEWATER, industrial(coefficients=()))
    codes = {each.parameter for each in BOOK.limits_of(found, local(2026, 1, 1))}
    assert codes == {"pH", "Temp", "Color", "Coliform"}


def test_coefficients_are_not_needed_where_the_permit_states_every_scaled_limit() -> None:
    standard = BOOK.standards["QCVN 22:2009/BTNMT"]
    own = tuple(PermitLimit(row.parameter, row.unit, "day", maximum=10.0) for row in standard.rows)
    permit = Permit(standard=standard.name, category="gas-turbine", limits=own)
    assert BOOK.problems(permit, STACK) == []


def test_a_permit_of_an_unread_standard_holds_by_its_own_limits() -> None:
    own = PermitLimit("COD", "mg/L", "day", maximum=80.0)
    permit = Permit(standard="QCVN 40:2025/BTNMT", column="B", limits=(own,), valid_from=local(2025, 9, 1))
    assert BOOK.problems(permit, WASTEWATER) == []
    (only,) = BOOK.limits_of(station_with(WASTEWATER, permit), local(2026, 1, 1))
    assert (only.parameter, only.maximum) == ("COD", 80.0)


def test_a_limit_stated_twice_is_told_and_the_last_counts() -> None:
    own = tuple(PermitLimit("COD", "mg/L", "day", maximum=top) for top in (60.0, 50.0))
    permit = industrial(limits=own)
    assert BOOK.problems(permit, WASTEWATER) == ["it states a limit of COD (day) twice"]
    assert limit(station_with(WASTEWATER, permit), local(2026, 1, 1), "COD").maximum == 50


def test_permits_at_the_same_time_are_told() -> None:
    found = station_with(WASTEWATER, industrial("A"), industrial("B", valid_from=local(2025, 1, 1)))
    assert [str(problem) for problem in BOOK.problems_of(found)] == [
        "permits.2: it is valid at the same time as permits.1"
    ]


def test_a_limit_in_another_unit_than_the_stations_is_told() -> None:
    permit = industrial(limits=(PermitLimit("COD", "µg/L", "day", maximum=60000.0),))
    found = station_with(WASTEWATER, permit, parameters=(StationParameter(code="COD", unit="mg/L"),))
    (problem,) = BOOK.problems_of(found)
    assert str(problem).startswith("permits.1.limits.1: COD is measured in 'mg/L'")


def test_a_replaced_record_of_the_same_station_is_asked_anew() -> None:
    at = local(2026, 1, 1)
    book = LimitBook(BOOK.standards.values())
    for column, maximum in (("A", 74.25), ("B", 148.5), ("A", 74.25)):
        limits = book.limits_of(station_with(WASTEWATER, industrial(column)), at)
        assert [each.maximum for each in limits if each.parameter == "COD"] == [maximum]


def test_the_same_tuple_is_returned_while_nothing_changes() -> None:
    air = station_with(AIR)
    first = BOOK.limits_of(air, local(2026, 1, 1))
    assert BOOK.limits_of(air, local(2030, 5, 5)) is first
    assert BOOK.limits_of(air, local(2025, 12, 31)) is not first


def test_two_standards_of_one_name_are_refused() -> None:
    one = Standard("Q", "", "", frozenset({AIR}))
    with pytest.raises(ValueError, match="Q is defined twice"):
        LimitBook([one, one])


MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
FACTOR = st.floats(0.1, 3)


@given(at=MOMENTS, column=st.sampled_from("AB"), kq=FACTOR, kf=FACTOR)
def test_every_limit_by_permit_is_its_row_times_its_factors(
    at: datetime, column: str, kq: float, kf: float
) -> None:
    found = station_with(WASTEWATER, industrial(column, coefficients=(("Kf", kf), ("Kq", kq))))
    for each in LimitBook(BOOK.standards.values()).applied_to(found, at):
        assert each.row is not None
        factor = math.prod(value for _, value in each.factors)
        for given_value, base in (
            (each.limit.minimum, each.row.minimum),
            (each.limit.maximum, each.row.maximum),
        ):
            assert (given_value is None) == (base is None)
            if base is not None:
                assert given_value == pytest.approx(base * factor, rel=1e-11)


@given(at=MOMENTS, starts=st.lists(MOMENTS, min_size=1, max_size=4, unique=True))
def test_at_any_time_the_permit_valid_then_and_no_other_is_applied(
    at: datetime, starts: list[datetime]
) -> None:
    ordered = sorted(starts)
    permits = tuple(
        industrial(
            limits=(PermitLimit("COD", "mg/L", "day", maximum=float(number)),),
            valid_from=start,
            valid_to=end,
        )
        for number, (start, end) in enumerate(zip(ordered, [*ordered[1:], None], strict=True))
    )
    limits = LimitBook(BOOK.standards.values()).limits_of(station_with(WASTEWATER, *permits), at)
    begun = [number for number, start in enumerate(ordered) if start <= at]
    assert [each.maximum for each in limits if each.parameter == "COD"] == begun[-1:]


@given(at=MOMENTS, medium=st.sampled_from(StationType))
def test_no_station_has_two_limits_of_one_parameter_and_period_from_its_mediums_standard(
    at: datetime, medium: StationType
) -> None:
    keys = [(each.parameter, each.period) for each in BOOK.limits_of(station_with(medium), at)]
    assert len(keys) == len(set(keys))


def test_dust_in_thin_gas_is_corrected_to_the_reference_oxygen() -> None:
    found = correct_oxygen([112.0], [18.7], 7.0)
    assert found.tolist() == pytest.approx([707.6], abs=0.05)


def test_in_air_or_without_oxygen_nothing_can_be_corrected() -> None:
    found = correct_oxygen([112.0] * 4, [20.9, 21.0, math.nan, 20.8], 7.0)
    assert np.isnan(found).tolist() == [True, True, True, False]


@given(value=st.floats(0, 1e4), reference=st.floats(0, 20))
def test_gas_at_the_reference_oxygen_is_as_it_is(value: float, reference: float) -> None:
    assert correct_oxygen([value], [reference], reference)[0] == pytest.approx(value)


@given(value=st.floats(0, 1e4), low=st.floats(0, 20.8), high=st.floats(0, 20.8))
def test_the_thinner_the_gas_the_higher_the_corrected_value(value: float, low: float, high: float) -> None:
    below, above = correct_oxygen([value, value], sorted([low, high]), 7.0)
    assert below <= above


SHARES = WarningShares(0.8, 0.9, 1.0)


def of_air(parameter: str) -> list[Limit]:
    return [
        each for each in BOOK.limits_of(station_with(AIR), local(2026, 1, 1)) if each.parameter == parameter
    ]


def test_warnings_are_shares_of_the_limit_nearest_to_a_single_value() -> None:
    assert warning_levels(of_air("NO2"), None, SHARES) == WarningLevels(160, 180, 200)  # of the hour
    assert warning_levels(of_air("PM2.5"), None, SHARES) == WarningLevels(36, 40.5, 45)  # of the day


def test_the_stations_own_levels_win() -> None:
    own = WarningLevels(exceeded=500)
    assert warning_levels(of_air("NO2"), own, SHARES) == own


def test_of_a_minimum_the_levels_count_downwards() -> None:
    oxygen = Limit("DO", Period.DAY, "mg/L", "Q", minimum=4)
    found = warning_levels([oxygen], None, SHARES)
    assert found is not None
    assert (found.tendency, found.exceeded) == (5, 4)
    assert found.preparing == pytest.approx(4.4444, abs=1e-4)


def test_of_several_limits_of_one_period_the_strictest_warns() -> None:
    loose, strict = (Limit("COD", Period.DAY, "mg/L", "Q", maximum=top) for top in (100, 50))
    assert warning_levels([loose, strict], None, SHARES) == WarningLevels(40, 45, 50)


@pytest.mark.parametrize(
    "without",
    [
        Limit("pH", Period.DAY, "", "Q", minimum=6, maximum=9),
        Limit("PM", Period.DAY, "mg/Nm3", "Q", maximum=50, reference_oxygen=7),
        Limit("PM2.5", Period.YEAR, "µg/m3", "Q", maximum=25),
    ],
)
def test_a_band_a_corrected_value_and_a_yearly_mean_give_no_warning(without: Limit) -> None:
    assert warning_levels([without], None, SHARES) is None


def test_a_temperature_warns_at_its_limit_only() -> None:
    heat = Limit("Temp", Period.DAY, "°C", "Q", maximum=40)
    assert warning_levels([heat], None, SHARES) == WarningLevels(exceeded=40)


def test_the_shipped_shares_are_said_to_be_unverified() -> None:
    assert warning_shares() == WarningShares(0.8, 0.9, 1.0, "default, unverified")
