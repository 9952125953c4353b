"""Which deployment a command means: the running stack, or the one the environment names."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from quantrac.cli.options import data_option
from quantrac.errors import UserError
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

if TYPE_CHECKING:  # the clients are imported when something is asked of them: half a second
    from quantrac.io.settings import ClickHouseSettings

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """A broker with the prefix of its topics, and a database."""

    kafka: KafkaConnection
    prefix: str
    clickhouse: "ClickHouseSettings"
    folder: Path | None = None
    """Folder of the roles' own files; ``None`` where the environment says where everything is."""
    tier: str = "province"

    def topic(self, name: str) -> str:
        """Return the deployment's name of a topic."""
        return self.prefix + name

    @property
    def registry(self) -> str:
        """The registry's topic."""
        return self.topic("station-registry")


def tier_option(command: Command) -> Command:
    """Add ``--tier``."""
    return click.option(
        "--tier",
        type=click.Choice(["province", "ministry"]),
        help="Which one, in a demo stack; by default the province.",
    )(command)


def target_options(command: Command) -> Command:
    """Add ``--data`` and ``--tier``, handed over as ``target``.

    Where QUANTRAC_KAFKA is set, the environment says where (with QUANTRAC_KAFKA_..., QUANTRAC_TOPIC_PREFIX
    and, for commands that need the database, QUANTRAC_CLICKHOUSE_...); else the stack in the data folder.
    """

    return data_option(tier_option(_hand_over(command)))


def ministry_options(command: Command) -> Command:
    """Add ``--data`` and ``--tier`` as :func:`target_options` does; by default the ministry is meant."""
    tier = click.option(
        "--tier",
        type=click.Choice(["province", "ministry"]),
        default="ministry",
        show_default=True,
        help="Which one, in a demo stack.",
    )
    return data_option(tier(_hand_over(command)))


def _hand_over(command: Command) -> Command:
    @functools.wraps(command)
    def wrapped(*args: Any, data: DataDir, tier: str | None, **kwargs: Any) -> Any:
        target = find_target(data, tier)
        with server_errors(target.kafka):
            return command(*args, target=target, **kwargs)

    return wrapped  # type: ignore[return-value]


@contextmanager
def server_errors(kafka: KafkaConnection) -> Iterator[None]:
    """Turn the errors of a broker or a database that is away, or forbids something, into a ``UserError``."""
    from confluent_kafka import KafkaException

    from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused
    from quantrac.io.records import DeliveryFailed

    try:
        yield
    except (ClickHouseAway, ClickHouseRefused) as error:
        raise UserError(f"ClickHouse: {error}") from error
    except DeliveryFailed as error:
        raise UserError(f"the broker at {kafka.bootstrap} did not take it: {error}") from error
    except KafkaException as error:
        raise UserError(f"the broker at {kafka.bootstrap}: {error.args[0].str()}") from error


def find_target(data: DataDir, tier: str | None) -> Target:
    """Return the deployment that the environment names, else a tier of the stack in the data folder."""
    if "QUANTRAC_KAFKA" in os.environ:
        from quantrac.io.settings import ClickHouseSettings, ServiceSettings, load

        settings = load(ServiceSettings)
        return Target(
            settings.kafka_connection, settings.topic_prefix, load(ClickHouseSettings), tier=settings.tier
        )
    stack = Stack.read(data)
    for entry in stack.tiers:
        if tier in (None, entry.name):
            folder = data.root / entry.name
            clickhouse = stack.clickhouse(entry)
            return Target(stack.broker.connection, entry.prefix, clickhouse, folder, entry.name)
    raise UserError(f"the stack in {data.root} has no tier {tier}")
