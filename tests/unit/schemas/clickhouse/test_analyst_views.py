"""What is written of the analysts' schema follows from the catalogue, the standards and the provinces."""

from datetime import UTC, datetime

import pytest

from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.indices.vn_wqi import OUTSIDE_THE_DECISION
from quantrac.domain.provinces import MERGED_AT, PROVINCES
from quantrac.domain.registry.stations import StationType
from quantrac.io.migrations import Migration
from schemas.clickhouse import migration_files
from schemas.clickhouse.reference import reference_tables
from schemas.clickhouse.roles import analyst_role
from schemas.clickhouse.wide import column_name, view_name, wide_view


@pytest.mark.parametrize("medium", list(StationType))
def test_the_newest_wide_view_of_the_migrations_is_the_catalogues(medium: StationType) -> None:
    statements = [each for file in migration_files() for each in Migration(*file).statements()]
    views = [each for each in statements if each.startswith(f"CREATE OR REPLACE VIEW {view_name(medium)}\n")]
    assert views[-1] == wide_view(medium)


def test_the_newest_view_of_indices_says_of_vn_wqi_what_the_api_says() -> None:
    statements = [each for file in migration_files() for each in Migration(*file).statements()]
    views = [each for each in statements if each.startswith("CREATE OR REPLACE VIEW indices_current\n")]
    assert f"if(kind = 'VN_WQI', '{OUTSIDE_THE_DECISION}', '') AS caveat" in views[-1]


@pytest.mark.parametrize("medium", list(StationType))
def test_no_two_parameters_share_a_column(medium: StationType) -> None:
    names = [column_name(each) for each in CATALOGUE if medium in each.units]
    assert len(names) == len(set(names)) > 10
    assert not {"station", "starts_at", "starts_local"} & set(names)


def test_views_and_dictionaries_can_be_made_again() -> None:
    analysts = dict(migration_files())["0009_analysts.sql"]
    heads = {" ".join(each.split()[:4]) for each in Migration("0009_analysts.sql", analysts).statements()}
    assert heads >= {"CREATE OR REPLACE VIEW", "CREATE OR REPLACE DICTIONARY"}
    assert {head for head in heads if "OR REPLACE" not in head} == {"CREATE TABLE IF NOT"}


def test_a_key_of_a_reference_table_is_one_row() -> None:
    for reference in reference_tables():
        keys = [tuple(row[name] for name in reference.key) for row in reference.rows]
        assert len(keys) == len(set(keys)) > 30, reference.table


def test_34_provinces_came_of_63_and_each_holds_some() -> None:
    old = [each for each in PROVINCES if each.valid_to == MERGED_AT]
    new = [each for each in PROVINCES if each.valid_from == MERGED_AT]
    assert (len(old), len(new), len(PROVINCES)) == (63, 34, 97)
    assert {each.successor for each in old} == {each.code for each in new}


def test_a_code_means_another_province_after_the_merger() -> None:
    before, after = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 2, tzinfo=UTC)

    def named(code: str, at: datetime) -> list[str]:
        return [each.name for each in PROVINCES if each.code == code and each.valid_at(at)]

    assert (named("15", before), named("15", after)) == (["Yên Bái"], ["Lào Cai"])
    assert (named("80", before), named("80", after)) == (["Long An"], ["Tây Ninh"])


def test_csv_of_the_role_has_empty_cells_for_null() -> None:
    (profile,) = [each for each in analyst_role("hn") if each.startswith("CREATE SETTINGS PROFILE")]
    assert "    format_csv_null_representation = '',\n" in profile


def test_the_role_reads_one_database_but_not_the_ledger_of_migrations() -> None:
    grants = [each for each in analyst_role("h`n") if each.startswith(("GRANT", "REVOKE"))]
    assert grants == [
        "GRANT SELECT ON `h\\`n`.* TO quantrac_analyst",
        "GRANT dictGet ON `h\\`n`.* TO quantrac_analyst",
        "REVOKE SELECT ON `h\\`n`.schema_migrations FROM quantrac_analyst",
    ]
