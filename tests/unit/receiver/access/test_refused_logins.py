"""When refused logins are told, and when they are over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from quantrac.io.records import DeliveryFailed, Record
from schemas.messages.alerts import Alert
from services.receiver.access.refused_logins import RefusalRules, RefusedLogins

NOON = datetime(2026, 3, 25, 5, tzinfo=UTC)
WRONG = "wrong password"


class Bench:
    """Refused logins with a clock that the test moves, and what was published."""

    def __init__(self, folder: Path) -> None:
        self.file, self.now = folder / "refused-logins.json", NOON
        self.alerts: list[Alert] = []
        self.is_away = False
        self.restart()

    def restart(self) -> None:
        rules = RefusalRules(account_failures=3, address_failures=5)
        self.refused = RefusedLogins(self.file, self, "alert", clock=lambda: self.now, rules=rules)

    def write(self, record: Record) -> Record:
        if self.is_away:
            raise DeliveryFailed("nobody answers")
        self.alerts.append(Alert.model_validate_json(record.value or b""))
        return record

    def fail(self, times: int, account: str = "bkhn", source: str = "203.113.4.17") -> None:
        for _ in range(times):
            self.refused.note_failure(account, source, WRONG if account else "unknown account")

    def step(self, minutes: float = 0) -> list[tuple[str, str, int]]:
        """Let time pass and step; returns (id, state, version) of what is published."""
        self.now += timedelta(minutes=minutes)
        before = len(self.alerts)
        self.refused.step()
        return [(alert.alert_id, alert.state, alert.version) for alert in self.alerts[before:]]


OPENED = "logins-refused/bkhn/2026-03-25T05:00:00Z"


def test_a_logger_that_is_refused_again_and_again_is_one_alert_until_it_works(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.fail(2)
    assert bench.step() == []
    bench.fail(1)
    assert bench.step() == [(OPENED, "opened", 1)]
    alert = bench.alerts[-1]
    assert alert.detail == "3 logins of the account bkhn from 203.113.4.17 were refused: wrong password."
    assert (alert.station, alert.facts["account"], alert.facts["reason"]) == (None, "bkhn", WRONG)
    bench.fail(10)
    assert bench.step() == []
    bench.refused.note_success("bkhn", "203.113.4.17")
    assert bench.step() == [(OPENED, "closed", 2)]
    assert bench.step(60) == []


def test_one_wrong_password_now_and_then_and_right_ones_between_tell_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for _ in range(20):
        bench.fail(2)
        bench.refused.note_success("bkhn", "203.113.4.17")
        assert bench.step(5) == []


def test_a_stranger_who_guesses_is_over_after_an_hour_and_the_logger_itself_closes_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.fail(3, source="198.51.100.9")
    assert bench.step() == [(OPENED, "opened", 1)]
    bench.refused.note_success("bkhn", "203.113.4.17")
    assert bench.step(59) == []
    assert bench.step(1) == [(OPENED, "closed", 2)]


def test_names_that_are_no_accounts_are_one_alert_an_address_and_never_more_than_twenty(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    for number in range(200):
        bench.fail(5, account="", source=f"198.51.100.{number}")
    assert len(bench.step()) == 20
    assert bench.alerts[0].detail == "5 logins from 198.51.100.0 were refused: unknown account."
    bench.fail(3)
    assert bench.step() == [(OPENED, "opened", 1)], "an account's own always has room"
    assert len(bench.step(60)) == 21


def test_after_a_restart_an_open_alert_is_published_again_and_is_over_when_nothing_fails(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.fail(3)
    bench.step()
    bench.restart()
    assert bench.step() == [(OPENED, "opened", 1)], "the same id and version"
    assert bench.step(59) == []
    assert bench.step(1) == [(OPENED, "closed", 2)]
    bench.restart()
    assert bench.step(60) == []


def test_a_broker_that_is_away_delays_the_alert_and_a_death_loses_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.fail(3)
    bench.is_away = True
    assert bench.step() == []
    bench.restart()
    bench.is_away = False
    assert bench.step() == [(OPENED, "opened", 1)]
    bench.refused.note_success("bkhn", "203.113.4.17")
    bench.is_away = True
    assert bench.step() == []
    bench.restart()
    bench.is_away = False
    assert bench.step() == [(OPENED, "closed", 2)]


def test_a_damaged_file_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "refused-logins.json").write_text("{", encoding="utf-8")
    bench = Bench(tmp_path)
    bench.fail(3)
    assert bench.step() == [(OPENED, "opened", 1)]
