"""Servers for files as departments run them, each with a temporary configuration on loopback.

All but one are Debian's programs, looked for in PATH and where administrators' programs lie. They start as
root only, because they let in the users of the machine; all files belong to the user ``daemon``.
"""

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import psutil
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

from quantrac.io.passwords import hash_password
from quantrac.local.ports import LOOPBACK, free_port
from services.forwarder.adapters.ftp_target import FtpTarget
from services.forwarder.adapters.sftp_target import SftpTarget
from services.forwarder.files.target import FileTarget
from support.tls import Pair
from support.waiting import LIMIT, wait_until

_SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_USER = "daemon"
PASSWORD = "secret"


@dataclass(frozen=True, slots=True)
class FileServer:
    """A server that runs."""

    port: int
    folder: Path
    """Where its files lie on the disk."""
    target: Callable[..., FileTarget]
    """Makes a client with the right login; whatever is given by name is used in its place."""


def why_not(*programs: str) -> str:
    """Return why servers cannot run here; empty = they can."""
    missing = [program for program in programs if shutil.which(program, path=_SEARCHED) is None]
    if missing:
        return f"there is no {' and no '.join(missing)} on this machine"
    return "" if os.geteuid() == 0 else "it starts as root only"


def stored(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@contextmanager
def plain_ftp(folder: Path, **commands: Callable[..., object]) -> Iterator[FileServer]:
    """Run a server of pyftpdlib in this process, files to disk: one that is always there.

    ``commands`` answer in place of its own (``ftp_SIZE``).
    """
    folder.mkdir()
    authorizer = DummyAuthorizer()
    authorizer.add_user("hanoi", PASSWORD, str(folder), perm="elradfmw")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, **commands})
    server = ThreadedFTPServer((LOOPBACK, 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        port = server.address[1]
        yield FileServer(port, folder, _ftp(port, None, account="hanoi"))
    finally:
        server.close_all()
        thread.join()


@contextmanager
def vsftpd(*, tls: bool) -> Iterator[FileServer]:
    """Run vsftpd for its anonymous user; with TLS it wants a data connection to resume the session."""
    with _folder() as folder:
        (folder / "empty").mkdir()
        settings = {
            "listen": "YES",
            "listen_address": LOOPBACK,
            "background": "NO",
            "anonymous_enable": "YES",
            "local_enable": "NO",
            "write_enable": "YES",
            "anon_upload_enable": "YES",
            "anon_mkdir_write_enable": "YES",
            "anon_other_write_enable": "YES",
            "anon_root": folder,
            "ftp_username": _USER,
            "nopriv_user": _USER,
            "secure_chroot_dir": folder / "empty",
            "xferlog_enable": "NO",
        }
        context = None
        if tls:
            pair = Pair(folder)
            context = pair.trusting()
            settings |= {
                "ssl_enable": "YES",
                "allow_anon_ssl": "YES",
                "force_anon_logins_ssl": "YES",
                "force_anon_data_ssl": "YES",
                "rsa_cert_file": pair.certificate,
                "rsa_private_key_file": pair.key,
                "ssl_ciphers": "HIGH",
            }
        port = free_port()
        file = folder / "vsftpd.conf"
        lines = [f"{name}={value}" for name, value in (settings | {"listen_port": port}).items()]
        file.write_text("\n".join([*lines, ""]))
        with _running([_program("vsftpd"), str(file)], port, folder):
            yield FileServer(port, folder / "home", _ftp(port, context, account="anonymous", base="home"))


@contextmanager
def pure_ftpd(*, tls: bool) -> Iterator[FileServer]:
    """Run pure-ftpd with one account of its own."""
    with _folder() as folder:
        user = pwd.getpwnam(_USER)
        passwords, database = folder / "passwd", folder / "passwd.pdb"
        secret = hash_password(PASSWORD, memory_kib=8, passes=1)
        home = folder / "home"
        passwords.write_text(f"hanoi:{secret}:{user.pw_uid}:{user.pw_gid}::{home}::::::::::::\n")
        subprocess.run([_program("pure-pw"), "mkdb", str(database), "-f", str(passwords)], check=True)
        port, context = free_port(), None
        options = ["-S", f"{LOOPBACK},{port}", "-g", str(folder / "pid"), "-l", f"puredb:{database}"]
        options += ["-A", "-E", "-H", "-f", "none", "-u", "1"]
        if tls:
            pair = Pair(folder)
            context = pair.trusting()
            options += ["-Y", "3", "-2", f"{pair.certificate},{pair.key}"]
        with _running([_program("pure-ftpd"), *options], port, folder):
            yield FileServer(port, home, _ftp(port, context, account="hanoi"))


@contextmanager
def openssh() -> Iterator[FileServer]:
    """Run sshd for one user, who logs in by key and may do nothing but SFTP."""
    with _folder() as folder:
        host_key, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        host_key.write_private_key(folder / "host_key")
        key.write_private_key(folder / "key")
        (folder / "authorized_keys").write_bytes(key.export_public_key())
        shutil.chown(folder / "host_key", _USER)
        (folder / "host_key").chmod(0o600)
        port = free_port()
        settings = {
            "ListenAddress": f"{LOOPBACK}:{port}",
            "HostKey": folder / "host_key",
            "PidFile": "none",
            "AuthorizedKeysFile": folder / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "Subsystem": "sftp internal-sftp",
            "ForceCommand": "internal-sftp",
        }
        file = folder / "sshd_config"
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        public = host_key.export_public_key().decode()
        (folder / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {public}")

        def target(**options: object) -> FileTarget:
            usual: dict[str, object] = {
                "base": str(folder / "home"),
                "account": _USER,
                "known_hosts": folder / "known_hosts",
                "key": folder / "key",
            }
            return SftpTarget(LOOPBACK, port, **(usual | options))  # type: ignore[arg-type]

        # Not as root: then it would want a user of its own for the time before a login.
        command = [_program("sshd"), "-D", "-e", "-f", str(file)]
        with _running(command, port, folder, user=_USER):
            yield FileServer(port, folder / "home", target)


def _ftp(port: int, tls: ssl.SSLContext | None, **login: str) -> Callable[..., FileTarget]:
    def target(**options: object) -> FileTarget:
        usual: dict[str, object] = {"password": PASSWORD, "tls": tls, **login}
        return FtpTarget(LOOPBACK, port, **(usual | options))  # type: ignore[arg-type]

    return target


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that other users can read, with the folder ``home`` that the server's user can write."""
    with tempfile.TemporaryDirectory(prefix="quantrac-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "home").mkdir()
        shutil.chown(folder / "home", _USER)
        yield folder


@contextmanager
def _running(command: Sequence[str], port: int, folder: Path, user: str | None = None) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as output:
        server = psutil.Popen(command, stdout=output, stderr=output, user=user, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), log.read_text)
        yield
    finally:
        processes = [*server.children(recursive=True), server]
        for process in processes:
            process.terminate()
        for process in psutil.wait_procs(processes, timeout=LIMIT)[1]:
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _program(name: str) -> str:
    return shutil.which(name, path=_SEARCHED) or name
