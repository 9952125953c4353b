"""``quantrac up``: the whole system on this machine."""

import subprocess
import sys
import threading

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.io.private_files import keep_files_private
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.stack import Stack
from quantrac.local.supervisor import Supervisor, stop_on_signals
from quantrac.local.tiers import find_role
from quantrac.local.waiting import wait_until

_DETACH_SECONDS = 30


@click.command()
@data_option
@click.option("--demo", is_flag=True, help="Also a ministry, some twenty made-up stations and their loggers.")
@click.option("--detach", is_flag=True, help="Return once the processes are started; see `quantrac status`.")
@click.option(
    "--port", "ports", multiple=True, metavar="NAME=N", help="Fix a port, such as province.ftp=2121."
)
@click.option(
    "--without",
    "left_out_roles",
    multiple=True,
    metavar="ROLE",
    help="Leave a role out, such as validator.validate, to run it by hand; see `quantrac env`.",
)
@one_sentence
def up(
    data: DataDir, demo: bool, detach: bool, ports: tuple[str, ...], left_out_roles: tuple[str, ...]
) -> None:
    """Start Kafka, ClickHouse and all services on this machine, on the loopback address only.

    A second start in the same folder goes on where the first one ended. Ctrl-C stops everything.
    """
    keep_files_private()
    fixed = _parse_ports(ports)
    names = {find_role(name, demo=demo) for name in left_out_roles}
    if detach:
        _detach(data, demo, ports, left_out_roles)
        return
    with data.lock():
        stack = Stack.with_free_ports(data, demo=demo, fixed=fixed)
        supervisor = Supervisor(stack.processes(), data, left_out_names=names)
        with stop_on_signals(supervisor):
            done = threading.Event()
            watcher = threading.Thread(target=_watch, args=(stack, supervisor, done), daemon=True)
            watcher.start()
            try:
                supervisor.run()
            finally:
                done.set()
                watcher.join(timeout=5)


def _parse_ports(ports: tuple[str, ...]) -> dict[str, int]:
    fixed = {}
    for port in ports:
        name, _, number = port.partition("=")
        if not number.isdecimal() or not 0 < int(number) < 65536:
            raise LocalError(f"--port {port}: expected NAME=N with N from 1 to 65535.")
        fixed[name] = int(number)
    return fixed


def _detach(data: DataDir, demo: bool, ports: tuple[str, ...], left_out_roles: tuple[str, ...]) -> None:
    if running := data.read_state():
        raise LocalError(f"{data.root} is in use by process {running.pid}; stop that one first.")
    data.create()
    command = [sys.executable, "-m", "quantrac.cli", "up", "--data", str(data.root)]
    command += ["--demo"] if demo else []
    command += [argument for port in ports for argument in ("--port", port)]
    command += [argument for name in left_out_roles for argument in ("--without", name)]
    with (data.logs / "supervisor.log").open("ab") as log:
        start = log.tell()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def started() -> bool:
        state = data.read_state()
        return process.poll() is not None or (state is not None and state.pid == process.pid)

    wait_until(started, _DETACH_SECONDS)
    if process.poll() is not None:
        with (data.logs / "supervisor.log").open("rb") as written:
            written.seek(start)
            echo(written.read().decode(errors="replace").strip(), err=True)
            sys.exit(process.returncode)
    echo(f"started as process {process.pid}; `quantrac status --wait` waits until all is ready")
    if demo:
        echo("`quantrac keys demo` prints the API key")


def _watch(stack: Stack, supervisor: Supervisor, done: threading.Event) -> None:
    """Show what happens: a live table in a terminal, the greeting alone elsewhere."""
    from quantrac.cli.live import greeting, show_counts, show_start

    show_start(supervisor, done)
    if not done.is_set():
        echo(greeting(stack, show_key=sys.stdout.isatty()))
        if sys.stdout.isatty():
            show_counts(stack, done)
