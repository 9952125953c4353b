"""What holds for every test: one kind each, and no sockets where the kind says so."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3  # noqa: F401  # it opens a socket when first imported, to see whether there is IPv6

from support.failures import note_failure

KINDS = frozenset({"unit", "contract", "integration", "e2e"})
WITHOUT_SOCKETS = frozenset({"unit", "contract"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kinds = KINDS & {mark.name for mark in item.iter_markers()}
        if len(kinds) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs one of the markers {', '.join(sorted(KINDS))}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    note_failure(report)


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
    for name in ("_Producer", "_Consumer", "AdminClient"):  # librdkafka opens its sockets out of sight
        monkeypatch.setattr(f"quantrac.io.kafka.{name}", blocked_client)
    yield
    if touched:
        pytest.fail(f"a pure test opened a socket: {', '.join(touched)}")
