"""``quantrac accounts``: what it makes of an account, and what it prints, over a registry in memory."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from quantrac.cli import main
from quantrac.domain.registry.accounts import Account as DomainAccount
from quantrac.io.passwords import verify_password
from quantrac.io.records import Record
from quantrac.io.tls import read_fingerprint
from schemas.examples import example
from schemas.messages.registry.accounts import Account
from support.tls import Pair

CODE = "HN_DEMO_KHI001"


class Broker:
    """The registry's topic, with one station."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes | None] = {
            f"station/{CODE}".encode(): example("station-registry.station.json")
        }

    def produce(self, records: Sequence[Record]) -> None:
        self.records |= {record.key: record.value for record in records}

    def write(self, record: Record) -> Record:
        self.produce([record])
        return replace(record, offset=1)

    def account(self, name: str = "hanoi") -> DomainAccount:
        return Account.model_validate_json(self.records[f"account/{name}".encode()] or b"").to_domain()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()

    class Reader:
        def __init__(self, _: object, __: str, apply: Callable[[bytes, bytes | None], None]) -> None:
            self.apply = apply

        def start(self, _: float) -> None:
            for key, value in broker.records.items():
                self.apply(key, value)

        def close(self) -> None: ...

    monkeypatch.setattr("quantrac.io.kafka.tables.TableReader", Reader)
    monkeypatch.setattr("quantrac.io.kafka.producer.ReportingProducer", lambda *_, **__: broker)
    monkeypatch.setenv("QUANTRAC_KAFKA", "broker:9092")
    return broker


def run(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, ["accounts", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result


def create(*arguments: object) -> str:
    """Make the account of a province and return its password."""
    return run("create", "hanoi", "--province", "01", *arguments).stdout.strip()


def opens(broker: Broker, password: str, after: timedelta = timedelta()) -> bool:
    hashes = broker.account().password_hashes(datetime.now(UTC) + after)
    return any(verify_password(password_hash, password) for password_hash in hashes)


def test_a_provinces_account_is_made_with_a_password_that_is_printed_once(broker: Broker) -> None:
    result = run("create", "hanoi", "--province", "Hà Nội")
    password = result.stdout.strip()
    assert len(password) == 32
    assert password not in result.stderr
    made = broker.account()
    assert (made.role, made.provinces, made.stations) == ("province", ("01",), ())
    assert opens(broker, password)


def test_an_account_of_a_station_is_made_by_its_code(broker: Broker) -> None:
    run("create", "logger-7", "--station", CODE.lower())
    assert (broker.account("logger-7").role, broker.account("logger-7").stations) == ("station", (CODE,))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a",), "say for whom it sends: --province CODE, or --station CODE"),
        (("a/b", "--province", "01"), "name: "),
        (("a", "--station", "HN_DEMO_KHI01"), "there is no station 'HN_DEMO_KHI01' in the registry; did you"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_a_sentence(
    broker: Broker, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in run("create", *arguments, status=1).output
    assert len(broker.records) == 1


def test_an_account_that_is_there_is_not_made_again(broker: Broker) -> None:
    password = create()
    assert "`quantrac accounts rotate`" in run("create", "hanoi", "--province", "01", status=1).output
    assert opens(broker, password)


def test_after_a_rotation_both_passwords_count_for_a_week_and_then_the_new_one(broker: Broker) -> None:
    old = create()
    new = run("rotate", "hanoi").stdout.strip()
    week = timedelta(days=7)
    assert [opens(broker, password) for password in (old, new)] == [True, True]
    assert [opens(broker, password, week) for password in (old, new)] == [False, True]
    refused = run("rotate", "hanoi", status=1).output
    assert "`quantrac accounts retire` ends it first" in refused
    run("retire", "hanoi")
    assert [opens(broker, password) for password in (old, new)] == [False, True]


def test_a_password_that_leaked_ends_at_once(broker: Broker) -> None:
    old = create()
    new = run("rotate", "hanoi", "--days", 0).stdout.strip()
    assert [opens(broker, password) for password in (old, new)] == [False, True]


def test_a_certificate_takes_the_place_of_a_password_and_is_rotated_like_one(
    broker: Broker, tmp_path: Path
) -> None:
    first, second = (Pair(tmp_path, name).certificate for name in ("first", "second"))
    assert create("--certificate", first) == ""
    assert (broker.account().password_hash, broker.account().certificates) == ("", (read_fingerprint(first),))
    refused = run("rotate", "hanoi", "--certificate", second, "--days", 3, status=1)
    assert "--days is about passwords" in refused.output
    run("rotate", "hanoi", "--certificate", second)
    assert broker.account().certificates == (read_fingerprint(first), read_fingerprint(second))
    run("retire", "hanoi")
    assert broker.account().certificates == (read_fingerprint(second),)


def test_an_account_changes_over_from_a_password_to_a_certificate(broker: Broker, tmp_path: Path) -> None:
    password, certificate = create(), Pair(tmp_path).certificate
    assert "add a certificate first" in run("retire", "hanoi", "--password", status=1).output
    run("rotate", "hanoi", "--certificate", certificate)
    assert opens(broker, password)
    run("retire", "hanoi", "--password")
    assert broker.account().password_hash == ""


def test_a_file_that_is_no_certificate_is_refused(broker: Broker, tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    refused = run("create", "hanoi", "--province", "01", "--certificate", pair.key, status=1)
    assert "holds no certificate (PEM)" in refused.output
    assert len(broker.records) == 1


def test_the_list_says_by_what_each_logs_in(broker: Broker, tmp_path: Path) -> None:
    create()
    run("rotate", "hanoi")
    run("rotate", "hanoi", "--certificate", Pair(tmp_path).certificate)
    (line,) = run("list").stdout.splitlines()
    assert "hanoi                    province  password, the one before until 20" in line
    assert "+07:00, 1 certificate" in line
    assert line.endswith(" 01")
    assert "argon2" not in line


@pytest.mark.parametrize("command", ["rotate", "retire"])
def test_an_account_that_is_not_there_is_refused_with_the_nearest(broker: Broker, command: str) -> None:
    create()
    assert "there is no account 'hanoy'; did you mean 'hanoi'?" in run(command, "hanoy", status=1).output


def test_a_file_with_the_replaced_password_is_not_imported(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create()
    before = Account.model_validate_json(broker.records[b"account/hanoi"] or b"")
    run("rotate", "hanoi")
    entry: dict[str, Any] = before.model_dump(include={"name", "role", "provinces", "password_hash"})
    text = "\n    ".join(f"{key}: {list(v) if isinstance(v, tuple) else v}" for key, v in entry.items())
    (tmp_path / "a.yaml").write_text(f"accounts:\n  - {text}\n")
    refused = CliRunner().invoke(main, ["registry", "import", str(tmp_path)])
    assert refused.exit_code == 1
    assert "the files hold the password that `quantrac accounts rotate` replaced" in refused.output
