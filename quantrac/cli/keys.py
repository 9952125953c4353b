"""``quantrac keys``: who may read the REST API."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import PROVINCE_CODE, look_up_stations
from quantrac.cli.options import data_option
from quantrac.cli.registry_topic import read_registry, write
from quantrac.cli.shown_times import show_time
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import DAY
from quantrac.domain.spellings import did_you_mean
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

if TYPE_CHECKING:  # what asks a broker imports it: the help needs none of it
    from quantrac.domain.registry.api_keys import ApiKey
    from quantrac.domain.registry.registry import Registry


@click.group()
def keys() -> None:
    """Keys of the REST API: make, list and revoke them."""


@keys.command()
@click.option("--owner", required=True, help="Person or organisation the key is for.")
@click.option(
    "--province",
    "provinces",
    type=PROVINCE_CODE,
    multiple=True,
    help="Code or name of a province it may read, several times for several; by default all.",
)
@click.option(
    "--station",
    "stations",
    multiple=True,
    metavar="CODE",
    help="Station that is all it may read. May be given several times.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME",
    help="Account of a logger: it may read what the account's stations sent, and its files of no station. "
    "May be given several times.",
)
@click.option("--valid-to", type=DAY, help="First day it is refused.")
@one_sentence
@target_options
def create(
    *,
    owner: str,
    provinces: tuple[str, ...],
    stations: tuple[str, ...],
    accounts: tuple[str, ...],
    valid_to: date | None,
    target: Target,
) -> None:
    """Make a key and print it, this once.

    \b
      quantrac keys create --owner "Lan, department of Ninh Bình" --province 37 --valid-to 2027-01-01
    """
    from quantrac.io.records import Record
    from schemas.keys import new_key
    from schemas.registry import record_key

    with read_registry(target) as registry:
        check_accounts(registry, accounts)
        token, key = new_key(
            owner,
            provinces=provinces,
            stations=look_up_stations(stations, registry.stations),
            accounts=accounts,
            valid_to=valid_to,
        )
        write(target, Record(target.registry, record_key(key), key.model_dump_json().encode()))
    echo(token)
    echo(f"Key {key.id} of {key.owner}; the secret is not stored, so keep it safe.", err=True)


@keys.command()
@data_option
@one_sentence
def demo(data: DataDir) -> None:
    """Print the key of the demo in the data folder."""
    from quantrac.local.preparation import demo_api_key

    if not Stack.read(data).demo:
        raise UserError(f"the stack in {data.root} is no demo; `quantrac keys create` makes a key")
    echo(demo_api_key(data))


@keys.command("list")
@one_sentence
@target_options
def list_(target: Target) -> None:
    """List the keys; their secrets are not known."""
    with read_registry(target) as registry:
        for key in sorted(registry.api_keys.values(), key=lambda key: (key.owner, key.id)):
            echo(f"{key.id:14} {_scope(key):14} {_validity(key):26} {key.owner}")


@keys.command()
@click.argument("key_id", metavar="ID")
@one_sentence
@target_options
def revoke(key_id: str, target: Target) -> None:
    """Revoke a key; the API refuses it from then on."""
    from quantrac.io.records import Record

    with read_registry(target) as registry:
        if key_id not in registry.api_keys:
            raise UserError(f"there is no key {key_id!r}; `quantrac keys list` shows them")
        owner = registry.api_keys[key_id].owner
        write(target, Record(target.registry, f"api-key/{key_id}".encode(), None))
    echo(f"revoked key {key_id} of {owner}")


def check_accounts(registry: "Registry", accounts: Iterable[str]) -> None:
    """Raise UserError for an account that is none of a logger."""
    for name in accounts:
        if name not in registry.accounts:
            raise UserError(f"there is no account {name!r}{did_you_mean(name, registry.accounts)}")
        if registry.accounts[name].role != "station":
            raise UserError(f"the account {name!r} is that of a province; --province makes a key for one")


def _scope(key: "ApiKey") -> str:
    return ",".join((*key.provinces, *key.stations, *(f"account:{name}" for name in key.accounts))) or "all"


def _validity(key: "ApiKey") -> str:
    return show_time(key.valid_to) if key.valid_to else "no end"
