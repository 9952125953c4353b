"""Where the ministry's API is, from ``QUANTRAC_MINISTRY_API_<NAME>``, and whom to trust there."""

import ssl

from pydantic import Field, FilePath, HttpUrl, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from quantrac.io.tls import client_context


class MinistryApiSettings(BaseSettings):
    """The ministry's REST API, as this province may read it."""

    model_config = SettingsConfigDict(env_prefix="QUANTRAC_MINISTRY_", use_attribute_docstrings=True)

    api_url: HttpUrl
    """Address of the ministry's API; ``/v1/digests`` is added. HTTPS outside one machine."""
    api_key_file: FilePath | None = None
    """File that holds the province's key there; goes before ``QUANTRAC_MINISTRY_API_KEY``."""
    api_key: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """The key itself."""
    authority: FilePath | None = None
    """Certificates (PEM) to trust in place of the system's, as for deliveries."""

    @field_validator("api_key")
    @classmethod
    def _from_file(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        file = info.data.get("api_key_file")
        if file is not None:
            key = SecretStr(file.read_text(encoding="utf-8").strip())
        if not key.get_secret_value():
            raise ValueError("set it, or QUANTRAC_MINISTRY_API_KEY_FILE")
        return key

    def tls(self) -> ssl.SSLContext:
        """Return how to speak TLS there; raises ``ValueError`` for a file that cannot be used."""
        return client_context(self.authority)
