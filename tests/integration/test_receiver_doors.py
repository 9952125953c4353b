"""One list of promises, kept by every door: real servers, real clients, a broker in memory."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from quantrac.domain.ids import file_id
from quantrac.testing.builders import file_name, station_file
from support.doors import DOORS, Door, Receiver, Refused
from support.waiting import wait_until


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, receiver: Receiver) -> Door:
    return DOORS[request.param](receiver)


def wait_for_records(receiver: Receiver, count: int) -> list[Any]:
    """Wait until the spool is empty; return the topic's records."""
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count and receiver.spooled() == 0)
    records: list[Any] = receiver.broker.records("raw-file")
    assert len(records) == count
    return records


def test_the_exact_bytes_arrive_with_what_is_known_about_them(receiver: Receiver, door: Door) -> None:
    content = station_file() + b"\xff\x00 \r tail without end"
    door.send(f"2026/03/25/{file_name()}", content)
    record = wait_for_records(receiver, 1)[0]
    assert (record.key, record.value) == (b"HN_BKHN_KHIKXQ", content)
    headers = {name: record.headers[name].decode() for name in ("file_id", "name", "account", "transport")}
    assert headers == {
        "file_id": file_id(content),
        "name": file_name(),
        "account": "bkhn",
        "transport": door.transport,
    }
    assert record.headers["path"].decode().strip("/") == "2026/03/25"


def test_a_zero_byte_file_is_a_file(receiver: Receiver, door: Door) -> None:
    door.send(file_name(), b"")
    assert wait_for_records(receiver, 1)[0].value == b""


def test_a_vietnamese_name_with_spaces_is_kept(receiver: Receiver, door: Door) -> None:
    door.send("Năm 2026/tháng 03/dữ liệu ngày 25.txt", b"x")
    headers = wait_for_records(receiver, 1)[0].headers
    assert headers["name"].decode() == "dữ liệu ngày 25.txt"
    assert headers["path"].decode().strip("/") == "Năm 2026/tháng 03"


def test_an_exact_resend_is_accepted_and_produces_nothing(receiver: Receiver, door: Door) -> None:
    door.send(file_name(), b"content")
    wait_for_records(receiver, 1)
    door.send(file_name(), b"content")
    door.send("another.txt", b"another")
    assert sorted(record.value for record in wait_for_records(receiver, 2)) == [b"another", b"content"]


@pytest.mark.parametrize("second", [b"content and more", b"con", b"CONTENT"])
def test_the_same_name_with_other_content_is_a_file_of_its_own(
    receiver: Receiver, door: Door, second: bytes
) -> None:
    door.send(file_name(), b"content")
    wait_for_records(receiver, 1)
    door.send(file_name(), second)
    assert sorted(record.value for record in wait_for_records(receiver, 2)) == sorted([b"content", second])


@pytest.mark.parametrize(
    ("account", "password"), [("bkhn", "wrong"), ("nobody", "secret"), ("hanoi", "secret")]
)
def test_a_wrong_password_an_unknown_account_and_a_province_are_refused(
    receiver: Receiver, door: Door, account: str, password: str
) -> None:
    if door.transport == "folder" and account == "bkhn":
        pytest.skip("whoever may write into the folder has logged in elsewhere")
    with pytest.raises(Refused):
        door.send(file_name(), b"x", account=account, password=password)
    assert (receiver.broker.records("raw-file"), receiver.spooled()) == ([], 0)


def test_no_path_leaves_the_accounts_folder(receiver: Receiver, door: Door) -> None:
    if door.transport == "folder":
        pytest.skip("the server that writes the folder makes its paths")
    door.send("a/../../../out.txt", b"x")
    record = wait_for_records(receiver, 1)[0]
    assert (record.headers["name"], record.headers["account"]) == (b"out.txt", b"bkhn")
    files = receiver.folder.parent.rglob("out.txt")
    assert {file.parent for file in files} <= {receiver.folder / "home" / "bkhn"}


