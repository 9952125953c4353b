"""The whole stack, started once by the command a person types, for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.running_stack import RunningStack


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The demo stack, ready; its past is two days, of which one is whole."""
    stack = RunningStack(tmp_path_factory.mktemp("stack"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QUANTRAC_DEMO_PAST_DAYS", "2")
        try:
            stack.up()
            yield stack
        finally:
            stack.quantrac("down", check=False)


@pytest.fixture
def two_stacks(tmp_path: Path) -> Iterator[tuple[RunningStack, RunningStack]]:
    """Two folders for stacks that a test sets up itself, and that are down after it."""
    stacks = RunningStack(tmp_path / "first"), RunningStack(tmp_path / "second")
    try:
        yield stacks
    finally:
        for stack in stacks:
            stack.quantrac("down", check=False)
