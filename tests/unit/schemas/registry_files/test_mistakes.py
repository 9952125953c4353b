"""All mistakes of a registry folder at once, and none that only follow from another."""

import re
from pathlib import Path

import pytest

from quantrac.domain.territory import VIETNAM, Territory
from quantrac.local.demo import REGISTRY
from schemas.registry_files.folder import read_directory

STATION = """\
stations:
  - code: NB_SDAY_NUO01
    name: Sông Đáy
    type: ambient-air
    province: "37"
    latitude: 20.2
    longitude: 105.9
    parameters:
      - {code: SO2, unit: mg/m3}
"""
AT = "NB_SDAY_NUO01"


def mistakes(
    folder: Path, text: str = STATION, *, territory: Territory | None = VIETNAM, **files: str
) -> list[str]:
    for name, content in {"a": text, **files}.items():
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
    return [str(mistake) for mistake in read_directory(folder, territory).mistakes]


def remarks(folder: Path, text: str) -> list[str]:
    assert mistakes(folder, text) == []
    return [str(remark) for remark in read_directory(folder).remarks]


def measuring(*entries: str, more: str = "") -> str:
    head, _, _ = STATION.partition("    parameters:")
    return head + more + "    parameters:\n" + "".join(f"      - {{{entry}}}\n" for entry in entries)


def test_all_mistakes_of_all_files_are_named_at_once_in_their_order(tmp_path: Path) -> None:
    wrong = """\
stations:
  - code: NB_SDAY_NUO01
    name: 2026
    type: ambient air
    province: 99
    latitude: 20.2
    longitude: 10.59
    maintenence: []
    parameters:
      - {code: NO, unit: ug/m3, range_high: 1_000}
      - {code: SO2, unit: mg/m5}
      - {code: PM25, unit: mg/m3}
      - {code: CO, unit: mg/m3}
      - {code: CO, unit: ug/m3}
"""
    account = "accounts:\n  - name: demo\n    password_hash: $argon2id$x\n    stations: [NB_SDAY_NUO1]\n"
    assert mistakes(tmp_path, wrong, b=account, c="station: []\n") == [
        f'a.yaml, line 3: {AT}: name: YAML reads 2026 as the number 2026; put it in quotes: "2026"',
        f"a.yaml, line 4: {AT}: type: Input should be 'ambient-air', 'stack', 'surface-water', 'groundwater' "
        "or 'wastewater'; did you mean 'ambient-air'?",
        f'a.yaml, line 5: {AT}: province: YAML reads 99 as the number 99; put it in quotes: "99"',
        f"a.yaml, line 6: {AT}: latitude: latitude 20.2, longitude 10.59 lies outside {VIETNAM}; "
        "the option --territory names another territory",
        f"a.yaml, line 8: {AT}: maintenence: unknown key; did you mean 'maintenance'?",
        f'a.yaml, line 10: {AT}: parameters.1.code: YAML reads NO as false; put it in quotes: "NO"',
        f"a.yaml, line 10: {AT}: parameters.1.range_high: '1_000' is no number",
        f"a.yaml, line 11: {AT}: parameters.2.unit: the unit 'mg/m5' is unknown; the nearest is 'mg/m3'",
        f"a.yaml, line 12: {AT}: parameters.3.code: 'PM25' is no catalogue code; it is 'PM2.5'",
        f"a.yaml, line 14: {AT}: parameters.5: CO is valid at the same time as in parameters.4; "
        "end the earlier one with valid_to",
        "b.yaml, line 4: demo: stations.1: station 'NB_SDAY_NUO1' is not defined; did you mean "
        "'NB_SDAY_NUO01'?",
        "c.yaml, line 1: unknown key 'station'; did you mean 'stations'?",
    ]


def test_all_that_is_wrong_with_one_value_is_told(tmp_path: Path) -> None:
    permit = "    permits: [{standard: QCVN 40:2011/BTNMT, column: C, coefficients: {Kx: 1}}]\n"
    text = measuring("code: COD, unit: mg/L", more=permit).replace("ambient-air", "wastewater")
    assert [mistake.rpartition("permits.1: ")[2] for mistake in mistakes(tmp_path, text)] == [
        "QCVN 40:2011/BTNMT has no column 'C'; it has A or B",
        "QCVN 40:2011/BTNMT has no coefficient 'Kx'",
    ]


