"""The whole stack, started once by the command a person types, for all tests of this folder."""

from collections.abc import Iterator

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
