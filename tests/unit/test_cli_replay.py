"""`quantrac replay`: which options go together, and what a dry run shows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli import replay_validator
from quantrac.cli.replay import replay
from quantrac.domain.readings import Flag, FlaggedReading

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("QUANTRAC_CLICKHOUSE_PASSWORD", "secret")


def said(*arguments: str) -> str:
    result = CliRunner().invoke(replay, ["--from", "2026-03-01", "--to", "2026-03-02", *arguments])
    assert result.exit_code == 1
    return result.output.strip()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--stage", "validator"), "give either --dry-run, to see what would change, or --publish"),
        (("--stage", "validator", "--dry-run", "--publish"), "give either --dry-run, to see what would"),
        (("--stage", "validator", "--publish"), "--publish needs a reason: --why TEXT"),
        (("--stage", "validator", "--dry-run", "--reason", "x"), "--reason belongs to --stage parse"),
        (("--stage", "parse", "--publish"), "--rules and --publish belong to --stage validator"),
        (("--stage", "parse", "--to", "2026-02-01"), "--from must lie before --to"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...], sentence: str) -> None:
    assert sentence in said(*options)


def test_other_rules_for_a_span_are_not_published_for_one_station(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("required: []")
    arguments = (
        "--stage",
        "validator",
        "--publish",
        "--why",
        "x",
        "--station",
        "A",
        "--rules",
        str(tmp_path),
    )
    assert "hold for every station" in said(*arguments)


class Stored:
    """Readings as they were judged before."""

    def columns(self, sql: str, parameters: object) -> dict[str, list[object]]:
        times = [int(NOON.timestamp()) + 300 * n for n in range(5)]
        tests = '{"spike":1,"status":1}'
        return {"parameter": ["CO"] * 5, "time": times, "flag": [1] * 5, "tests": [tests] * 5}


def test_changes_are_counted_by_test_series_and_flags_with_three_examples() -> None:
    readings = [
        FlaggedReading(
            1,
            "CO",
            7.5,
            "7.5",
            "µg/m3",
            NOON + timedelta(minutes=5 * n),
            "00",
            Flag.SUSPECT,
            {"status": 1, "spike": 3, "rate_of_change": 3},
            NOON,
        )
        for n in range(5)
    ]
    comparison = replay_validator.Comparison()
    comparison.add(Stored(), "A", readings)
    different = "rate_of_change not asked → suspect, spike good → suspect"
    examples = [f"    2026-03-25T12:{5 * n:02}:00Z 7.5 µg/m3: good → suspect ({different})" for n in range(3)]
    assert list(comparison.lines()) == [
        "rate_of_change A CO: 5 readings good → suspect",
        *examples,
        "spike A CO: 5 readings good → suspect",
        *examples,
        "5 readings good → suspect",
    ]


def test_another_demand_on_tests_is_named_where_no_outcome_differs() -> None:
    reading = FlaggedReading(
        1, "CO", 7.5, "7.5", "", NOON, "00", Flag.NOT_EVALUATED, {"status": 1, "spike": 1}, NOON
    )
    comparison = replay_validator.Comparison()
    comparison.add(Stored(), "A", [reading])
    assert list(comparison.lines()) == [
        "required A CO: 1 reading good → not evaluated",
        "    2026-03-25T12:00:00Z 7.5: good → not evaluated",
        "1 reading good → not evaluated",
    ]
