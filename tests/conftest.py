"""What holds for every test: its kind follows from its folder, and a pure one opens no sockets."""

import socket
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import hypothesis
import pytest
import urllib3  # noqa: F401  # it opens a socket when first imported, to see whether there is IPv6

import quantrac.io.kafka
from support.effort import examples
from support.failures import write_first_failure
from support.workers import pytest_runtest_makereport  # noqa: F401  # a hook

# No test is timed: on a busy machine an example takes as long as it takes.
hypothesis.settings.register_profile(
    "untimed",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("untimed")

KINDS = ("e2e", "integration", "contract", "unit")
"""In the order in which they are run: the long files first, so that those at the end fill the gaps."""
WITHOUT_SOCKETS = frozenset({"unit", "contract"})

# librdkafka opens its sockets out of sight, so a pure test may not even make one of its clients.
KAFKA_CLIENTS = tuple(
    (import_module(module.name), client)
    for module in iter_modules(quantrac.io.kafka.__path__, "quantrac.io.kafka.")
    for client in ("_Producer", "_Consumer", "AdminClient")
    if hasattr(import_module(module.name), client)
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the kind its folder is named for, unless a marker of its own says another."""
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            folder = _folder_of(item)
            if folder not in KINDS:
                raise pytest.UsageError(f"{item.nodeid} is in none of the folders {', '.join(KINDS)}")
            item.add_marker(folder)
    items.sort(key=lambda item: (*KINDS, _folder_of(item)).index(_folder_of(item)))


def _folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let workers share what is slow to start."""
    from support.workers import FileScheduling

    return FileScheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """End with what failed first, whichever worker it was of."""
    yield
    write_first_failure(session)


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a pure test that opens a connection, even if the code under test swallows the error."""
    if not any(request.node.get_closest_marker(kind) for kind in WITHOUT_SOCKETS):
        yield
        return
    touched: list[str] = []

    def blocked(name: str) -> Any:
        original = getattr(socket.socket, name)

        def guard(self: socket.socket, address: Any, *rest: Any) -> Any:
            if self.family == socket.AF_UNIX:  # an event loop wakes itself through one
                return original(self, address, *rest)
            touched.append(f"{name}({address!r})")
            raise RuntimeError(f"a pure test opened a socket: {name}({address!r})")

        return guard

    def blocked_client(*_: object, **__: object) -> None:
        touched.append("a Kafka client")
        raise RuntimeError("a pure test made a Kafka client")

    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, blocked(name))
    for module, name in KAFKA_CLIENTS:
        monkeypatch.setattr(module, name, blocked_client)
    yield
    if touched:
        pytest.fail(f"a pure test opened a socket: {', '.join(touched)}")
