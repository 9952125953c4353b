"""Where the ministry's API is, from ``QUANTRAC_MINISTRY_API_<NAME>``."""

from pydantic import Field, FilePath, HttpUrl, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class MinistryApiSettings(BaseSettings):
    """The ministry's REST API, as this province may read it."""

    model_config = SettingsConfigDict(env_prefix="QUANTRAC_MINISTRY_API_", use_attribute_docstrings=True)

    url: HttpUrl
    """Address of the ministry's API; ``/v1/digests`` is added. HTTPS outside one machine."""
    key_file: FilePath | None = None
    """File that holds the province's key there; goes before ``QUANTRAC_MINISTRY_API_KEY``."""
    key: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """The key itself."""

    @field_validator("key")
    @classmethod
    def _from_file(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        file = info.data.get("key_file")
        if file is not None:
            key = SecretStr(file.read_text(encoding="utf-8").strip())
        if not key.get_secret_value():
            raise ValueError("set it, or QUANTRAC_MINISTRY_API_KEY_FILE")
        return key
