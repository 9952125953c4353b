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
from support.durations import note_duration
from support.failures import note_failure

# No test is timed: on a busy machine an example takes as long as it takes.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

KINDS = frozenset({"unit", "contract", "integration", "e2e"})
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
            folder = item.path.relative_to(Path(__file__).parent).parts[0]
            if folder not in KINDS:
                raise pytest.UsageError(f"{item.nodeid} is in none of the folders {', '.join(sorted(KINDS))}")
            item.add_marker(folder)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    note_failure(report)
    note_duration(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    note_failure(report)


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
