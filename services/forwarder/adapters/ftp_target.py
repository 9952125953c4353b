"""A target for files by FTP, or with TLS (FTPS, asked for by AUTH TLS), through the standard library."""

import ftplib
import io
import socket
import ssl
from contextlib import suppress

from services.forwarder.files.target import TEMPORARY, CouldNotConnect, FileRefused, TransferError, describe

_TIMEOUT_SECONDS = 20.0
# ValueError: a name that no command line can carry.
_FAILURES: tuple[type[Exception], ...] = (*ftplib.all_errors, ValueError)
_NO_SUCH_COMMAND = ("500", "502", "504")
# Said of the whole target, not of a file: not logged in, no account for storing, no room.
_ABOUT_TARGET = ("530", "532", "552")


class _ReusingTls(ftplib.FTP_TLS):
    """FTPS whose data connections resume the control connection's TLS session, as servers may require."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection; see :mod:`ftplib`, which begins a new session for each."""
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321
        assert isinstance(self.sock, ssl.SSLSocket)  # noqa: S101 - protected since before the login
        wrapped = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return wrapped, size


class FtpTarget:
    """One account at one server; see :class:`services.forwarder.files.target.FileTarget`.

    ``base`` is the folder below which files are stored, from the account's own on unless it begins with a
    slash. With ``tls`` control and data connections are encrypted, and the certificate must be for ``host``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        base: str = "",
        account: str,
        password: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._base, self._tls = host, port, base, tls
        self._account, self._password = account, password
        self._ftp: ftplib.FTP | None = None
        self._home, self._folder = "", ""

    def send(self, folder: str, name: str, content: bytes) -> None:
        """Store a file: STOR under a temporary name, SIZE, RNFR and RNTO."""
        ftp = self._ftp or self._connect()
        try:
            self._enter(ftp, folder)
            ftp.storbinary(f"STOR {name}{TEMPORARY}", io.BytesIO(content))
            _check_size(ftp, f"{name}{TEMPORARY}", len(content))
            _rename(ftp, f"{name}{TEMPORARY}", name)
        except ftplib.error_perm as error:
            if str(error).startswith(_ABOUT_TARGET):
                self._drop()
                raise TransferError(describe(error)) from error
            raise FileRefused(describe(error)) from error
        except _FAILURES as error:
            self._drop()
            raise TransferError(describe(error)) from error
        except TransferError:
            self._drop()
            raise

    def close(self) -> None:
        """Say QUIT, if anybody listens."""
        if self._ftp is not None:
            with suppress(*_FAILURES):
                self._ftp.quit()
            self._drop()

    def _connect(self) -> ftplib.FTP:
        ftp: ftplib.FTP
        if self._tls is None:
            ftp = ftplib.FTP(timeout=_TIMEOUT_SECONDS, encoding="utf-8")  # noqa: S321 - all that some know
        else:
            ftp = _ReusingTls(timeout=_TIMEOUT_SECONDS, encoding="utf-8", context=self._tls)
        try:
            ftp.connect(self._host, self._port)
            ftp.login(self._account, self._password)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
            self._home, self._folder = ftp.pwd(), ""
        except _FAILURES as error:
            ftp.close()
            raise CouldNotConnect(describe(error)) from error
        self._ftp = ftp
        return ftp

    def _enter(self, ftp: ftplib.FTP, folder: str) -> None:
        """Go into a folder, making what is missing of it."""
        if folder == self._folder:
            return
        self._folder = ""
        start = "" if self._base.startswith("/") else self._home.rstrip("/")
        names = [name for name in f"{self._base}/{folder}".split("/") if name]
        if not _has_entered(ftp, "/".join((start, *names))):
            for count in range(1, len(names) + 1):
                path = "/".join((start, *names[:count]))
                if not _has_entered(ftp, path):
                    _make_folder(ftp, path)
        self._folder = folder

    def _drop(self) -> None:
        if self._ftp is not None:
            self._ftp.close()
            self._ftp = None


def _has_entered(ftp: ftplib.FTP, path: str) -> bool:
    """Go into a folder; tell whether that was possible."""
    try:
        ftp.cwd(path)
    except ftplib.error_perm:
        return False
    return True


def _make_folder(ftp: ftplib.FTP, path: str) -> None:
    """Make a folder and go into it; raises what the server says where it is not there afterwards."""
    try:
        ftp.mkd(path)
    except ftplib.error_perm:
        if not _has_entered(ftp, path):  # another connection may have been faster
            raise
    else:
        ftp.cwd(path)


def _check_size(ftp: ftplib.FTP, name: str, size: int) -> None:
    """Raise :class:`TransferError` where the server has another size; one without SIZE has said 226."""
    try:
        stored = ftp.size(name)
    except ftplib.error_perm as error:
        if str(error).startswith(_NO_SUCH_COMMAND):
            return
        raise TransferError(f"the size cannot be compared: {describe(error)}") from error
    if stored != size:
        raise TransferError(f"the target has {stored} bytes of {size}")


def _rename(ftp: ftplib.FTP, old: str, new: str) -> None:
    """Rename; where the server replaces no file, what stands there goes first."""
    try:
        ftp.rename(old, new)
    except ftplib.error_perm:
        try:
            ftp.delete(new)
        except ftplib.error_perm:
            pass
        else:
            ftp.rename(old, new)
            return
        raise
