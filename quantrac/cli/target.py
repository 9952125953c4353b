"""Which deployment a command means: the running stack, or the one the environment names."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from quantrac.cli.options import data_option
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.settings import ClickHouseSettings, ServiceSettings, load
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """A broker with the prefix of its topics, and a database."""

    kafka: KafkaConnection
    prefix: str
    clickhouse: ClickHouseSettings

    def topic(self, name: str) -> str:
        """Return the deployment's name of a topic."""
        return self.prefix + name

    @property
    def registry(self) -> str:
        """The registry's topic."""
        return self.topic("station-registry")


def target_options(command: Command) -> Command:
    """Add ``--data`` and ``--tier``, handed over as ``target``.

    Where QUANTRAC_KAFKA is set, the environment says where (with QUANTRAC_KAFKA_..., QUANTRAC_TOPIC_PREFIX
    and, for commands that need the database, QUANTRAC_CLICKHOUSE_...); else the stack in the data folder.
    """

    @data_option
    @click.option(
        "--tier",
        type=click.Choice(["province", "ministry"]),
        default="province",
        show_default=True,
        help="Which one, in a demo stack.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, data: DataDir, tier: str, **kwargs: Any) -> Any:
        return command(*args, target=_target(data, tier), **kwargs)

    return wrapped  # type: ignore[return-value]


def _target(data: DataDir, tier: str) -> Target:
    if "QUANTRAC_KAFKA" in os.environ:
        settings = load(ServiceSettings)
        return Target(settings.kafka_connection, settings.topic_prefix, load(ClickHouseSettings))
    stack = Stack.read(data)
    for entry in stack.tiers:
        if entry.name == tier:
            return Target(stack.broker.connection, entry.prefix, stack.clickhouse(entry))
    raise ValueError(f"the stack in {data.root} has no tier {tier}")
