"""Rule files: scopes, validity, versions, what a misspelt one says, and the shipped defaults."""

from datetime import UTC, datetime

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.qa.baseline.climatology_table import climate
from quantrac.domain.qa.checks.table import TESTS
from schemas.rules import NATIONAL, from_content, load
from schemas.rules.climatology import Series, climatology_file
from schemas.rules.differences import differences

SMALL = """\
required: [status]
national:
  tests:
    status: {}
    flat_line: {suspect_after: 360, fail_after: 1440, source: "default, unverified"}
  parameters:
    pH:
      spike: {suspect: 2, fail: 10}
station_types:
  groundwater:
    tests:
      flat_line: {suspect_after: 1000, fail_after: 9000}
    parameters:
      pH:
        spike: {suspect: 1}
stations:
  HN_PHCH_NUOPCH:
    tests:
      flat_line: off
    parameters:
      pH:
        spike: {fail: 5}
"""


NOW = datetime(2026, 3, 25, tzinfo=UTC)


@pytest.fixture
def rules_of(tmp_path):
    def write(text, name="rules.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load(path)

    return write


@pytest.fixture
def folder_of(tmp_path):
    def write(**files):
        folder = tmp_path / "rules"
        for name, text in files.items():
            path = folder / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return load(folder)

    return write


def test_a_narrower_scope_replaces_single_thresholds(rules_of):
    rules = rules_of(SMALL)
    flat_line = {"suspect_after": 360, "fail_after": 1440}
    assert rules.thresholds("surface-water", "X", "pH", NOW) == {
        "status": {},
        "flat_line": flat_line,
        "spike": {"suspect": 2, "fail": 10},
    }
    assert rules.thresholds("groundwater", "X", "pH", NOW)["spike"] == {"suspect": 1, "fail": 10}
    assert rules.thresholds("groundwater", "X", "Temp", NOW)["flat_line"] == {
        "suspect_after": 1000,
        "fail_after": 9000,
    }
    assert rules.thresholds("", "X", "Temp", NOW) == {"status": {}, "flat_line": flat_line}


def test_a_station_may_switch_a_test_off_and_change_one_threshold(rules_of):
    thresholds = rules_of(SMALL).thresholds("groundwater", "HN_PHCH_NUOPCH", "pH", NOW)
    assert thresholds == {"status": {}, "spike": {"suspect": 1, "fail": 5}}


def test_a_resolved_place_is_looked_up_once(rules_of):
    rules = rules_of(SMALL)
    assert rules.thresholds("stack", "X", "O2", NOW) is rules.thresholds("stack", "Y", "O2", NOW)


def test_the_version_follows_the_thresholds_and_not_the_wording(rules_of):
    version = rules_of(SMALL).version
    assert version == rules_of(SMALL.replace("default, unverified", "QCVN")).version
    assert version != rules_of(SMALL.replace("1440", "1441")).version
    assert len(version) == 12


def test_the_version_does_not_follow_the_layout_of_files_nor_the_order_of_keys(rules_of, folder_of):
    national, types_and_stations = SMALL.split("station_types:")
    types, stations = types_and_stations.split("stations:")
    split = folder_of(a=f"stations:{stations}", b=f"station_types:{types}", deep__c=national)
    swapped = SMALL.replace("suspect: 2, fail: 10", "fail: 10.0, suspect: 2")
    assert {split.version, rules_of(swapped).version} == {rules_of(SMALL).version}


def test_the_content_reads_back_as_the_same_rules_with_their_sources(rules_of):
    rules = rules_of(SMALL + """
        climatology: {low: LOW, high: HIGH}
        physical_range:
          - {low: 0, high: 14, valid_to: 2026-01-01}
          - {low: 2, high: 12, valid_from: 2026-02-01T07:00+07:00, source: "letter 12/STNMT"}
        rate_of_change: {suspect: 1e-3}
        against_other: {other: Temp, at_most: 1}
        error_code: {codes: [65535, -3276.8], suspect_codes: []}
""".replace("LOW", str([[None] * 24] + [[1.5] * 24] * 11).replace("None", "null"))
        .replace("HIGH", str([[9] * 24] * 12)))  # fmt: skip
    again = from_content(rules.content)
    assert (again.content, again.version) == (rules.content, rules.version)
    assert '"letter 12/STNMT"' in rules.content
    found = again.thresholds("", "HN_PHCH_NUOPCH", "pH", NOW)
    assert found["rate_of_change"] == {"suspect": 0.001}
    assert found["against_other"] == {"other": "Temp", "at_most": 1}
    assert found["error_code"] == {"codes": (65535, -3276.8), "suspect_codes": ()}
    assert np.isnan(found["climatology"]["low"][0][23])
    assert (found["climatology"]["low"][1][0], found["climatology"]["high"][11][23]) == (1.5, 9.0)


def test_a_setting_holds_between_its_dates(rules_of):
    complete = SMALL.replace("{suspect: 1}", "{suspect: 1, fail: 5}")
    rules = rules_of(complete.replace("{suspect: 2, fail: 10}", """
        - {suspect: 3, fail: 10, valid_from: 2026-06-01, source: "new probe"}
        - {suspect: 2, fail: 10, valid_from: 2026-01-01, valid_to: 2026-06-01}"""))  # fmt: skip
    changes = rules.changes("stack", "X", "pH")
    assert [str(each) for each in changes] == ["2025-12-31 17:00:00+00:00", "2026-05-31 17:00:00+00:00"]
    assert rules.changes("stack", "X", "Temp") == ()

    def suspect(*moment):
        found = rules.thresholds("stack", "X", "pH", datetime(*moment, tzinfo=UTC))
        return found.get("spike", {}).get("suspect")

    assert suspect(2025, 12, 31, 16, 59) is None
    assert suspect(2025, 12, 31, 17) == 2
    assert suspect(2026, 5, 31, 16, 59) == 2
    assert suspect(2026, 5, 31, 17) == 3


def test_files_without_a_national_section_lie_over_the_shipped_defaults(rules_of):
    shipped, mine = load(), rules_of("stations: {HN_X: {parameters: {PM2.5: {spike: {suspect: 7}}}}}")
    usual = shipped.thresholds("ambient-air", "HN_X", "PM2.5", NOW)
    found = mine.thresholds("ambient-air", "HN_X", "PM2.5", NOW)
    assert found == {**usual, "spike": {**usual["spike"], "suspect": 7}}
    assert mine.thresholds("ambient-air", "HN_Y", "PM2.5", NOW) == usual
    assert mine.required == {"status", "unit"}


def test_a_file_that_says_what_is_shipped_changes_nothing(rules_of):
    same = rules_of("station_types: {ambient-air: {parameters: {PM2.5: {stuck: {tolerance: 0.5}}}}}")
    assert same.version == load().version
    off = rules_of("station_types: {ambient-air: {parameters: {PM2.5: {stuck: off}}}}")
    assert "stuck" not in off.thresholds("ambient-air", "X", "PM2.5", NOW)
    assert from_content(off.content).version == off.version != load().version


def test_a_change_is_told_threshold_by_threshold(rules_of):
    old = rules_of(SMALL)
    new = rules_of(
        SMALL.replace("suspect: 1}", "suspect: 1.5}")
        .replace("      flat_line: off", "      spike: {suspect: 3, fail: 9}")
        .replace("[status]", "[status, unit]")
    )
    others = "(ambient-air, stack, surface-water, wastewater)"
    assert [str(each) for each in differences(old, new)] == [
        f"HN_PHCH_NUOPCH {others} flat_line: off -> on",
        f"HN_PHCH_NUOPCH {others} flat_line.fail_after: none -> 1440",
        f"HN_PHCH_NUOPCH {others} flat_line.suspect_after: none -> 360",
        "HN_PHCH_NUOPCH (groundwater) flat_line: off -> on",
        "HN_PHCH_NUOPCH (groundwater) flat_line.fail_after: none -> 9000",
        "HN_PHCH_NUOPCH (groundwater) flat_line.suspect_after: none -> 1000",
        "HN_PHCH_NUOPCH spike: off -> on",
        "HN_PHCH_NUOPCH spike.fail: none -> 9",
        "HN_PHCH_NUOPCH spike.suspect: none -> 3",
        "groundwater/pH spike.suspect: 1 -> 1.5",
        "required: status -> status, unit",
    ]
    assert differences(new, new) == []


def test_a_station_of_a_known_type_is_compared_with_what_its_type_has(rules_of):
    old, new = (
        rules_of(SMALL),
        rules_of(SMALL.replace("      flat_line: off", "      flat_line: {fail_after: 9000}")),
    )
    types = {"HN_PHCH_NUOPCH": "groundwater"}
    assert [str(change) for change in differences(old, new, types)] == [
        "HN_PHCH_NUOPCH flat_line: off -> on",
        "HN_PHCH_NUOPCH flat_line.fail_after: none -> 9000",
        "HN_PHCH_NUOPCH flat_line.suspect_after: none -> 1000",
    ]


def test_a_threshold_over_one_of_a_wider_scope_is_a_change_of_that_one(rules_of):
    new = rules_of("stations: {HN_X: {parameters: {SO2: {flat_line: {suspect_after: 60}}}}}")
    changes = [str(change) for change in differences(load(), new)]
    assert changes == ["HN_X/SO2 flat_line.suspect_after: 360 -> 60"]
    assert [str(change) for change in differences(new, load())] == [
        "HN_X/SO2 flat_line.suspect_after: 60 -> 360"
    ]


def test_a_threshold_that_repeats_a_wider_scope_changes_nothing(rules_of):
    new = rules_of("stations: {HN_X: {parameters: {SO2: {flat_line: {suspect_after: 360}}}}}")
    assert differences(load(), new) == []


def test_a_change_for_a_time_names_its_dates_on_vietnams_clock(rules_of):
    spell = "{suspect_after: 60, valid_from: 2026-03-01, valid_to: 2026-04-01}"
    new = rules_of(f"stations: {{HN_X: {{parameters: {{SO2: {{flat_line: [{spell}]}}}}}}}}")
    dates = "[2026-03-01T00:00:00+07:00, 2026-04-01T00:00:00+07:00)"
    changes = [str(change) for change in differences(load(), new)]
    assert changes == [f"HN_X/SO2 flat_line.suspect_after {dates}: 360 -> 60"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("suspect_after: 360", "suspect_aftr: 360",
         "rules.yaml, line 5: unknown threshold of flat_line 'suspect_aftr'; the nearest is 'suspect_after'"),
        ("status: {}", "statsu: {}", "rules.yaml, line 4: unknown test 'statsu'; the nearest is 'status'"),
        ("groundwater", "ground-water",
         "rules.yaml, line 10: unknown station type 'ground-water'; the nearest is 'groundwater'"),
        ("    pH:", "    PH:", "rules.yaml, line 7: unknown parameter 'PH'; the nearest is 'pH'"),
        ("stations:", "station:",
         "rules.yaml, line 16: unknown section 'station'; the nearest is 'stations'"),
        ("[status]", "[stats]", "rules.yaml, line 1: unknown test 'stats'; the nearest is 'status'"),
        ("[status]", "status", "rules.yaml, line 1: required must be a list of tests"),
        ("1440", "a day", "rules.yaml, line 5: flat_line.fail_after must be a number, not 'a day'"),
        ("1440", "1_440", "rules.yaml, line 5: flat_line.fail_after must be a number, not '1_440'"),
        ("1440", "yes", "rules.yaml, line 5: flat_line.fail_after must be a number, not 'yes'"),
        ("flat_line: off", "flat_line: 3",
         "rules.yaml, line 19: flat_line must be a mapping of thresholds, or off"),
        ("status: {}", "flat_line: {}", "rules.yaml, line 5: test 'flat_line' stands twice"),
        ("1440", "60",
         "rules.yaml, line 5: national: flat_line: suspect_after 360.0 is above fail_after 60.0"),
        ("{fail: 5}", "{fail: 0.5}",
         "rules.yaml, line 22: HN_PHCH_NUOPCH/pH: spike: suspect 2.0 is above fail 0.5"),
        ("suspect_after: 360, ", "",
         "rules.yaml, line 5: national: flat_line: missing 1 required keyword-only argument: "
         "'suspect_after'"),
        ("national:", "stations:", "rules.yaml, line 16: section 'stations' stands twice"),
        ("1440", "'1440'", "rules.yaml, line 5: flat_line.fail_after must be a number, not '1440'"),
        ("1440", ".inf", "rules.yaml, line 5: flat_line.fail_after must be a number, not '.inf'"),
        ("1440", "[1]", "rules.yaml, line 5: flat_line.fail_after must be a number, not 'a list'"),
        ("{suspect: 1}", "[]", "rules.yaml, line 15: spike has an empty list"),
        ("{suspect: 1}", "[{suspect: 1, valid_to: 2026-01-02}, {suspect: 1, valid_from: 2026-01-01}]",
         "rules.yaml, line 15: spike: the period overlaps that of rules.yaml, line 15"),
        ("{suspect: 1}", "{suspect: 1, valid_from: 2026-01-02, valid_to: 2026-01-02}",
         "rules.yaml, line 15: spike: valid_from must lie before valid_to"),
        ("{suspect: 1}", "{suspect: 1, valid_from: 2026-01-02T00:00}",
         "rules.yaml, line 15: spike.valid_from: '2026-01-02T00:00' names no zone; "
         "write +07:00 or Z after it"),
        ("{suspect: 1}", "{suspect: 1, valid_until: 2026-01-02}",
         "rules.yaml, line 15: unknown threshold of spike 'valid_until'; the nearest is 'valid_to'"),
        ("spike: {suspect: 1}", "against_other: {other: pm10}",
         "rules.yaml, line 15: unknown parameter 'pm10'; the nearest is 'PM10'"),
        ("spike: {suspect: 1}", "climatology: {low: 1, high: 2}",
         "rules.yaml, line 15: climatology.low must be a table: a list of 12 months"),
        ("spike: {suspect: 1}", f"climatology: {{low: {[[2] * 24] * 12}, high: {[[1] * 24] * 12}}}",
         "rules.yaml, line 15: groundwater/pH: climatology: month 1, hour 0: low 2.0 is above high 1.0"),
        ("spike: {suspect: 1}", "unit: {expected: mg/L}",
         "rules.yaml, line 15: unknown threshold of unit 'expected'; the nearest is 'source'"),
        ("spike: {suspect: 1}", "error_code: {codes: 65535}",
         "rules.yaml, line 15: error_code.codes must be a list of numbers, such as [65535, -9999]"),
        ("spike: {suspect: 1}", "error_code: {codes: [65535, dead]}",
         "rules.yaml, line 15: error_code.codes must be a number, not 'dead'"),
        ("spike: {suspect: 1}", "error_code: {codes: [[65535]]}",
         "rules.yaml, line 15: error_code.codes must be a number, not 'a list'"),
        ("spike: {suspect: 1}", "spike: {suspect: 1",
         "rules.yaml, line 16: no YAML: did not find expected ',' or '}'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(rules_of, right, wrong, message):
    with pytest.raises(ValueError) as error:
        rules_of(SMALL.replace(right, wrong, 1))
    assert str(error.value) == message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rules.yaml: the file is empty"),
        ("- status", "rules.yaml, line 1: expected a mapping with a section as each key"),
    ],
)
def test_a_file_that_is_no_rule_file_is_refused(rules_of, text, message):
    with pytest.raises(ValueError) as error:
        rules_of(text)
    assert str(error.value) == message


def test_two_files_that_set_the_same_are_refused(folder_of):
    with pytest.raises(ValueError) as error:
        folder_of(a=SMALL, b="national:\n  parameters:\n    pH:\n      spike: {suspect: 1, fail: 2}")
    assert str(error.value) == "b.yaml, line 4: spike of national/pH stands in a.yaml, line 8 already"


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no \*\.yaml file in this folder"):
        load(tmp_path)


@given(st.sampled_from(SMALL.split("\n")), st.text(max_size=8))
def test_whatever_a_line_is_replaced_with_is_read_or_refused_in_one_sentence(tmp_path_factory, line, text):
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(SMALL.replace(line, text, 1), encoding="utf-8")
    try:
        rules = load(path)
    except ValueError as error:
        assert str(error).startswith(("rules.yaml, line ", "rules.yaml: "))
    else:
        assert from_content(rules.content).version == rules.version


def test_the_climate_of_a_series_becomes_a_rule_file_that_loads(rules_of):
    hours = np.arange(0, 366 * 24) * 3600.0
    shape = 20 + 10 * np.sin(2 * np.pi * hours / 86400)
    low, high = climate(hours, shape + (np.arange(len(hours)) // 24 % 5), margin=0, at_least=28)
    text = climatology_file("HN_X", [Series("Temp", low, high)], "baseline")
    found = rules_of(text).thresholds("ambient-air", "HN_X", "Temp", NOW)["climatology"]
    assert found["low"][0][0] == 20
    assert found["high"][0][0] == 24
    assert found["high"][5][6] == 34
    assert not np.isnan(low).any()


def test_a_month_and_hour_with_too_few_readings_stays_open():
    hours = np.arange(0, 29 * 24) * 3600.0
    low, _ = climate(hours, np.where(hours < 3600, np.nan, 1.0), at_least=29)
    assert np.isnan(low[0, 0])
    assert not np.isnan(low[0, 1:]).any()
    assert np.isnan(low[1:]).all()


@pytest.mark.parametrize(
    ("low", "high", "margin"), [(0.5, 0.5, 0.0), (-0.1, 0.9, 0.0), (0.1, 1.1, 0.0), (0.1, 0.9, -1.0)]
)
def test_a_climate_of_nonsense_is_refused(low, high, margin):
    with pytest.raises(ValueError):
        climate(np.zeros(1), np.zeros(1), low=low, high=high, margin=margin)


def test_a_list_of_a_narrower_scope_replaces_the_wider_one_and_counts_for_the_version(rules_of):
    text = SMALL.replace("spike: {suspect: 2, fail: 10}", "error_code: {codes: [65535], sensor_codes: [85]}")
    rules = rules_of(text.replace("spike: {suspect: 1}", "error_code: {codes: [9999]}").replace(
        "spike: {fail: 5}", "error_code: off"))  # fmt: skip
    assert rules.thresholds("stack", "X", "pH", NOW)["error_code"] == {
        "codes": (65535,),
        "sensor_codes": (85,),
    }
    assert rules.thresholds("groundwater", "X", "pH", NOW)["error_code"]["codes"] == (9999,)
    assert "error_code" not in rules.thresholds("groundwater", "HN_PHCH_NUOPCH", "pH", NOW)
    other = rules_of(text.replace("spike: {suspect: 1}", "error_code: {codes: [9998]}").replace(
        "spike: {fail: 5}", "error_code: off"))  # fmt: skip
    assert rules.version != other.version
    [difference] = differences(rules, other)
    assert str(difference) == "groundwater/pH error_code.codes: 9999 -> 9998"


WATERS = ("surface-water", "groundwater", "wastewater")
USUAL = [(medium.value, each.code) for each in CATALOGUE for medium in each.units]
BESIDE = [
    ("surface-water", "Rain"),
    ("groundwater", "Rain"),
    ("surface-water", "TempEnv"),
    ("wastewater", "TempEnv"),
]
"""Weather beside the water."""
OF_ANY_WATER = [
    (medium, each.code)
    for each in CATALOGUE
    for medium in WATERS
    if {*WATERS} & {usual.value for usual in each.units}
    and each.code not in ("TempEnv", "Flow", "FlowIn", "FlowOut")
]
"""What is measured in one water may be measured in each."""
PLACES = list(dict.fromkeys((*USUAL, *OF_ANY_WATER, *BESIDE)))
"""Where the parameters of the catalogue occur: medium and code."""


def test_the_national_rules_use_every_test_but_those_a_station_has_to_ask_for():
    rules = load()
    assert rules.required == {"status", "unit"}
    used = {test for place in PLACES for test in rules.thresholds(place[0], "X", place[1], NOW)}
    assert set(TESTS) - used == {"drops_with", "climatology"}


@pytest.mark.parametrize(("medium", "code"), PLACES)
def test_every_catalogue_parameter_has_a_physical_range_in_each_medium_in_which_it_occurs(medium, code):
    layers = load_once().layers(medium, "X", code, NOW)
    assert [str(scope) for scope, _ in layers["physical_range"]] == [f"{medium}/{code}"]


def load_once():
    if not LOADED:
        LOADED.append(load())
    return LOADED[0]


LOADED: list = []


def test_a_value_within_the_tolerance_of_negative_values_is_in_the_physical_range():
    for medium, code in PLACES:
        found = load_once().thresholds(medium, "X", code, NOW)
        if "negative" in found:
            assert found["physical_range"]["low"] <= -found["negative"]["tolerance"], (medium, code)


def test_what_stands_still_by_nature_is_not_called_a_flat_line():
    rules = load_once()
    assert rules.thresholds("ambient-air", "X", "Rain", NOW)["flat_line"]["exempt_high"] == 0
    assert rules.thresholds("ambient-air", "X", "Radiation", NOW)["flat_line"]["exempt_low"] == -5
    assert rules.thresholds("wastewater", "X", "Flow", NOW)["flat_line"]["exempt_high"] == 0
    assert rules.thresholds("groundwater", "X", "WaterLevel", NOW)["flat_line"]["suspect_after"] == 10080
    assert "spike" not in rules.thresholds("stack", "X", "SO2", NOW)


def test_a_part_is_compared_with_its_whole():
    rules = load_once()
    for part, whole in (("PM2.5", "PM10"), ("PM1", "PM2.5"), ("NO2", "NOx"), ("NO", "NOx")):
        assert rules.thresholds("ambient-air", "X", part, NOW)["against_other"]["other"] == whole
    nox = rules.thresholds("ambient-air", "X", "NOx", NOW)["sum_of_parts"]
    assert (nox["first"], nox["first_factor"]) == ("NO", round(46.006 / 30.006, 4))


def test_every_national_setting_says_where_it_comes_from():
    entries = [
        (scope, test, entry)
        for scope, tests in load_once().settings.items()
        for test, settings in tests.items()
        for entry in settings
    ]
    assert len(entries) > 500
    assert [(str(scope), test) for scope, test, entry in entries if not entry.source] == []


def test_the_national_files_name_parameters_of_their_medium_only():
    for path in NATIONAL.glob("*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for medium, scope in content.get("station_types", {}).items():
            assert path.stem == medium
            assert [c for c in scope["parameters"] if (medium, c) not in PLACES] == []
