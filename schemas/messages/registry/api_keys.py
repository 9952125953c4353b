"""Who may read through the REST API."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

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
    """Province codes it may read; with none of these, of stations and of accounts it reads all."""
    stations: tuple[str, ...] = ()
    """Codes of the only stations it may read; not together with provinces."""
    accounts: tuple[str, ...] = ()
    """Accounts of loggers: it may read the stations that they send for, and their files of no station. Not
    together with provinces."""

    @model_validator(mode="after")
    def _check_scope(self) -> Self:
        if self.provinces and (self.stations or self.accounts):
            raise ValueError("a key is for provinces, or for stations and accounts")
        return self

    def to_domain(self) -> domain.ApiKey:
        """Convert for use."""
        return domain.ApiKey(**fields_of(self))
