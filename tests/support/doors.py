"""One small driver for each door of the receiver, with a real client: send a file, or hear why not."""

import asyncio
import ftplib
import io
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import httpx

from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in tests/integration/conftest.py."""


class Refused(Exception):
    """The receiver said no, or did nothing."""


class Door(Protocol):
    """A way in."""

    transport: str

    def send(self, path: str, content: bytes, *, account: str = "bkhn", password: str = "secret") -> None:
        """Send one file over a connection of its own; raises `Refused` unless it is answered as accepted."""
        ...


class FtpDoor:
    transport = "ftp"

    def __init__(self, receiver: Receiver) -> None:
        self._address = receiver.ftp.address

    def send(self, path: str, content: bytes, *, account: str = "bkhn", password: str = "secret") -> None:
        with self._client() as client:
            client.connect(*self._address)
            try:
                self._log_in(client, account, password)
                client.storbinary(f"STOR {path}", io.BytesIO(content))
            except ftplib.Error as error:
                raise Refused(str(error)) from error

    def _client(self) -> ftplib.FTP:
        return ftplib.FTP(timeout=LIMIT)

    def _log_in(self, client: ftplib.FTP, account: str, password: str) -> None:
        client.login(account, password)


class FtpsDoor(FtpDoor):
    """Explicit TLS, for the data connection too."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._trusting = ssl.create_default_context(cafile=str(receiver.folder / "tls.crt"))

    def _client(self) -> ftplib.FTP:
        return ftplib.FTP_TLS(context=self._trusting, timeout=LIMIT)

    def _log_in(self, client: ftplib.FTP, account: str, password: str) -> None:
        assert isinstance(client, ftplib.FTP_TLS)
        client.login(account, password)
        client.prot_p()


class SftpDoor:
    transport = "sftp"

    def __init__(self, receiver: Receiver) -> None:
        self._host, self._port = receiver.sftp.address

    def send(self, path: str, content: bytes, *, account: str = "bkhn", password: str = "secret") -> None:
        async def upload() -> None:
            options: dict[str, Any] = {"username": account, "password": password, "client_keys": None}
            connection = asyncssh.connect(self._host, self._port, known_hosts=None, config=None, **options)
            async with (
                connection as client,
                client.start_sftp_client() as sftp,
                sftp.open(path, "wb") as file,
            ):
                await file.write(content)

        try:
            asyncio.run(upload())
        except asyncssh.Error as error:
            raise Refused(str(error)) from error


class HttpDoor:
    transport = "http"

    def __init__(self, receiver: Receiver) -> None:
        host, port = receiver.http.address
        self._url = f"http://{host}:{port}/v1/files"

    def send(self, path: str, content: bytes, *, account: str = "bkhn", password: str = "secret") -> None:
        auth = (account, password)
        answer = httpx.post(self._url, params={"name": path}, content=content, auth=auth, timeout=LIMIT)
        if answer.status_code not in (200, 201, 202):
            raise Refused(answer.text)


class FolderDoor:
    """Writes under a temporary name and renames.

    Taken is what the receiver has put away, refused what it has named in its log.
    """

    transport = "folder"

    def __init__(self, receiver: Receiver) -> None:
        self._root: Path = receiver.watched

    def send(self, path: str, content: bytes, *, account: str = "bkhn", password: str = "secret") -> None:
        target = self._root / account / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.tmp")
        temporary.write_bytes(content)
        with _warnings("services.receiver.adapters.folder") as warnings:
            temporary.rename(target)
            wait_until(lambda: warnings or not target.exists(), "an answer of the watched folder")
        if target.exists():
            raise Refused(warnings[0])


@contextmanager
def _warnings(logger: str) -> Iterator[list[str]]:
    """Collect what a logger warns of meanwhile."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger(logger).addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger(logger).removeHandler(handler)


DOORS: dict[str, Callable[[Receiver], Door]] = {
    "ftp": FtpDoor,
    "ftps": FtpsDoor,
    "sftp": SftpDoor,
    "http": HttpDoor,
    "folder": FolderDoor,
}
