"""``quantrac up``: the whole system on this machine."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.waiting import wait_until

if TYPE_CHECKING:
    from quantrac.local.stack import Stack
    from quantrac.local.supervisor import Supervisor

_DETACH_SECONDS = 60
"""Most of it is the question to the services whether their settings are good."""


@click.command()
@data_option
@click.option("--demo", is_flag=True, help="Also a ministry, some twenty made-up stations and their loggers.")
@click.option("--detach", is_flag=True, help="Return once the processes are started; see `quantrac status`.")
@click.option("--check", is_flag=True, help="Only say whether the configuration is good, and what would run.")
@click.option(
    "--port",
    "ports",
    multiple=True,
    metavar="NAME=N",
    help="Fix a port: province.ftp, province.sftp, province.receiver (HTTP), province.api, broker, "
    "controller, clickhouse, of a ministry ministry.receiver and ministry.api; a role's health is called as "
    "the role in `quantrac status`. May be given several times.",
)
@click.option(
    "--without",
    "left_out_roles",
    multiple=True,
    metavar="ROLE",
    help="Leave a role out, such as validator.validate, to run it by hand; see `quantrac env`. May be given "
    "several times.",
)
@one_sentence
def up(
    *,
    data: DataDir,
    demo: bool,
    detach: bool,
    check: bool,
    ports: tuple[str, ...],
    left_out_roles: tuple[str, ...],
) -> None:
    """Start Kafka, ClickHouse and all services on this machine, as quantrac.yaml in the data folder says.

    `quantrac init` writes that file. Without one everything listens on 127.0.0.1 only, and nothing is
    forwarded. Settings come from the file, none from the environment.

    A second start in the same folder goes on where the first one ended. Ctrl-C stops everything.
    """
    from quantrac.io.private_files import keep_files_private
    from quantrac.local.stack import Stack
    from quantrac.local.tiers import find_role

    keep_files_private()
    fixed = _parse_ports(ports)
    stack = Stack.from_configuration(data, demo=demo)
    names = {find_role(name, stack.tiers) for name in left_out_roles}
    if check:
        _check(stack)
    elif detach:
        _detach(data, demo, ports, left_out_roles)
    else:
        _run(data, demo, fixed, names)


def _run(data: DataDir, demo: bool, fixed: dict[str, int], left_out_names: set[str]) -> None:
    from quantrac.local.stack import Stack
    from quantrac.local.supervisor import Supervisor, stop_on_signals

    with data.lock():
        variables = Stack.from_configuration(data, demo=demo).check()
        stack = Stack.with_free_ports(data, demo=demo, fixed=fixed)
        for sentence in (*_forget_settings(variables, stack), *stack.port_remarks()):
            echo(f"quantrac: {sentence}", err=True)
        supervisor = Supervisor(stack.processes(), data, left_out_names=left_out_names)
        with stop_on_signals(supervisor):
            done = threading.Event()
            watcher = threading.Thread(target=_watch, args=(stack, supervisor, done), daemon=True)
            watcher.start()
            try:
                supervisor.run()
            finally:
                done.set()
                watcher.join(timeout=5)


def _check(stack: "Stack") -> None:
    if not stack.data.root.exists():
        raise LocalError(f"There is no folder {stack.data.root}; `quantrac init` makes one.")
    stack.data.create()
    stack.check()
    verdict = "no mistake" if stack.configuration.text else "no such file: all defaults"
    echo(f"{stack.configuration.file}: {verdict}")
    all_urls = stack.urls()
    for tier in stack.tiers:
        roles, urls = tier.roles(), all_urls[tier.name]
        echo(f"{tier.name}: {', '.join(f'{service}.{role}' for service, role in roles)}")
        for name, url in urls.items():
            echo(f"  {name:11} {url}")


def _forget_settings(variables: frozenset[str], stack: "Stack") -> Iterator[str]:
    """Take the services' settings out of this environment: another shell's start would not have them."""
    for name in sorted(variables & os.environ.keys()):
        del os.environ[name]
        yield f"{name} of this shell does not count; settings stand in {stack.configuration.file}"


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
    with (data.logs / "supervisor.log").open("rb") as written:
        written.seek(start)
        output = written.read().decode(errors="replace").strip()
    if output:  # why it ended, or what differs from what one would expect
        echo(output, err=True)
    if process.poll() is not None:
        sys.exit(process.returncode)
    echo(f"started as process {process.pid}; `quantrac status --wait` waits until all is ready")
    if demo:
        echo("`quantrac keys demo` prints the API key")


def _watch(stack: "Stack", supervisor: "Supervisor", done: threading.Event) -> None:
    """Show what happens: a live table in a terminal, the greeting alone elsewhere."""
    from quantrac.cli.live import greeting, show_counts, show_start

    show_start(supervisor, done)
    if not done.is_set():
        echo(greeting(stack, show_key=sys.stdout.isatty()))
        if sys.stdout.isatty():
            show_counts(stack, done)
