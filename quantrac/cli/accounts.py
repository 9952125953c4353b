"""``quantrac accounts``: who may send, and how an account changes its password or certificate."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import PROVINCE_CODE, look_up_stations
from quantrac.cli.registry_topic import read_registry, write
from quantrac.cli.shown_times import show_time
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import count, echo
from quantrac.domain.spellings import did_you_mean
from quantrac.errors import UserError

if TYPE_CHECKING:  # what asks a broker imports it: the help needs none of it
    from quantrac.domain.registry.accounts import Account as DomainAccount
    from schemas.messages.registry.accounts import Account

_FILES = "where the account stands in files that are imported, take its entry over from `quantrac registry \
export --accounts --yaml FILE`"

_DAYS = 7
"""How long an old password counts where nobody says."""

_certificate_option = click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Certificate (PEM) to log in with over HTTPS, in place of a password; its key stays with the owner.",
)


@click.group()
def accounts() -> None:
    """Accounts that send: make one, change its password or certificate, list them."""


@accounts.command()
@click.argument("name")
@click.option(
    "--province",
    "provinces",
    type=PROVINCE_CODE,
    multiple=True,
    help="Code or name of a province that it delivers for, at the ministry. May be given several times.",
)
@click.option(
    "--station",
    "stations",
    multiple=True,
    metavar="CODE",
    help="Station that it sends for; of a province's account one that is all. May be given several times.",
)
@_certificate_option
@one_sentence
@target_options
def create(
    *,
    name: str,
    provinces: tuple[str, ...],
    stations: tuple[str, ...],
    certificate: Path | None,
    target: Target,
) -> None:
    """Make an account and print its password, this once; with --certificate it has none.

    \b
      quantrac accounts create province-hn --province 01
    """
    from pydantic import ValidationError

    from schemas.messages.registry.accounts import Account
    from schemas.validation_errors import first_problem

    if not (provinces or stations):
        raise UserError("say for whom it sends: --province CODE, or --station CODE")
    with read_registry(target) as registry:
        if name in registry.accounts:
            raise UserError(f"there is an account {name!r}; `quantrac accounts rotate` changes its password")
        fields = {
            "name": name,
            "role": "province" if provinces else "station",
            "provinces": provinces,
            "stations": look_up_stations(stations, registry.stations),
        }
        password, login = _new_login(certificate)
        try:
            account = Account.model_validate(fields | login)
        except ValidationError as error:
            raise UserError(first_problem(error, Account)) from error
        _write(target, account)
    _tell_password(password, f"account {name} made")


@accounts.command()
@click.argument("name")
@click.option(
    "--days",
    type=click.IntRange(0, 366),
    help="How long the old password counts beside the new one (7); 0: not at all, as after a leak.",
)
@_certificate_option
@one_sentence
@target_options
def rotate(*, name: str, days: int | None, certificate: Path | None, target: Target) -> None:
    """Give an account a new password and print it, this once; the old one counts for some days more.

    With --certificate it gets one more certificate; those before count until `quantrac accounts retire`.
    """
    from quantrac.io.passwords import hash_password
    from schemas.accounts import add_certificate, new_password, rotate_password

    if certificate is not None:
        if days is not None:
            raise UserError("--days is about passwords; certificates count until `quantrac accounts retire`")
        fingerprint = _fingerprint(certificate)
        _change(target, name, lambda account: add_certificate(account, fingerprint))
        echo(f"account {name} may log in by the certificate {fingerprint}")
        echo(_FILES, err=True)
        return
    password, now = new_password(), datetime.now(UTC)
    days = _DAYS if days is None else days
    password_hash, until = hash_password(password), now.replace(microsecond=0) + timedelta(days=days)
    _change(target, name, lambda account: rotate_password(account, password_hash, now=now, until=until))
    rest = f"the old one counts until {show_time(until)}" if days else "the old one is refused from now on"
    _tell_password(password, f"account {name} has a new password; {rest}")
    echo(_FILES, err=True)


@accounts.command()
@click.argument("name")
@click.option(
    "--password", is_flag=True, help="The present password too: then it logs in by certificate only."
)
@one_sentence
@target_options
def retire(*, name: str, password: bool, target: Target) -> None:
    """End what an account had before: its previous password, and all certificates but the newest."""
    from schemas.accounts import retire as retire_login

    _change(target, name, lambda account: retire_login(account, password=password))
    echo(f"account {name} logs in by what is newest only")
    echo(_FILES, err=True)


@accounts.command("list")
@one_sentence
@target_options
def list_(target: Target) -> None:
    """List the accounts, and by what they log in; passwords are not known."""
    now = datetime.now(UTC)
    with read_registry(target) as registry:
        for account in sorted(registry.accounts.values(), key=lambda account: account.name):
            rights = " ".join([*account.provinces, *account.stations])
            echo(f"{account.name:24} {account.role:9} {', '.join(_logins(account, now)):40} {rights}")


def _logins(account: "DomainAccount", now: datetime) -> list[str]:
    """Return by what an account logs in, in words."""
    logins = ["password"] if account.password_hash else []
    previous = account.previous_password
    if previous is not None and now < previous.valid_to:
        logins.append(f"the one before until {show_time(previous.valid_to)}")
    keys = ((account.certificates, "certificate"), (account.public_keys, "key"))
    logins += [count(len(entries), noun) for entries, noun in keys if entries]
    return logins if account.valid_at(now) else ["not valid now"]


def _new_login(certificate: Path | None) -> tuple[str, dict[str, object]]:
    """Return the password, empty with a certificate, and the fields of the account."""
    from quantrac.io.passwords import hash_password
    from schemas.accounts import new_password

    if certificate is not None:
        return "", {"certificates": [_fingerprint(certificate)]}
    password = new_password()
    return password, {"password_hash": hash_password(password)}


def _fingerprint(certificate: Path) -> str:
    from quantrac.io.tls import read_fingerprint

    try:
        return read_fingerprint(certificate)
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from error


def _change(target: Target, name: str, change: "Callable[[Account], Account]") -> None:
    """Write an account as ``change`` makes it; raises UserError where there is none of the name."""
    from schemas.messages.registry.accounts import Account

    values: dict[bytes, bytes] = {}
    with read_registry(target, values) as registry:
        value = values.get(f"account/{name}".encode())
        if value is None:
            raise UserError(f"there is no account {name!r}{did_you_mean(name, registry.accounts)}")
        _write(target, change(Account.model_validate_json(value)))


def _write(target: Target, account: "Account") -> None:
    from quantrac.io.records import Record
    from schemas.registry import record_key

    write(target, Record(target.registry, record_key(account), account.model_dump_json().encode()))


def _tell_password(password: str, sentence: str) -> None:
    if password:
        echo(password)
    rest = "; the password is not stored, so keep it safe" if password else ""
    echo(f"{sentence}{rest}", err=True)
