"""Files on their way to vsftpd, pure-ftpd and OpenSSH, where the machine has them, and to our own doors."""

import ftplib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pyftpdlib.handlers import FTPHandler

from quantrac.io.outbox import Outbox
from quantrac.io.outbox_files import Filter, OutboxFile, State
from quantrac.io.records import Record
from quantrac.local.ports import LOOPBACK, free_port
from quantrac.testing.builders import NOON, flagged_reading, flagged_set, registry, station
from schemas.codecs.sets import encode_flagged_set
from services.forwarder.adapters.ftp_target import FtpTarget
from services.forwarder.adapters.sftp_target import SftpTarget
from services.forwarder.files.handler import FilesHandler, Selection
from services.forwarder.files.sender import Sender
from services.forwarder.files.target import (
    CouldNotConnect,
    FileRefused,
    FileTarget,
    TargetError,
    TransferError,
)
from support.doors import Receiver
from support.file_servers import FileServer, openssh, plain_ftp, pure_ftpd, stored, vsftpd, why_not
from support.tls import make_certificate
from support.waiting import wait_until

FOLDER = "HN_BKHN_KHIKXQ/2026/03/25"
NAME = "HN_BKHN_KHIKXQ_20260325120000.txt"
CONTENT = b"PM2.5\t27.80\tug/m3\t20260325120000\t00\r\n"

Server = Callable[[], AbstractContextManager[FileServer]]
SERVERS: dict[str, tuple[Server, tuple[str, ...]]] = {
    "vsftpd": (partial(vsftpd, tls=False), ("vsftpd",)),
    "vsftpd with TLS": (partial(vsftpd, tls=True), ("vsftpd",)),
    "pure-ftpd": (partial(pure_ftpd, tls=False), ("pure-ftpd", "pure-pw")),
    "pure-ftpd with TLS": (partial(pure_ftpd, tls=True), ("pure-ftpd", "pure-pw")),
    "OpenSSH": (openssh, ("sshd",)),
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[FileServer]:
    """A server that departments run."""
    run, programs = SERVERS[request.param]
    if reason := why_not(*programs):
        pytest.skip(reason)
    with run() as running:
        yield running


def test_a_file_arrives_whole_under_its_name_and_is_replaced_by_the_next_of_that_name(
    server: FileServer,
) -> None:
    target = server.target()
    target.send(FOLDER, NAME, CONTENT)
    target.send(FOLDER.replace("25", "26"), "next-day.txt", CONTENT)
    target.send(FOLDER, NAME, corrected := CONTENT * 2)
    target.close()
    target.send(FOLDER, "after-a-pause.txt", large := bytes(range(256)) * 1_000)
    target.close()
    assert stored(server.folder) == {
        f"{FOLDER}/{NAME}": corrected,
        f"{FOLDER.replace('25', '26')}/next-day.txt": CONTENT,
        f"{FOLDER}/after-a-pause.txt": large,
    }


def test_what_was_left_of_a_transfer_that_was_cut_is_replaced(server: FileServer) -> None:
    target = server.target()
    target.send(FOLDER, "first.txt", b"x")
    left = server.folder / FOLDER / f"{NAME}.tmp"
    left.write_bytes(b"half a fi")
    left.chmod(0o666)
    target.send(FOLDER, NAME, CONTENT)
    target.close()
    assert stored(server.folder)[f"{FOLDER}/{NAME}"] == CONTENT
    assert not left.exists()


def test_a_folder_that_may_not_be_written_is_a_refusal_and_the_next_file_goes_on(server: FileServer) -> None:
    closed = server.folder / "CLOSED"
    closed.mkdir(mode=0o555)
    target = server.target()
    with pytest.raises(FileRefused):
        target.send("CLOSED/2026", NAME, CONTENT)
    target.send(FOLDER, NAME, CONTENT)
    target.close()
    assert stored(server.folder) == {f"{FOLDER}/{NAME}": CONTENT}


@pytest.mark.parametrize("name", ["pure-ftpd", "OpenSSH"])
def test_a_login_that_is_refused_is_a_target_that_is_not_reached(name: str) -> None:
    run, programs = SERVERS[name]
    if reason := why_not(*programs):
        pytest.skip(reason)
    with (
        run() as running,
        closing(running.target(account="nobody-here")) as target,
        pytest.raises(CouldNotConnect),
    ):
        target.send(FOLDER, NAME, CONTENT)


def test_nobody_behind_the_port_is_a_target_that_is_not_reached(tmp_path: Path) -> None:
    port, hosts = free_port(), tmp_path / "known_hosts"
    hosts.touch()
    ftp = FtpTarget(LOOPBACK, port, account="a", password="b")
    sftp = SftpTarget(LOOPBACK, port, account="a", password="b", known_hosts=hosts)
    for target in (ftp, sftp):
        with pytest.raises(CouldNotConnect, match=r"refused|Connect call failed"):
            target.send(FOLDER, NAME, CONTENT)
        target.close()


def answering(text: str) -> Callable[..., object]:
    """Return a command of a server that answers this and does nothing."""
    return lambda session, *_: session.respond(text)


def replace_nothing(session: Any, path: str) -> object:
    """Rename as servers of Windows do: not onto a file that is there."""
    if Path(path).exists():
        return session.respond("550 Cannot create a file when that file already exists.")
    return FTPHandler.ftp_RNTO(session, path)


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("ftp_SIZE", "213 3", TransferError),
        ("ftp_SIZE", "550 No such file.", TransferError),
        ("ftp_STOR", "452 Insufficient storage space.", TransferError),
        ("ftp_STOR", "552 Quota exceeded.", TransferError),
        ("ftp_STOR", "530 Not logged in.", TransferError),
        ("ftp_STOR", "553 Could not create file.", FileRefused),
        ("ftp_MKD", "550 Permission denied.", FileRefused),
        ("ftp_RNFR", "550 Permission denied.", FileRefused),
        ("ftp_PASS", "530 Login incorrect.", CouldNotConnect),
        ("ftp_PWD", "421 Too many connections.", CouldNotConnect),
    ],
)
def test_each_answer_of_a_server_leads_to_the_state_that_says_what_to_do(
    command: str, answer: str, error: type[TargetError], tmp_path: Path
) -> None:
    with plain_ftp(tmp_path / "home", **{command: answering(answer)}) as server:
        with closing(server.target()) as target, pytest.raises(error) as caught:
            target.send(FOLDER, NAME, CONTENT)
        assert answer[4:] in str(caught.value) or str(caught.value) == "the target has 3 bytes of 38"
        assert f"{FOLDER}/{NAME}" not in stored(server.folder)


