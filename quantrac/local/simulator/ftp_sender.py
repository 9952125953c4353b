"""Sends station files by FTP, as loggers do: passive mode, the day's folder, STOR to the final name."""

import ftplib
import io
import ssl
from contextlib import suppress
from typing import Self

from quantrac.errors import UserError

DEFAULT_PORT = 21
_ACKNOWLEDGED = "226"
# ValueError: a name that no command line can carry.
_FAILURES: tuple[type[Exception], ...] = (*ftplib.all_errors, ValueError)


class NotAcknowledged(Exception):
    """The server did not confirm that it has the file; the message says why. Send it again later."""


class FtpSender:
    """One account at one server; connects when the first file is sent and keeps the connection.

    With ``tls`` it asks for TLS (AUTH TLS) before it logs in, and for data connections. After a failure the
    connection is dropped, and the next file opens a new one. Not for several threads.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        timeout_s: float = 15.0,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._user, self._password = user, password
        self._timeout_s = timeout_s
        self._ftp: ftplib.FTP | None = None
        self._home = self._folder = ""

    def send(self, folder: str, name: str, content: bytes) -> str:
        """Store a file in a folder below the account's own, made where missing; return the server's answer.

        Raises NotAcknowledged unless that answer is a 226.
        """
        try:
            ftp = self._ftp or self._connect()
            if folder != self._folder:
                self._enter(ftp, folder)
            answer = ftp.storbinary(f"STOR {name}", io.BytesIO(content))
        except _FAILURES as error:
            self._drop()
            raise NotAcknowledged(str(error) or type(error).__name__) from error
        if not answer.startswith(_ACKNOWLEDGED):
            self._drop()
            raise NotAcknowledged(answer)
        return answer

    def close(self) -> None:
        """Take leave of the server, if it still listens."""
        if self._ftp is None:
            return
        with suppress(*ftplib.all_errors):
            self._ftp.quit()
        self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _drop(self) -> None:
        if self._ftp is not None:
            self._ftp.close()
            self._ftp = None

    def _connect(self) -> ftplib.FTP:
        ftp: ftplib.FTP
        if self._tls is None:
            ftp = ftplib.FTP(timeout=self._timeout_s, encoding="utf-8")  # noqa: S321 (loggers speak FTP)
        else:
            ftp = ftplib.FTP_TLS(  # noqa: S321
                timeout=self._timeout_s, encoding="utf-8", context=self._tls
            )
        self._ftp = ftp
        ftp.connect(self._host, self._port)
        ftp.login(self._user, self._password)
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
        self._home, self._folder = ftp.pwd(), ""
        return ftp

    def _enter(self, ftp: ftplib.FTP, folder: str) -> None:
        self._folder = ""
        ftp.cwd(self._home)
        for part in filter(None, folder.split("/")):
            try:
                ftp.cwd(part)
            except ftplib.error_perm:
                with suppress(ftplib.error_perm):  # another connection of the account may have been faster
                    ftp.mkd(part)
                ftp.cwd(part)
        self._folder = folder


def parse_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` or ``HOST``; raises UserError.

    >>> parse_address("127.0.0.1:2121"), parse_address("ftp.example.org")
    (('127.0.0.1', 2121), ('ftp.example.org', 21))
    """
    host, colon, port = text.rpartition(":") if ":" in text else (text, "", "")
    if not host or (colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536)):
        raise UserError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port) if colon else DEFAULT_PORT
