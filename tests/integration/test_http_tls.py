"""TLS at an HTTP door: real handshakes, certificates that are renewed, clients that have one."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantrac.io.http_server import HttpServer
from quantrac.io.settings import HttpLimits
from quantrac.io.tls import ServerFiles, ServerTls, client_context, client_fingerprint, read_fingerprint
from support.tls import Pair
from support.waiting import LIMIT, wait_until

OpenDoor = Callable[..., str]


async def tell_client(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the scheme of the request and the fingerprint of the client's certificate."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    answer = {"scheme": scope["scheme"], "client": client_fingerprint(scope)}
    body = json.dumps(answer).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@pytest.fixture
def open_door() -> Iterator[OpenDoor]:
    """Open a door on a free port and return its address as a URL."""
    stop, threads = threading.Event(), []

    def open_door(files: ServerFiles | None, app: Any = tell_client, **limits: Any) -> str:
        tls = ServerTls(files) if files else None
        server = HttpServer("127.0.0.1", 0, app, limits=HttpLimits(**limits), tls=tls, grace_seconds=1)
        threads.append(threading.Thread(target=server.run, args=(stop,)))
        threads[-1].start()
        return f"{'https' if files else 'http'}://127.0.0.1:{server.address[1]}"

    yield open_door
    stop.set()
    for thread in threads:
        thread.join(timeout=LIMIT)
        assert not thread.is_alive()


def connect(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=LIMIT)


def ask(url: str, context: ssl.SSLContext, content: bytes = b"") -> dict[str, str]:
    answer: dict[str, str] = httpx.post(url, content=content, verify=context, timeout=LIMIT).json()
    return answer


def test_a_door_with_a_certificate_speaks_tls_and_no_plain_http(pair: Pair, open_door: OpenDoor) -> None:
    url = open_door(ServerFiles(pair.certificate, pair.key))
    assert ask(url, client_context(pair.certificate)) == {"scheme": "https", "client": ""}
    with pytest.raises(httpx.RequestError):
        httpx.get(url.replace("https", "http"), timeout=LIMIT)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(url, timeout=LIMIT)


def test_a_door_without_one_speaks_plain_http(open_door: OpenDoor) -> None:
    assert httpx.get(open_door(None), timeout=LIMIT).json() == {"scheme": "http", "client": ""}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_versions_of_tls_before_1_2_are_refused(pair: Pair, open_door: OpenDoor) -> None:
    url = open_door(ServerFiles(pair.certificate, pair.key))
    old, both = pair.trusting(), pair.trusting()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    both.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.ConnectError):
        ask(url, old)
    assert ask(url, both)["scheme"] == "https"


def test_bodies_and_answers_of_some_megabytes_pass_whole(pair: Pair, open_door: OpenDoor) -> None:
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    content = bytes(range(256)) * 20_000
    url = open_door(ServerFiles(pair.certificate, pair.key), echo)
    with httpx.Client(verify=pair.trusting(), timeout=LIMIT) as client:
        assert all(client.post(url, content=content).content == content for _ in range(3))


def test_a_renewed_certificate_is_used_for_the_next_connection_and_a_half_copied_one_is_not(
    pair: Pair, open_door: OpenDoor
) -> None:
    url = open_door(ServerFiles(pair.certificate, pair.key))
    old = pair.trusting()
    with httpx.Client(verify=old, timeout=LIMIT) as client:
        client.get(url)
        pair.renew()
        assert ask(url, pair.trusting())["scheme"] == "https"
        assert client.get(url).status_code == 200, "the connection that was open goes on"
    with pytest.raises(httpx.ConnectError):
        ask(url, old)
    pair.key.write_bytes(b"half")
    assert ask(url, pair.trusting())["scheme"] == "https"


def test_a_client_is_known_by_its_certificate_and_may_come_without_one(
    pair: Pair, open_door: OpenDoor, tmp_path: Path
) -> None:
    client, stranger = Pair(tmp_path, "client"), Pair(tmp_path, "stranger")
    url = open_door(ServerFiles(pair.certificate, pair.key, client.certificate))
    context = client_context(pair.certificate, client.certificate, client.key)
    assert ask(url, context)["client"] == read_fingerprint(client.certificate)
    assert ask(url, client_context(pair.certificate))["client"] == ""
    with pytest.raises(httpx.RequestError):
        ask(url, client_context(pair.certificate, stranger.certificate, stranger.key))
    # The authorities are renewed like the certificate.
    client.certificate.write_bytes(client.certificate.read_bytes() + stranger.certificate.read_bytes())
    context = client_context(pair.certificate, stranger.certificate, stranger.key)
    assert ask(url, context)["client"] == read_fingerprint(stranger.certificate)


def test_a_door_that_asks_for_no_certificate_is_told_none(
    pair: Pair, open_door: OpenDoor, tmp_path: Path
) -> None:
    client = Pair(tmp_path, "client")
    url = open_door(ServerFiles(pair.certificate, pair.key))
    assert ask(url, client_context(pair.certificate, client.certificate, client.key))["client"] == ""


def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered_by_tls(
    pair: Pair, open_door: OpenDoor
) -> None:
    address = connect(open_door(ServerFiles(pair.certificate, pair.key)))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = pair.trusting().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with closing(address):
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        address.sendall(outgoing.read())
        while True:
            incoming.write(address.recv(65536))
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        client.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        address.sendall(outgoing.read())  # the end of the handshake and the request in one segment
        answer = b""
        while b"}" not in answer:
            try:
                answer += client.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(address.recv(65536))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"https"' in answer


def test_handshakes_that_never_end_are_ended_like_heads_that_never_come(
    pair: Pair, open_door: OpenDoor
) -> None:
    url = open_door(ServerFiles(pair.certificate, pair.key), head_seconds=1, max_connections=60)
    silent = [connect(url) for _ in range(50)]
    silent[0].sendall(b"\x16\x03\x01")
    assert ask(url, pair.trusting())["scheme"] == "https"
    for connection in silent:
        with closing(connection), suppress(ConnectionError):
            assert connection.recv(100) == b""


def test_a_flood_of_handshakes_keeps_nobody_out(pair: Pair, open_door: OpenDoor) -> None:
    url = open_door(ServerFiles(pair.certificate, pair.key), max_connections=20, head_seconds=60)
    silent = [connect(url) for _ in range(100)]
    assert ask(url, pair.trusting())["scheme"] == "https"
    for connection in silent:
        connection.close()


def test_an_answer_that_nobody_takes_is_ended_above_tls_too(pair: Pair, open_door: OpenDoor) -> None:
    gone = threading.Event()

    async def pour(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(400):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await receive()
        gone.set()

    url = open_door(ServerFiles(pair.certificate, pair.key), pour, answer_idle_seconds=1)
    with closing(pair.trusting().wrap_socket(connect(url), server_hostname="127.0.0.1")) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        wait_until(gone.is_set)


@pytest.mark.parametrize("content", ["", "nothing", "other"])
def test_files_that_are_no_certificate_and_its_key_stop_the_start_with_a_sentence(
    pair: Pair, tmp_path: Path, content: str
) -> None:
    other = Pair(tmp_path, "other")
    pair.key.write_bytes(other.key.read_bytes() if content == "other" else content.encode())
    with pytest.raises(ValueError, match=r"tls\.crt and .*tls\.key are no certificate and its key: .+"):
        ServerTls(ServerFiles(pair.certificate, pair.key))
    with pytest.raises(ValueError, match=r"no-file and its key: No such file or directory"):
        ServerTls(ServerFiles(tmp_path / "no-file", pair.key))
    with pytest.raises(ValueError, match=r"tls\.key holds no certificates \(PEM\)"):
        ServerTls(ServerFiles(other.certificate, other.key, pair.key))
