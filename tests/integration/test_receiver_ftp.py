"""The FTP door: a real server, a real client, a broker in memory."""

import ftplib
import io
import os
import socket
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.testing.builders import account, file_name, station_file
from services.receiver.adapters.account_folders import AccountFolders
from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in conftest."""


def connect(receiver: Receiver) -> ftplib.FTP:
    client = ftplib.FTP(timeout=LIMIT)
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


@pytest.mark.parametrize("command", ["NOOP", "TYPE A", "TYPE A N", "TYPE I"])
def test_the_size_of_a_sent_file_is_told_in_any_type(
    receiver: Receiver, client: ftplib.FTP, command: str
) -> None:
    content = b"x\r\n" * 411 + b"\n"
    client.voidcmd(command)  # a logger that says nothing sends in ASCII
    with client.transfercmd("STOR a.txt") as data:
        data.sendall(content)
    assert client.voidresp().startswith("226")
    assert client.sendcmd("SIZE a.txt") == "213 1234"
    assert client.sendcmd("MDTM a.txt").startswith("213 20")
    with pytest.raises(ftplib.error_perm, match="550"):
        client.sendcmd("SIZE b.txt")
    assert records(receiver, 1)[0].value == content


def test_a_cut_file_is_resumed_in_ascii_too(receiver: Receiver, client: ftplib.FTP) -> None:
    receiver.uploads.park("bkhn", f"/{file_name()}", b"half\r\n", "ftp")
    client.voidcmd("TYPE A")
    assert client.sendcmd("REST 6").startswith("350")
    with client.transfercmd(f"STOR {file_name()}") as data:
        data.sendall(b"rest\r\n")
    assert client.voidresp().startswith("226")
    assert records(receiver, 1)[0].value == b"half\r\nrest\r\n"


LOGGERS_SAY = {
    "TYPE A": "200",
    "TYPE A N": "200",
    "type a n": "200",
    "TYPE A T": "200",
    "TYPE I": "200",
    "TYPE L 8": "200",
    "type l8": "200",
    "TYPE E": "504",
    "TYPE A C": "504",
    "TYPE L 36": "504",
    "TYPE": "501",
    "MODE S": "200",
    "mode s": "200",
    "MODE B": "504",
    "STRU F": "200",
    "STRU R": "504",
    "ALLO 1234": "202",
    "ALLO 1234 R 80": "202",
    "ACCT station": "202",
    "CLNT logger 2.1": "202",
    "SITE CHMOD 644 a.txt": "202",
    "SITE UMASK 022": "202",
    "SITE HELP": "202",
    "NOOP": "200",
    "noop": "200",
    "SYST": "215",
    "STAT": "211",
    "STAT a.txt": "213",
    "MDTM a.txt": "213",
    "MDTM b.txt": "550",
    "OPTS UTF8 ON": "200",
    "opts utf8 off": "200",
    "OPTS PASV": "501",
    "REST 0": "350",
    "CDUP": "250",
    "XPWD": "257",
    "HELP": "214",
    "FEAT": "211",
    "SMNT /": "500",
}


@pytest.mark.parametrize("command", LOGGERS_SAY)
def test_what_loggers_say_beside_sending_is_answered(client: ftplib.FTP, command: str) -> None:
    store(client, "a.txt", b"1")
    client.putcmd(command)
    assert client.getmultiline()[:3] == LOGGERS_SAY[command]
    assert store(client, "b.txt", b"2").startswith("226")


def test_utf8_may_be_chosen_and_an_account_named_before_the_login(receiver: Receiver) -> None:
    with connect(receiver) as client:
        assert client.sendcmd("OPTS UTF8 ON").startswith("200")
        assert client.sendcmd("ACCT station").startswith("202")
        with pytest.raises(ftplib.error_perm, match="530"):
            client.sendcmd("TYPE I")


@pytest.mark.parametrize("arguments", ["", " -la", " -a -l 2026", " -l 2026", " 2026"])
def test_a_listing_may_have_the_options_of_ls(client: ftplib.FTP, arguments: str) -> None:
    client.mkd("2026")
    store(client, "2026/a.txt", b"1")
    lines: list[str] = []
    client.retrlines(f"LIST{arguments}", lines.append)
    assert len(lines) == 1
    assert lines[0].endswith("a.txt" if "2026" in arguments else "2026")
    assert client.nlst(*arguments.split()) == ["a.txt" if "2026" in arguments else "2026"]


def test_a_folder_with_a_hyphen_in_its_name_is_listed(client: ftplib.FTP) -> None:
    client.mkd("a -b")
    store(client, "a -b/c.txt", b"1")
    assert client.nlst("-a", "a -b") == ["c.txt"]


def test_a_logger_whose_lines_end_in_a_bare_line_feed_is_answered(receiver: Receiver) -> None:
    with socket.create_connection(receiver.ftp.address, timeout=LIMIT) as control:
        answers = control.makefile("rb")
        assert answers.readline().startswith(b"220")
        # Two commands at once, and one in two pieces.
        control.sendall(b"USER bkhn\nPASS secret\nPW")
        assert [answers.readline()[:3] for _ in range(2)] == [b"331", b"230"]
        control.sendall(b"D\n")
        assert answers.readline().startswith(b"257")
        control.sendall(b"STOR a\rb.txt\n")
        assert answers.readline().startswith(b"501 Control characters")
        answers.close()


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
    one_more = ftplib.FTP(timeout=LIMIT)
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