def test_one_parameter_twice_is_named_beside_other_mistakes_of_the_station(tmp_path: Path) -> None:
    (twice, unknown) = mistakes(
        tmp_path, measuring("code: CO, unit: mg/m3", "code: CO, unit: ug/m3", more="    x: 1\n")
    )
    assert "x: unknown key" in twice
    assert "parameters.2: CO is valid at the same time as in parameters.1" in unknown


@pytest.mark.parametrize(
    ("wrong", "doubled"),
    [
        (
            "    intervals: [{minute: 5}, {minutes: 5, valid_from: 2026-01-01}, {minutes: 15}]\n",
            "intervals.3: it is valid at the same time as intervals.2",
        ),
        (
            "    withdrawn: [{parameter: SO2}, {parameter: SO2, why: never measured}]\n",
            "withdrawn.2.parameter: SO2 is measured at the same time by parameters.1",
        ),
        (
            "    permits: [{standard: QCVN 05:2023/BTNMT, valid_to: 2020-01-01, colum: A},\n"
            "      {standard: QCVN 05:2023/BTNMT, valid_from: 2026-01-01},\n"
            "      {standard: QCVN 05:2023/BTNMT, valid_from: 2026-02-01}]\n",
            "permits.3: it is valid at the same time as permits.2",
        ),
    ],
)
def test_a_doubled_entry_is_named_beside_another_mistake_of_its_list(
    tmp_path: Path, wrong: str, doubled: str
) -> None:
    told = mistakes(tmp_path, measuring("code: SO2, unit: mg/m3", more=wrong))
    assert len(told) == 2
    assert doubled in "".join(told)


@pytest.mark.parametrize(
    "wrong",
    [
        "    permits: [{standard: QCVN 05:2023/BTNMT, colum: A}, {standard: QCVN 05:2023/BTNMT}]\n",
        "    intervals: [{minutes: 5, valid_too: 2026-01-01}, {minutes: 15, valid_from: 2026-01-01}]\n",
        "    pollution: [{kind: organics}]\n",
        "    valid_from: 2026\n    valid_to: 2025-01-01\n",
        "    facility_since: soon\n    permits: [{standard: QCVN 05:2023/BTNMT, valid_from: 2020-01-01}]\n",
    ],
)
def test_what_follows_from_a_mistake_is_not_told_beside_it(tmp_path: Path, wrong: str) -> None:
    assert len(mistakes(tmp_path, measuring("code: SO2, unit: mg/m3", more=wrong))) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("interval_minutes: yes", "interval_minutes: expected a number, not true"),
        ("interval_minutes: '5,5'", "interval_minutes: expected a number, not '5,5'"),
        ("interval_minutes: .inf", "interval_minutes: '.inf' is no number"),
        ("valid_from: 2024", "valid_from: expected a date or a time, such as 2026-01-01 or 2026-01-01 07:30"),
        ("valid_from: soon", "valid_from: expected a date or a time, such as"),
        (
            "valid_from: 2026-01-01 07:30:00",
            "valid_from: 2026-01-01 07:30:00 names no zone; write +07:00 or Z",
        ),
        (
            "valid_from: 2026-02-30",
            "valid_from: '2026-02-30' is no date or time: day is out of range for month",
        ),
        ("name_en:", "name_en: there is nothing after it"),
        ("aliases:", "aliases: there is nothing after it"),
        ("aliases: [01]", 'aliases.1: YAML reads 01 as the number 1; put it in quotes: "01"'),
        ("encoding: utf8", "encoding: Input should be 'utf-8' or 'cp1258'; did you mean 'utf-8'?"),
        ("publish_index: maybe", "publish_index: Input should be a valid boolean"),
        ("permits: [{standard: X, coefficients: {Kq: yes}}]", "permits.1.coefficients.Kq: expected a number"),
    ],
)
def test_what_yaml_takes_for_something_else_is_told(tmp_path: Path, wrong: str, sentence: str) -> None:
    (mistake,) = mistakes(tmp_path, measuring("code: SO2, unit: mg/m3", more=f"    {wrong}\n"))
    assert mistake.startswith(f"a.yaml, line 8: {AT}: {sentence}")


