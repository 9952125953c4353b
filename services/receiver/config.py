"""Settings of the receiver."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FilePath, ValidationInfo, field_validator

from quantrac.domain.provinces import look_up_province
from quantrac.domain.registry.accounts import AccountLimits
from quantrac.io.settings import ServiceSettings
from quantrac.io.tls import ServerFiles, server_files
from services.receiver.access.refused_logins import RefusalRules
from services.receiver.intake.uploads import UploadRules

Port = Annotated[int, Field(ge=0, le=65535)]


class DoorSettings(ServiceSettings):
    """Settings of the roles that open doors: the accounts' limits, and where HTTP listens."""

    spool: Path
    """Folder of the role's own files: files until the broker has them, ledgers, verified passwords.

    It must survive a restart, and each process needs one of its own.
    """
    max_file_bytes: Annotated[int, Field(gt=0, le=1 << 20)] = 1 << 20
    """Largest file accepted. A file is one message, and as flagged readings it has twenty times its size."""
    account_connections: Annotated[int, Field(gt=0)] = 20
    """Connections of one account at the same time, over all doors; the registry may say otherwise.

    A logger whose line breaks every minute leaves 15 dead ones behind until they time out.
    """
    account_bytes_per_second: Annotated[int, Field(ge=4096)] = 1 << 20
    """What one account may send, averaged over some seconds; the registry may say otherwise."""
    account_files_per_day: Annotated[int, Field(gt=0)] = 50_000
    """Files of one account from midnight to midnight in Vietnam; the registry may say otherwise.

    A backlog of 60 days is 17,280 files of a station.
    """
    login_key: Path | None = None
    """File of the key under which verified passwords are remembered; absent = ``logins.key`` in the spool."""
    login_alert_failures: Annotated[int, Field(gt=0)] = 3
    """Refused logins of an account in a row that open an alert; source: default, unverified."""
    login_alert_address_failures: Annotated[int, Field(gt=0)] = 10
    """The same for names that are no account's, from one address; source: default, unverified."""
    login_alert_quiet_minutes: Annotated[float, Field(gt=0)] = 60.0
    """How long no login is refused before the alert is over; source: default, unverified."""
    http_host: str = "127.0.0.1"
    """Address the HTTP server listens on."""
    http_port: Port = 8021
    """Port of the HTTP server; 0 takes a free one."""
    http_certificate: FilePath | None = None
    """Certificate chain (PEM) of HTTPS; without it the server speaks plain HTTP. Renewed ones are taken."""
    http_key: FilePath | None = None
    """Its private key (PEM); by default it stands in the same file."""

    @field_validator("http_key")
    @classmethod
    def _has_http_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key is not None and info.data.get("http_certificate") is None:
            raise ValueError("a key is of no use without http_certificate")
        return key

    @property
    def http_tls(self) -> ServerFiles | None:
        """The files of HTTPS; ``None`` = plain HTTP."""
        return server_files(self.http_certificate, self.http_key)

    @property
    def account_limits(self) -> AccountLimits:
        """What an account may use whose registry entry says nothing."""
        return AccountLimits(
            connections=self.account_connections,
            bytes_per_second=self.account_bytes_per_second,
            file_bytes=self.max_file_bytes,
            files_per_day=self.account_files_per_day,
        )

    @property
    def refusal_rules(self) -> RefusalRules:
        """When refused logins are an alert."""
        return RefusalRules(
            self.login_alert_failures,
            self.login_alert_address_failures,
            round(60 * self.login_alert_quiet_minutes),
        )


