"""Who may log in to send."""

from dataclasses import dataclass
from datetime import datetime

from quantrac.domain.registry.validity import Valid


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """How much one account may use; ``None`` takes the deployment's setting."""

    connections: int | None = None
    """At the same time."""
    bytes_per_second: int | None = None
    """Of all its uploads together, averaged over some seconds."""
    file_bytes: int | None = None
    """Size of its largest file."""
    files_per_day: int | None = None
    """In a day of Vietnam's calendar."""


@dataclass(frozen=True, slots=True)
class PreviousPassword:
    """A password that was replaced, and counts beside the new one until the account has changed over."""

    password_hash: str
    valid_to: datetime
    """First time that counts no more."""


@dataclass(frozen=True, slots=True)
class Account(Valid):
    """Who may log in to send: a station's logger, or a province delivering to the ministry."""

    name: str
    password_hash: str = ""
    """argon2id in its standard text form; empty = it logs in by a key or a certificate only."""
    previous_password: PreviousPassword | None = None
    role: str = "station"
    """``station`` (sends files) or ``province`` (sends deliveries)."""
    stations: tuple[str, ...] = ()
    """Station codes it may send for; of a province account they narrow its provinces, none = all of these."""
    provinces: tuple[str, ...] = ()
    """Codes of the provinces that a province account delivers for; with none it delivers nothing."""
    public_keys: tuple[str, ...] = ()
    """Keys it may log in with by SFTP, each in OpenSSH's one-line text form."""
    certificates: tuple[str, ...] = ()
    """SHA-256 of the certificates it may log in with over HTTPS, in lower-case hex, the newest last."""
    allowed_networks: tuple[str, ...] = ()
    """Networks (CIDR) it may log in from; none = from anywhere."""
    limits: AccountLimits = AccountLimits()
    plain_ftp: bool = False
    """Whether it may use FTP without TLS, where the deployment leaves that to the account."""

    def password_hashes(self, time: datetime) -> tuple[str, ...]:
        """Return the hashes of the passwords that count at ``time`` (UTC), the present one first."""
        previous = self.previous_password
        old = previous.password_hash if previous is not None and time < previous.valid_to else ""
        return tuple(filter(None, (self.password_hash, old)))
