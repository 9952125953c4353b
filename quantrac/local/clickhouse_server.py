"""Run the local ClickHouse server: `python -m quantrac.local.clickhouse_server --data DIR --port N`."""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from quantrac.io import logs
from quantrac.io.http_guard import HttpGuard
from quantrac.io.private_files import keep_files_private
from quantrac.io.settings import HttpLimits
from quantrac.local.clickhouse.analyst import Analyst, analysts_of
from quantrac.local.clickhouse.app import ClickHouseApp
from quantrac.local.clickhouse.confinement import confine
from quantrac.local.clickhouse.engine import Engine
from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.errors import LocalError
from schemas.clickhouse.roles import analyst_grants

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
USER_VARIABLE = "QUANTRAC_CLICKHOUSE_USER"
PASSWORD_VARIABLE = "QUANTRAC_CLICKHOUSE_PASSWORD"  # noqa: S105  (the variable's name)
ANALYSTS_VARIABLE = "QUANTRAC_CLICKHOUSE_ANALYSTS"
"""JSON object, database -> password of its login `analyst_<database>`."""
# Longer than clients keep an idle connection: one closed under a client makes its next request fail.
_KEEP_ALIVE_SECONDS = 75
# A stop lets statements finish for so long, then ends them, then drops connections that do not move.
_STATEMENT_GRACE_SECONDS = 5
_CONNECTION_GRACE_SECONDS = 8
_LONGEST_HEAD_BYTES = 1 << 20
# An insert may be produced while it is sent; everybody here shares one address.
_LIMITS = HttpLimits(body_seconds=3600, max_connections=500, max_connections_without_login=400)
# As the dictionaries' LIFETIME says.
_RELOAD_SECONDS = 30


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="quantrac.local.clickhouse_server", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the engine's folder, made if missing")
    parser.add_argument("--port", type=int, required=True, help=f"TCP port on {HOST}; 0 takes a free one")
    arguments = parser.parse_args()
    keep_files_private()
    logs.configure("INFO", "clickhouse")
    try:
        user, password = _credentials()
        serve(arguments.data, arguments.port, user, password, _analysts())
    except LocalError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def serve(data: Path, port: int, user: str, password: str, analysts: Sequence[Analyst] = ()) -> None:
    """Open the engine and answer until a signal comes; raises `LocalError` if port or folder are taken."""
    listener = _listen(port)
    data.mkdir(parents=True, exist_ok=True)
    # Before the engine is loaded: with it come its threads.
    confine(data)
    engine = Engine(data, {analyst.role: analyst_grants(analyst.database) for analyst in analysts})
    app = ClickHouseApp(engine, user, password, analysts)
    config = uvicorn.Config(
        app,
        http=HttpGuard(_LIMITS).protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_CONNECTION_GRACE_SECONDS,
        h11_max_incomplete_event_size=_LONGEST_HEAD_BYTES,
    )
    # uvicorn raises the signal again when it has stopped; as an exit it lets the engine be closed below.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    print(f"ClickHouse {engine.version} listens on http://{HOST}:{listener.getsockname()[1]}", flush=True)  # noqa: T201
    stop = threading.Event()
    reloading = threading.Thread(target=_reload, args=(engine, stop), name="dictionaries", daemon=True)
    reloading.start()
    try:
        _Server(config, app).run(sockets=[listener])
    finally:
        stop.set()
        reloading.join()
        app.close()
        engine.close()


def _reload(engine: Engine, stop: threading.Event) -> None:
    while not stop.wait(_RELOAD_SECONDS):
        try:
            engine.reload_dictionaries()
        except EngineError as error:
            log.warning("dictionaries: %s", error)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: ClickHouseApp) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        grace = asyncio.get_running_loop().call_later(_STATEMENT_GRACE_SECONDS, self._app.end_statements)
        await super().shutdown(sockets)
        grace.cancel()


def _credentials() -> tuple[str, str]:
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not password:
        raise LocalError(f"{PASSWORD_VARIABLE} is not set; the server does not start without a password.")
    return os.environ.get(USER_VARIABLE) or "quantrac", password


def _analysts() -> list[Analyst]:
    """Return the logins that only read; without the variable there are none."""
    try:
        passwords = json.loads(os.environ.get(ANALYSTS_VARIABLE) or "{}")
        return analysts_of({str(database): str(password) for database, password in passwords.items()})
    except (ValueError, AttributeError):
        raise LocalError(f"{ANALYSTS_VARIABLE} is no JSON object of database and password.") from None


def _listen(port: int) -> socket.socket:
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise LocalError(f"Cannot listen on {HOST}:{port}: {os.strerror(error.errno or 0)}.") from None
    # asyncio sets it only on sockets made with IPPROTO_TCP; without it an answer may wait 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


if __name__ == "__main__":
    sys.exit(main())
