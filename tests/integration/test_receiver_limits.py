"""Who gets in and how much may come, the same at every door, and changed while the receiver runs."""

import asyncio
import ftplib
import io
import logging
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncssh
import httpx
import pytest

from quantrac.domain.registry.accounts import AccountLimits
from quantrac.testing.builders import account, file_name
from services.receiver.access import authentication
from services.receiver.access.gate import MAX_ADDRESS_FAILURES, Reason, Refusal
from services.receiver.access.logins import Answer
from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in conftest."""

HERE, THERE = "127.0.0.1", "127.0.0.2"


@contextmanager
def ftp(receiver: Receiver, password: str = "secret", address: str = HERE) -> Iterator[ftplib.FTP]:
    with ftplib.FTP(timeout=LIMIT) as client:
        client.connect(*receiver.ftp.address, source_address=(address, 0))
        client.login("bkhn", password)
        yield client


def store(client: ftplib.FTP, content: bytes) -> str:
    return client.storbinary(f"STOR {file_name()}", io.BytesIO(content))


def by_ftp(receiver: Receiver, password: str, address: str) -> str:
    try:
        with ftp(receiver, password, address):
            return "in"
    except ftplib.Error as error:
        return {"530": "no", "421": "later"}[str(error)[:3]]


def post(receiver: Receiver, content: bytes, password: str = "secret", address: str = HERE) -> httpx.Response:
    host, port = receiver.http.address
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(transport=transport, auth=("bkhn", password), timeout=LIMIT) as client:
        return client.post(f"http://{host}:{port}/v1/files?name={file_name()}", content=content)


def by_http(receiver: Receiver, password: str, address: str) -> str:
    status = post(receiver, b"x", password, address).status_code
    return {201: "in", 200: "in", 401: "no", 429: "later"}[status]


@asynccontextmanager
async def sftp(
    receiver: Receiver, password: str = "secret", address: str = HERE
) -> AsyncIterator[asyncssh.SFTPClient]:
    host, port = receiver.sftp.address
    options: dict[str, Any] = {"known_hosts": None, "client_keys": None, "config": None}
    async with (
        asyncssh.connect(
            host, port, username="bkhn", password=password, local_addr=(address, 0), **options
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


def by_sftp(receiver: Receiver, password: str, address: str) -> str:
    async def connect() -> str:
        try:
            async with sftp(receiver, password, address):
                return "in"
        except asyncssh.PermissionDenied:
            return "no"
        except (asyncssh.DisconnectError, asyncssh.ChannelOpenError, ConnectionError):
            return "later"

    return asyncio.run(connect())


def put(receiver: Receiver, name: str, content: bytes) -> None:
    async def send() -> None:
        async with sftp(receiver) as client, client.open(name, "wb") as file:
            await file.write(content)

    asyncio.run(send())


Door = Callable[[Receiver, str, str], str]

every_door = pytest.mark.parametrize("door", [by_ftp, by_http, by_sftp])


def wait_for_contents(receiver: Receiver, count: int) -> list[bytes]:
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count)
    return sorted(record.value for record in receiver.broker.records("raw-file"))


def change(receiver: Receiver, **changes: Any) -> None:
    receiver.registry.accounts["bkhn"] = replace(receiver.registry.accounts["bkhn"], **changes)


@every_door
def test_after_five_guesses_the_right_password_must_wait_too_and_then_gets_in(
    receiver: Receiver, door: Door
) -> None:
    assert [door(receiver, "guess", HERE) for _ in range(5)] == ["no"] * 5
    assert door(receiver, "secret", HERE) == "no"
    receiver.ahead += timedelta(seconds=1)
    assert door(receiver, "secret", HERE) == "in"


@every_door
def test_the_wait_grows_with_every_further_guess(receiver: Receiver, door: Door) -> None:
    for seconds in (0, 0, 0, 0, 0, 1, 2, 4):
        receiver.ahead += timedelta(seconds=seconds)
        assert door(receiver, "guess", HERE) == "no"
    receiver.ahead += timedelta(seconds=6)
    assert door(receiver, "secret", HERE) == "no"
    receiver.ahead += timedelta(seconds=2)
    assert door(receiver, "secret", HERE) == "in"


@every_door
def test_a_strangers_guesses_do_not_keep_the_station_out(receiver: Receiver, door: Door) -> None:
    for _ in range(6):
        door(receiver, "guess", THERE)
    assert door(receiver, "secret", THERE) == "no"
    assert door(receiver, "secret", HERE) == "in"


def test_guesses_at_one_door_count_at_the_others(receiver: Receiver) -> None:
    for door in (by_ftp, by_http, by_ftp, by_http, by_ftp):
        assert door(receiver, "guess", HERE) == "no"
    assert [door(receiver, "secret", HERE) for door in (by_ftp, by_http, by_sftp)] == ["no"] * 3


@every_door
def test_allowed_networks_hold_from_the_moment_they_change(receiver: Receiver, door: Door) -> None:
    assert (door(receiver, "secret", HERE), door(receiver, "secret", THERE)) == ("in", "in")
    change(receiver, allowed_networks=(f"{THERE}/32",))
    assert (door(receiver, "secret", HERE), door(receiver, "secret", THERE)) == ("no", "in")
    change(receiver, allowed_networks=())
    assert door(receiver, "secret", HERE) == "in"


@every_door
def test_an_address_that_only_fails_is_turned_away_before_it_says_a_name(
    receiver: Receiver, door: Door
) -> None:
    for n in range(MAX_ADDRESS_FAILURES):
        receiver.registry.accounts[f"many-{n}"] = account(f"many-{n}")
        receiver.logins.gate.login(f"many-{n}", "guess", THERE)
    assert (door(receiver, "secret", THERE), door(receiver, "secret", HERE)) == ("later", "in")
    receiver.ahead += timedelta(seconds=1)
    assert door(receiver, "secret", THERE) == "in"


@every_door
def test_when_too_many_logins_wait_the_answer_is_to_come_later(
    receiver: Receiver, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_: str) -> Future[Answer]:
        busy: Future[Answer] = Future()
        busy.set_result(Refusal(Reason.BUSY, 10.0))
        return busy

    monkeypatch.setattr(receiver.logins, "submit", submit)
    assert door(receiver, "secret", HERE) == "later"


@every_door
def test_passwords_are_checked_in_threads_of_their_own(
    receiver: Receiver, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def verify(password_hash: str, password: str) -> bool:
        threads.append(threading.current_thread().name)
        return password == "secret"

    monkeypatch.setattr(authentication, "verify_password", verify)
    answers = [door(receiver, password, HERE) for password in ("guess", "secret", "secret")]
    assert answers == ["no", "in", "in"]
    assert len(threads) == 2
    assert all(name.startswith("login") for name in threads)


@every_door
def test_an_accounts_connections_are_limited_over_all_doors(receiver: Receiver, door: Door) -> None:
    change(receiver, limits=AccountLimits(connections=1))
    with ftp(receiver) as first:
        assert door(receiver, "secret", HERE) == "later"
        change(receiver, limits=AccountLimits(connections=2))
        assert door(receiver, "secret", HERE) == "in"
        change(receiver, limits=AccountLimits(connections=1))
        first.quit()
    wait_until(lambda: door(receiver, "secret", HERE) == "in", "the place of the connection")


def test_a_connection_that_logs_in_again_counts_once(receiver: Receiver) -> None:
    change(receiver, limits=AccountLimits(connections=1))
    with ftp(receiver) as client:
        assert client.login("bkhn", "secret").startswith("230")


def test_the_files_of_a_day_are_limited_over_all_doors_until_the_limit_is_raised(receiver: Receiver) -> None:
    change(receiver, limits=AccountLimits(files_per_day=2))
    with ftp(receiver) as client:
        store(client, b"1")
        assert post(receiver, b"2").status_code == 201
        with pytest.raises(asyncssh.SFTPError, match="too many files of this account today"):
            put(receiver, "3.txt", b"3")
        with pytest.raises(ftplib.error_temp, match="452 Too many files of this account today"):
            store(client, b"3")
        refused = post(receiver, b"3")
        assert refused.status_code == 429
        assert refused.json()["detail"] == "too many files of this account today"
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        change(receiver, limits=AccountLimits(files_per_day=4))
        assert store(client, b"3").startswith("226")
        assert post(receiver, b"4").status_code == 201
    assert wait_for_contents(receiver, 4) == [b"1", b"2", b"3", b"4"]


def test_the_largest_file_of_an_account_can_be_changed(receiver: Receiver) -> None:
    change(receiver, limits=AccountLimits(file_bytes=10))
    with ftp(receiver) as client:
        with pytest.raises(ftplib.error_perm, match="552 11 bytes are more than is accepted"):
            store(client, b"x" * 11)
        assert post(receiver, b"x" * 11).status_code == 413
        with pytest.raises(asyncssh.SFTPError, match="more than 10 bytes are not accepted"):
            put(receiver, "x.txt", b"x" * 11)
        change(receiver, limits=AccountLimits(file_bytes=11))
        assert store(client, b"x" * 11).startswith("226")
        assert post(receiver, b"x" * 11).status_code in (200, 201)


def test_what_exceeds_the_rate_is_taken_slowly_but_whole(receiver: Receiver) -> None:
    change(receiver, limits=AccountLimits(bytes_per_second=8000))
    content = bytes(range(250)) * 80
    begun = time.monotonic()
    with ftp(receiver) as client:
        assert store(client, content).startswith("226")  # 20,000 bytes: 16,000 at once, the rest in 0.5 s
    assert time.monotonic() - begun >= 0.5
    assert post(receiver, b"x" * 4000).status_code == 201
    assert time.monotonic() - begun >= 1.0
    put(receiver, "by-sftp.txt", b"y" * 4000)
    assert time.monotonic() - begun >= 1.5
    assert wait_for_contents(receiver, 3) == sorted([content, b"x" * 4000, b"y" * 4000])


def test_a_locked_out_client_hears_by_http_when_to_come_again(receiver: Receiver) -> None:
    answers = [post(receiver, b"x", "guess") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 6
    assert [answer.headers.get("retry-after") for answer in answers] == [None] * 4 + ["1", "1"]
    assert {answer.json()["detail"] for answer in answers} == {"unknown account or wrong password"}
    assert all(answer.headers["www-authenticate"].startswith("Basic ") for answer in answers)


def test_no_password_and_no_content_stands_in_any_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ["mật-khẩu-đúng", "mật-khẩu-sai", "NỘI-DUNG-RIÊNG"]
    right, wrong, content = secrets
    receiver.registry.accounts["bkhn"] = account(password=right)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "pyftpdlib"):
        for door in (by_ftp, by_http, by_sftp):
            assert [door(receiver, wrong, HERE), door(receiver, right, HERE)] == ["no", "in"]
        with ftp(receiver, right) as client:
            store(client, content.encode())
            change(receiver, limits=AccountLimits(files_per_day=1, file_bytes=10))
            for refused in (content.encode(), content.encode() * 10):
                with pytest.raises(ftplib.Error):
                    store(client, refused)
            assert post(receiver, content.encode(), right).status_code == 413
        for _ in range(6):
            by_http(receiver, wrong, HERE)
    assert "refused: locked out after failures" in caplog.text
    credentials = [b64encode(f"bkhn:{password}".encode()).decode() for password in (right, wrong)]
    lines = [record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records]
    for secret in [*secrets, *credentials]:
        assert not [line for line in lines if secret in line or repr(secret.encode())[2:-1] in line]
