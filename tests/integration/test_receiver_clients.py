"""The commands that people and loggers really use, where the machine has them."""

import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from quantrac.testing.builders import account, file_name, station_file
from services.receiver.adapters.account_folders import AccountFolders
from support.doors import Receiver
from support.waiting import LIMIT, wait_until

CONTENT = station_file()


def needs(command: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(command) is None, reason=f"there is no {command} on this machine")


def run(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=LIMIT, check=False)


def values(receiver: Receiver, count: int) -> list[bytes]:
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count and receiver.spooled() == 0)
    return sorted(record.value for record in receiver.broker.records("raw-file"))


def at(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A file to send."""
    path = tmp_path / "to-send" / file_name()
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def openssh(receiver: Receiver, tmp_path: Path) -> list[str]:
    """The options with which OpenSSH logs in by key and knows the server's own."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    (tmp_path / "id").chmod(0o600)
    public = key.export_public_key().decode().strip()
    receiver.registry.accounts["bkhn"] = replace(account(), public_keys=(public,))
    host, port = receiver.sftp.address
    host_key = asyncssh.read_private_key(receiver.folder / "ssh_host_ed25519_key").export_public_key()
    (tmp_path / "known").write_text(f"[{host}]:{port} {host_key.decode()}")
    options = ("IdentitiesOnly=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={tmp_path / 'known'}")
    return ["-F", "none", "-i", str(tmp_path / "id"), *(x for o in options for x in ("-o", o))]


@needs("sftp")
def test_openssh_sends_renames_and_lists(receiver: Receiver, openssh: list[str], local: Path) -> None:
    host, port = receiver.sftp.address
    batch = (
        f"mkdir 2026\nput -p {local} 2026/a.tmp\nrename 2026/a.tmp 2026/{file_name()}\n"
        f"put {local} again.txt\nls -l 2026\n"
    )
    done = run("sftp", *openssh, "-b", "-", "-P", str(port), f"bkhn@{host}", text=batch)
    assert done.returncode == 0, done.stderr
    listed = next(line.split() for line in done.stdout.splitlines() if line.startswith("-"))
    assert listed[4] == str(len(CONTENT))
    wait_until(lambda: receiver.spooled() == 0)
    assert {record.value for record in receiver.broker.records("raw-file")} == {CONTENT}


@needs("sftp")
def test_openssh_resumes_a_cut_file(receiver: Receiver, openssh: list[str], local: Path) -> None:
    host, port = receiver.sftp.address
    receiver.uploads.park("bkhn", f"/{file_name()}", CONTENT[:10], "sftp")
    folders = AccountFolders(receiver.folder / "home")
    folders.leave_trace(folders.create("bkhn") / file_name(), 10)
    done = run("sftp", *openssh, "-b", "-", "-P", str(port), f"bkhn@{host}", text=f"reput {local}\n")
    assert done.returncode == 0, done.stderr
    assert values(receiver, 1) == [CONTENT]


@needs("ssh")
def test_openssh_gets_no_shell_and_no_command(receiver: Receiver, openssh: list[str]) -> None:
    host, port = receiver.sftp.address
    for command in ([], ["id"]):
        done = run("ssh", *openssh, "-p", str(port), f"bkhn@{host}", *command)
        assert (done.returncode != 0, done.stdout) == (True, "")


@needs("lftp")
@pytest.mark.parametrize("temporary", ["no", "yes"])
def test_lftp_sends_a_folder_by_ftp(receiver: Receiver, local: Path, temporary: str) -> None:
    (local.parent / "b.txt").write_bytes(b"b")
    commands = (
        f"set ftp:ssl-allow no; set net:max-retries 1; set xfer:use-temp-file {temporary}; "
        f"open -u bkhn,secret ftp://{at(receiver.ftp.address)}; mirror -R {local.parent} 2026; quit"
    )
    done = run("lftp", "-f", "/dev/null", "-c", commands)
    assert done.returncode == 0, done.stderr
    assert values(receiver, 2) == sorted([CONTENT, b"b"])


@needs("lftp")
@needs("ssh")
def test_lftp_sends_by_sftp(receiver: Receiver, openssh: list[str], local: Path) -> None:
    connect = f"ssh -a -x {' '.join(openssh)}"
    commands = (
        f'set net:max-retries 1; set sftp:connect-program "{connect}"; '
        f"open -u bkhn, sftp://{at(receiver.sftp.address)}; put {local}; quit"
    )
    done = run("lftp", "-c", commands)
    assert done.returncode == 0, done.stderr
    assert values(receiver, 1) == [CONTENT]


@needs("curl")
def test_curl_sends_by_ftp_and_makes_the_folders(receiver: Receiver, local: Path) -> None:
    url = f"ftp://{at(receiver.ftp.address)}/2026/03/25/"
    done = run("curl", "-sS", "-q", "--ftp-create-dirs", "-u", "bkhn:secret", "-T", str(local), url)
    assert done.returncode == 0, done.stderr
    assert values(receiver, 1) == [CONTENT]
    assert receiver.broker.records("raw-file")[0].headers["path"] == b"/2026/03/25"


@needs("curl")
def test_curl_sends_by_http(receiver: Receiver, local: Path) -> None:
    url = f"http://{at(receiver.http.address)}/v1/files?name={file_name()}"
    raw_body = run("curl", "-sS", "-q", "-f", "-u", "bkhn:secret", "--data-binary", f"@{local}", url)
    form = run("curl", "-sS", "-q", "-f", "-u", "bkhn:secret", "-F", f"file=@{local}", url)
    assert (raw_body.returncode, form.returncode) == (0, 0), raw_body.stderr + form.stderr
    assert values(receiver, 1) == [CONTENT]


def test_a_dotnet_logger_stores_under_the_final_name_and_hangs_up(receiver: Receiver) -> None:
    # What FtpWebRequest says, command by command; it never says QUIT.
    with socket.create_connection(receiver.ftp.address, timeout=LIMIT) as control:
        answers = control.makefile("rb")

        def ask(command: str) -> str:
            control.sendall(f"{command}\r\n".encode())
            return answers.readline().decode().rstrip()

        assert answers.readline().startswith(b"220")
        assert [ask(c)[:3] for c in ("USER bkhn", "PASS secret")] == ["331", "230"]
        ask("OPTS utf8 on")
        assert [ask(c)[:3] for c in ("PWD", "TYPE I")] == ["257", "200"]
        numbers = ask("PASV").partition("(")[2].partition(")")[0].split(",")
        data = socket.create_connection((".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5])))
        assert ask(f"STOR {file_name()}")[:3] in ("125", "150")
        data.sendall(CONTENT)
        data.close()
        assert answers.readline().startswith(b"226")
        answers.close()
    assert values(receiver, 1) == [CONTENT]
