"""The files of standards, the mistakes they refuse, and what the command and the page make of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs import limits_page
from quantrac.cli import main
from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.limits import Standard, Transition
from quantrac.domain.registry.stations import StationType
from quantrac.domain.registry.validity import overlap
from quantrac.errors import UserError
from quantrac.local.demo import REGISTRY, demo_stations
from schemas.limits import load, load_national
from schemas.limits.files import load_shares
from schemas.limits.replacements import UNREAD
from schemas.registry import load_directory

STANDARDS = load_national().standards
UNITS = {parameter.code: parameter.units for parameter in CATALOGUE}

FILE = """
name: QCVN 1:2000/BTNMT
title: Wastewater
title_vi: Nước thải
media: [wastewater]
valid_from: 2000-01-01
columns: {A: the strict one, B: the other}
coefficients:
  Kq: {about: the river, not_for: [pH], values: {small: 0.9}, source: a page, certainty: low}
period: day
source: table 1
certainty: high
rows:
  - {parameter: COD, unit: mg/L, maximum: {A: 75, B: 150}}
  - {parameter: pH, unit: "", minimum: 6, maximum: 9, period: hour, source: a page, certainty: low}
"""


def read(folder: Path, text: str) -> Standard:
    (folder / "one.yaml").write_text(text, encoding="utf-8")
    (found,) = load(folder).standards.values()
    return found


def test_a_row_takes_from_the_top_of_its_file_what_it_does_not_state(tmp_path: Path) -> None:
    a, b, ph = read(tmp_path, FILE).rows
    assert [(row.column, row.maximum, row.period, row.source, row.certainty) for row in (a, b)] == [
        ("A", 75, "day", "table 1", "high"),
        ("B", 150, "day", "table 1", "high"),
    ]
    assert (ph.column, ph.minimum, ph.period, ph.source, ph.certainty) == ("", 6, "hour", "a page", "low")


def test_a_date_means_midnight_in_vietnam(tmp_path: Path) -> None:
    assert read(tmp_path, FILE).valid_from == datetime(1999, 12, 31, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("maximum: {A", "maximun: {A"), "rows.1.maximun: unknown key; did you mean 'maximum'?"),
        (("title:", "titel:"), "titel: unknown key; did you mean 'title'?"),
        (("about:", "abuot:"), "coefficients.Kq.abuot: unknown key; did you mean 'about'?"),
        (("parameter: COD", "parameter: Cod"), "rows.1.parameter: 'Cod' is no catalogue code; it is 'COD'"),
        (("unit: mg/L", "unit: mg/l"), "rows.1.unit: write the unit 'mg/L'"),
        (("unit: mg/L", "unit: mgl"), "rows.1.unit: the unit 'mgl' is unknown"),
        (("B: 150", "D: 150"), "rows.1 COD: unknown column 'D'"),
        (("unit: mg/L", "category: X, unit: mg/L"), "rows.1 COD: unknown category 'X'"),
        ((", minimum: 6, maximum: 9", ""), "rows.2: give minimum or maximum"),
        (("minimum: 6", "minimum: 9.5"), "rows.2: minimum must lie below maximum"),
        (("not_for: [pH]", "not_for: [PH]"), "coefficients.Kq.not_for.1: 'PH' is no catalogue code"),
        (("period: day", "period: week"), "period: "),
        (("period: day\n", ""), "rows.1 COD: it needs a period, its own or the file's"),
        (("source: table 1\n", ""), "source: Field required"),
        (("certainty: high", "certainty: sure"), "certainty: "),
        (("media: [wastewater]", "media: [sewage]"), "media.1: "),
        (("2000-01-01", "2000-01-01\nvalid_to: 1999-01-01"), "valid_from must lie before valid_to"),
        (("rows:\n", "rows:\n  - {parameter: COD, unit: mg/L, maximum: 60}\n"), "rows.2 COD: it says again"),
        (("name:", "name: ["), "one.yaml, line 3: not readable as YAML"),
        (("maximum: 9", "maximum: 9_0"), "one.yaml, line 15: '9_0' is no number"),
        (("minimum: 6, ", "minimum: 5, minimum: 6, "), "one.yaml, line 15: 'minimum' stands twice"),
    ],
)
def test_a_mistake_gives_one_sentence_with_file_place_and_key(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    assert wrong[0] in FILE
    with pytest.raises(ValueError, match=r"^one\.yaml(, line \d+)?: ") as caught:
        read(tmp_path, FILE.replace(*wrong, 1))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_that_follow_each_other_do_not_say_the_same_again(tmp_path: Path) -> None:
    change = "{parameter: COD, unit: mg/L, maximum: 75, valid_to: 2020-01-01}"
    then = "{parameter: COD, unit: mg/L, maximum: 60, valid_from: 2020-01-01}"
    found = read(tmp_path, FILE.partition("rows:")[0] + f"rows:\n  - {change}\n  - {then}\n")
    assert [row.maximum for row in found.rows] == [75, 60]


OLD = FILE.replace("1:2000", "1:1990").replace("valid_from: 2000-01-01\n", "")
REPLACES = """
replaces:
  QCVN 1:1990/BTNMT: {}
  QCVN 2:1990/BTNMT: {title: Paper mills, title_vi: Giấy}
