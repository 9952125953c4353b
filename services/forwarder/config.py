"""The forwarder's settings."""

from datetime import time
from pathlib import Path

from pydantic import Field, FilePath, HttpUrl, SecretStr, ValidationInfo, field_validator

from quantrac.io.settings import ServiceSettings


class ForwarderSettings(ServiceSettings):
    """Where the ministry is and who we are there."""

    ministry_url: HttpUrl
    """Address of the ministry's receiver; ``/v1/deliveries`` is added. HTTPS outside one machine."""
    ministry_name: str = "ministry"
    """Name of the ministry in receipts and logs, as its receipts state it."""
    ministry_account: str = Field(min_length=1)
    """The province's account at the ministry."""
    ministry_password_file: FilePath | None = None
    """File that holds the account's password; goes before ``QUANTRAC_MINISTRY_PASSWORD``."""
    ministry_password: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """The account's password."""
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
            password = SecretStr(file.read_text(encoding="utf-8").rstrip("\r\n"))
        if not password.get_secret_value():
            raise ValueError("set it, or QUANTRAC_MINISTRY_PASSWORD_FILE")
        return password


class ReconcileSettings(ForwarderSettings):
    """Of the role ``reconcile``, which also delivers."""

    reconcile_at: time = time(2, 30)
    """When it compares with the ministry every night, Vietnam's time; up to half an hour later."""
    reconcile_repair: bool = True
    """Whether it sends again what the ministry lacks."""
    reconcile_patience_seconds: float = Field(default=300.0, gt=0)
    """How long it waits without progress for what it has sent again to be stored at the ministry."""
