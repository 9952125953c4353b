"""Settings of the role ``files``: which target, as whom, and what is sent of the stations' data."""

import ssl
from datetime import UTC, date, datetime, time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationInfo, field_validator

from quantrac.domain.readings import Flag
from quantrac.domain.spellings import suggest
from quantrac.domain.times import VIETNAM
from quantrac.io.settings import ServiceSettings

_PORTS = {"ftp": 21, "ftps": 21, "sftp": 22}
_FLAGS = {flag.words.replace(" ", "-"): flag for flag in Flag}
_absent_if_empty = BeforeValidator(lambda value: value or None)
File = Annotated[FilePath | None, _absent_if_empty]


class Address(NamedTuple):
    """Where files are sent to."""

    scheme: Literal["ftp", "ftps", "sftp"]
    host: str
    port: int
    base: str
    """Folder below which they are stored, from the account's own on unless it begins with a slash."""

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_url(url: str) -> Address:
    """Read the address of a target; raises ``ValueError``.

    >>> parse_url("sftp://files.example.org:2222/tudong/hanoi")
    Address(scheme='sftp', host='files.example.org', port=2222, base='tudong/hanoi')
    >>> parse_url("ftp://files.example.org//srv/data").base
    '/srv/data'
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"begins with none of {', '.join(f'{scheme}://' for scheme in _PORTS)}")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is not written as ftp://HOST:PORT/FOLDER")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds an account or a password, which have settings of their own")
    base = unquote(parts.path.removeprefix("/")).rstrip("/")
    return Address(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], base)  # type: ignore[arg-type]


class FileTargetSettings(ServiceSettings):
    """Beside those of every service."""

    file_target_url: str
    """``ftp://``, ``ftps://`` (TLS by AUTH TLS) or ``sftp://``, then ``HOST:PORT/FOLDER``; the folder from
    the account's own on, or with ``//`` from the root."""
    file_target_account: str = Field(min_length=1)
    """Our account there."""
    file_target_key: File = None
    """Private key (OpenSSH or PEM, without passphrase) to log in with by SFTP."""
    file_target_password_file: File = None
    """File that holds the account's password; goes before ``QUANTRAC_FILE_TARGET_PASSWORD``."""
    file_target_password: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """The password itself; needed where no key is given."""
    file_target_known_hosts: File = Field(default=None, validate_default=True)
    """Keys of the SFTP server, as OpenSSH's ``known_hosts`` has them; needed for SFTP."""
    file_target_authorities: File = None
    """Certificate authorities (PEM) to trust for FTPS in place of the system's."""
    file_target_allow_plain: bool = Field(default=False, validate_default=True)
    """Whether password and files may leave this machine by FTP without TLS."""
    file_target_flags: str = "good not-evaluated suspect"
    """Flags of the readings that are sent, separated by blanks. Those with the status calibrating or device
    error are sent whatever their flag: the file's own column says what they are."""
    file_target_stations: str = ""
    """Codes of the stations whose files are sent, separated by blanks; empty = all."""
    file_target_own_bytes: str = ""
    """Codes of the stations whose own files are sent byte for byte, whatever their flags."""
    file_target_order: Literal["time", "present-first"] = "time"
    """Of a station's files: in the order of their times, as systems need that pass over what is older than
    the newest they have; or those of the last hour before older ones."""
    file_target_since: Annotated[date | None, _absent_if_empty] = None
    """First day, in Vietnam, of which anything is sent; absent = the day on which the outbox was made."""
    file_target_days: Annotated[float, Field(gt=0)] = 30.0
    """How long the outbox remembers a file after its last change, sent or not."""
    file_target_connections: Annotated[int, Field(ge=1, le=16)] = 4
    """Connections to the target at the same time; each has stations of its own."""
    file_target_data: Path = Path("files")
    """Folder of the outbox."""

    @field_validator("file_target_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parse_url(url)
        return url

    @field_validator("file_target_key")
    @classmethod
    def _is_key(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key is None:
            return None
        if _scheme(info) not in ("", "sftp"):
            raise ValueError("is for sftp:// only")
        import asyncssh

        try:
            asyncssh.read_private_key(key)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, OSError) as error:
            raise ValueError(f"is not a private key without passphrase: {error}") from error
        return key

    @field_validator("file_target_password")
    @classmethod
    def _from_file(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        file = info.data.get("file_target_password_file")
        if file is not None:
            password = SecretStr(file.read_text(encoding="utf-8").rstrip("\r\n"))
        if not (password.get_secret_value() or info.data.get("file_target_key")):
            raise ValueError("set it, or QUANTRAC_FILE_TARGET_PASSWORD_FILE")
        return password

    @field_validator("file_target_known_hosts")
    @classmethod
    def _knows_host(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if _scheme(info) != "sftp":
            return file
        if file is None:
            raise ValueError("without the server's key anybody could take the files; `ssh-keyscan` writes it")
        import asyncssh

        try:
            asyncssh.read_known_hosts(str(file))
        except (ValueError, OSError) as error:
            raise ValueError(f"is not a file of known hosts: {error}") from error
        return file

    @field_validator("file_target_authorities")
    @classmethod
    def _are_certificates(cls, file: Path | None) -> Path | None:
        if file is not None:
            try:
                ssl.create_default_context(cafile=file)
            except (OSError, ssl.SSLError) as error:
                raise ValueError("holds no certificates in PEM form") from error
        return file

    @field_validator("file_target_allow_plain")
    @classmethod
    def _is_protected(cls, is_allowed: bool, info: ValidationInfo) -> bool:
        url = info.data.get("file_target_url")
        if url and not is_allowed and (address := parse_url(url)).scheme == "ftp" and not address.is_loopback:
            raise ValueError(
                "ftp:// would send the password readable for all; ftps:// or sftp://, or true here"
            )
        return is_allowed

    @field_validator("file_target_flags")
    @classmethod
    def _are_flags(cls, text: str) -> str:
        for word in text.split():
            if word not in _FLAGS:
                raise ValueError(f"there is no flag {word!r}{suggest(word, _FLAGS)}")
        return text

    @property
    def address(self) -> Address:
        """The target."""
        return parse_url(self.file_target_url)

    @property
    def flags(self) -> frozenset[Flag]:
        """Those of the readings that are sent."""
        return frozenset(_FLAGS[word] for word in self.file_target_flags.split())

    def since(self, made_at: datetime) -> datetime:
        """Return the first time of which anything is sent, UTC; ``made_at`` is when the outbox was made."""
        day = self.file_target_since or made_at.astimezone(VIETNAM).date()
        return datetime.combine(day, time(), VIETNAM).astimezone(UTC)


def _scheme(info: ValidationInfo) -> str:
    """Return the scheme of the target's address; empty where that is wrong itself."""
    url = info.data.get("file_target_url")
    return parse_url(url).scheme if url else ""
