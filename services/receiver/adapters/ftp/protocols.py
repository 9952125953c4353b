"""What all FTP sessions of a server share."""

from typing import Protocol

from quantrac.domain.stations import Account
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.adapters.account_folders import Homes
from services.receiver.adapters.ftp.loop_calls import LoopCalls
from services.receiver.adapters.ftp.tls import Certificates, PlainFtp
from services.receiver.intake.uploads import Uploads


class Shared(Protocol):
    """The server, as its sessions see it."""

    uploads: Uploads
    logins: Logins
    gate: Gate
    calls: LoopCalls
    homes: Homes
    certificates: Certificates | None
    plain: PlainFtp
    login_seconds: float

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        ...
