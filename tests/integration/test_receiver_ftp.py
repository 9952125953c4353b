"""The FTP door: a real server, a real client, a broker in memory."""

import ftplib
import io
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.testing.builders import account, file_name, station_file
from services.receiver.adapters.account_folders import AccountFolders

Receiver = Any
"""The class of the fixture, in conftest."""


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


def connect(receiver: Receiver) -> ftplib.FTP:
    client = ftplib.FTP(timeout=10)
    client.connect(*receiver.ftp.address)
    return client


@pytest.fixture
def client(receiver: Receiver) -> Iterator[ftplib.FTP]:
    client = connect(receiver)
    client.login("bkhn", "secret")
    yield client
    client.close()


def store(client: ftplib.FTP, path: str, content: bytes) -> str:
    return client.storbinary(f"STOR {path}", io.BytesIO(content))


def records(receiver: Receiver, count: int) -> list[Any]:
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count and receiver.spooled() == 0)
    messages: list[Any] = receiver.broker.records("raw-file")
    assert len(messages) == count
    return messages


@pytest.mark.parametrize(
    ("name", "password"), [("bkhn", "wrong"), ("nobody", "secret"), ("hanoi", "secret"), ("anonymous", "")]
)
def test_a_wrong_password_an_unknown_account_and_a_province_are_answered_530(
    receiver: Receiver, name: str, password: str
) -> None:
    with connect(receiver) as client, pytest.raises(ftplib.error_perm, match=r"^530"):
        client.login(name, password)


def test_an_account_added_while_the_server_runs_can_log_in(receiver: Receiver) -> None:
    receiver.registry.accounts["new"] = account("new", password="geheim")
    with connect(receiver) as client:
        assert client.login("new", "geheim").startswith("230")


def test_nothing_can_be_stored_without_login(receiver: Receiver) -> None:
    with connect(receiver) as client, pytest.raises(ftplib.error_perm, match="530 Log in with USER and PASS"):
        client.sendcmd("STOR x.txt")


def test_a_stored_file_reaches_the_topic_with_its_exact_bytes(receiver: Receiver, client: ftplib.FTP) -> None:
    content = station_file() + b"\xff\x00 tail without end"
    answer = store(client, f"2026/03/25/{file_name()}", content)
    record = records(receiver, 1)[0]
    assert answer == f"226 Transfer complete; file {record.headers['file_id'].decode()}."
    assert (record.key, record.value) == (b"HN_BKHN_KHIKXQ", content)
    assert {name: record.headers[name] for name in ("name", "path", "account", "transport")} == {
        "name": file_name().encode(),
        "path": b"/2026/03/25",
        "account": b"bkhn",
        "transport": b"ftp",
    }


def test_bytes_are_kept_as_they_came_in_ascii_mode_too(receiver: Receiver, client: ftplib.FTP) -> None:
    client.storlines(f"STOR {file_name()}", io.BytesIO(b"NO\t1\r\nNO2\t2\r\n"))
    assert records(receiver, 1)[0].value == b"NO\t1\r\nNO2\t2\r\n"


def test_a_zero_byte_file_is_a_file(receiver: Receiver, client: ftplib.FTP) -> None:
    assert store(client, file_name(), b"").startswith("226")
    assert records(receiver, 1)[0].value == b""


def test_a_vietnamese_name_with_spaces_is_kept(receiver: Receiver, client: ftplib.FTP) -> None:
    store(client, "/Nam 2026/thang 03/ngày 25/dữ liệu.txt", b"x")
    headers = records(receiver, 1)[0].headers
    assert (headers["name"].decode(), headers["path"].decode()) == (
        "dữ liệu.txt",
        "/Nam 2026/thang 03/ngày 25",
    )


@pytest.mark.parametrize(
    "path", ["../../out.txt", "/../../../out.txt", "a/../../../../out.txt", "..\\out.txt"]
)
def test_no_path_leaves_the_accounts_folder(receiver: Receiver, client: ftplib.FTP, path: str) -> None:
    store(client, path, b"x")
    assert records(receiver, 1)[0].headers["path"] == b"/"
    home = receiver.folder / "home" / "bkhn"
    assert [file.parent for file in receiver.folder.parent.rglob("*out.txt")] == [home]