@pytest.mark.parametrize(
    "right",
    ["interval_minutes: 1e1", "interval_minutes: '5'", "interval_minutes: 010", "valid_from: 2024-01-01",
     "valid_from: '2024-01-01T24:00+07:00'", "publish_index: yes", "decimal_sign: ','", "latitude: 20"],
)  # fmt: skip
def test_what_can_mean_one_thing_only_is_taken(tmp_path: Path, right: str) -> None:
    key = right.partition(":")[0]
    text = measuring("code: SO2, unit: mg/m3", more=f"    {right}\n")
    lines = [line for line in text.splitlines() if not line.startswith(f"    {key}: 20.2")]
    assert mistakes(tmp_path, "\n".join(lines)) == []


def test_a_wrong_code_of_before_can_be_ended(tmp_path: Path) -> None:
    entries = (
        "code: PM25, unit: µg/m3, valid_to: 2026-01-01",
        "code: PM2.5, unit: µg/m3, valid_from: 2026-01-01",
    )
    assert mistakes(tmp_path, measuring(*entries)) == []
    assert len(mistakes(tmp_path, measuring(entries[0].replace("valid_to", "valid_from")))) == 1


def test_coordinates_in_each_others_place_are_told(tmp_path: Path) -> None:
    text = STATION.replace("20.2", "x").replace("105.9", "20.2").replace("x", "105.9", 1)
    (mistake,) = mistakes(tmp_path, text)
    assert mistake.endswith("latitude and longitude seem to stand in each other's place")


def test_a_station_may_lie_in_another_territory_or_anywhere_if_that_is_said(tmp_path: Path) -> None:
    text = STATION.replace("20.2", "39.9").replace("105.9", "116.2")
    assert len(mistakes(tmp_path, text)) == 1
    assert mistakes(tmp_path, text, territory=Territory(39.4, 115.4, 41.1, 117.6)) == []
    assert mistakes(tmp_path, text, territory=None) == []


@pytest.mark.parametrize("name", ["Ninh Bình", "ninh binh", "tỉnh Ninh Bình", '"37"'])
def test_a_province_may_be_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(STATION.replace('"37"', name), encoding="utf-8")
    (record,) = read_directory(tmp_path).records
    assert record.model_dump()["province"] == "37"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ('"99"', "'99' is no province of today"),
        ('"35"', "'35' is no province of today: Hà Nam is in '37' since 1 July 2025"),
        ("Hà Nam", "'Hà Nam' is no province of today: Hà Nam is in '37' since 1 July 2025"),
        ("Ninh Bihn", "'Ninh Bihn' is no province of today; the nearest is 'Ninh Bình'"),
    ],
)
def test_a_province_that_is_none_of_today_is_told(tmp_path: Path, name: str, sentence: str) -> None:
    (mistake,) = mistakes(tmp_path, STATION.replace('"37"', name))
    assert mistake.startswith(f"a.yaml, line 5: {AT}: province: {sentence}")


def test_a_station_that_has_ended_may_be_in_a_province_of_its_time_and_in_no_other(tmp_path: Path) -> None:
    ended = STATION.replace('"37"', '"35"\n    valid_to: 2025-07-01')
    assert mistakes(tmp_path, ended) == []
    assert len(mistakes(tmp_path, ended.replace('"35"', '"99"'))) == 1


def test_a_value_that_stations_share_is_told_once_with_all_of_them(tmp_path: Path) -> None:
    text = STATION.replace("parameters:", "parameters: &all").replace("mg/m3", "mg/m5")
    second = text[text.index("  - code") : text.index("    parameters")].replace("NUO01", "NUO02")
    (mistake,) = mistakes(tmp_path, f"{text}{second}    parameters: *all\n")
    assert mistake.startswith("a.yaml, line 9: NB_SDAY_NUO01, NB_SDAY_NUO02: parameters.1.unit: the unit")


def test_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, measuring("code: SO2, unit: mg/m3, unit: µg/m3"))
    assert mistake == "a.yaml, line 9: 'unit' stands twice; only the last one would count"


