"""``quantrac registry``: stations and accounts, from YAML into the station-registry topic."""

from pathlib import Path

import click

from quantrac.cli.options import one_sentence
from quantrac.cli.target import Target, target_options
from quantrac.domain.stations import Registry
from quantrac.io.kafka import KafkaProducer, TableReader
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from schemas.registry import apply_record, load_directory, record_key


@click.group()
def registry() -> None:
    """Stations and accounts: who may send what."""


@registry.command("import")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@one_sentence
@target_options
def import_(directory: Path, target: Target) -> None:
    """Write every record of DIRECTORY's *.yaml files; services follow at once.

    Records that are not in the files stay as they are.
    """
    records = load_directory(directory)
    producer = KafkaProducer(target.kafka)
    producer.produce([Record(target.registry, record_key(r), r.model_dump_json().encode()) for r in records])
    producer.flush()
    kinds = [record_key(r).decode().partition("/")[0] for r in records]
    counts = ", ".join(
        f"{kinds.count(kind)} {kind}{'s'[: kinds.count(kind) != 1]}" for kind in dict.fromkeys(kinds)
    )
    click.echo(f"imported {counts} into {target.registry}")


@registry.command("check")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@one_sentence
def check(directory: Path) -> None:
    """Read DIRECTORY's *.yaml files and say whether they could be imported."""
    click.echo(f"{len(load_directory(directory))} records, no mistake")


@registry.command("list")
@one_sentence
@target_options
def list_(target: Target) -> None:
    """List what the registry holds."""
    found = Registry()
    reader = TableReader(target.kafka, target.registry, lambda key, value: apply_record(found, key, value))
    reader.start()
    reader.close()
    for station in sorted(found.stations.values(), key=lambda s: s.code):
        click.echo(f"station  {station.code:24} {station.type:14} {len(station.parameters):3} {station.name}")
    for account in sorted(found.accounts.values(), key=lambda a: a.name):
        click.echo(f"account  {account.name:24} {account.role:14} {' '.join(account.stations)}")


@registry.command("hash-password")
@click.password_option()
def hash_password_(password: str) -> None:
    """Ask for a password and print its argon2id hash, for an account's password_hash."""
    click.echo(hash_password(password))
