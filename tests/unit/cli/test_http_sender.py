"""Files sent over HTTP by the command, and the answer in a line."""

from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from quantrac.cli.http_sender import HttpSender
from quantrac.cli.put import put
from quantrac.errors import UserError
from quantrac.local.simulator import NotAcknowledged

FILE: dict[str, Any] = {
    "station": "HN_ABCD_KHI001",
    "known": False,
    "state": "confirmed",
    "read": {"outcome": "all", "readings": 4, "rejects": []},
}


class Server:
    """Answers every request with the same status and document."""

    def __init__(self, status: int, document: Any) -> None:
        self.status, self.document = status, document
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.document, Exception):
            raise self.document
        return httpx.Response(self.status, json=self.document)


def send(server: Server, *, dry_run: bool = False) -> str:
    transport = httpx.MockTransport(server)
    with HttpSender("http://receiver", "bkhn", "secret", dry_run=dry_run, transport=transport) as sender:
        return sender.send("2026/03/25", "a.txt", b"PM2.5")


def test_the_answer_says_what_was_read_and_why_lines_were_not() -> None:
    assert send(Server(201, {"files": [FILE]})) == "201 confirmed, station HN_ABCD_KHI001, 4 read, 0 rejected"
    rejects = [{"line": n, "reason": "bad-time", "detail": f"sentence {n}."} for n in range(1, 6)]
    file = {**FILE, "station": None, "known": True, "read": {"readings": 0, "rejects": rejects}}
    answer = send(Server(200, {"files": [file]}))
    assert answer.startswith("200 known already, station unknown, 0 read, 5 rejected; line 1: sentence 1.; ")
    assert answer.endswith("line 3: sentence 3.; and 2 more")


def test_the_file_is_sent_as_its_bytes_under_its_folder_and_a_dry_run_says_so() -> None:
    server = Server(201, {"files": [FILE]})
    send(server)
    send(server, dry_run=True)
    first, second = server.requests
    assert (first.url.path, dict(first.url.params)) == ("/v1/files", {"name": "2026/03/25/a.txt"})
    assert dict(second.url.params) == {"name": "2026/03/25/a.txt", "dry_run": "true"}
    assert first.content == b"PM2.5"
    assert first.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "document", "sentence"),
    [
        (401, {"detail": "unknown account or wrong password"}, "401 unknown account or wrong password"),
        (502, "Bad Gateway", "502, and no answer of a receiver"),
        (200, {"files": []}, "200, and no answer of a receiver"),
        (0, httpx.ConnectError("refused"), "refused"),
        (0, httpx.ReadTimeout(""), "ReadTimeout"),
    ],
)
def test_whatever_is_no_acknowledgement_says_why(status: int, document: Any, sentence: str) -> None:
    with pytest.raises(NotAcknowledged, match=sentence):
        send(Server(status, document))


@pytest.mark.parametrize("url", ["receiver:8021", "ftp://receiver", "http://", "http://a:b", ""])
def test_what_is_no_address_is_one_sentence(url: str) -> None:
    with pytest.raises(UserError, match="is no address"):
        HttpSender(url, "a", "b")


def test_a_dry_run_by_ftp_is_refused() -> None:
    answer = CliRunner().invoke(put, ["--dry-run", __file__])
    assert (answer.exit_code, "needs --http" in answer.stderr) == (2, True)
