"""The notifier's configuration: what it takes, and the one sentence that says why it does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.aggregator.notify.config import Quiet, load_targets
from support.notify import EVENING, SECRET, SMTP, WEBHOOK, target

ENVIRONMENT = {"HOOK": SECRET, "MAIL": "secret"}


def loaded(folder: Path, *targets: Any) -> Any:
    file = folder / "notify.yaml"
    file.write_text(yaml.safe_dump({"targets": list(targets)}, allow_unicode=True))
    return load_targets(file, ENVIRONMENT)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text + "+07:00")


def test_a_target_is_told_openings_and_closings_of_everything_60_messages_an_hour(tmp_path: Path) -> None:
    (found,) = loaded(tmp_path, {"name": "duty", "webhook": WEBHOOK})
    assert (found.states, found.severities) == (("opened", "closed"), ("info", "warning", "critical"))
    assert found.limit == (60, timedelta(hours=1))
    assert not found.is_quiet(EVENING, "info")
    assert target(per_minute=3).limit == (3, timedelta(minutes=1))
    assert target(least="warning").severities == ("warning", "critical")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({}, "give either webhook or smtp"),
        ({"webhook": WEBHOOK, "smtp": SMTP}, "give either webhook or smtp"),
        (
            {"webhook": WEBHOOK | {"scret_env": "X"}},
            "webhook.scret_env: unknown key; did you mean 'secret_env'?",
        ),
        ({"smtp": SMTP | {"frm": "a@c.vn"}}, "smtp.frm: unknown key; did you mean 'from'?"),
        ({"webhook": {"url": "https://example.org/"}}, "webhook.secret_env: Field required"),
        (
            {"webhook": WEBHOOK | {"url": "http://example.org/"}},
            "webhook: url is not HTTPS; allow_plain: true sends all the same",
        ),
        (
            {"webhook": WEBHOOK | {"secret_env": "NONE"}},
            "secret_env: the environment has no NONE",
        ),
        (
            {"webhook": WEBHOOK | {"secret_env": "MAIL"}},
            "secret_env: its value is not whsec_ and base64 of 24 to 64 bytes",
        ),
        ({"smtp": SMTP | {"to": []}}, "smtp.to: Tuple should have at least 1 item after validation, not 0"),
        ({"smtp": SMTP | {"to": ["a b@c.vn"]}}, "smtp.to.1: 'a b@c.vn' is no e-mail address"),
        ({"smtp": SMTP | {"from": "a@c.vn\nBcc: x"}}, "smtp.from: 'a@c.vn\\nBcc: x' is no e-mail address"),
        (
            {"smtp": SMTP | {"host": "mail.example.org"}},
            "smtp: security none is for this machine only; allow_plain: true sends all the same",
        ),
        ({"smtp": SMTP | {"user": "quantrac"}}, "smtp: user and password_env belong together"),
        (
            {"smtp": SMTP | {"user": "quantrac", "password_env": "NONE"}},
            "password_env: the environment has no NONE",
        ),
        (
            {"webhook": WEBHOOK, "quiet": [{"from": 1320, "to": "06:00"}]},
            'quiet.1.from: write the time in quotes, such as "22:00"',
        ),
        (
            {"webhook": WEBHOOK, "per_hour": 1, "per_minute": 1},
            "give either per_hour or per_minute",
        ),
        ({"webhook": WEBHOOK, "provinces": [1]}, "provinces.1: Input should be a valid string"),
    ],
)
def test_a_bad_target_is_one_sentence_that_names_the_place(
    tmp_path: Path, entry: dict[str, Any], sentence: str
) -> None:
    good = {"name": "first", "webhook": WEBHOOK}
    with pytest.raises(ValueError, match=r"notify\.yaml") as caught:
        loaded(tmp_path, good, {"name": "duty"} | entry)
    assert str(caught.value) == f"notify.yaml: targets[2] duty: {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("targets: [", "notify.yaml, line 2: not readable as YAML: "),
        (
            "targets: []\ntargets: []",
            "notify.yaml, line 2: 'targets' stands twice; only the last one would count",
        ),
        ("targets: [{name: a, per_hour: 1_0}]", "notify.yaml, line 1: '1_0' is no number"),
        ("[]", "notify.yaml: expected the key targets and no other"),
        ("targets: []\nsecret: x", "notify.yaml: expected the key targets and no other"),
        ("targets: []", "notify.yaml: targets: expected a list with one target or more"),
        ("targets: [1]", "notify.yaml: targets[1]: Input should be a valid dictionary"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "notify.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"notify\.yaml") as caught:
        load_targets(file, ENVIRONMENT)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_two_targets_do_not_share_a_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"targets\[2\] duty: name: another target has this name"):
        loaded(tmp_path, *[{"name": "duty", "webhook": WEBHOOK}] * 2)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: No such file or directory"):
        load_targets(tmp_path / "none.yaml", ENVIRONMENT)


def test_a_file_of_authorities_must_hold_some(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ValueError, match=r"smtp\.ca_file: .*ca\.pem holds no certificates in PEM form"):
        loaded(tmp_path, {"name": "duty", "smtp": SMTP | {"ca_file": str(tmp_path / "ca.pem")}})


def test_plain_traffic_may_leave_the_machine_where_the_file_says_so() -> None:
    assert target(webhook=WEBHOOK | {"url": "http://hook.example.org/", "allow_plain": True}).webhook
    assert target(webhook=None, smtp=SMTP | {"host": "mail.example.org", "allow_plain": True}).smtp


def test_a_secret_may_be_replaced_by_another_while_both_count() -> None:
    hook = target().webhook
    assert hook is not None
    assert hook.secrets({"HOOK": f"{SECRET} {SECRET}"}) == (b"stations send every 5 minutes",) * 2


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-03-25T21:59:59", False),
        ("2026-03-25T22:00:00", True),
        ("2026-03-26T00:00:00", True),
        ("2026-03-26T05:59:59", True),
        ("2026-03-26T06:00:00", False),
    ],
)
def test_a_quiet_time_goes_over_midnight_on_vietnams_clock(at: str, quiet: bool) -> None:
    nights = Quiet.model_validate({"from": "22:00", "to": "06:00"})
    assert nights.holds(local(at)) is quiet
    assert nights.holds(local(at).astimezone(UTC)) is quiet


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-03-27T05:00", False),  # Friday morning: Thursday's night is not quiet
        ("2026-03-27T22:00", True),  # Friday
        ("2026-03-28T05:59", True),  # Saturday morning belongs to Friday's night
        ("2026-03-28T22:00", False),  # Saturday
    ],
)
def test_a_day_of_a_quiet_time_is_the_one_on_which_it_begins(at: str, quiet: bool) -> None:
    assert Quiet.model_validate({"from": "22:00", "to": "06:00", "days": ["fri"]}).holds(local(at)) is quiet


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-03-27T23:59", False),
        ("2026-03-28T00:00", True),
        ("2026-03-29T23:59", True),
        ("2026-03-30T00:00", False),
    ],
)
def test_the_same_time_twice_is_a_whole_day(at: str, quiet: bool) -> None:
    weekend = {"from": "00:00", "to": "00:00", "days": ["sat", "sun"]}
    assert Quiet.model_validate(weekend).holds(local(at)) is quiet


@pytest.mark.parametrize(("at", "quiet"), [("2026-03-26T23:59", True), ("2026-03-27T00:00", False)])
def test_a_quiet_time_may_end_at_24(at: str, quiet: bool) -> None:
    assert Quiet.model_validate({"from": "22:00", "to": "24:00"}).holds(local(at)) is quiet
    with pytest.raises(ValueError, match="write the time in quotes"):
        Quiet.model_validate({"from": "22:00", "to": "24:05"})


def test_critical_alerts_pass_a_quiet_time_that_says_so_and_no_other() -> None:
    night = {"from": "18:00", "to": "06:00"}
    passing, silent = night | {"except": "critical"}, night
    assert not target(quiet=[passing]).is_quiet(EVENING, "critical")
    assert target(quiet=[passing]).is_quiet(EVENING, "warning")
    assert target(quiet=[silent]).is_quiet(EVENING, "critical")
    assert target(quiet=[passing, silent]).is_quiet(EVENING, "critical")


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 7 * 1440 - 1), st.integers(0, 6))
def test_a_quiet_time_holds_for_its_minutes_from_its_beginning(
    start: int, end: int, minute: int, day: int
) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    quiet = Quiet.model_validate(
        {
            "from": f"{start // 60:02}:{start % 60:02}",
            "to": f"{end // 60:02}:{end % 60:02}",
            "days": [days[day]],
        }
    )
    monday = local("2026-03-23T00:00")
    since = (minute - day * 1440 - start) % (7 * 1440)
    assert quiet.holds(monday + timedelta(minutes=minute)) is (since < ((end - start) % 1440 or 1440))
