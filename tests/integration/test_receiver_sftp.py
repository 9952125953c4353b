"""What only the SFTP door does: keys, renames, resumed and cut uploads, and all that it refuses."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from quantrac.testing.builders import account, file_name
from services.receiver.adapters.sftp.keys import host_keys
from support.doors import Receiver
from support.waiting import LIMIT, wait_until

Work = Callable[[asyncssh.SFTPClient], Awaitable[Any]]


@asynccontextmanager
async def connection(receiver: Receiver, **options: Any) -> AsyncIterator[asyncssh.SSHClientConnection]:
    host, port = receiver.sftp.address
    login = {"username": "bkhn", "password": "secret", "client_keys": None} | options
    async with asyncssh.connect(host, port, known_hosts=None, config=None, **login) as client:
        yield client


def do(receiver: Receiver, work: Work, **options: Any) -> Any:
    """Run ``work`` with an SFTP client."""

    async def session() -> Any:
        async with connection(receiver, **options) as client, client.start_sftp_client() as sftp:
            return await work(sftp)

    return asyncio.run(session())


async def store(sftp: asyncssh.SFTPClient, path: str, content: bytes, mode: str = "wb") -> None:
    async with sftp.open(path, mode) as file:
        await file.write(content)


def values(receiver: Receiver, count: int) -> list[bytes]:
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count and receiver.spooled() == 0)
    return [record.value for record in receiver.broker.records("raw-file")]


def cut(receiver: Receiver, path: str, content: bytes, mode: str = "wb") -> None:
    """Send a piece of a file and die."""

    async def die() -> None:
        async with connection(receiver) as client:
            sftp = await client.start_sftp_client()
            file = await sftp.open(path, mode)
            await file.write(content)
            client.abort()

    asyncio.run(die())


def test_an_account_logs_in_with_its_key_and_no_other(receiver: Receiver) -> None:
    key, foreign_key = (asyncssh.generate_private_key("ssh-ed25519", comment="logger 7") for _ in range(2))
    public = key.export_public_key().decode().strip()
    receiver.registry.accounts["bkhn"] = replace(account(), public_keys=(public,))
    do(receiver, lambda sftp: store(sftp, file_name(), b"x"), client_keys=[key], password=None)
    assert values(receiver, 1) == [b"x"]
    with pytest.raises(asyncssh.PermissionDenied):
        do(receiver, lambda sftp: sftp.getcwd(), client_keys=[foreign_key], password=None)


def test_only_so_many_wrong_passwords_are_heard_on_one_connection(receiver: Receiver) -> None:
    guesses: list[str] = []

    class Guesser(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            guesses.append("guess")
            return f"guess {len(guesses)}"

    with pytest.raises(asyncssh.PermissionDenied):
        do(receiver, lambda sftp: sftp.getcwd(), client_factory=Guesser, password=None)
    assert len(guesses) <= 4


def test_there_is_no_shell_no_command_and_no_forwarding(receiver: Receiver) -> None:
    async def attempts() -> None:
        async with connection(receiver) as client:
            for command in ("id", "scp -t x", None):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await client.create_process(command)
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.open_connection(*receiver.http.address)
            with pytest.raises(asyncssh.ChannelListenError):
                await client.forward_remote_port("127.0.0.1", 0, *receiver.http.address)

    asyncio.run(attempts())


def test_what_was_sent_can_be_listed_with_its_size_and_neither_read_changed_nor_removed(
    receiver: Receiver,
) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        await sftp.mkdir("2026")
        await store(sftp, "2026/a.txt", b"x" * 1234)
        assert (await sftp.stat("/2026/a.txt")).size == 1234
        assert [name for name in await sftp.listdir("2026") if not name.startswith(".")] == ["a.txt"]
        await sftp.utime("2026/a.txt", (0, 0))  # many clients do, unasked
        for refused in (
            sftp.open("2026/a.txt", "rb"),
            sftp.remove("2026/a.txt"),
            sftp.rename("2026/a.txt", "b.txt"),
            sftp.posix_rename("2026/a.txt", "b.txt"),
            sftp.truncate("2026/a.txt", 0),
            sftp.symlink("/etc/passwd", "link"),
            sftp.link("2026/a.txt", "b.txt"),
            sftp.rmdir("2026"),
            sftp.statvfs("."),
        ):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await refused
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.remove("nothing.txt")

    do(receiver, work)
    assert values(receiver, 1) == [b"x" * 1234]


def test_no_link_leads_out_of_the_accounts_folder(receiver: Receiver) -> None:
    home = receiver.folder / "home" / "bkhn"
    home.mkdir(parents=True)
    (home / "link").symlink_to(receiver.folder)

    async def work(sftp: asyncssh.SFTPClient) -> None:
        for attempt in (sftp.listdir("link"), sftp.stat("link/ledger.sqlite"), sftp.open("link/x.txt", "wb")):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await attempt

    do(receiver, work)


def test_a_full_spool_and_a_large_file_are_told_in_words(receiver: Receiver) -> None:
    receiver.broker.away = True

    async def work(sftp: asyncssh.SFTPClient) -> None:
        with pytest.raises(asyncssh.SFTPFailure, match="more than 20000 bytes are not accepted"):
            await store(sftp, "large.txt", b"x" * 20_001)
        await store(sftp, "1.txt", b"1" * 20_000)
        await store(sftp, "2.txt", b"2" * 20_000)
        with pytest.raises(asyncssh.SFTPFailure, match="no room; file not taken"):
            await store(sftp, "3.txt", b"3" * 20_000)

    do(receiver, work)
    assert receiver.spooled() == 2


def test_a_client_holds_only_so_many_files_open(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        files = [await sftp.open(f"{n}.txt", "wb") for n in range(8)]
        with pytest.raises(asyncssh.SFTPFailure, match="at most 8 files"):
            await sftp.open("9.txt", "wb")
        for n, file in enumerate(files):
            await file.write(b"%d" % n)
            await file.close()
        await store(sftp, "9.txt", b"9")

    do(receiver, work)
    assert sorted(values(receiver, 9)) == [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"9"]


def test_pieces_may_come_in_any_order(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        async with sftp.open(file_name(), "wb") as file:
            await file.write(b"world", offset=6)
            await file.write(b"hello ", offset=0)

    do(receiver, work)
    assert values(receiver, 1) == [b"hello world"]


def test_a_file_is_taken_when_it_is_renamed_to_its_final_name(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        await store(sftp, "2026/a.txt.tmp", b"content")
        assert (await sftp.stat("2026/a.txt.tmp")).size == 7
        assert receiver.broker.records("raw-file") == []
        await sftp.rename("2026/a.txt.tmp", "2026/a.txt")
        assert (await sftp.stat("2026/a.txt")).size == 7
        assert not await sftp.exists("2026/a.txt.tmp")

    do(receiver, work)
    assert values(receiver, 1) == [b"content"]
    headers = receiver.broker.records("raw-file")[0].headers
    assert (headers["name"], headers["path"], headers["transport"]) == (b"a.txt", b"/2026", b"sftp")


def test_a_cut_file_is_not_taken_and_its_resend_is(receiver: Receiver) -> None:
    cut(receiver, file_name(), b"half a fi")
    do(receiver, lambda sftp: store(sftp, file_name(), b"half a file no more"))
    assert values(receiver, 1) == [b"half a file no more"]


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_cut_file_is_joined_with_the_rest(receiver: Receiver, mode: str) -> None:
    cut(receiver, file_name(), b"half a fi")
    wait_until(lambda: receiver.uploads.resume("bkhn", f"/{file_name()}", None) == b"half a fi")

    async def work(sftp: asyncssh.SFTPClient) -> None:
        async with sftp.open(file_name(), mode) as file:
            await file.write(b"le no more", offset=9)

    do(receiver, work)
    assert values(receiver, 1) == [b"half a file no more"]


def test_a_file_opened_and_not_written_to_is_not_sent_again(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        await store(sftp, file_name(), b"content")
        await (await sftp.open(file_name(), "r+b")).close()
        await store(sftp, file_name(), b" and more", "ab")
        assert (await sftp.stat(file_name())).size == 16

    do(receiver, work)
    assert sorted(values(receiver, 2)) == [b" and more", b"content"]


def test_a_resume_after_a_gap_is_refused(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        file = await sftp.open(file_name(), "r+b")
        with pytest.raises(asyncssh.SFTPFailure, match="0 bytes are here, not 9"):
            await file.write(b"the rest", offset=9)

    do(receiver, work)


def test_a_cut_file_that_nobody_resumes_is_taken_with_a_mark(receiver: Receiver) -> None:
    cut(receiver, file_name(), b"half a fi")
    wait_until(lambda: receiver.uploads.resume("bkhn", f"/{file_name()}", None) == b"half a fi")
    receiver.ahead = timedelta(hours=2)
    assert values(receiver, 1) == [b"half a fi"]
    assert receiver.broker.records("raw-file")[0].headers["marks"] == b"truncated"


def test_an_account_that_ends_during_a_session_cannot_send_any_more(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        del receiver.registry.accounts["bkhn"]
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="no longer valid"):
            await store(sftp, file_name(), b"x")

    do(receiver, work)


def test_more_clients_than_allowed_are_turned_away(receiver: Receiver) -> None:
    waiting = [socket.create_connection(receiver.sftp.address) for _ in range(5)]
    wait_until(lambda: len(receiver.sftp.connections) == 5)
    with socket.create_connection(receiver.sftp.address, timeout=LIMIT) as one_more:
        assert b"SSH-" not in one_more.recv(100)
    for client in waiting:
        client.close()


def test_the_host_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, again = host_keys(tmp_path), host_keys(tmp_path)
    assert [key.get_fingerprint() for key in first] == [key.get_fingerprint() for key in again]
    path = tmp_path / "ssh_host_ed25519_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_another_host_key_may_lie_beside_it_and_a_broken_one_is_named(tmp_path: Path) -> None:
    old = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    old.write_private_key(tmp_path / "ssh_host_ecdsa_key")
    algorithms = [key.get_algorithm() for key in host_keys(tmp_path)]
    assert algorithms == ["ecdsa-sha2-nistp256", "ssh-ed25519"]
    (tmp_path / "ssh_host_rsa_key").write_text("not a key")
    with pytest.raises(ValueError, match="ssh_host_rsa_key is not a private key"):
        host_keys(tmp_path)


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb", b"\x1b[31mred", b"a" * 256])
def test_a_name_that_cannot_be_kept_makes_no_folder_either(receiver: Receiver, name: bytes) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        with pytest.raises(asyncssh.SFTPFailure, match="cannot be kept"):
            await sftp.mkdir(name)
        with pytest.raises(asyncssh.SFTPFailure, match="cannot be kept"):
            await store(sftp, name + b"/a.txt", b"x")  # type: ignore[arg-type]

    do(receiver, work)
    assert list((receiver.folder / "home" / "bkhn").iterdir()) == []


def test_an_account_makes_no_more_folders_than_it_may_and_still_sends_into_any(receiver: Receiver) -> None:
    async def work(sftp: asyncssh.SFTPClient) -> None:
        for n in range(20):
            await sftp.mkdir(str(n))
        with pytest.raises(asyncssh.SFTPFailure, match="at most 20 folders are kept"):
            await sftp.mkdir("20")
        await store(sftp, "2027/01/a.txt", b"1")

    do(receiver, work)
    assert values(receiver, 1) == [b"1"]
    assert not (receiver.folder / "home" / "bkhn" / "2027").exists()