def test_no_link_leads_out_of_the_accounts_folder(receiver: Receiver, client: ftplib.FTP) -> None:
    (receiver.folder / "home" / "bkhn" / "link").symlink_to(receiver.folder)
    with pytest.raises(ftplib.error_perm, match=r"550 .*outside"):
        store(client, "link/x.txt", b"x")
    with pytest.raises(ftplib.error_perm, match=r"550 .*outside"):
        client.cwd("link")


def test_an_exact_resend_is_answered_226_and_produces_nothing(receiver: Receiver, client: ftplib.FTP) -> None:
    first = store(client, file_name(), b"content")
    records(receiver, 1)
    assert store(client, file_name(), b"content") == first
    store(client, file_name(), b"corrected")
    assert [record.value for record in records(receiver, 2)] == [b"content", b"corrected"]


def test_a_file_of_the_largest_size_is_taken_and_one_of_a_hundred_megabytes_refused(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    with pytest.raises(ftplib.error_perm, match="552 104857600 bytes are more than is accepted"):
        store(client, file_name(), os.urandom(100 << 20))
    largest = os.urandom(20_000)
    store(client, file_name(), largest)
    assert records(receiver, 1)[0].value == largest


def test_a_full_spool_is_answered_452_and_takes_files_again_once_there_is_room(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    receiver.broker.away = True
    store(client, "1.txt", b"1" * 20_000)
    store(client, "2.txt", b"2" * 20_000)
    with pytest.raises(ftplib.error_temp, match="452 Insufficient storage"):
        store(client, "3.txt", b"3" * 20_000)
    receiver.broker.away = False
    records(receiver, 2)
    store(client, "3.txt", b"3" * 20_000)
    assert [(record.value or b"")[:1] for record in records(receiver, 3)] == [b"1", b"2", b"3"]


def test_with_the_broker_away_files_wait_on_the_disk(receiver: Receiver, client: ftplib.FTP) -> None:
    receiver.broker.away = True
    for n in range(5):
        assert store(client, f"{n}.txt", b"%d" % n).startswith("226")
    assert (receiver.spooled(), receiver.broker.records("raw-file")) == (5, [])
    receiver.broker.away = False
    assert [record.value for record in records(receiver, 5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_logger_that_dies_in_the_middle_of_a_file_has_sent_nothing(receiver: Receiver) -> None:
    client = connect(receiver)
    client.login("bkhn", "secret")
    data = client.transfercmd(f"STOR {file_name()}")
    data.sendall(b"half a fi")
    # As a dying process does: both connections end, the control connection first.
    client.close()
    data.close()
    with connect(receiver) as next_client:
        next_client.login("bkhn", "secret")
        store(next_client, "whole.txt", b"whole")
    assert [record.value for record in records(receiver, 1)] == [b"whole"]


def test_a_data_connection_that_is_reset_is_not_a_file(receiver: Receiver, client: ftplib.FTP) -> None:
    data = client.transfercmd(f"STOR {file_name()}")
    data.sendall(b"half a fi")
    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    data.close()
    with pytest.raises(ftplib.error_temp, match="426 Connection broken; file not taken"):
        client.voidresp()
    assert store(client, file_name(), b"half a file no more").startswith("226")
    assert [record.value for record in records(receiver, 1)] == [b"half a file no more"]


def test_an_account_that_ends_during_a_session_cannot_send_any_more(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    del receiver.registry.accounts["bkhn"]
    with pytest.raises(ftplib.error_perm, match="532 The account is no longer valid"):
        store(client, file_name(), b"x")


@pytest.mark.parametrize("command", ["MFMT 20260325 x", "STOU", "DELE x", "RNFR x", "RMD x", "RETR x"])
def test_what_is_not_sending_is_refused(client: ftplib.FTP, command: str) -> None:
    with pytest.raises(ftplib.error_perm, match=r"^5"):
        client.sendcmd(command)


def test_a_nul_in_a_name_is_refused_and_the_session_goes_on(client: ftplib.FTP) -> None:
    with pytest.raises(ftplib.error_perm, match="501 NUL"):
        client.sendcmd("STOR a\0b.txt")
    assert client.pwd() == "/"


def test_a_name_too_long_for_a_file_is_refused(client: ftplib.FTP) -> None:
    with pytest.raises(ftplib.error_perm, match="550 File name too long"):
        store(client, "a" * 256, b"x")


def test_the_last_uploads_are_listed_with_their_size_but_cannot_be_read_back(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    client.mkd("2026")
    client.cwd("2026")
    store(client, "a.txt", b"x" * 1234)
    assert client.nlst() == ["a.txt"]
    client.voidcmd("TYPE I")
    assert client.size("a.txt") == 1234
    assert (receiver.folder / "home/bkhn/2026/a.txt").read_bytes() == bytes(1234)


@pytest.mark.parametrize("kind", ["A", "I"])
def test_the_size_of_a_sent_file_is_told_in_either_type(client: ftplib.FTP, kind: str) -> None:
    store(client, "a.txt", b"x\r\n" * 411 + b"\n")
    client.voidcmd(f"TYPE {kind}")
    assert client.size("a.txt") == 1234
    with pytest.raises(ftplib.error_perm, match="550"):
        client.size("b.txt")
    assert client.sendcmd(f"TYPE {kind}").startswith("200")


def test_an_account_makes_no_more_folders_than_it_may_and_still_sends_into_any(
    receiver: Receiver, client: ftplib.FTP
) -> None:
    client.mkd("2026")
    for n in range(19):
        client.mkd(f"2026/{n}")
    with pytest.raises(ftplib.error_perm, match="550 at most 20 folders are kept"):
        client.mkd("2026/19")
    store(client, "2026/18/a.txt", b"1")
    store(client, "2027/01/01/b.txt", b"2")
    assert sorted(record.value for record in records(receiver, 2)) == [b"1", b"2"]
    home = receiver.folder / "home" / "bkhn"
    assert (home / "2026/18/a.txt").exists()
    assert not (home / "2027").exists()


def test_traces_and_empty_folders_go_after_a_day(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    old, new = tmp_path / "bkhn/2026/24/old.txt", tmp_path / "bkhn/2026/25/new.txt"
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.touch()
    yesterday = (now - timedelta(days=1, hours=1)).timestamp()
    for path in (old, old.parent):
        os.utime(path, (yesterday, yesterday))
    AccountFolders(tmp_path).prune(now)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["2026", "25", "bkhn", "new.txt"]


def test_more_clients_than_allowed_are_turned_away(receiver: Receiver) -> None:
    clients = [connect(receiver) for _ in range(5)]
    one_more = ftplib.FTP(timeout=10)
    with pytest.raises(ftplib.error_temp, match="421 Too many connections"):
        one_more.connect(*receiver.ftp.address)
    for client in (*clients, one_more):
        client.close()


def test_two_hundred_files_of_four_loggers_at_once_all_arrive_once(receiver: Receiver) -> None:
    clients = [connect(receiver) for _ in range(4)]
    for client in clients:
        client.login("bkhn", "secret")
    contents = {b"%d-%d" % (n, index) for n in range(50) for index in range(4)}
    for n in range(50):
        channels = [client.transfercmd(f"STOR {n}-{index}.txt") for index, client in enumerate(clients)]
        for index, channel in enumerate(channels):
            channel.sendall(b"%d-%d" % (n, index))
            channel.close()
        for client in clients:
            assert client.voidresp().startswith("226")
    messages = records(receiver, 200)
    assert {record.value for record in messages} == contents
    assert len({record.headers["received_at"] for record in messages}) == 200
    for client in clients:
        client.close()