class IntakeSettings(DoorSettings):
    """Settings of the role ``intake``."""

    spool_limit_bytes: Annotated[int, Field(gt=0)] = 2 << 30
    """Bytes the waiting files may take before uploads are refused: a day of 2,000 stations is about 1 GiB."""
    account_folders: Annotated[int, Field(gt=0)] = 1_000
    """Folders of one account at the FTP and SFTP doors; empty ones go after a day."""
    late_after_hours: Annotated[float, Field(gt=0)] = 6.0
    """Files measured longer ago than this when they come are read on the lane of the backlog."""
    ftp_host: str = "127.0.0.1"
    """Address the FTP server listens on."""
    ftp_port: Port = 2121
    """Port of the FTP server; 0 takes a free one."""
    ftp_passive_ports: str = ""
    """Ports for passive data connections, ``first-last``; empty takes any free port."""
    ftp_public_address: str = ""
    """Address that clients are given for data connections, where the server stands behind NAT."""
    ftp_max_connections: Annotated[int, Field(gt=0)] = 2100
    """Control connections at the same time: the country's 2,000 stations and some room."""
    ftp_max_connections_per_ip: Annotated[int, Field(ge=0)] = 0
    """Control connections from one address; 0 = no limit, since a province may stand behind one NAT."""
    ftp_certificate: Path | None = None
    """Certificate chain (PEM) of FTP with TLS; without it there is none. Read again when the file changes."""
    ftp_key: Path | None = None
    """Its private key (PEM); by default it stands in the same file."""
    ftp_plain: Literal["allowed", "per-account", "never"] | None = None
    """Who may use FTP without TLS; by default everybody on a loopback address, else ``per-account``."""
    ftp_login_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Time to log in after connecting."""
    temporary_names: str = "*.tmp *.temp *.part *.partial *.filepart .[!.]*"
    """Patterns of the names under which loggers upload before they rename, separated by spaces."""
    rename_minutes: Annotated[float, Field(gt=0)] = 15.0
    """How long an upload under such a name waits for its rename before it is taken as it is."""
    resume_minutes: Annotated[float, Field(gt=0)] = 60.0
    """How long a cut upload waits for the rest before it is taken as it is."""
    parked_bytes: Annotated[int, Field(gt=0)] = 256 << 20
    """Bytes that cut and not yet renamed uploads may take."""
    parked_bytes_per_account: Annotated[int, Field(gt=0)] = 8 << 20
    """The same for one account."""
    sftp_enabled: bool = False
    """Whether stations may send by SFTP."""
    sftp_host: str = "127.0.0.1"
    """Address the SFTP server listens on."""
    sftp_port: Port = 2222
    """Port of the SFTP server; 0 takes a free one."""
    sftp_max_connections: Annotated[int, Field(gt=0)] = 2100
    """SFTP clients at the same time."""
    folder_root: Path | None = None
    """Folder of another FTP server to watch, with a folder for each account; without it none is watched."""
    folder_after: Annotated[str, Field(pattern=r"^(keep|delete|move:.+)$")] = "keep"
    """What happens to a file once it is accepted: ``keep``, ``delete`` or ``move:FOLDER``."""
    folder_rest_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Seconds a file must stay unchanged before it is taken; one renamed into place is taken at once."""
    folder_rescan_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Seconds between two scans of all its files."""
    http_confirm_seconds: Annotated[float, Field(ge=0)] = 10.0
    """How long an HTTP upload waits for the broker before it is answered 202 instead of 201."""

    @field_validator("ftp_passive_ports")
    @classmethod
    def _is_range(cls, text: str) -> str:
        if text:
            parse_ports(text)
        return text

    @field_validator("ftp_key")
    @classmethod
    def _has_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key is not None and info.data.get("ftp_certificate") is None:
            raise ValueError("a key is of no use without ftp_certificate")
        return key

    @field_validator("ftp_plain")
    @classmethod
    def _somebody_can_log_in(cls, policy: str | None, info: ValidationInfo) -> str | None:
        if policy == "never" and info.data.get("ftp_certificate") is None:
            raise ValueError("without ftp_certificate nobody can log in then")
        return policy

    @property
    def plain_ftp(self) -> Literal["allowed", "per-account", "never"]:
        """Who may use FTP without TLS."""
        return self.ftp_plain or ("allowed" if _is_loopback(self.ftp_host) else "per-account")

    @property
    def upload_rules(self) -> UploadRules:
        """Names and times of uploads that are not files yet."""
        return UploadRules(
            tuple(self.temporary_names.split()),
            timedelta(minutes=self.rename_minutes),
            timedelta(minutes=self.resume_minutes),
        )

    @property
    def passive_ports(self) -> range | None:
        """Ports for passive data connections; ``None`` = any."""
        return parse_ports(self.ftp_passive_ports) if self.ftp_passive_ports else None


class DeliveriesSettings(DoorSettings):
    """Settings of the role ``deliveries``."""

    delivery_ahead_minutes: Annotated[float, Field(gt=0, le=1440)] = 10.0
    """How far a delivered set's time of receipt may lie after the ministry's clock."""
    ministry_name: Annotated[str, Field(min_length=1)] = "ministry"
    """Name of the ministry in receipts; the provinces' QUANTRAC_MINISTRY_NAME must be the same."""
    receipt_keys: Path | None = None
    """Folder of the keys that sign receipts (``quantrac receipts keys``); processes of one ministry share it.

    Absent = ``receipt-keys`` in the spool, where the first key is made at the first start.
    """
    http_client_authority: FilePath | None = None
    """Certificates (PEM) that vouch for those of provinces, or are theirs; without it none is asked for."""

    @field_validator("http_client_authority")
    @classmethod
    def _speaks_tls(cls, authority: Path | None, info: ValidationInfo) -> Path | None:
        if authority is not None and info.data.get("http_certificate") is None:
            raise ValueError("without http_certificate there is no TLS, and no client can show a certificate")
        return authority

    @property
    def http_tls(self) -> ServerFiles | None:
        """The files of HTTPS; ``None`` = plain HTTP."""
        return server_files(self.http_certificate, self.http_key, self.http_client_authority)

    approve_automatically: str = ""
    """Codes or names of the provinces whose stations need no person's approval, separated by commas."""

    @field_validator("approve_automatically")
    @classmethod
    def _are_provinces(cls, text: str) -> str:
        return ",".join(look_up_province(name.strip()) for name in text.split(",") if name.strip())

    @property
    def automatic_provinces(self) -> frozenset[str]:
        """Codes of the provinces whose stations are approved without a person."""
        return frozenset(self.approve_automatically.split(",")) - {""}


class BacklogSettings(ServiceSettings):
    """Settings of the role ``backlog``."""

    backlog_live_lag: Annotated[int, Field(ge=0)] = 200
    """Messages that a group of the live lane may have before it while the backlog still moves."""


def parse_ports(text: str) -> range:
    """Read ``first-last``; raises ``ValueError``.

    >>> parse_ports("60000-60099")
    range(60000, 60100)
    """
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) <= 65535):
        raise ValueError(f"ftp_passive_ports: {text!r} is not first-last, such as 60000-60999")
    return range(int(first), int(last) + 1)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
