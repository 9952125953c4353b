"""Which registry a command means: the running stack's, or the one the environment names."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from quantrac.cli.options import data_option
from quantrac.io.settings import ServiceSettings, load
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """A broker and the name of its registry topic."""

    kafka: str
    registry: str


def target_options(command: Command) -> Command:
    """Add ``--data`` and ``--tier``, handed over as ``target``.

    Where QUANTRAC_KAFKA is set, the environment says where (with QUANTRAC_TOPIC_PREFIX); else the stack in
    the data folder.
    """

    @data_option
    @click.option(
        "--tier",
        type=click.Choice(["province", "ministry"]),
        default="province",
        show_default=True,
        help="Whose registry, in a demo stack.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, data: DataDir, tier: str, **kwargs: Any) -> Any:
        return command(*args, target=_target(data, tier), **kwargs)

    return wrapped  # type: ignore[return-value]


def _target(data: DataDir, tier: str) -> Target:
    if "QUANTRAC_KAFKA" in os.environ:
        settings = load(ServiceSettings)
        return Target(settings.kafka, settings.topic("station-registry"))
    stack = Stack.read(data)
    for entry in stack.tiers:
        if entry.name == tier:
            return Target(stack.bootstrap, f"{entry.prefix}station-registry")
    raise ValueError(f"the stack in {data.root} has no tier {tier}")