transition: {until: 2010-01-01, source: a circular, certainty: medium}
"""


def read_both(folder: Path, old: str, new: str) -> dict[str, Standard]:
    (folder / "a_new.yaml").write_text(new, encoding="utf-8")
    (folder / "b_old.yaml").write_text(old, encoding="utf-8")
    return load(folder).standards


def test_a_replaced_standard_ends_where_the_new_one_begins_and_goes_on_for_existing_facilities(
    tmp_path: Path,
) -> None:
    new, old, unread = read_both(tmp_path, OLD, FILE + REPLACES).values()
    begin, until = datetime(1999, 12, 31, 17, tzinfo=UTC), datetime(2009, 12, 31, 17, tzinfo=UTC)
    assert (new.valid_from, new.valid_to, new.transition) == (begin, None, None)
    for standard in (old, unread):
        assert (standard.valid_to, standard.replaced_by) == (begin, new.name)
        assert standard.transition == Transition(until, "a circular", "medium")
    assert len(old.rows) == len(new.rows)
    assert (unread.name, unread.title, unread.media, unread.rows, unread.note) == (
        "QCVN 2:1990/BTNMT",
        "Paper mills",
        new.media,
        (),
        UNREAD,
    )


def test_without_a_transition_a_replaced_standard_ends_for_every_facility(tmp_path: Path) -> None:
    _, old, unread = read_both(tmp_path, OLD, FILE + REPLACES.partition("transition")[0]).values()
    assert old.transition is unread.transition is None
    assert old.valid_to == unread.valid_to


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (OLD, FILE + "transition: {until: 2010-01-01, source: s, certainty: low}\n", "it replaces nothing"),
        (OLD, FILE + REPLACES.replace(", title_vi: Giấy", ""), "give its title and title_vi"),
        (OLD, FILE + REPLACES.replace("{}", "{title: T, title_vi: T}"), "it has a file of its own"),
        (OLD + "valid_to: 2001-01-01\n", FILE + REPLACES, "give no valid_to"),
        (OLD, FILE.replace("valid_from: 2000-01-01\n", "") + REPLACES, "so it needs a valid_from"),
        (OLD, FILE + REPLACES.replace("until: 2010-01-01, ", ""), "transition.until: Field required"),
        (OLD, FILE + REPLACES.replace("1:1990", "1:2000"), "it cannot replace itself"),
        (
            OLD + "valid_from: 1990-01-01\n" + REPLACES.replace("  QCVN 1:1990/BTNMT: {}\n", ""),
            FILE + REPLACES,
            "QCVN 1:1990/BTNMT: QCVN 1:2000/BTNMT replaces QCVN 2:1990/BTNMT already",
        ),
    ],
)
def test_a_mistake_about_what_is_replaced_gives_one_sentence(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(UserError) as caught:
        read_both(tmp_path, old, new)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_files_and_a_file_of_shares_without_a_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no \\*\\.yaml file in this folder"):
        load(tmp_path)
    shares = tmp_path / "warning.yaml"
    shares.write_text("{tendency: 0.8, preparing: 0.9, exceeded: 1.0}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"warning\.yaml: source: Field required"):
        load_shares(shares)


def test_the_standards_are_those_of_the_five_media() -> None:
    assert [name for name, standard in STANDARDS.items() if standard.note != UNREAD] == [
        "QCVN 05:2013/BTNMT",
        "QCVN 05:2023/BTNMT",
        "QCVN 08-MT:2015/BTNMT",
        "QCVN 08:2023/BTNMT",
        "QCVN 09:2023/BTNMT",
        "QCVN 19:2009/BTNMT",
        "QCVN 19:2024/BTNMT",
        "QCVN 22:2009/BTNMT",
        "QCVN 40:2011/BTNMT",
        "QCVN 40:2025/BTNMT",
    ]
    assert {medium for each in STANDARDS.values() for medium in each.media} == set(StationType)


def test_standards_that_need_no_permit_follow_each_other() -> None:
    free = [each for each in STANDARDS.values() if each.free_rows]
    assert [each.name[:7] for each in free] == ["QCVN 05", "QCVN 05", "QCVN 08", "QCVN 09"]
    for number, one in enumerate(free):
        for other in free[number + 1 :]:
            assert one.media.isdisjoint(other.media) or not overlap(one, other)


@pytest.mark.parametrize("standard", STANDARDS.values(), ids=lambda each: each.name)
def test_limits_are_in_the_units_stations_are_usually_kept_in(standard: Standard) -> None:
    for row in standard.rows:
        usual = {UNITS[row.parameter].get(medium) for medium in standard.media}
        if usual == {"ppb"}:
            assert row.unit == "µg/m3"
        elif usual != {None}:
            assert usual == {row.unit}, row.parameter


@pytest.mark.parametrize("standard", STANDARDS.values(), ids=lambda each: each.name)
def test_what_no_source_was_found_for_says_so_and_nothing_else_does(standard: Standard) -> None:
    for row in standard.rows:
        assert ("unverified" in row.source) == (row.certainty == "unverified"), row


def test_the_values_of_2025_for_wastewater_are_not_made_up() -> None:
    assert STANDARDS["QCVN 40:2025/BTNMT"].rows == ()


def test_what_an_unverified_figure_multiplies_is_named() -> None:
    kq, kf = STANDARDS["QCVN 40:2011/BTNMT"].coefficients
    assert (kq.name, kf.name) == ("Kq", "Kf")
    assert kq.not_for == kf.not_for == {"Temp", "Color", "pH", "Coliform"}
    assert (kq.certainty, kf.certainty) == ("unverified", "unverified")
    assert (0.6, "lake up to 10 million m3, or without data") in kq.values


def test_demo_stations_of_every_medium_have_a_limit_for_something_they_measure() -> None:
    at = datetime(2026, 3, 25, tzinfo=UTC)
    for record in demo_stations():
        station = record.to_domain()
        judged = [
            limit
            for limit in load_national().limits_of(station, at)
            if any((each.code, each.unit) == (limit.parameter, limit.unit) for each in station.parameters)
        ]
        assert judged, station.code


STATION = """
stations:
  - code: HN_DEMO_NUOTH1
    name: Nước thải
    type: wastewater
    province: "01"
    latitude: 21.0
    longitude: 105.8
    parameters:
      - {code: COD, unit: mg/L}
    permits:
      - {standard: QCVN 40:2011/BTNMT, column: A, coefficients: {Kq: 0.9, Kf: 1.1}}
