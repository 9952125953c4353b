"""Debian's FTP servers, for comparison: each with a temporary configuration, on loopback, files to disk only.

vsftpd takes everybody as its anonymous user, without a password check; pure-ftpd has an account for each
station, whose hash costs next to nothing. Neither flushes a file to the disk before its answer.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from loggers import PASSWORD

from quantrac.io.passwords import hash_password
from quantrac.local.ports import LOOPBACK, free_port, is_listening
from quantrac.local.waiting import wait_until

_SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_UNPRIVILEGED = "daemon"  # vsftpd wants a user whose home exists

_VSFTPD = """\
listen=YES
listen_address={host}
listen_port={port}
background=NO
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_root={folder}
ftp_username={user}
nopriv_user={user}
secure_chroot_dir={empty}
xferlog_enable=NO
max_clients=0
max_per_ip=0
"""

Command = Callable[[Path, int, Sequence[str]], list[str]]


def vsftpd(folder: Path, port: int, accounts: Sequence[str]) -> list[str]:
    """Prepare a folder and return the command."""
    (folder / "empty").mkdir()
    settings = folder / "vsftpd.conf"
    places = {"folder": folder, "empty": folder / "empty", "user": _UNPRIVILEGED}
    settings.write_text(_VSFTPD.format(host=LOOPBACK, port=port, **places))
    return [_program("vsftpd"), str(settings)]


def pure_ftpd(folder: Path, port: int, accounts: Sequence[str]) -> list[str]:
    """Prepare a folder with an account for each station and return the command."""
    user = pwd.getpwnam(_UNPRIVILEGED)
    secret = hash_password(PASSWORD, memory_kib=8, passes=1)
    fields = f"{secret}:{user.pw_uid}:{user.pw_gid}::{folder / 'home'}/"
    passwords, database = folder / "passwd", folder / "passwd.pdb"
    passwords.write_text("".join(f"{account}:{fields}{account}::::::::::::\n" for account in accounts))
    for account in accounts:
        (folder / "home" / account).mkdir()
        shutil.chown(folder / "home" / account, _UNPRIVILEGED)
    subprocess.run([_program("pure-pw"), "mkdb", str(database), "-f", str(passwords)], check=True)
    listen = ["-S", f"{LOOPBACK},{port}", "-c", "1000", "-g", str(folder / "pid")]
    # Everybody in his own folder, no anonymous, no names looked up, no log, users of the system allowed.
    options = ["-A", "-E", "-H", "-f", "none", "-u", "1"]
    return [_program("pure-ftpd"), *listen, "-l", f"puredb:{database}", *options]


SERVERS: dict[str, tuple[Command, Sequence[str], Sequence[str]]] = {
    # Its anonymous user may write below its root, not in it.
    "vsftpd": (vsftpd, ("vsftpd",), ("--login", "anonymous", "--into", "home/")),
    "pure-ftpd": (pure_ftpd, ("pure-ftpd", "pure-pw"), ()),
}
"""Name → its command, the programs it needs, and what the loggers do otherwise."""


def why_not(name: str) -> str:
    """Return why a server cannot be measured here, or nothing."""
    missing = [each for each in SERVERS[name][1] if shutil.which(each, path=_SEARCHED) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    return "" if os.geteuid() == 0 else "it starts as root only"


@contextmanager
def running(name: str, folder: Path, accounts: Sequence[str]) -> Iterator[int]:
    """Run a server; yields its port."""
    home = folder / "home"
    home.mkdir(parents=True)
    shutil.chown(home, _UNPRIVILEGED)
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = psutil.Popen(SERVERS[name][0](folder, port, accounts), stdout=log, stderr=log)
    try:
        assert wait_until(lambda: is_listening(port), 10), (folder / "log").read_text()
        yield port
    finally:
        _end([*server.children(recursive=True), server])


def stored(folder: Path) -> int:
    """Return how many files a server has taken."""
    return sum(path.is_file() for path in (folder / "home").rglob("*"))


def _program(name: str) -> str:
    return shutil.which(name, path=_SEARCHED) or name


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    for process in psutil.wait_procs(processes, timeout=10)[1]:
        process.kill()
