"""The data connection of one FTP client: receives one file, or sends one listing.

A file is only answered 226 once it is safe on disk. Whatever ends it before that (a reset, ABOR, silence, the
control connection's end) leaves its bytes parked, for a resume.
"""

import logging
import socket
from pathlib import Path

from OpenSSL import SSL
from pyftpdlib.handlers import TLS_DTPHandler
from pyftpdlib.handlers.ftp.dispatchers import PassiveDTP

from services.receiver.adapters.ftp.filesystem import UploadBuffer
from services.receiver.adapters.ftp.protocols import ControlConnection
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.spool import SpoolFull

log = logging.getLogger(__name__)

NO_DATA_YET = (BlockingIOError, InterruptedError, SSL.WantReadError, SSL.WantWriteError)
"""Raised by a socket, with TLS or without, when there is nothing to read yet."""


class NoPassivePort(Exception):
    """Every port of the configured range is taken."""


class PassivePort(PassiveDTP):  # type: ignore[misc]  # pyftpdlib is untyped
    """Waits for the client's data connection, on a port that the firewall lets through or on none."""

    def bind(self, address: tuple[str, int]) -> None:
        """Take a port; raises :class:`NoPassivePort` where the library would take any other."""
        if self.cmd_channel.passive_ports is not None and address[1] == 0:
            self.close()
            raise NoPassivePort
        super().bind(address)


class DataChannel(TLS_DTPHandler):  # type: ignore[misc]  # pyftpdlib is untyped
    """Receives one file."""

    timeout = 60
    cmd_channel: ControlConnection
    file_obj: UploadBuffer | None
    _is_decided = False  # offered or refused; until then the bytes are parked at the end

    def __init__(self, sock: socket.socket, session: ControlConnection) -> None:
        super().__init__(sock, session)
        if not self.connected:
            session.data_connection_lost()

    def handle_read_event(self) -> None:
        """Read what has come."""
        if self._ssl_accepting or self._ssl_closing or self.file_obj is None:
            super().handle_read_event()
            return
        try:
            chunk = self._receive()
        except NO_DATA_YET:
            return
        except (OSError, SSL.Error):
            self.answer("426 Connection broken; file not taken.")
            return
        if chunk:
            self.tot_bytes_received += len(chunk)
            self.file_obj.append(chunk)
            self._throttle(self.cmd_channel.context.gate.pause(self.file_obj.account, len(chunk)))
        else:
            self._end_upload(self.file_obj)

    def secure_connection(self, _: SSL.Context) -> None:
        """Begin TLS, with the context of data connections."""
        super().secure_connection(self.cmd_channel.data_context)

    def handle_close(self) -> None:
        """Answer 426 for a file whose connection broke; listings end as usual."""
        if self.receive:
            self.answer("426 Connection broken; file not taken.")
        else:
            super().handle_close()

    def close(self) -> None:
        """Close the connection, and park what has come of a file that is not decided."""
        file = self.file_obj
        if self.receive and file is not None and not self._is_decided:
            self._is_decided = True
            self.cmd_channel.park(file)
        super().close()
        if not self._closed:
            # TLS's own end could not be sent at once, as after a client that left without it.
            self._error = True
            super().close()

    def answer_spooled(self, file: UploadBuffer, outcome: UploadOutcome) -> None:
        """Answer 226 for a file that is on disk, or why it is not."""
        if self._closed:
            return
        error = outcome.spooled.exception()
        if error is None:
            self.transfer_finished = True
            self.cmd_channel.context.folders.leave_trace(Path(file.name), file.shown_size + file.size)
            self.answer(f"226 Transfer complete; file {outcome.file_id}.")
        else:
            self.answer(storage_refusal(error, "file not taken"))

    def refuse(self, text: str) -> None:
        """Answer that a file is not taken, and park nothing of it."""
        self._is_decided = True
        self.answer(text)

    def answer(self, text: str) -> None:
        """Close the data connection, then answer on the control connection."""
        self._resp = (text, log.debug if text.startswith("226") else log.warning)
        self.close()

    def _receive(self) -> bytes:
        try:
            return bytes(self.socket.recv(self.ac_in_buffer_size))
        except SSL.ZeroReturnError:
            return b""
        except SSL.SysCallError as error:
            # Many loggers close the connection without TLS's own end; plain FTP has no other end either.
            if error.args == (-1, "Unexpected EOF"):
                return b""
            raise

    def _throttle(self, seconds: float) -> None:
        if seconds > 0:
            self.del_channel()
            self.ioloop.call_later(seconds, self._resume_reading, _errback=self.handle_error)

    def _resume_reading(self) -> None:
        if not self._closed:
            self.add_channel(events=self.ioloop.READ)

    def _end_upload(self, file: UploadBuffer) -> None:
        # Out of the loop until there is an answer: at its end the socket would be reported readable for ever.
        self.del_channel()
        if self.cmd_channel.peer_is_gone():
            self.answer("426 Control connection closed; file not taken.")
        elif file.is_too_large:
            self.refuse(f"552 {file.size} bytes are more than is accepted; file not taken.")
        else:
            self._is_decided = True
            self.cmd_channel.offer(self, file)


def storage_refusal(error: BaseException, outcome: str) -> str:
    """Return the answer for an upload that could not be stored; ``outcome`` says what did not happen."""
    if isinstance(error, SpoolFull):
        return f"452 Insufficient storage; {outcome}, try again later."
    log.error("an upload could not be kept: %s", error)
    return f"451 Local error; {outcome}, try again later."
