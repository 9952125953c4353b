"""Who may log in to send."""

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from quantrac.domain.provinces import PRESENT_CODES
from quantrac.domain.registry import accounts as domain
from schemas.messages.base import Message, StationCode
from schemas.messages.registry.fields import Dated, fields_of

PublicKey = Annotated[str, Field(pattern=r"^(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+=* ?[^\r\n]*$")]
"""One public key in OpenSSH's text form."""


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
    password_hash: Annotated[str, Field(pattern=r"^\$argon2id\$")] = Field(
        examples=["$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"]
    )
    """argon2id in its standard text form; ``quantrac registry hash-password`` makes one."""
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

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(text)) for text in networks)

    def to_domain(self) -> domain.Account:
        """Convert for use."""
        fields = fields_of(self)
        fields["limits"] = domain.AccountLimits(**fields_of(self.limits))
        return domain.Account(**fields)
