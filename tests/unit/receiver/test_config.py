from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.domain.registry.accounts import AccountLimits
from quantrac.io.settings import load
from quantrac.testing.builders import account
from services.receiver.adapters.ftp.tls import PlainFtp, may_go_plain
from services.receiver.config import DeliveriesSettings, IntakeSettings
from services.receiver.intake.uploads import UploadRules


def test_only_the_spool_folder_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "/var/spool/quantrac")
    settings = load(IntakeSettings)
    assert settings.spool == Path("/var/spool/quantrac")
    assert (settings.ftp_port, settings.http_port, settings.max_file_bytes) == (2121, 8021, 1048576)
    assert settings.passive_ports is None


@pytest.mark.parametrize("minutes", ["0", "-1", "1441", "nan", "soon"])
def test_a_bad_allowance_for_the_clocks_of_provinces_stops_the_start_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, minutes: str
) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "x")
    monkeypatch.setenv("QUANTRAC_DELIVERY_AHEAD_MINUTES", minutes)
    with pytest.raises(SystemExit, match=r"^bad configuration: QUANTRAC_DELIVERY_AHEAD_MINUTES: [^\n]+$"):
        load(DeliveriesSettings)


def test_provinces_that_are_approved_automatically_are_named_by_code_or_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "x")
    assert load(DeliveriesSettings).automatic_provinces == frozenset()
    monkeypatch.setenv("QUANTRAC_APPROVE_AUTOMATICALLY", "01, Đà Nẵng,")
    assert load(DeliveriesSettings).automatic_provinces == {"01", "48"}
    monkeypatch.setenv("QUANTRAC_APPROVE_AUTOMATICALLY", "01,Atlantis")
    with pytest.raises(SystemExit, match=r"^bad configuration: QUANTRAC_APPROVE_AUTOMATICALLY: [^\n]+$"):
        load(DeliveriesSettings)


def test_a_missing_spool_folder_stops_the_start_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUANTRAC_SPOOL", raising=False)
    with pytest.raises(SystemExit, match="QUANTRAC_SPOOL is not set"):
        load(IntakeSettings)


def test_an_account_whose_entry_says_nothing_has_the_deployments_limits() -> None:
    settings = IntakeSettings(spool=Path("x"))
    assert settings.account_limits == AccountLimits(20, 1 << 20, 1 << 20, 50_000)
    changed = IntakeSettings(spool=Path("x"), account_connections=2, max_file_bytes=1000)
    assert changed.account_limits == AccountLimits(2, 1 << 20, 1000, 50_000)


def test_passive_ports_are_a_range_with_both_ends() -> None:
    settings = IntakeSettings(spool=Path("x"), ftp_passive_ports="60000-60001")
    assert settings.passive_ports == range(60000, 60002)


@pytest.mark.parametrize("text", ["60000", "60001-60000", "0-10", "1-70000", "a-b", "-"])
def test_bad_passive_ports_are_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "x")
    monkeypatch.setenv("QUANTRAC_FTP_PASSIVE_PORTS", text)
    with pytest.raises(SystemExit, match=r"QUANTRAC_FTP_PASSIVE_PORTS: .*is not first-last"):
        load(IntakeSettings)


@pytest.mark.parametrize(
    ("host", "plain", "policy"),
    [
        ("127.0.0.1", None, "allowed"),
        ("::1", None, "allowed"),
        ("localhost", None, "allowed"),
        ("0.0.0.0", None, "per-account"),
        ("203.113.4.17", None, "per-account"),
        ("ftp.example.org", None, "per-account"),
        ("0.0.0.0", "allowed", "allowed"),
        ("127.0.0.1", "per-account", "per-account"),
    ],
)
def test_plain_ftp_is_for_all_only_on_this_machine_unless_said(host: str, plain: Any, policy: str) -> None:
    assert IntakeSettings(spool=Path("x"), ftp_host=host, ftp_plain=plain).plain_ftp == policy


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"QUANTRAC_FTP_PLAIN": "never"}, r"QUANTRAC_FTP_PLAIN: .*nobody can log in then \(got 'never'\)"),
        ({"QUANTRAC_FTP_KEY": "tls.key"}, "QUANTRAC_FTP_KEY: .*a key is of no use without ftp_certificate"),
    ],
)
def test_settings_that_let_nobody_in_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], sentence: str
) -> None:
    for name, value in names.items() | {("QUANTRAC_SPOOL", "x")}:
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=sentence):
        load(IntakeSettings)


def test_upload_rules_come_from_the_settings() -> None:
    settings = IntakeSettings(
        spool=Path("x"), temporary_names="*.up  up_*", rename_minutes=1, resume_minutes=2
    )
    rules = settings.upload_rules
    assert (rules.rename_within, rules.resume_within) == (timedelta(minutes=1), timedelta(minutes=2))
    names = ["x.txt.UP", "up_x.txt", "x.txt.tmp"]
    assert [rules.is_temporary(name) for name in names] == [True, True, False]
    assert IntakeSettings(spool=Path("x")).upload_rules == UploadRules()


@pytest.mark.parametrize(
    ("policy", "account_may", "may"),
    [
        ("allowed", False, True),
        ("per-account", False, False),
        ("per-account", True, True),
        ("never", True, False),
    ],
)
def test_who_may_go_without_tls(policy: PlainFtp, account_may: bool, may: bool) -> None:
    assert may_go_plain(policy, replace(account(), plain_ftp=account_may)) is may


@pytest.mark.parametrize("after", ["keep", "delete", "move:/srv/done"])
def test_what_happens_to_taken_files_is_one_of_three(monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "/srv/spool")
    monkeypatch.setenv("QUANTRAC_FOLDER_AFTER", after)
    assert load(IntakeSettings).folder_after == after


def test_a_move_without_a_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "/srv/spool")
    monkeypatch.setenv("QUANTRAC_FOLDER_AFTER", "move:")
    with pytest.raises(SystemExit, match="QUANTRAC_FOLDER_AFTER"):
        load(IntakeSettings)
