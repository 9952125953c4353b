"""Who may read through the REST API."""

from typing import Annotated

from pydantic import ConfigDict, Field

from quantrac.domain.registry import api_keys as domain
from schemas.messages.base import Line, Sha256
from schemas.messages.registry.fields import Dated, fields_of


class ApiKey(Dated):
    """A key for the REST API."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{8,32}$")]
    owner: Line
    secret_sha256: Sha256
    """SHA-256 of the secret; the secret itself is shown once and never stored."""
    provinces: tuple[str, ...] = ()
    """Province codes it may read; none = all."""

    def to_domain(self) -> domain.ApiKey:
        """Convert for use."""
        return domain.ApiKey(**fields_of(self))