@pytest.mark.parametrize(
    "text", ["stations: [", "stations: 5", "- a", "\xff", "stations: [5]", "stations: [[]]"]
)
def test_a_file_that_cannot_be_read_hides_no_mistake_of_another(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.yaml").write_bytes(text.encode("latin-1"))
    told = mistakes(tmp_path, STATION.replace("SO2", "PM25"))
    assert len(told) == 2
    assert "'PM25' is no catalogue code" in told[0]
    assert re.match(r"b\.yaml, line [12]: ", told[1])


def test_accounts_are_not_compared_with_stations_that_could_not_be_read(tmp_path: Path) -> None:
    account = "accounts:\n  - name: demo\n    password_hash: $argon2id$x\n    stations: [NB_SDAY_NUO01]\n"
    (mistake,) = mistakes(tmp_path, "stations: [", b=account)
    assert "not readable as YAML" in mistake
    wrong = STATION.replace("name: ", "naem: ")
    assert not any("not defined" in mistake for mistake in mistakes(tmp_path, wrong, b=account))


def test_a_file_of_another_encoding_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(STATION.encode("utf-16"))
    (mistake,) = read_directory(tmp_path).mistakes
    assert (
        str(mistake) == "a.yaml, line 1: not readable as YAML: byte 0xff is no UTF-8; save the file as UTF-8"
    )


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    account = "accounts:\n  - {name: demo, password_hash: 12345, password: secret}\n"
    told = "\n".join(mistakes(tmp_path, STATION, b=account))
    assert "YAML reads this as no text; put it in quotes" in told
    assert "12345" not in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        (measuring("code: Kênh 7, unit: NTU"), "line 9: {}: parameters.1.code: 'Kênh 7' is not in"),
        (measuring("code: pH, unit: ''"), "line 9: {}: parameters.1.code: pH is usual in "),
        (
            measuring("code: SO2, unit: mg/m3, warning_levels: {tendency: 5, preparing: 9, exceeded: 7}"),
            "line 9: {}: parameters.1.warning_levels: the levels neither rise nor fall",
        ),
        (
            measuring("code: SO2, unit: mg/m3, valid_to: 2020-01-01", more="    valid_from: 2021-01-01\n"),
            "line 10: {}: parameters.1: it is valid only while the station is not",
        ),
        (
            measuring(
                "code: SO2, unit: mg/m3",
                more="    maintenance: [{start: 2026-01-01, end: 2026-01-03, why: a},\n"
                "      {start: 2026-01-02, end: 2026-01-04, why: b, parameters: [SO2]}]\n",
            ),
            "line 9: {}: maintenance.2: it meets maintenance.1; where both hold, this one counts",
        ),
        (STATION.partition("    parameters")[0], "line 2: {}: parameters: it measures nothing"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_told_and_no_mistake(tmp_path: Path, text: str, remark: str) -> None:
    (told,) = remarks(tmp_path, text)
    assert told.startswith(f"a.yaml, {remark.format(AT)}")


@pytest.mark.parametrize(
    "more",
    [
        "    maintenance: [{start: 2026-01-01, end: 2026-01-02, why: a},\n"
        "      {start: 2026-01-02, end: 2026-01-03, why: b}]\n",
        "    maintenance: [{start: 2026-01-01, end: 2026-01-03, why: a, parameters: [CO]},\n"
        "      {start: 2026-01-02, end: 2026-01-04, why: b, parameters: [SO2]}]\n",
        "    intervals: [{minutes: 15, valid_to: 2026-01-01}]\n    valid_from: 2025-01-01\n",
    ],
)
def test_what_is_usual_is_not_remarked(tmp_path: Path, more: str) -> None:
    assert remarks(tmp_path, measuring("code: SO2, unit: mg/m3", more=more)) == []


def test_an_alias_that_another_station_has_is_remarked(tmp_path: Path) -> None:
    second = STATION.replace("stations:\n", "").replace("NUO01", "NUO02\n    aliases: [nb_sday_nuo01, X]")
    (told,) = remarks(tmp_path, STATION + second)
    sentence = "aliases.1: files of 'nb_sday_nuo01' may be meant of NB_SDAY_NUO01 too"
    assert told == f"a.yaml, line 11: NB_SDAY_NUO02: {sentence}"


def test_the_demos_stations_have_no_mistake_and_nothing_unusual() -> None:
    reading = read_directory(REGISTRY, VIETNAM)
    assert (reading.mistakes, reading.remarks) == ([], [])
