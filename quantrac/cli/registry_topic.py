"""The registry's topic as the commands use it: read whole, written record by record, with who and why."""

import getpass
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from quantrac.cli.target import Target
from quantrac.errors import UserError

if TYPE_CHECKING:  # the clients are imported when something is asked of them: half a second
    from quantrac.domain.registry.registry import Registry
    from quantrac.io.records import Record
    from schemas.messages.registry.accounts import Account
    from schemas.messages.registry.stations import Station

TIMEOUT_SECONDS = 15.0


@contextmanager
def read_registry(target: Target, values: MutableMapping[bytes, bytes] | None = None) -> "Iterator[Registry]":
    """Read the registry; a command that writes reads it too, so that a wrong address is told at once.

    ``values`` gets the records as they stand in the topic, by key.
    """
    from quantrac.domain.registry.registry import Registry
    from schemas.registry import apply_record

    registry = Registry()

    def take(key: bytes, value: bytes | None) -> None:
        apply_record(registry, key, value)
        if values is not None:
            values.pop(key, None)
            values.update({} if value is None else {key: value})

    with follow(target, target.registry, take):
        yield registry


def read_records(target: Target) -> "list[Station | Account]":
    """Return the stations and accounts in force, as files hold them, in the order of their names."""
    from schemas.messages.registry.accounts import Account
    from schemas.messages.registry.stations import Station

    values: dict[bytes, bytes | None] = {}
    with follow(target, target.registry, values.__setitem__):
        pass
    records: list[Station | Account] = []
    for model, prefix in ((Station, b"station/"), (Account, b"account/")):
        for key in sorted(key for key, value in values.items() if value and key.startswith(prefix)):
            records.append(model.model_validate_json(values[key] or b""))
    return records


@contextmanager
def follow(target: Target, topic: str, apply: "Callable[[bytes, bytes | None], None]") -> Iterator[None]:
    """Read a compacted topic to its end; raises UserError where the broker does not answer."""
    from quantrac.io.health import Unavailable
    from quantrac.io.kafka.tables import TableReader

    reader = TableReader(target.kafka, topic, apply)
    try:
        reader.start(TIMEOUT_SECONDS)
        yield
    except Unavailable as error:
        raise UserError(str(error)) from error
    finally:
        reader.close()


def write(target: Target, *records: "Record", timeout: float = TIMEOUT_SECONDS) -> "Record":
    """Write records in their order and return the last one with its offset.

    Raises UserError where the broker does not confirm them within ``timeout`` seconds.
    """
    from quantrac.io.kafka.producer import ReportingProducer
    from quantrac.io.records import DeliveryFailed

    *before, last = records
    producer = ReportingProducer(target.kafka, linger_ms=0, delivery_timeout=timeout)
    try:
        producer.produce(before)
        return producer.write(last)
    except DeliveryFailed as error:
        raise UserError(f"the broker did not take it: {error}") from error


def reason(why: str) -> str:
    """Return what was given with ``--why``; raises UserError where that is nothing."""
    if not why.strip():
        raise UserError("say why with --why: the reason stays on record")
    return why.strip()


def user() -> str:
    """Return the login name; raises UserError where there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UserError("nobody is logged in; say who decides with --by") from error
