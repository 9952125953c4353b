"""``quantrac service``: start at boot."""

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError


@click.group()
def service() -> None:
    """Start at boot: a unit of systemd."""


@service.command()
@data_option
@click.option(
    "--system", is_flag=True, help="A unit of the system, for root to install; else one of this user."
)
@click.option("--print", "only_print", is_flag=True, help="Print the unit and install nothing.")
@one_sentence
def install(data: DataDir, system: bool, only_print: bool) -> None:
    """Write the unit quantrac.service, which runs `quantrac up` on the data folder, and say how to start it.

    A unit of the system runs as the owner of the data folder, with little else of the machine in its reach; a
    door below port 1024 needs it.
    """
    from quantrac.local.configuration import FILE_NAME, Configuration
    from quantrac.local.systemd import NAME, unit_for

    file = data.root / FILE_NAME
    if not file.exists():
        raise LocalError(f"There is no {file}; `quantrac init` writes one.")
    ports = tuple(Configuration.read(data.root).ports.values())
    unit = unit_for(data.root, system=system, ports=ports)
    if only_print:
        echo(unit.text, nl=False)
        return
    unit.file.parent.mkdir(parents=True, exist_ok=True)
    unit.file.write_text(unit.text, encoding="utf-8")
    unit.file.chmod(0o644)
    systemctl = "systemctl" if system else "systemctl --user"
    echo(f"{unit.file} written; now:")
    echo(f"  {systemctl} daemon-reload")
    echo(f"  {systemctl} enable --now {NAME}")
    if not system:
        echo("  loginctl enable-linger    # starts at boot, and goes on when you log out")
