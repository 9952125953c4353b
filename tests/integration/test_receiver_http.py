"""The HTTP door: a real server, a real client, a broker in memory."""

import gzip
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from quantrac.domain.ids import file_id
from quantrac.io.content_encoding import compress_zstd
from quantrac.testing.builders import file_name, station_file
from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in conftest."""
CONTENT = station_file()


@pytest.fixture
def client(receiver: Receiver) -> Iterator[httpx.Client]:
    host, port = receiver.http.address
    with httpx.Client(base_url=f"http://{host}:{port}", auth=("bkhn", "secret"), timeout=LIMIT) as client:
        yield client


def post(client: httpx.Client, content: bytes, name: str = file_name()) -> httpx.Response:
    return client.post("/v1/files", params={"name": name}, content=content)


def is_problem(response: httpx.Response, status: int, detail: str) -> bool:
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, body["status"]) == (status, status)
    return detail in body["detail"]


def test_a_file_is_answered_201_once_the_broker_has_its_exact_bytes(
    receiver: Receiver, client: httpx.Client
) -> None:
    response = post(client, CONTENT, f"2026/03/{file_name()}")
    assert response.status_code == 201
    assert response.json() == {
        "files": [
            {
                "file_id": file_id(CONTENT),
                "name": f"2026/03/{file_name()}",
                "station": "HN_BKHN_KHIKXQ",
                "known": False,
                "state": "confirmed",
                "read": {"outcome": "all", "readings": 1, "rejects": []},
            }
        ]
    }
    record = receiver.broker.records("raw-file")[0]
    assert (record.key, record.value) == (b"HN_BKHN_KHIKXQ", CONTENT)
    headers = {name: record.headers[name] for name in ("name", "path", "transport")}
    assert headers == {"name": file_name().encode(), "path": b"/2026/03", "transport": b"http"}


def test_the_name_may_come_as_a_header(receiver: Receiver, client: httpx.Client) -> None:
    response = client.post("/v1/files", headers={"X-File-Name": file_name()}, content=CONTENT)
    assert response.status_code == 201
    assert receiver.broker.records("raw-file")[0].headers["name"] == file_name().encode()


def test_an_exact_resend_is_answered_200_and_produces_nothing(
    receiver: Receiver, client: httpx.Client
) -> None:
    post(client, CONTENT)
    again = post(client, CONTENT)
    assert (again.status_code, again.json()["files"][0]["known"]) == (200, True)
    assert len(receiver.broker.records("raw-file")) == 1


def test_several_files_in_one_form_are_answered_one_by_one(receiver: Receiver, client: httpx.Client) -> None:
    post(client, b"known")
    parts = [("file", ("a.txt", b"known")), ("file", ("b.txt", b"")), ("file", (file_name("XX_YY"), b"new"))]
    response = client.post("/v1/files", files=parts)
    files = response.json()["files"]
    assert response.status_code == 201
    assert [(f["name"], f["known"], f["station"]) for f in files] == [
        ("a.txt", True, "HN_BKHN_KHIKXQ"),
        ("b.txt", False, "HN_BKHN_KHIKXQ"),
        ("XX_YY_20260325120000.txt", False, None),
    ]
    assert sorted(record.value for record in receiver.broker.records("raw-file")) == [b"", b"known", b"new"]


@pytest.mark.parametrize("auth", [("bkhn", "wrong"), ("nobody", "secret"), None])
def test_a_stranger_is_answered_401(receiver: Receiver, client: httpx.Client, auth: Any) -> None:
    client.auth = httpx.Auth() if auth is None else httpx.BasicAuth(*auth)
    response = post(client, CONTENT)
    assert is_problem(response, 401, "unknown account or wrong password")
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert receiver.broker.records("raw-file") == []


def test_a_province_may_not_send_files(client: httpx.Client) -> None:
    client.auth = httpx.BasicAuth("hanoi", "secret")
    assert is_problem(post(client, CONTENT), 403, "for station accounts")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "zstd", "identity"])
def test_a_compressed_file_is_kept_as_its_plain_bytes(
    receiver: Receiver, client: httpx.Client, encoding: str
) -> None:
    body = {"zstd": compress_zstd, "identity": bytes}.get(encoding, gzip.compress)(CONTENT)
    headers = {"Content-Encoding": encoding}
    response = client.post("/v1/files", params={"name": file_name()}, headers=headers, content=body)
    assert (response.status_code, response.json()["files"][0]["file_id"]) == (201, file_id(CONTENT))
    assert receiver.broker.records("raw-file")[0].value == CONTENT


@pytest.mark.parametrize("encodings", [["deflate"], ["br"], ["gzip, gzip"], ["gzip", "gzip"]])
def test_an_encoding_that_is_not_understood_is_answered_415(
    receiver: Receiver, client: httpx.Client, encodings: list[str]
) -> None:
    headers = [("Content-Encoding", encoding) for encoding in encodings]
    response = client.post("/v1/files", params={"name": "a.txt"}, headers=headers, content=b"x")
    assert is_problem(response, 415, "is not one of zstd, gzip, identity")
    assert response.headers["accept-encoding"] == "zstd, gzip, identity"
    assert receiver.broker.records("raw-file") == []


@pytest.mark.parametrize("compress", [gzip.compress, compress_zstd])
def test_what_a_file_unpacks_to_counts_against_the_accounts_limit(
    client: httpx.Client, compress: Callable[[bytes], bytes]
) -> None:
    encoding = "gzip" if compress is gzip.compress else "zstd"

    def upload(body: bytes) -> httpx.Response:
        headers = {"Content-Encoding": encoding}
        return client.post("/v1/files", params={"name": "a.txt"}, headers=headers, content=body)

    assert upload(compress(b"x" * 20_000)).status_code == 201
    assert is_problem(upload(compress(b"x" * 20_001)), 413, "more than 20000 bytes")
    assert is_problem(upload(compress(b" " * 8_000_000)), 413, "more than 20000 bytes")
    assert is_problem(upload(compress(b"x" * 20_000)[:-4]), 400, "cut off")


def test_a_form_is_taken_without_any_encoding(receiver: Receiver, client: httpx.Client) -> None:
    form = {"file": ("a.txt", b"x")}
    response = client.post("/v1/files", files=form, headers={"Content-Encoding": "gzip"})
    assert is_problem(response, 415, "a form is taken without Content-Encoding")
    for header in ("Content-Encoding", "Content-Transfer-Encoding"):
        part = {"file": ("a.txt", b"x", "text/plain", {header: "base64"})}
        assert is_problem(
            client.post("/v1/files", files=part), 415, f"without {header.lower()}, not as base64"
        )
    assert receiver.broker.records("raw-file") == []


def test_a_body_too_large_is_answered_413_and_the_largest_is_taken(client: httpx.Client) -> None:
    assert is_problem(post(client, b"x" * 20_001), 413, "larger than 20000 bytes")
    assert post(client, b"x" * 20_000).status_code == 201


def test_a_part_too_large_is_answered_413(client: httpx.Client) -> None:
    response = client.post("/v1/files", files={"file": ("big.txt", b"x" * 20_001)})
    assert is_problem(response, 413, "big.txt: 20001 bytes; at most 20000 are accepted")


def test_a_file_without_a_name_is_answered_422(client: httpx.Client) -> None:
    assert is_problem(client.post("/v1/files", content=CONTENT), 422, "has no name")
    assert is_problem(client.post("/v1/files", data={"a": "b"}, files={}), 422, "has no name")
    assert is_problem(post(client, CONTENT, "a" * 300), 422, "cannot be kept")


def test_a_full_spool_is_answered_507_and_nothing_else_is_lost(
    receiver: Receiver, client: httpx.Client
) -> None:
    receiver.broker.away = True
    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(lambda n: post(client, b"%d" % n * 20_000), range(2)))
    assert [response.status_code for response in first] == [202, 202]
    assert is_problem(post(client, b"3" * 20_000), 507, "no room, try again later")
    receiver.broker.away = False
    assert post(client, b"small").status_code == 201
    assert len(receiver.broker.records("raw-file")) == 3


def test_with_the_broker_away_a_file_is_answered_202_and_sent_later(
    receiver: Receiver, client: httpx.Client
) -> None:
    receiver.broker.away = True
    response = post(client, CONTENT)
    assert (response.status_code, response.json()["files"][0]["state"]) == (202, "spooled")
    assert receiver.spooled() == 1
    receiver.broker.away = False
    wait_until(lambda: not receiver.spooled())
    assert [record.value for record in receiver.broker.records("raw-file")] == [CONTENT]
    assert post(client, CONTENT).status_code == 200


def test_a_body_that_breaks_off_is_not_a_file(receiver: Receiver, client: httpx.Client) -> None:
    with socket.create_connection(receiver.http.address) as connection:
        request = (
            f"POST /v1/files?name={file_name()} HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Basic YmtobjpzZWNyZXQ=\r\nContent-Length: 100\r\n\r\nhalf"
        )
        connection.sendall(request.encode())
    assert post(client, b"whole").status_code == 201
    assert [record.value for record in receiver.broker.records("raw-file")] == [b"whole"]


def test_health_says_whether_files_can_be_taken(receiver: Receiver, client: httpx.Client) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
    assert is_problem(client.get("/nowhere"), 404, "Not Found")
    assert is_problem(client.get("/v1/files"), 405, "Method Not Allowed")


def test_the_answer_says_what_was_read_and_why_a_line_was_not(
    receiver: Receiver, client: httpx.Client
) -> None:
    lines = [("PM2.5", "12,4x", "ug/m3", "00"), ("PM2.5", "12.40", "ug/m3", "00"), ("XYZ", "1", "mg/L", "00")]
    first, again = (post(client, station_file(lines)).json()["files"][0]["read"] for _ in range(2))
    assert first == again
    assert first["readings"] == 1
    assert [(r["line"], r["reason"]) for r in first["rejects"]] == [
        (1, "value-not-a-number"),
        (3, "unknown-parameter"),
    ]
    assert "12,4x" in first["rejects"][0]["detail"]


def test_a_name_that_is_not_utf_8_is_a_problem(receiver: Receiver, client: httpx.Client) -> None:
    response = client.post("/v1/files?name=caf%e9.txt", content=CONTENT)
    assert is_problem(response, 422, "is not UTF-8")
    response = client.post(
        "/v1/files", headers={"X-File-Name": "a\x9b2J.txt".encode("latin-1")}, content=CONTENT
    )
    assert is_problem(response, 422, "control character")
    assert receiver.broker.records("raw-file") == []


def dry_run(client: httpx.Client, content: bytes, name: str = file_name(), **options: Any) -> httpx.Response:
    return client.post("/v1/files", params={"name": name, "dry_run": "true"}, content=content, **options)


def test_a_dry_run_is_answered_as_the_upload_is_and_keeps_nothing(
    receiver: Receiver, client: httpx.Client
) -> None:
    content = CONTENT + b"NO2\t12,4x\tug/m3\t20260325120000\t00\r\n"
    tried = dry_run(client, content)
    assert receiver.broker.records("raw-file") == []
    assert not any(receiver.folder.rglob("*-" + file_id(content)[:16] + "*"))
    sent = post(client, content)
    (tried_file,), (sent_file,) = tried.json()["files"], sent.json()["files"]
    assert (tried.status_code, tried_file.pop("state")) == (200, "dry-run")
    assert (sent.status_code, sent_file.pop("state")) == (201, "confirmed")
    assert tried_file == sent_file
    assert tried_file["read"]["outcome"] == "some"
    assert len(receiver.broker.records("raw-file")) == 1


def test_a_dry_run_of_a_form_keeps_none_of_its_files(receiver: Receiver, client: httpx.Client) -> None:
    parts = [("file", (file_name(), CONTENT)), ("file", (file_name("XX_YY"), CONTENT))]
    answer = client.post("/v1/files", params={"dry_run": "true"}, files=parts)
    assert [(f["state"], f["station"]) for f in answer.json()["files"]] == [
        ("dry-run", "HN_BKHN_KHIKXQ"),
        ("dry-run", None),
    ]
    assert receiver.broker.records("raw-file") == []


def test_a_dry_run_after_an_upload_says_that_the_file_is_known(client: httpx.Client) -> None:
    post(client, CONTENT)
    assert dry_run(client, CONTENT).json()["files"][0]["known"] is True


def test_a_dry_run_opens_no_way_around_the_checks_of_the_door(client: httpx.Client) -> None:
    assert is_problem(dry_run(client, CONTENT, "a\x00b"), 422, "cannot be kept")
    assert is_problem(dry_run(client, b"x" * 20_001), 413, "20000")
    assert is_problem(dry_run(client, CONTENT, auth=("bkhn", "wrong")), 401, "wrong password")


def test_a_dry_run_needs_no_room_in_the_spool(receiver: Receiver, client: httpx.Client) -> None:
    receiver.broker.away = True
    assert dry_run(client, CONTENT).status_code == 200


def test_a_file_of_which_nothing_is_read_is_kept_and_the_answer_says_so(
    receiver: Receiver, client: httpx.Client
) -> None:
    answer = post(client, b'{"PM2.5": 27.81}\r\n')
    read = answer.json()["files"][0]["read"]
    assert (answer.status_code, read["outcome"], read["readings"]) == (201, "none", 0)
    assert read["rejects"]
    assert len(receiver.broker.records("raw-file")) == 1


def test_its_description_names_the_scheme_by_which_accounts_log_in(client: httpx.Client) -> None:
    schemes = client.get("/openapi.json").json()["components"]["securitySchemes"]
    assert list(schemes) == ["Basic"]
    assert schemes["Basic"]["scheme"] == "basic"
