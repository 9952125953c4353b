"""Transfers that go wrong, and clients that mean harm, through the real FTP server."""

import ftplib
import io
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from quantrac.testing.builders import file_name, station_file
from services.receiver.adapters.ftp.data_channel import DataChannel, PassivePort
from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in conftest."""

NAME = file_name()
WHOLE = station_file([("PM2.5", "12.40", "ug/m3", "00"), ("NO2", "14.91", "ug/m3", "00")])
HALF = WHOLE[:50]


def connect(receiver: Receiver) -> ftplib.FTP:
    client = ftplib.FTP(timeout=LIMIT)
    client.connect(*receiver.ftp.address)
    client.login("bkhn", "secret")
    client.voidcmd("TYPE I")
    return client


@pytest.fixture
def client(receiver: Receiver) -> Iterator[ftplib.FTP]:
    client = connect(receiver)
    yield client
    client.close()


def store(client: ftplib.FTP, path: str, content: bytes, rest: int | None = None) -> str:
    return client.storbinary(f"STOR {path}", io.BytesIO(content), rest=rest)


def reset(data: socket.socket) -> None:
    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    data.close()


def arrive(receiver: Receiver, client: ftplib.FTP, path: str, content: bytes) -> socket.socket:
    """Send some bytes of a file and wait until the server has read them."""
    data = client.transfercmd(f"STOR {path}")
    data.sendall(content)
    open_sockets = receiver.ftp._ioloop.socket_map
    wait_until(
        lambda: any(_bytes_received(channel) == len(content) for channel in list(open_sockets.values()))
    )
    return data


def _bytes_received(channel: object) -> int:
    return getattr(channel, "tot_bytes_received", -1)


def _is_open(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=LIMIT).close()
    except ConnectionRefusedError:
        return False
    return True


def size(client: ftplib.FTP, path: str) -> int | None:
    client.voidcmd("TYPE I")
    return client.size(path)


def cut(receiver: Receiver, client: ftplib.FTP, path: str, content: bytes) -> None:
    """Break the data connection in the middle of a file."""
    reset(arrive(receiver, client, path, content))
    with pytest.raises(ftplib.error_temp, match="426 Connection broken"):
        client.voidresp()


def files(receiver: Receiver, count: int) -> list[tuple[str, bytes, str | None]]:
    """Return name, content and marks of what is in raw-file, once there are that many."""
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count and receiver.spooled() == 0)
    messages = receiver.broker.records("raw-file")
    assert len(messages) == count
    return [(r.headers["name"].decode(), r.value, r.headers.get("marks", b"").decode()) for r in messages]


def test_a_cut_file_is_resumed_where_size_says_and_arrives_once(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    cut(receiver, client, NAME, HALF)
    assert size(client, NAME) == len(HALF)
    assert store(client, NAME, WHOLE[len(HALF) :], rest=len(HALF)).startswith("226")
    assert size(client, NAME) == len(WHOLE)
    assert files(receiver, 1) == [(NAME, WHOLE, "")]


def test_a_cut_file_is_resumed_by_append(receiver: Receiver, client: ftplib.FTP) -> None:
    cut(receiver, client, NAME, HALF)
    client.storbinary(f"APPE {NAME}", io.BytesIO(WHOLE[len(HALF) :]))
    assert files(receiver, 1) == [(NAME, WHOLE, "")]


def test_a_cut_file_is_sent_again_whole_and_arrives_once(receiver: Receiver, client: ftplib.FTP) -> None:
    cut(receiver, client, NAME, HALF)
    store(client, NAME, WHOLE)
    receiver.ahead = timedelta(hours=2)
    assert files(receiver, 1) == [(NAME, WHOLE, "")]
    assert list((receiver.folder / "parked").iterdir()) == []


def test_a_cut_file_that_never_comes_again_is_taken_with_a_mark(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    cut(receiver, client, NAME, HALF)
    receiver.ahead = timedelta(minutes=61)
    assert files(receiver, 1) == [(NAME, HALF, "truncated")]


def test_a_logger_that_dies_is_resumed_after_its_restart(receiver: Receiver, client: ftplib.FTP) -> None:
    data = arrive(receiver, client, NAME, HALF)
    client.close()
    data.close()
    with connect(receiver) as again:
        wait_until(lambda: NAME in again.nlst())
        assert size(again, NAME) == len(HALF)
        store(again, NAME, WHOLE[len(HALF) :], rest=len(HALF))
    assert files(receiver, 1) == [(NAME, WHOLE, "")]


def test_an_aborted_transfer_is_parked(receiver: Receiver, client: ftplib.FTP) -> None:
    data = arrive(receiver, client, NAME, HALF)
    client.putcmd("ABOR")
    with pytest.raises(ftplib.error_temp, match="426"):
        client.voidresp()
    assert client.voidresp().startswith("226")
    data.close()
    assert size(client, NAME) == len(HALF)
    assert files(receiver, 0) == []


def test_a_resume_after_a_gap_is_refused_and_the_whole_file_taken(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    cut(receiver, client, NAME, HALF)
    with pytest.raises(ftplib.error_perm, match=f"554 {len(HALF)} bytes are here, not 60"):
        store(client, NAME, WHOLE[60:], rest=60)
    store(client, NAME, WHOLE)
    assert files(receiver, 1) == [(NAME, WHOLE, "")]


def test_lines_appended_to_an_accepted_file_are_a_file_of_their_own(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    store(client, "day.txt", b"line 1\r\n")
    client.storbinary("APPE day.txt", io.BytesIO(b"line 2\r\n"))
    assert size(client, "day.txt") == 16
    store(client, "day.txt", b"line 3\r\n", rest=16)
    assert [content for _, content, _ in files(receiver, 3)] == [b"line 1\r\n", b"line 2\r\n", b"line 3\r\n"]


def test_a_file_uploaded_under_a_temporary_name_is_taken_when_renamed(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    assert store(client, f"{NAME}.tmp", WHOLE).startswith("226")
    assert files(receiver, 0) == []
    assert client.rename(f"{NAME}.tmp", NAME).startswith("250 Renamed; file ")
    assert files(receiver, 1) == [(NAME, WHOLE, "")]
    assert (client.nlst(), size(client, NAME)) == ([NAME], len(WHOLE))
    assert client.sendcmd(f"MDTM {NAME}").startswith("213 20")


def test_a_file_never_renamed_is_taken_under_its_own_name(receiver: Receiver, client: ftplib.FTP) -> None:
    store(client, f"{NAME}.tmp", WHOLE)
    receiver.ahead = timedelta(minutes=16)
    assert files(receiver, 1) == [(f"{NAME}.tmp", WHOLE, "not-renamed")]


def test_what_was_accepted_cannot_be_renamed(receiver: Receiver, client: ftplib.FTP) -> None:
    store(client, NAME, WHOLE)
    with pytest.raises(ftplib.error_perm, match="550 No upload of this name waits"):
        client.rename(NAME, "other.txt")
    with pytest.raises(ftplib.error_perm, match="503"):
        client.sendcmd("RNTO other.txt")


def test_a_rename_waits_for_room_in_the_spool(receiver: Receiver, client: ftplib.FTP) -> None:
    receiver.broker.away = True
    for n in range(2):
        store(client, f"{n}.txt", b"%d" % n * 20_000)
    store(client, "3.tmp", b"3" * 20_000)
    with pytest.raises(ftplib.error_temp, match="452 Insufficient storage; not renamed"):
        client.rename("3.tmp", "3.txt")
    receiver.broker.away = False
    files(receiver, 2)
    client.rename("3.tmp", "3.txt")
    assert files(receiver, 3)[2] == ("3.txt", b"3" * 20_000, "")


def test_the_same_name_sent_shorter_and_longer_is_three_files(receiver: Receiver, client: ftplib.FTP) -> None:
    contents = [WHOLE, HALF, WHOLE + b"more\r\n"]
    for content in contents:
        store(client, NAME, content)
    assert [content for _, content, _ in files(receiver, 3)] == contents


def test_two_transfers_of_one_name_at_once_are_two_files(receiver: Receiver, client: ftplib.FTP) -> None:
    with connect(receiver) as second_client:
        first, second = (c.transfercmd(f"STOR {NAME}") for c in (client, second_client))
        for _ in range(3):
            first.sendall(b"first\r\n")
            second.sendall(b"second\r\n")
        for data, sender in ((first, client), (second, second_client)):
            data.close()
            assert sender.voidresp().startswith("226")
    assert [content for _, content, _ in files(receiver, 2)] == [b"first\r\n" * 3, b"second\r\n" * 3]


def test_a_missing_last_line_end_is_kept_as_it_is(receiver: Receiver, client: ftplib.FTP) -> None:
    store(client, NAME, WHOLE.rstrip())
    assert files(receiver, 1) == [(NAME, WHOLE.rstrip(), "")]


@pytest.mark.parametrize("name", ["a\x01b.txt", "a\tb.txt", "a\x7fb.txt", "\x1b[31m.txt"])
def test_control_characters_in_a_name_are_refused(client: ftplib.FTP, name: str) -> None:
    with pytest.raises(ftplib.error_perm, match="501 Control characters"):
        client.sendcmd(f"STOR {name}")
    assert client.pwd() == "/"


def test_a_name_of_three_hundred_characters_is_refused_as_the_end_of_a_rename(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    store(client, "a.tmp", b"content")
    with pytest.raises(ftplib.error_perm, match=r"^55"):
        client.rename("a.tmp", "a" * 300)
    client.rename("a.tmp", "a.txt")
    assert files(receiver, 1) == [("a.txt", b"content", "")]


def test_a_client_that_never_logs_in_is_disconnected_whatever_it_says(receiver: Receiver) -> None:
    receiver.ftp.login_seconds = 0.5
    with socket.create_connection(receiver.ftp.address, timeout=LIMIT) as talker:
        heard = b""
        for _ in range(20):
            talker.sendall(b"NOOP\r\n")
            heard += talker.recv(4096)
            if b"421" in heard:
                break
            time.sleep(0.1)
        assert b"421 Login timed out." in heard
        assert talker.recv(4096) == b""


def test_a_client_with_half_a_command_is_disconnected(receiver: Receiver) -> None:
    receiver.ftp.login_seconds = 0.3
    with socket.create_connection(receiver.ftp.address, timeout=LIMIT) as slow:
        slow.sendall(b"USE")
        wait_until(lambda: b"421" in slow.recv(4096))
        assert slow.recv(4096) == b""


def test_an_account_logged_in_may_take_its_time(receiver: Receiver) -> None:
    receiver.ftp.login_seconds = 0.3
    clients: list[ftplib.FTP] = []

    def is_logged_in() -> bool:
        with suppress(
            OSError, EOFError, ftplib.Error
        ):  # a busy machine may take too long for the login itself
            clients.append(connect(receiver))
        return bool(clients)

    wait_until(is_logged_in)
    with clients[0] as client:
        time.sleep(0.5)
        assert store(client, NAME, WHOLE).startswith("226")


def test_a_data_port_that_nobody_connects_to_is_closed(
    receiver: Receiver, client: ftplib.FTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PassivePort, "timeout", 0.2)
    address = client.makepasv()
    with pytest.raises(ftplib.error_temp, match="421 Passive data channel timed out"):
        client.voidresp()
    wait_until(lambda: not _is_open(address))


def test_a_client_that_falls_silent_in_a_file_is_disconnected_and_the_bytes_kept(
    receiver: Receiver, client: ftplib.FTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DataChannel, "timeout", 0.2)
    data = arrive(receiver, client, NAME, HALF)
    with pytest.raises(ftplib.error_temp, match="421 Data connection timed out"):
        client.voidresp()
    data.close()
    receiver.ahead = timedelta(minutes=61)
    assert files(receiver, 1) == [(NAME, HALF, "truncated")]


def test_data_ports_are_one_a_client_however_often_it_asks(receiver: Receiver, client: ftplib.FTP) -> None:
    addresses = [client.makepasv() for _ in range(20)]
    assert [_is_open(address) for address in addresses] == [False] * 19 + [True]


def test_a_used_up_range_of_data_ports_is_answered_425(ftp_door: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        door = ftp_door(passive_ports=range(port, port + 1))
        with ftplib.FTP(timeout=LIMIT) as client:
            client.connect(*door.address)
            client.login("bkhn", "secret")
            with pytest.raises(ftplib.error_temp, match="425 No port"):
                client.makepasv()
            listener.close()
            assert store(client, NAME, WHOLE).startswith("226")
