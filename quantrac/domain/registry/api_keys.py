"""Who may read through the REST API."""

from dataclasses import dataclass

from quantrac.domain.registry.validity import Valid


@dataclass(frozen=True, slots=True)
class ApiKey(Valid):
    """A key for the REST API; the secret itself is never stored."""

    id: str
    owner: str
    secret_sha256: str
    """SHA-256 of the secret part, hex: the secret is 256 random bits, so no slow hash is needed."""
    provinces: tuple[str, ...] = ()
    """Province codes it may read; with none of these, of stations and of accounts it reads all."""
    stations: tuple[str, ...] = ()
    """Codes of the only stations it may read."""
    accounts: tuple[str, ...] = ()
    """Accounts of loggers: it may read the stations that they send for, and their files of no station."""

    @property
    def is_unlimited(self) -> bool:
        """Whether it may read every station, and files that belong to none."""
        return not (self.provinces or self.stations or self.accounts)
