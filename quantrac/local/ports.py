"""Ports of the one-machine stack: the usual one where it is free, and the same again after a restart."""

import errno
import json
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from quantrac.local.errors import LocalError

LOOPBACK = "127.0.0.1"


def is_listening(port: int, host: str = LOOPBACK, timeout_s: float = 1.0) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError:
        return False
    return True


def free_port(host: str = LOOPBACK) -> int:
    """A port nobody uses at this moment."""
    with socket.socket() as probe:
        return _bind(probe, host, 0)


def choose_ports(
    usual: Mapping[str, int],
    fixed: Mapping[str, int] | None = None,
    remembered: Mapping[str, int] | None = None,
    hosts: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Choose a port for every name of `usual`: the fixed one, else remembered, else usual, else a free one.

    `hosts` says on which address a port is wanted, where that is not loopback.
    Raises LocalError when a fixed port, one the user asked for by number, cannot be had.
    """
    fixed, remembered, hosts = fixed or {}, remembered or {}, hosts or {}
    chosen: dict[str, int] = {}
    with ExitStack() as probes:  # all stay bound until the end, so that no port is given twice
        for name in sorted(usual, key=lambda name: name not in fixed):
            host = hosts.get(name, LOOPBACK)
            probe = probes.enter_context(socket.socket(_family(host)))
            if name in fixed:
                chosen[name] = _bind_fixed(probe, host, fixed[name], name)
            else:
                port = _first_free(probe, host, [remembered.get(name, 0), usual[name]])
                chosen[name] = port or _bind_fixed(probe, host, 0, name)
    return {name: chosen[name] for name in usual}


def assign_ports(
    file: Path,
    usual: Mapping[str, int],
    fixed: Mapping[str, int] | None = None,
    hosts: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """`choose_ports` with a memory: what the file remembers is kept where possible, the choice is written."""
    remembered = json.loads(file.read_text()) if file.exists() else {}
    chosen = choose_ports(usual, fixed, remembered, hosts)
    file.write_text(json.dumps(chosen, indent=2) + "\n")
    return chosen


def _bind_fixed(probe: socket.socket, host: str, port: int, name: str) -> int:
    try:
        return _bind(probe, host, port)
    except PermissionError:
        raise LocalError(
            f"Port {port}, wanted for {name}, is below 1024 and so for system services only; "
            "`quantrac service install` makes one, or give another port."
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LocalError(
                f"Port {port}, wanted for {name}, is in use; stop its user or give another."
            ) from None
        reason = error.strerror or str(error)
        raise LocalError(f"{host} cannot be listened on, as {name} should: {reason}.") from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _first_free(probe: socket.socket, host: str, candidates: list[int]) -> int | None:
    for port in filter(None, candidates):
        try:
            return _bind(probe, host, port)
        except OSError:
            continue
    return None


def _bind(probe: socket.socket, host: str, port: int) -> int:
    # With this, a port whose last connections are still in TIME_WAIT counts as free; it would also let two
    # sockets share a port as long as neither listens, so the probe listens.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((host, port))
    probe.listen(1)
    bound: int = probe.getsockname()[1]
    return bound