@pytest.mark.parametrize(
    "commands", [{"ftp_SIZE": answering("502 Command not implemented.")}, {"ftp_RNTO": replace_nothing}]
)
def test_a_server_without_size_or_one_that_replaces_nothing_gets_the_file_and_its_correction(
    commands: dict[str, Callable[..., object]], tmp_path: Path
) -> None:
    with plain_ftp(tmp_path / "home", **commands) as server:
        with closing(server.target()) as target:
            target.send(FOLDER, NAME, CONTENT)
            target.send(FOLDER, NAME, CONTENT * 2)
        assert stored(server.folder) == {f"{FOLDER}/{NAME}": CONTENT * 2}


class Killed(BaseException):
    """Stands for a kill -9: nothing that comes after it is done."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FileServer]:
    """A plain FTP server that is always there."""
    with plain_ftp(tmp_path / "home") as running:
        yield running


COMMANDS = 20
"""More than a login and a file in a new folder take, from USER to QUIT."""


@pytest.mark.parametrize("error", [Killed, ConnectionResetError], ids=["killed", "cut"])
def test_whatever_it_dies_at_the_file_is_there_in_the_end_and_nothing_but_it(
    error: type[BaseException], disk: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    put_command = ftplib.FTP.putcmd
    names = [f"{number:02}.txt" for number in range(COMMANDS)]
    for number, name in enumerate(names):
        commands = iter(range(COMMANDS + 10))

        def die(ftp: ftplib.FTP, line: str, commands: Iterator[int] = commands, last: int = number) -> None:
            if next(commands) == last:
                ftp.file.close()
                ftp.sock.close()
                raise error("cut")
            put_command(ftp, line)

        outbox.put(OutboxFile("A", name, f"A/2026/03/{number:02}", NOON, CONTENT))
        monkeypatch.setattr(ftplib.FTP, "putcmd", die)
        with suppress(Killed), closing(disk.target()) as target:
            Sender(outbox, target, clock=lambda: NOON).step(threading.Event())
        monkeypatch.setattr(ftplib.FTP, "putcmd", put_command)
        with closing(disk.target()) as target:
            outbox.resend(Filter(states=[State.TRANSFER_ERROR]))  # the next try would come after some seconds
            Sender(outbox, target, clock=lambda: NOON).step(threading.Event())
    assert stored(disk.folder) == {f"A/2026/03/{name[:2]}/{name}": CONTENT for name in names}
    assert outbox.counts(Filter())[State.SENT] == COMMANDS
    outbox.close()


def our_door(door: str, receiver: Receiver, folder: Path) -> FileTarget:
    """Return a client for a door of our own receiver."""
    login = {"account": "bkhn", "password": "secret"}
    if door != "sftp":
        trusting = ssl.create_default_context(cafile=str(receiver.folder / "tls.crt"))
        return FtpTarget(*receiver.ftp.address, tls=trusting if door == "ftps" else None, **login)
    host, port = receiver.sftp.address
    key = asyncssh.read_private_key(receiver.folder / "ssh_host_ed25519_key").export_public_key().decode()
    (folder / "known_hosts").write_text(f"[{host}]:{port} {key}")
    return SftpTarget(host, port, known_hosts=folder / "known_hosts", **login)


@pytest.mark.parametrize("door", ["ftp", "ftps", "sftp"])
def test_our_own_receiver_takes_it_for_the_stations_file(
    receiver: Receiver, tmp_path: Path, door: str
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    selection = Selection(flags={1}, since=datetime(2026, 1, 1, tzinfo=UTC))
    handler = FilesHandler(outbox, registry([station()]), selection, flagged_topic="qa-flagged")
    for value in (12.4, 12.5):  # a file, and its correction under the same name
        flagged = flagged_set(flagged_reading(value), received_at=datetime.now(UTC).replace(microsecond=0))
        handler.handle([Record("qa-flagged", b"", encode_flagged_set(flagged))])
        with closing(our_door(door, receiver, tmp_path)) as target:
            sender = Sender(outbox, target, clock=receiver.now)
            while sender.step(threading.Event()) == 0.0:
                pass
    assert outbox.counts(Filter())[State.SENT] == 1, outbox.entries(Filter())
    outbox.close()

    def files() -> list[Record]:
        return receiver.broker.records("raw-file")

    wait_until(lambda: files() and receiver.spooled() == 0)
    assert files()[-1].headers["name"].decode() == NAME
    assert files()[-1].headers["path"].decode() == f"/{FOLDER}"
    assert files()[-1].headers["station"].decode() == "HN_BKHN_KHIKXQ"
    assert files()[-1].value is not None and files()[-1].value.startswith(b"PM2.5\t12.")


def test_a_server_with_another_certificate_gets_no_password(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "other.crt").write_bytes(make_certificate()[0])
    trusting = ssl.create_default_context(cafile=str(tmp_path / "other.crt"))
    target = FtpTarget(*receiver.ftp.address, tls=trusting, account="bkhn", password="secret")
    with pytest.raises(CouldNotConnect, match="certificate verify failed"):
        target.send(FOLDER, NAME, CONTENT)


def test_a_server_with_another_key_gets_no_password(receiver: Receiver, tmp_path: Path) -> None:
    host, port = receiver.sftp.address
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (tmp_path / "known_hosts").write_text(f"[{host}]:{port} {other}")
    login = {"account": "bkhn", "password": "secret"}
    target = SftpTarget(host, port, known_hosts=tmp_path / "known_hosts", **login)
    with pytest.raises(CouldNotConnect, match="not trusted"):
        target.send(FOLDER, NAME, CONTENT)
    target.close()
