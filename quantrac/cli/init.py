"""``quantrac init``: a data folder with a commented configuration."""

import sys
from pathlib import Path
from typing import Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.terminal import echo
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir, read_json
from quantrac.local.ports import LOOPBACK

_MINISTRY_PASSWORD = "ministry-password"  # noqa: S105 (a file's name)
_NOTIFY_SECRETS = "notify-secrets"
_PASSIVE_PORTS = "60000-60499"
_OF_A_PROVINCE = ("ftp_port", "sftp_port", "passive_ports", "ministry", "account", "raw_file_days")
"""Options that mean nothing at a ministry."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--tier",
    type=click.Choice(["province", "ministry"]),
    help="A province, which has stations (default), or the ministry, which has provinces.",
)
@click.option(
    "--listen",
    metavar="ADDRESS",
    help="Address for FTP and SFTP, at a ministry for deliveries: 127.0.0.1 is this machine only (default), "
    "0.0.0.0 every network. Other doors stay on 127.0.0.1, behind a reverse proxy.",
)
@click.option("--announce", metavar="NAME", help="Name or address under which others reach this machine.")
@click.option("--ftp-port", type=click.IntRange(1, 65535), help="Port of FTP (2121).")
@click.option("--sftp-port", type=click.IntRange(1, 65535), help="Port of SFTP (2222).")
@click.option("--http-port", type=click.IntRange(1, 65535), help="Port of HTTP: uploads, deliveries (8021).")
@click.option("--api-port", type=click.IntRange(1, 65535), help="Port of the API (8080).")
@click.option("--passive-ports", metavar="FIRST-LAST", help="Ports for FTP's data connections.")
@click.option(
    "--certificate", metavar="FILE", help="Certificate chain (PEM) for FTP, at a ministry for HTTP, with TLS."
)
@click.option("--key", metavar="FILE", help="Its private key (PEM).")
@click.option("--ministry", metavar="URL", help="Address of the ministry's receiver, to forward to.")
@click.option(
    "--account", help="Our account there; its password is asked for, or goes into DIR/ministry-password."
)
@click.option("--notify", metavar="FILE", help="File that says whom alerts are told (docs/alerts.md).")
@click.option("--raw-file-days", type=click.IntRange(1), help="Days that received files stay in Kafka (60).")
@one_sentence
def init(folder: Path, **options: Any) -> None:
    """Make the data folder DIR with a commented configuration, quantrac.yaml.

    On a terminal it asks what no option says; elsewhere the defaults hold. `quantrac up --data DIR` starts
    what the file asks for.
    """
    from quantrac.io.private_files import keep_files_private, write_private
    from quantrac.local.configuration import FILE_NAME
    from quantrac.local.configuration.template import write_template

    keep_files_private()
    data = DataDir(folder.resolve())
    file = data.root / FILE_NAME
    if file.exists():
        raise UserError(f"{file} is there already; change it with an editor, then `quantrac up --check`")
    asks = _is_terminal()
    ports = _present_ports(data)
    answers = _ask(options, ports) if asks else {name: value for name, value in options.items() if value}
    values = _values(answers, ports)
    data.create()
    if "ministry.url" in values:
        password = data.root / _MINISTRY_PASSWORD
        if not password.exists():
            text = click.prompt("Password of that account", hide_input=True) if asks else ""
            write_private(password, f"{text}\n" if text else "")
    if "notify.targets" in values and not (data.root / _NOTIFY_SECRETS).exists():
        write_private(
            data.root / _NOTIFY_SECRETS, "# NAME=value, a line each, for secret_env and password_env\n"
        )
    write_private(file, write_template(values))
    echo(f"{file} written")
    if "ministry.url" in values and not (data.root / _MINISTRY_PASSWORD).stat().st_size:
        echo(f"write the ministry's password into {data.root / _MINISTRY_PASSWORD}")
    if values.get("ftp.listen", LOOPBACK) != LOOPBACK and "ftp.certificate" not in values:
        echo("without a certificate FTP takes only accounts with `plain_ftp: true` in the registry")
    if values["http.listen"] != LOOPBACK and "http.certificate" not in values:
        echo(
            "without a certificate passwords and readings travel in the clear: put a reverse proxy before it"
        )
    echo(f"next: read it, then `quantrac up --check --data {folder}`, then `quantrac up --data {folder}`")


def _present_ports(data: DataDir) -> dict[str, int]:
    """Return the ports that a stack of this folder has had already; none where it is new."""
    return read_json(data.ports_file) if data.ports_file.exists() else {}


def _ask(options: dict[str, Any], ports: dict[str, int]) -> dict[str, Any]:
    """Ask for what no option says; an empty answer leaves a thing out."""
    answers = {name: value for name, value in options.items() if value}

    def ask(name: str, question: str, default: Any = "") -> None:
        if name not in answers:
            answer = click.prompt(question, default=default, show_default=default != "", type=type(default))
            answers.update({name: answer} if answer else {})

    ask("tier", "What this is: province or ministry", "province")
    is_ministry = answers["tier"] == "ministry"
    doors, senders = ("deliveries", "provinces") if is_ministry else ("FTP and SFTP", "stations")
    ask("listen", f"Address for {doors} (127.0.0.1: this machine only, 0.0.0.0: every network)", LOOPBACK)
    if answers["listen"] != LOOPBACK:
        ask(
            "announce",
            f"Name or address under which {senders} reach this machine (empty: that of the machine)",
        )
        if not is_ministry:
            ask("passive_ports", "Ports for FTP's data connections, to open in the firewall", _PASSIVE_PORTS)
        ask(
            "certificate",
            f"Certificate chain (PEM) for {'HTTP' if is_ministry else 'FTP'} with TLS (empty: none)",
        )
        if "certificate" in answers:
            ask("key", "Its private key (PEM; empty: in the same file)")
    for name, question, port in _ports(answers["tier"], ports):
        ask(name, question, port)
    if not is_ministry:
        ask("ministry", "Address of the ministry's receiver (empty: nothing is forwarded)")
        if "ministry" in answers:
            ask("account", "Our account there")
    ask("notify", "File that says whom alerts are told (empty: nobody yet)")
    if not is_ministry:
        ask("raw_file_days", "Days that received files stay in Kafka", 60)
    return answers


def _ports(tier: str, ports: dict[str, int]) -> list[tuple[str, str, int]]:
    doors = [
        ("ftp_port", "Port of FTP", "ftp", 2121),
        ("sftp_port", "Port of SFTP", "sftp", 2222),
        ("http_port", "Port of HTTP", "receiver", 8021),
        ("api_port", "Port of the API", "api", 8080),
    ]
    return [
        (name, question, ports.get(f"{tier}.{door}", usual))
        for name, question, door, usual in (doors[2:] if tier == "ministry" else doors)
    ]


def _values(answers: dict[str, Any], ports: dict[str, int]) -> dict[str, Any]:
    """Return the values of the file by key."""
    for option, counterpart in (("ministry", "account"), ("account", "ministry"), ("key", "certificate")):
        if option in answers and counterpart not in answers:
            raise UserError(f"--{option} needs --{counterpart}")
    tier = answers.get("tier", "province")
    is_ministry = tier == "ministry"
    for option in _OF_A_PROVINCE if is_ministry else ():
        if option in answers:
            raise UserError(f"--{option.replace('_', '-')} is for a province, and this is a ministry")
    listen = answers.get("listen", LOOPBACK)
    doors = ("http",) if is_ministry else ("ftp", "sftp")
    values: dict[str, Any] = {"tier": tier, "http.listen": LOOPBACK, "api.listen": LOOPBACK}
    values |= {f"{door}.listen": listen for door in doors}
    values |= {name.replace("_", "."): answers.get(name, port) for name, _, port in _ports(tier, ports)}
    if "announce" in answers:
        values |= {f"{door}.announce": answers["announce"] for door in doors}
    if listen != LOOPBACK and not is_ministry:
        values["ftp.passive_ports"] = answers.get("passive_ports", _PASSIVE_PORTS)
    for name, key in {
        "passive_ports": "ftp.passive_ports",
        "certificate": f"{doors[0]}.certificate",
        "key": f"{doors[0]}.key",
        "ministry": "ministry.url",
        "account": "ministry.account",
        "notify": "notify.targets",
        "raw_file_days": "retention.raw-file",
    }.items():
        if name in answers:
            values[key] = answers[name]
    for key in (f"{doors[0]}.certificate", f"{doors[0]}.key", "notify.targets"):
        if key in values:  # the file speaks of the data folder, the person of the present one
            values[key] = str(Path(values[key]).expanduser().resolve())
    if "ministry.url" in values:
        values["ministry.password_file"] = _MINISTRY_PASSWORD
    if "notify.targets" in values:
        values["notify.secrets"] = _NOTIFY_SECRETS
    return values


def _is_terminal() -> bool:
    return sys.stdin.isatty()
