"""``quantrac keys``: who may read the REST API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import click

from quantrac.domain.stations import ApiKey, Registry
from quantrac.io.settings import ServiceSettings, load

_REGISTRY_TOPIC = "station-registry"
_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class _Topic:
    """The registry's topic and the broker that has it."""

    kafka: str
    name: str


@click.group()
@click.option("--kafka", help="Bootstrap servers of the broker.  [env: QUANTRAC_KAFKA]")
@click.option("--prefix", help="Put before every topic name.  [env: QUANTRAC_TOPIC_PREFIX]")
@click.pass_context
def keys(context: click.Context, kafka: str | None, prefix: str | None) -> None:
    """Make, list and revoke the keys of the REST API."""
    settings = load(ServiceSettings)
    prefix = settings.topic_prefix if prefix is None else prefix
    context.obj = _Topic(kafka or settings.kafka, prefix + _REGISTRY_TOPIC)


@keys.command()
@click.option("--owner", required=True, help="Person or organisation the key is for.")
@click.option(
    "--province", "provinces", multiple=True, help="Two-digit code it may read; repeat for more; none = all."
)
@click.option(
    "--valid-to", type=click.DateTime(["%Y-%m-%d"]), help="First day it no longer works, in Vietnam."
)
@click.pass_obj
def create(topic: _Topic, owner: str, provinces: tuple[str, ...], valid_to: datetime | None) -> None:
    """Make a key and print it: this is the only time it is shown."""
    from schemas.keys import new_key
    from schemas.registry import record_key

    try:
        token, key = new_key(owner, provinces=provinces, valid_to=valid_to.date() if valid_to else None)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    with _registry(topic):
        _write(topic, record_key(key), key.model_dump_json().encode())
    click.echo(token)
    click.echo(f"Key {key.id} of {key.owner}. It is not stored: keep it safe.", err=True)


@keys.command("list")
@click.pass_obj
def list_keys(topic: _Topic) -> None:
    """List the keys: id, provinces, validity, owner, separated by TABs."""
    with _registry(topic) as registry:
        for key in sorted(registry.api_keys.values(), key=lambda key: (key.owner, key.id)):
            click.echo("\t".join((key.id, ",".join(key.provinces) or "all", _validity(key), key.owner)))


@keys.command()
@click.argument("key_id", metavar="ID")
@click.pass_obj
def revoke(topic: _Topic, key_id: str) -> None:
    """Revoke a key; the API refuses it within a second."""
    with _registry(topic) as registry:
        if key_id not in registry.api_keys:
            raise click.ClickException(f"there is no key {key_id!r}; `quantrac keys list` shows them")
        _write(topic, f"api-key/{key_id}".encode(), None)
        owner = registry.api_keys[key_id].owner
    click.echo(f"Revoked key {key_id} of {owner}.")


@contextmanager
def _registry(topic: _Topic) -> Iterator[Registry]:
    """Read the registry; writing only where it could be read keeps a wrong broker's name from hanging."""
    from quantrac.io.kafka import TableReader
    from schemas.registry import apply_record

    registry = Registry()
    reader = TableReader(topic.kafka, topic.name, partial(apply_record, registry))
    try:
        reader.start(_TIMEOUT_SECONDS)
    except TimeoutError as error:
        reader.close()
        raise click.ClickException(f"{error} from {topic.kafka}") from error
    try:
        yield registry
    finally:
        reader.close()


def _write(topic: _Topic, key: bytes, value: bytes | None) -> None:
    from quantrac.io.kafka import KafkaProducer
    from quantrac.io.records import DeliveryFailed, Record

    producer = KafkaProducer(topic.kafka, linger_ms=0)
    producer.produce([Record(topic.name, key, value)])
    try:
        producer.flush()
    except DeliveryFailed as error:
        raise click.ClickException(f"the broker did not take it: {error}") from error


def _validity(key: ApiKey) -> str:
    return f"until {key.valid_to.isoformat()}" if key.valid_to else "no end"
