"""Settings of the API, from ``QUANTRAC_<NAME>``."""

from pathlib import Path

from pydantic import Field

from quantrac.io.settings import ServiceSettings
from schemas.rules import NATIONAL


class ApiSettings(ServiceSettings):
    """Beside those of every service."""

    api_host: str = "127.0.0.1"
    """Address to serve at."""
    api_port: int = Field(default=8080, ge=0, le=65535)
    """Port to serve at."""
    api_page_limit: int = Field(default=10_000, ge=1)
    """Most rows of one page: 10,000 readings are 4 MB of JSON."""
    api_threads: int = Field(default=8, ge=1)
    """Requests that wait for ClickHouse at once; the driver's pool keeps eight connections."""
    rules: Path = NATIONAL
    """Rule set that judges where no activation in the registry applies; the same as the validator's."""
