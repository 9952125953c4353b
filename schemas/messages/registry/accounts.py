"""Who may log in to send."""

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from quantrac.domain.provinces import PRESENT_CODES
from quantrac.domain.registry import accounts as domain
from schemas.messages.base import Message, StationCode
from schemas.messages.registry.fields import Dated, TimeOrDate, fields_in_utc, fields_of

PublicKey = Annotated[str, Field(pattern=r"^(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+=* ?[^\r\n]*$")]
"""One public key in OpenSSH's text form."""


PasswordHash = Annotated[str, Field(pattern=r"^\$argon2id\$")]
"""argon2id in its standard text form."""
_EXAMPLE_FINGERPRINT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_EXAMPLE_HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


def plain_digits(fingerprint: str) -> str:
    """Return a fingerprint as it is compared, of the ways in which programs write one."""
    return fingerprint.strip().replace(":", "").lower()


Fingerprint = Annotated[str, BeforeValidator(plain_digits), Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of a certificate; also as ``openssl x509 -fingerprint -sha256`` has it, in capitals with colons."""


class PreviousPassword(Message):
    """A password that was replaced, and counts beside the new one for a time."""

    model_config = ConfigDict(hide_input_in_errors=True)

    password_hash: PasswordHash = Field(examples=[_EXAMPLE_HASH])
    """argon2id in its standard text form: what ``password_hash`` was."""
    valid_to: TimeOrDate = Field(examples=["2026-02-01T00:00:00+07:00"])
    """First time that it counts no more."""

    def to_domain(self) -> domain.PreviousPassword:
        """Convert for use."""
        return domain.PreviousPassword(**fields_in_utc(self))


class AccountLimits(Message):
    """How much one account may use; an absent key takes the deployment's setting."""

    connections: Annotated[int, Field(gt=0)] | None = Field(default=None, examples=[4])
    """Connections at the same time."""
    bytes_per_second: Annotated[int, Field(ge=4096)] | None = Field(default=None, examples=[65536])
    """Of all its uploads together, averaged over some seconds."""
    file_bytes: Annotated[int, Field(gt=0)] | None = Field(default=None, examples=[100000])
    """Size of its largest file; never more than the deployment's own limit."""
    files_per_day: Annotated[int, Field(gt=0)] | None = Field(default=None, examples=[2000])
    """Files from midnight to midnight in Vietnam."""


class Account(Dated):
    """Who may log in to send."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a log is no place for a password

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = Field(examples=["bkhn"])
    """Login name; also the name of the account's folder."""
    password_hash: PasswordHash | None = Field(default=None, examples=[_EXAMPLE_HASH])
    """argon2id in its standard text form; ``quantrac registry hash-password`` makes one. It may be absent
    where the account has ``public_keys`` or ``certificates``."""
    previous_password: PreviousPassword | None = Field(
        default=None, examples=[{"password_hash": _EXAMPLE_HASH, "valid_to": "2026-02-01T00:00:00+07:00"}]
    )
    """The password before, while both count; ``quantrac accounts rotate`` writes it."""
    role: Literal["station", "province"] = Field(default="station", examples=["station"])
    """``station``: a logger that sends files; ``province``: a province that delivers to the ministry."""
    stations: tuple[StationCode, ...] = Field(default=(), examples=[["HN_BKHN_KHIKXQ"]])
    """Stations it may send for; of a province account they narrow its provinces, none = all of these."""
    provinces: tuple[str, ...] = Field(default=(), examples=[["01"]])
    """Codes of the provinces that a province account delivers for; with none it delivers nothing."""
    public_keys: tuple[PublicKey, ...] = Field(
        default=(),
        examples=[["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvZ3VzLWtleS1vZi10aGUtcGFnZQ== logger 7"]],
    )
    """Keys it may log in with by SFTP, as ``ssh-keygen`` writes them (``ssh-ed25519 AAAA... comment``)."""
    certificates: tuple[Fingerprint, ...] = Field(default=(), examples=[[_EXAMPLE_FINGERPRINT]])
    """SHA-256 fingerprints of the certificates it may log in with over HTTPS, where the door asks for one;
    the newest last."""
    allowed_networks: tuple[str, ...] = Field(default=(), examples=[["203.113.4.17", "203.113.5.0/24"]])
    """Addresses (``203.113.4.17``) and networks (``203.113.4.0/24``) it may log in from; none = anywhere."""
    limits: AccountLimits = Field(default=AccountLimits(), examples=[{"files_per_day": 2000}])
    """How much it may use; what is absent here is the deployment's setting."""
    plain_ftp: bool = Field(default=False, examples=[True])
    """Whether it may use FTP without TLS, where the deployment leaves that to the account."""

    @field_validator("provinces")
    @classmethod
    def _present_provinces(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code not in PRESENT_CODES:
                raise ValueError(f"{code!r} is no code of a province of today (Decision 19/2025/QĐ-TTg)")
        return codes

    @model_validator(mode="after")
    def _provinces_of_a_province(self) -> Self:
        if self.provinces and self.role != "province":
            raise ValueError("only an account with role: province delivers for provinces")
        return self

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if not (self.password_hash or self.public_keys or self.certificates):
            raise ValueError("it has no password_hash, no public_keys and no certificates: nobody can log in")
        return self

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(text)) for text in networks)

    def to_domain(self) -> domain.Account:
        """Convert for use."""
        fields = fields_of(self)
        fields["limits"] = domain.AccountLimits(**fields_of(self.limits))
        fields["password_hash"] = self.password_hash or ""
        fields["previous_password"] = self.previous_password and self.previous_password.to_domain()
        return domain.Account(**fields)