"""


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("40:2011", "40:2012"), "permits.1: unknown standard 'QCVN 40:2012/BTNMT'; did you mean"),
        (("column: A", "column: C"), "permits.1: QCVN 40:2011/BTNMT has no column 'C'; it has A or B"),
        ((", Kf: 1.1", ""), "permits.1: QCVN 40:2011/BTNMT needs the coefficient Kf"),
        (("Kf: 1.1", "Kv: 1.1"), "permits.1: QCVN 40:2011/BTNMT has no coefficient 'Kv'"),
        (("column: A", "colum: A"), "permits.1.colum: unknown key; did you mean 'column'?"),
        (
            ("column: A", "column: A, without: [Clo]"),
            "permits.1.without.1: 'Clo' is no catalogue code; it is 'Cl'",
        ),
        (("column: A", "column: A, without: [DO]"), "without: QCVN 40:2011/BTNMT has no limit of DO"),
        (
            ("column: A", "column: A, valid_from: 2026-07-01"),
            "permits.1: QCVN 40:2011/BTNMT does not hold at any time of this permit: it ended on 2025-09-01 "
            "for facilities that did not exist before, and this one exists since 2026-07-01. Name QCVN "
            "40:2025/BTNMT, or, if the facility is older than its first permit here, state facility_since",
        ),
        (("permits:", "facility_since: soon\n    permits:"), "facility_since: expected a date or a time"),
    ],
)
def test_a_registry_file_with_a_permit_that_cannot_be_used_is_refused(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    (tmp_path / "hanoi.yaml").write_text(STATION.replace(*wrong), encoding="utf-8")
    with pytest.raises(ValueError, match=r"^hanoi\.yaml, line 1[12]: HN_DEMO_NUOTH1: ") as caught:
        load_directory(tmp_path)
    assert sentence in str(caught.value)


def said(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["limits", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def test_the_command_lists_every_standard_with_its_dates_and_certainty() -> None:
    lines = said("list").splitlines()
    assert [" ".join(line.split()[:2]) for line in lines] == list(STANDARDS)
    by_name = dict(zip(STANDARDS, lines, strict=True))
    assert "  until 2023-09-12  " in lines[0]
    assert lines[0].endswith("without a permit")
    assert by_name["QCVN 08:2023/BTNMT"].endswith("  24 without a permit")
    assert "  existing facilities until 2032-01-01  " in by_name["QCVN 40:2011/BTNMT"]
    assert "  no values known  " in by_name["QCVN 12-MT:2015/BTNMT"]


def test_the_command_shows_a_standard_with_its_sources() -> None:
    text = said("show", "QCVN 40:2011/BTNMT")
    assert "replaced by QCVN 40:2025/BTNMT\n" in text
    assert (
        "goes on until 2032-01-01 for facilities that existed or had a licence before 2025-09-01 "
        "(medium: Circular 06/2025/TT-BTNMT, Article 3"
    ) in text
    assert "coefficient Kf: discharge of the facility; not for Coliform, Color, Temp, pH (unverified:" in text
    assert "averages that are judged: default, unverified" in text
    (cod,) = (line.split() for line in text.splitlines() if line.startswith("COD") and " A " in line)
    assert cod[:7] == ["COD", "day", "A", "at", "most", "75", "mg/L"]
    air = [line.split() for line in said("show", "QCVN 05:2023/BTNMT").splitlines()]
    (lowered,) = (line for line in air if line[:5] == ["PM2.5", "day", "at", "most", "45"])
    assert lowered[5:9] == ["µg/m3", "from", "2026-01-01", "high"]


def test_the_command_names_the_nearest_standard() -> None:
    assert "did you mean 'QCVN 40:2011/BTNMT'?" in said("show", "QCVN 40:2011", status=1)


def test_the_command_shows_how_the_limits_of_a_station_came_about(tmp_path: Path) -> None:
    (tmp_path / "hanoi.yaml").write_text(STATION, encoding="utf-8")
    text = said("of", "--registry", str(tmp_path), "HN_DEMO_NUOTH1", "--at", "2026-03-25")
    head, *lines = text.splitlines()
    assert head == (
        "HN_DEMO_NUOTH1 (wastewater) at 2026-03-25T00:00:00+07:00: "
        "permit, QCVN 40:2011/BTNMT, column A, Kf 1.1, Kq 0.9"
    )
    (cod,) = (line for line in lines if line.startswith("COD"))
    assert "at most 74.25 mg/L" in cod
    assert "75 x Kq 0.9 x Kf 1.1" in cod
    assert "not measured" not in cod
    (tss,) = (line for line in lines if line.startswith("TSS"))
    assert tss.endswith("not measured")


def test_the_command_says_since_when_a_facility_exists_where_that_matters(tmp_path: Path) -> None:
    of = ("of", "--registry", str(tmp_path), "HN_DEMO_NUOTH1", "--at", "2026-12-01")
    later = STATION.replace("column: A", "column: A, valid_from: 2026-07-01")
    (tmp_path / "hanoi.yaml").write_text(
        later.replace("permits:", "facility_since: 2019-05-01\n    permits:"), encoding="utf-8"
    )
    head, since, *lines = said(*of).splitlines()
    assert "QCVN 40:2011/BTNMT" in head
    assert since == "the facility exists since 2019-05-01"
    assert any(line.startswith("COD ") for line in lines)
    (tmp_path / "hanoi.yaml").write_text(later.replace("2026-07-01", "2024-07-01"), encoding="utf-8")
    assert "the facility exists since 2024-07-01, since its first permit here\n" in said(*of)


def test_the_command_says_what_is_not_judged_and_why(tmp_path: Path) -> None:
    text = STATION.partition("    permits:")[0]
    (tmp_path / "air.yaml").write_text(
        text.replace("wastewater", "ambient-air").replace(
            "{code: COD, unit: mg/L}", "{code: Benzene, unit: ppb}"
        ),
        encoding="utf-8",
    )
    (line,) = (
        line
        for line in said("of", "--registry", str(tmp_path), "HN_DEMO_NUOTH1").splitlines()
        if line.startswith("Benzene")
    )
    assert line.endswith("not judged: measured in ppb")
    (tmp_path / "air.yaml").write_text(text, encoding="utf-8")
    assert "no permit\nno limit holds" in said("of", "--registry", str(tmp_path), "HN_DEMO_NUOTH1")
    assert "did you mean 'HN_DEMO_NUOTH1'?" in said(
        "of", "--registry", str(tmp_path), "HN_DEMO_NUOTH2", status=1
    )


def test_the_page_is_what_make_docs_writes() -> None:
    wanted = limits_page.generated()
    assert limits_page.PAGE.read_text(encoding="utf-8") == wanted, "run `make docs`"
    for name, standard in STANDARDS.items():
        assert (f"| {name} | " if standard.note == UNREAD else f"### {name}\n") in wanted
    assert "| COD | mg/L | 24 h | ≤ 75 | ≤ 150 |" in wanted


def test_the_page_shows_what_the_command_says() -> None:
    output = said("of", "--registry", str(REGISTRY), "HN_DEMO_NUODET", "--at", "2026-03-25")
    shown = [line.split() for line in limits_page.PAGE.read_text(encoding="utf-8").splitlines()]
    printed = [line.split() for line in output.splitlines()]
    assert printed[0] in shown
    (cod,) = (line for line in printed if line[0] == "COD")
    assert cod in shown
