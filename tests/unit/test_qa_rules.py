"""Rule files: scopes, versions, and what a misspelt one says."""

import pytest
import yaml

from quantrac.domain.qa.table import TESTS
from schemas.rules import NATIONAL, load

pytestmark = pytest.mark.unit

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


@pytest.fixture
def rules_of(tmp_path):
    def write(text):
        path = tmp_path / "rules.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return write


def test_a_narrower_scope_replaces_single_thresholds(rules_of):
    rules = rules_of(SMALL)
    flat_line = {"suspect_after": 360, "fail_after": 1440}
    assert rules.thresholds("surface-water", "X", "pH") == {
        "status": {},
        "flat_line": flat_line,
        "spike": {"suspect": 2, "fail": 10},
    }
    assert rules.thresholds("groundwater", "X", "pH")["spike"] == {"suspect": 1, "fail": 10}
    assert rules.thresholds("groundwater", "X", "Temp")["flat_line"] == {
        "suspect_after": 1000,
        "fail_after": 9000,
    }
    assert rules.thresholds("", "X", "Temp") == {"status": {}, "flat_line": flat_line}


def test_a_station_may_switch_a_test_off_and_change_one_threshold(rules_of):
    thresholds = rules_of(SMALL).thresholds("groundwater", "HN_PHCH_NUOPCH", "pH")
    assert thresholds == {"status": {}, "spike": {"suspect": 1, "fail": 5}}


def test_a_resolved_place_is_looked_up_once(rules_of):
    rules = rules_of(SMALL)
    assert rules.thresholds("stack", "X", "O2") is rules.thresholds("stack", "Y", "O2")


def test_the_version_follows_the_thresholds_and_not_the_wording(rules_of):
    version = rules_of(SMALL).version
    assert version == rules_of(SMALL.replace("default, unverified", "QCVN")).version
    assert version != rules_of(SMALL.replace("1440", "1441")).version
    assert len(version) == 12


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
        ("1440", "yes", "rules.yaml, line 5: flat_line.fail_after must be a number, not 'yes'"),
        ("flat_line: off", "flat_line: 3",
         "rules.yaml, line 19: flat_line must be a mapping of thresholds, or off"),
        ("status: {}", "flat_line: {}", "rules.yaml, line 5: test 'flat_line' stands twice"),
        ("1440", "60", "rules.yaml: national: flat_line: suspect_after 360.0 is above fail_after 60.0"),
        ("{fail: 5}", "{fail: 0.5}", "rules.yaml: HN_PHCH_NUOPCH/pH: spike: suspect 2.0 is above fail 0.5"),
        ("{suspect: 2, fail: 10}", "{suspect: 2}",
         "rules.yaml: national/pH: spike: spike() missing 1 required keyword-only argument: 'fail'"),
        ("national:", "stations:", "rules.yaml, line 16: section 'stations' stands twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(rules_of, right, wrong, message):
    with pytest.raises(ValueError) as error:
        rules_of(SMALL.replace(right, wrong, 1))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rules.yaml: the file is empty"),
        ("stations: {}", "rules.yaml, line 1: section 'national' is missing"),
        ("- status", "rules.yaml, line 1: expected a mapping with a section as each key"),
    ],
)
def test_a_file_that_is_no_rule_file_is_refused(rules_of, text, message):
    with pytest.raises(ValueError) as error:
        rules_of(text)
    assert str(error.value) == message


def test_the_national_rules_use_every_test_and_require_what_counts():
    rules = load()
    assert rules.required == {"status", "unit"}
    assert list(rules.thresholds("ambient-air", "X", "PM2.5")) == list(TESTS)
    assert rules.thresholds("ambient-air", "X", "Rain")["flat_line"]["exempt_high"] == 0
    assert "spike" not in rules.thresholds("stack", "X", "SO2")


def test_every_national_threshold_says_where_it_comes_from():
    content = yaml.safe_load(NATIONAL.read_text(encoding="utf-8"))
    scopes = [content["national"], *content["station_types"].values()]
    tests = [scope.get("tests", {}) for scope in scopes]
    tests += [each for scope in scopes for each in scope.get("parameters", {}).values()]
    assert all(setting["source"] for each in tests for setting in each.values())
