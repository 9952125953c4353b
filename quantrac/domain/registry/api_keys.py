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
    """Province codes it may read; none = all."""
