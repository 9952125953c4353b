"""The forwarder's settings."""

import ssl
from collections.abc import Callable
from datetime import time
from pathlib import Path

from pydantic import Field, FilePath, HttpUrl, SecretStr, ValidationInfo, field_validator

from quantrac.io.renewed_files import RenewedFiles
from quantrac.io.settings import ServiceSettings
from quantrac.io.tls import client_context


class ForwarderSettings(ServiceSettings):
    """Where the ministry is and who we are there."""

    ministry_url: HttpUrl
    """Address of the ministry's receiver; ``/v1/deliveries`` is added. HTTPS outside one machine."""
    ministry_name: str = "ministry"
    """Name of the ministry in receipts and logs, as its receipts state it."""
    ministry_account: str = Field(min_length=1)
    """The province's account at the ministry."""
    ministry_certificate: FilePath | None = None
    """Certificate chain (PEM) by which the account logs in, in place of a password."""
    ministry_certificate_key: FilePath | None = None
    """Its private key (PEM); by default it stands in the same file."""
    ministry_password_file: FilePath | None = None
    """File that holds the account's password; goes before ``QUANTRAC_MINISTRY_PASSWORD``.

    Another password in it counts from the next delivery on.
    """
    ministry_password: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """The account's password; not needed where the account logs in by a certificate."""
    ministry_authority: FilePath | None = None
    """Certificates (PEM) to trust in place of the system's: authorities, or the ministry's own."""
    ministry_keys: FilePath | None = None
    """The ministry's public keys (a JWK Set), where they are not to be fetched from its address."""
    forwarder_data: Path
    """Folder of the role's own files: the ministry's public keys. It must survive a restart."""
    forward_gather_seconds: float = Field(default=1.0, ge=0)
    """How long a batch is gathered: one delivery a second is plenty for files of five minutes."""

    @field_validator("ministry_password")
    @classmethod
    def _from_file(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        file = info.data.get("ministry_password_file")
        if file is not None:
            password = SecretStr(_read_password(file))
        if not password.get_secret_value() and info.data.get("ministry_certificate") is None:
            raise ValueError("set it, QUANTRAC_MINISTRY_PASSWORD_FILE or QUANTRAC_MINISTRY_CERTIFICATE")
        return password

    @field_validator("ministry_certificate")
    @classmethod
    def _is_shown(cls, certificate: Path | None, info: ValidationInfo) -> Path | None:
        url: HttpUrl | None = info.data.get("ministry_url")
        if certificate is not None and url is not None and url.scheme != "https":
            raise ValueError("a certificate is shown over HTTPS only; what is QUANTRAC_MINISTRY_URL?")
        return certificate

    @field_validator("ministry_certificate_key")
    @classmethod
    def _has_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key is not None and info.data.get("ministry_certificate") is None:
            raise ValueError("a key is of no use without ministry_certificate")
        return key

    def present_password(self) -> Callable[[], str]:
        """Return what tells the password of the moment; a file that is empty or gone changes nothing."""
        if self.ministry_password_file is None:
            return self.ministry_password.get_secret_value
        file = self.ministry_password_file
        return RenewedFiles([file], lambda: _read_password(file)).get

    def ministry_tls(self) -> ssl.SSLContext | None:
        """Return how to speak TLS there; ``None`` where no setting says.

        Raises ``ValueError`` for files that cannot be used.
        """
        if self.ministry_authority is None and self.ministry_certificate is None:
            return None
        return client_context(
            self.ministry_authority, self.ministry_certificate, self.ministry_certificate_key
        )


def _read_password(file: Path) -> str:
    password = file.read_text(encoding="utf-8").rstrip("\r\n")
    if not password:
        raise ValueError(f"{file} is empty")
    return password


class ReconcileSettings(ForwarderSettings):
    """Of the role ``reconcile``, which also delivers."""

    reconcile_at: time = time(2, 30)
    """When it compares with the ministry every night, Vietnam's time; up to half an hour later."""
    reconcile_repair: bool = True
    """Whether it sends again what the ministry lacks."""
    reconcile_patience_seconds: float = Field(default=300.0, gt=0)
    """How long it waits without progress for what it has sent again to be stored at the ministry."""
