"""Ports of the one-machine stack: the usual one where it is free, and the same again after a restart."""

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
    host: str = LOOPBACK,
) -> dict[str, int]:
    """Choose a port for every name of `usual`: the fixed one, else remembered, else usual, else a free one.

    Raises LocalError when a fixed port, one the user asked for by number, is in use.
    """
    fixed, remembered = fixed or {}, remembered or {}
    chosen: dict[str, int] = {}
    with ExitStack() as probes:  # all stay bound until the end, so that no port is given twice
        for name in sorted(usual, key=lambda name: name not in fixed):
            candidates = [fixed[name]] if name in fixed else [remembered.get(name, 0), usual[name]]
            probe = probes.enter_context(socket.socket())
            port = _first_free(probe, host, candidates)
            if port is None and name in fixed:
                raise LocalError(
                    f"Port {fixed[name]}, wanted for {name}, is in use; stop its user or give another."
                )
            chosen[name] = port or _bind(probe, host, 0)
    return {name: chosen[name] for name in usual}


def assign_ports(
    file: Path, usual: Mapping[str, int], fixed: Mapping[str, int] | None = None, host: str = LOOPBACK
) -> dict[str, int]:
    """`choose_ports` with a memory: what the file remembers is kept where possible, the choice is written."""
    remembered = json.loads(file.read_text()) if file.exists() else {}
    chosen = choose_ports(usual, fixed, remembered, host)
    file.write_text(json.dumps(chosen, indent=2) + "\n")
    return chosen


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