def test_a_file_larger_than_the_limit_is_refused_and_one_of_just_that_size_taken(
    receiver: Receiver, door: Door
) -> None:
    with pytest.raises(Refused):
        door.send("large.txt", b"x" * 20_001)
    door.send(file_name(), b"y" * 20_000)
    assert [record.value for record in wait_for_records(receiver, 1)] == [b"y" * 20_000]


BAD_NAMES = {
    "a line break": "a\nb.txt",
    "a carriage return": "a\rb.txt",
    "NUL": "a\0b.txt",
    "a colour": "\x1b[31mred.txt",
    "DEL": "a\x7fb.txt",
    "C1": "a\x9bb.txt",
    "a line separator": "a\u2028b.txt",
    "another direction": "a\u202etxt.exe",
    "an isolate": "a\u2066b.txt",
    "a folder with a colour": "2026\x1b[31m/03/a.txt",
    "too many letters": "a" * 256,
    "too many bytes": "ă" * 128,
    "a folder of too many bytes": "ă" * 128 + "/a.txt",
    "no name": "2026/03/",
    "this folder": ".",
    "the folder above": "2026/..",
}


@pytest.mark.parametrize("kind", BAD_NAMES)
def test_a_name_that_cannot_be_kept_is_refused_and_the_door_stays_open(
    receiver: Receiver, door: Door, kind: str
) -> None:
    name = BAD_NAMES[kind]
    file = name.rpartition("/")[2]
    if door.transport == "folder" and ("\0" in name or file in {"", ".", ".."} or len(name.encode()) > 255):
        pytest.skip("no such file can exist")
    if door.transport == "ftp" and ("\n" in name or "\r" in name):
        pytest.skip("a command ends there")
    if door.transport in {"ftp", "sftp"} and not file:
        pytest.skip("a path ends so, too")
    with pytest.raises(Refused):
        door.send(name, b"x")
    assert (receiver.broker.records("raw-file"), receiver.spooled()) == ([], 0)
    door.send(file_name(), b"good")
    assert [record.value for record in wait_for_records(receiver, 1)] == [b"good"]


def test_a_full_spool_refuses_and_takes_files_again_once_there_is_room(
    receiver: Receiver, door: Door
) -> None:
    receiver.broker.away = True
    door.send("1.txt", b"1" * 20_000)
    door.send("2.txt", b"2" * 20_000)
    with pytest.raises(Refused):
        door.send("3.txt", b"3" * 20_000)
    receiver.broker.away = False
    wait_until(lambda: receiver.spooled() == 0)
    door.send("3.txt", b"3" * 20_000)
    wait_until(lambda: receiver.spooled() == 0)
    first = {record.value[:1] for record in receiver.broker.records("raw-file")}
    assert first == {b"1", b"2", b"3"}


def test_with_the_broker_away_nothing_is_lost(receiver: Receiver, door: Door) -> None:
    receiver.broker.away = True
    for n in range(3):
        door.send(f"{n}.txt", b"%d" % n)
    assert (receiver.spooled(), receiver.broker.records("raw-file")) == (3, [])
    receiver.broker.away = False
    assert sorted(record.value for record in wait_for_records(receiver, 3)) == [b"0", b"1", b"2"]


def test_files_sent_at_once_do_not_mix(receiver: Receiver, door: Door) -> None:
    contents = [bytes([letter]) * 10_000 for letter in b"abcd"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda content: door.send(f"{content[:1].decode()}.txt", content), contents))
    assert sorted(record.value for record in wait_for_records(receiver, 4)) == contents


def test_one_name_sent_twice_at_once_is_two_files(receiver: Receiver, door: Door) -> None:
    if door.transport == "folder":
        pytest.skip("a folder holds one file of a name")
    contents = [b"a" * 10_000, b"b" * 10_000]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda content: door.send(file_name(), content), contents))
    assert sorted(record.value for record in wait_for_records(receiver, 2)) == contents
