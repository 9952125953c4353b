"""Settings of the API, from ``QUANTRAC_<NAME>``."""

from pathlib import Path

from pydantic import Field, FilePath, ValidationInfo, field_validator

from quantrac.io.settings import ServiceSettings
from quantrac.io.tls import ServerFiles, server_files
from schemas.rules import NATIONAL
from services.api.common.slots import SlotLimits


class ApiSettings(ServiceSettings):
    """Beside those of every service."""

    api_host: str = "127.0.0.1"
    """Address to serve at."""
    api_port: int = Field(default=8080, ge=0, le=65535)
    """Port to serve at."""
    api_certificate: FilePath | None = None
    """Certificate chain (PEM) of HTTPS; without it the API speaks plain HTTP. Renewed ones are taken."""
    api_key: FilePath | None = None
    """Its private key (PEM); by default it stands in the same file."""
    api_page_limit: int = Field(default=10_000, ge=1)
    """Most rows of one page: 10,000 readings are 4 MB of JSON."""
    api_threads: int = Field(default=8, ge=2)
    """Requests that wait for ClickHouse at once; the driver's pool keeps eight connections."""
    api_requests_per_key: int = Field(default=4, ge=1, validate_default=True)
    """The same of one key; fewer than the threads, so that another key always gets one."""
    api_waiting_per_key: int = Field(default=32, ge=0)
    """Further requests of one key that wait for one of these to end; more are answered 429."""
    api_wait_seconds: float = Field(default=10.0, gt=0)
    """How long these wait, seconds, before they are answered 429."""
    rules: Path = NATIONAL
    """Rule set that judges where no activation in the registry applies; the same as the validator's."""

    @field_validator("api_requests_per_key")
    @classmethod
    def _check_threads(cls, requests: int, info: ValidationInfo) -> int:
        threads = info.data.get("api_threads")
        if threads is not None and requests >= threads:
            raise ValueError(f"must be fewer than the {threads} of api_threads")
        return requests

    @field_validator("api_key")
    @classmethod
    def _has_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key is not None and info.data.get("api_certificate") is None:
            raise ValueError("a key is of no use without api_certificate")
        return key

    @property
    def tls(self) -> ServerFiles | None:
        """The files of HTTPS; ``None`` = plain HTTP."""
        return server_files(self.api_certificate, self.api_key)

    @property
    def slot_limits(self) -> SlotLimits:
        """What one key may have at the same time."""
        return SlotLimits(self.api_requests_per_key, self.api_waiting_per_key, self.api_wait_seconds)
