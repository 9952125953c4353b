"""Records of a registry of which each entry is well formed, and which say what cannot be."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli.registry import registry
from schemas.messages.registry.stations import Station
from schemas.registry import load_directory

STATION = """\
stations:
  - code: HN_DEMO_KHI001
    name: Trạm không khí
    type: {type}
    province: "01"
    latitude: 21.0
    longitude: 105.8
{more}
    parameters:
{parameters}
"""


def load(
    folder: Path, *parameters: str, more: str = "    encoding: utf-8", medium: str = "ambient-air"
) -> Station:
    lines = "\n".join(f"      - {{{entry}}}" for entry in parameters)
    text = STATION.format(type=medium, more=more, parameters=lines)
    (folder / "hanoi.yaml").write_text(text, encoding="utf-8")
    (station,) = load_directory(folder)
    assert isinstance(station, Station)
    return station


def refusal(folder: Path, *parameters: str, more: str = "    encoding: utf-8", **medium: str) -> str:
    """Return the only sentence of a refusal, its line at the end."""
    with pytest.raises(ValueError, match=r"^hanoi\.yaml, line \d+: HN_DEMO_KHI001: ") as caught:
        load(folder, *parameters, more=more, **medium)
    file_and_line, _, sentence = str(caught.value).split(": ", 2)
    assert "\n" not in sentence
    return f"{sentence} ({file_and_line.removeprefix('hanoi.yaml, ')})"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("", ", valid_from: 2026-01-01"),
        (", valid_to: 2026-01-02", ", valid_from: 2026-01-01"),
        (", valid_from: 2026-01-01", ", valid_from: 2025-01-01, valid_to: 2026-01-02"),
    ],
)
def test_two_entries_of_one_parameter_at_once_are_refused_with_file_and_line(
    tmp_path: Path, first: str, second: str
) -> None:
    sentence = refusal(tmp_path, f"code: CO, unit: mg/m3{first}", f"code: CO, unit: µg/m3{second}")
    end = "end the earlier one with valid_to (line 11)"
    assert sentence == f"parameters.2: CO is valid at the same time as in parameters.1; {end}"


def test_an_entry_may_begin_where_another_ends(tmp_path: Path) -> None:
    station = load(
        tmp_path,
        "code: CO, unit: mg/m3, valid_to: 2026-01-01",
        "code: CO, unit: µg/m3, valid_from: 2026-01-01",
    )
    assert [entry.unit for entry in station.parameters] == ["mg/m3", "µg/m3"]


def test_two_intervals_at_once_are_refused(tmp_path: Path) -> None:
    more = "    intervals: [{minutes: 5}, {minutes: 60, valid_to: 2026-01-01}]"
    sentence = (
        "intervals.2: it is valid at the same time as intervals.1; end the earlier one with valid_to (line 8)"
    )
    assert refusal(tmp_path, "code: CO, unit: mg/m3", more=more) == sentence


def test_one_kind_of_pollution_twice_at_once_is_refused_and_two_kinds_are_not(tmp_path: Path) -> None:
    more, medium = "    pollution: [{kind: organic}, {kind: KIND, valid_from: 2026-01-01}]", "surface-water"
    assert load(tmp_path, "code: DO, unit: mg/L", more=more.replace("KIND", "metals"), medium=medium)
    sentence = "pollution.2: organic is valid at the same time in pollution.1"
    refused = refusal(tmp_path, "code: DO, unit: mg/L", more=more.replace("KIND", "organic"), medium=medium)
    assert refused.startswith(sentence)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("code: FlowIn, unit: m3/h, file_names: [Flow 1]", "code: FlowOut, unit: m3/h, file_names: [FLOW 1]"),
        ("code: Flow, unit: m3/h", "code: FlowOut, unit: m3/h, file_names: [flow]"),
        ("code: FlowIn, unit: m3/h, file_names: [Hoà]", "code: FlowOut, unit: m3/h, file_names: [Hòa]"),
    ],
)
def test_a_name_that_would_mean_two_parameters_at_once_is_refused(
    tmp_path: Path, first: str, second: str
) -> None:
    sentence = refusal(tmp_path, first, second, medium="wastewater")
    assert sentence.startswith("parameters.2.file_names: ")
    assert sentence.endswith("of parameters.1 too (line 11)")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("code: PM2.5, unit: °C", "unit: PM2.5 cannot be in '°C'; it is measured in 'µg/m3'"),
        ("code: PM2.5, unit: mg/L", "unit: PM2.5 cannot be in 'mg/L'; it is measured in 'µg/m3'"),
        ("code: Temp, unit: hPa", "unit: Temp cannot be in 'hPa'; it is measured in '°C'"),
        ("code: PM2.5, unit: µg/m33", "unit: the unit 'µg/m33' is unknown; the nearest is 'µg/m3'"),
        ("code: CO, unit: mg/m3, file_unit: '%'", "file_unit: the unit '%' does not convert to 'mg/m3'"),
        (
            "code: CO, unit: mg/m3, unit_override: [{written: mg/m3, really: °C}]",
            "unit_override.1.really: the unit '°C' does not convert to 'mg/m3', that of CO",
        ),
        (
            "code: CO, unit: µg/m3, unit_override: "
            "[{written: mg/m3, really: µg/m3}, {written: mg/m³, really: mg/m3}]",
            "unit_override.2.written: the unit 'mg/m3' is overridden twice",
        ),
        ("code: PM25, unit: µg/m3", "code: 'PM25' is no catalogue code; it is 'PM2.5'"),
        ("code: 'SO₂', unit: µg/m3", "code: 'SO₂' is no catalogue code; it is 'SO2'"),
    ],
)  # fmt: skip
def test_what_a_parameter_cannot_be_is_refused_with_its_line(
    tmp_path: Path, entry: str, sentence: str
) -> None:
    refused = refusal(tmp_path, entry)
    assert refused.startswith(f"parameters.1.{sentence}")
    assert refused.endswith("(line 10)")


@pytest.mark.parametrize(
    "entry",
    [
        "code: CO, unit: mg·m⁻³",
        "code: NO2, unit: ppb",
        "code: CO, unit: µg/m3, file_unit: ppm",
        "code: Kênh 7, unit: NTU",
        "code: CO, unit: µg/m3, unit_override: [{written: mg/Nm3, really: µg/m3}]",
    ],
)
def test_what_a_parameter_can_be_is_taken(tmp_path: Path, entry: str) -> None:
    assert len(load(tmp_path, entry).parameters) == 1


def test_only_what_is_added_up_can_be_a_counter(tmp_path: Path) -> None:
    load(tmp_path, "code: Rain, unit: mm, counter: true")
    sentence = refusal(tmp_path, "code: CO, unit: mg/m3, counter: true")
    assert sentence == (
        "parameters.1.counter: only a parameter whose values are added up can be a counter: Rain (line 10)"
    )


def test_a_code_outside_the_catalogue_is_unusual_and_no_mistake(tmp_path: Path) -> None:
    load(tmp_path, "code: Kênh 7, unit: NTU", "code: CDO, unit: mg/L")
    answer = CliRunner().invoke(registry, ["check", str(tmp_path)])
    assert answer.output.splitlines() == [
        "unusual: hanoi.yaml, line 10: HN_DEMO_KHI001: parameters.1.code: 'Kênh 7' is not in the catalogue: "
        "no range, limit or index is known for it",
        "unusual: hanoi.yaml, line 11: HN_DEMO_KHI001: parameters.2.code: 'CDO' is not in the catalogue: "
        "no range, limit or index is known for it; did you mean 'DO' or 'CO'?",
        "1 record, no mistake, 2 unusual",
    ]
    assert answer.exit_code == 0
    assert CliRunner().invoke(registry, ["check", "--strict", str(tmp_path)]).exit_code == 1


def test_a_limit_of_a_permit_in_what_the_parameter_is_not_measured_in_is_refused(tmp_path: Path) -> None:
    limit = "{parameter: PM2.5, unit: °C, maximum: 5}"
    more = f"    permits: [{{standard: QCVN 05:2023/BTNMT, limits: [{limit}]}}]"
    refused = refusal(tmp_path, "code: CO, unit: mg/m3", more=more)
    assert refused == "permits.1.limits.1.unit: PM2.5 cannot be in '°C'; it is measured in 'µg/m3' (line 8)"


def test_a_province_of_before_july_2025_is_for_stations_that_ended_before(tmp_path: Path) -> None:
    entry, old = "code: CO, unit: mg/m3", STATION.replace('"01"', '"02"')
    text = old.format(type="ambient-air", more="    valid_to: 2025-07-01", parameters=f"      - {{{entry}}}")
    (tmp_path / "hanoi.yaml").write_text(text, encoding="utf-8")
    assert len(load_directory(tmp_path)) == 1
    (tmp_path / "hanoi.yaml").write_text(text.replace("2025-07-01", "2025-07-02"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 5: .* province: '02' is no province of today: Hà Giang"):
        load_directory(tmp_path)


def test_codes_of_stations_that_look_the_same_are_refused_with_both_places(tmp_path: Path) -> None:
    text = STATION.format(type="ambient-air", more="", parameters="      - {code: CO, unit: mg/m3}")
    for name, code in (("a", "ĐB_KHI"), ("b", "Ðb_khi")):
        (tmp_path / f"{name}.yaml").write_text(text.replace("HN_DEMO_KHI001", code), encoding="utf-8")
    sentence = r"^b\.yaml, line 2: Ðb_khi: the station looks the same as ĐB_KHI: see a\.yaml, line 2$"
    with pytest.raises(ValueError, match=sentence):
        load_directory(tmp_path)


def test_an_account_for_an_unknown_station_is_told_the_nearest_with_its_line(tmp_path: Path) -> None:
    text = STATION.format(type="ambient-air", more="", parameters="      - {code: CO, unit: mg/m3}")
    (tmp_path / "a.yaml").write_text(
        f"{text}accounts:\n  - name: demo\n    password_hash: $argon2id$x\n    stations:\n"
        "      - HN_DEMO_KHI01\n"
    )
    sentence = (
        r"^a\.yaml, line 15: demo: stations\.1: station 'HN_DEMO_KHI01' is not defined; "
        r"did you mean 'HN_DEMO_KHI001'\?$"
    )
    with pytest.raises(ValueError, match=sentence):
        load_directory(tmp_path)
