"""What the parts of the FTP door know of each other, so that no module imports one that imports it."""

from typing import Protocol

from OpenSSL import SSL

from quantrac.domain.registry.accounts import Account
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.adapters.account_folders import AccountFolders
from services.receiver.adapters.ftp.filesystem import UploadBuffer
from services.receiver.adapters.ftp.loop_calls import LoopCalls
from services.receiver.adapters.ftp.tls import Certificates, PlainFtp
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.uploads import Uploads


class FtpContext(Protocol):
    """What all sessions of a server share: the server, as its sessions see it."""

    uploads: Uploads
    logins: Logins
    gate: Gate
    calls: LoopCalls
    folders: AccountFolders
    certificates: Certificates | None
    plain: PlainFtp
    login_seconds: float

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        ...


class DataConnection(Protocol):
    """The connection that carried a file, as the session that answers for the file sees it."""

    def answer(self, text: str) -> None:
        """Close the data connection, then answer on the control connection."""
        ...

    def answer_spooled(self, file: UploadBuffer, outcome: UploadOutcome) -> None:
        """Answer for a file once ``spooled`` of its outcome is done."""
        ...


class ControlConnection(Protocol):
    """A session, as its data connections see it."""

    context: FtpContext
    data_context: SSL.Context

    def peer_is_gone(self) -> bool:
        """Tell whether the client has closed the control connection."""
        ...

    def data_connection_lost(self) -> None:
        """Answer for a transfer whose data connection ended before it was accepted."""
        ...

    def offer(self, channel: DataConnection, file: UploadBuffer) -> None:
        """Hand a received file on; the channel answers when it is on disk."""
        ...

    def park(self, file: UploadBuffer) -> None:
        """Park what came of a file whose transfer was cut."""
        ...
