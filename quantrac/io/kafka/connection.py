"""How a client reaches a Kafka cluster: where it is, whether by TLS, and as whom."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

SecurityProtocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Bootstrap servers, security protocol and login; the names are those of Kafka's own client settings.

    Raises ``ValueError`` for a combination that no broker can mean. ``repr`` leaves the password out.
    """

    bootstrap: str
    """``host:port``, several separated by commas."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """Certificate authorities (PEM) that sign the brokers' certificates; absent = those of the system."""

    def __post_init__(self) -> None:
        login = {"SASL mechanism": self.sasl_mechanism, "user": self.user, "password": self.password}
        if self.has_login and not all(login.values()):
            missing = ", ".join(name for name, value in login.items() if not value)
            raise ValueError(f"security protocol {self.security_protocol} needs a login: {missing} missing")
        if not self.has_login and any(login.values()):
            superfluous = ", ".join(name for name, value in login.items() if value)
            raise ValueError(
                f"security protocol {self.security_protocol} has no login, but {superfluous} is given"
            )
        if self.ca_file is not None and not self.has_tls:
            raise ValueError(f"security protocol {self.security_protocol} has no TLS, but a CA file is given")

    @property
    def is_local(self) -> bool:
        """Whether every server is this machine, by its loopback address."""
        hosts = (server.rpartition(":")[0].strip(" []") for server in self.bootstrap.split(","))
        return all(map(_is_loopback, hosts))

    @property
    def has_login(self) -> bool:
        """Whether the client logs in by SASL."""
        return self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @property
    def has_tls(self) -> bool:
        """Whether the connection is encrypted, and the broker shows a certificate."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    def librdkafka(self) -> dict[str, str | int | float | bool]:
        """Return the connection as librdkafka's configuration."""
        configuration: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
            # The library would print lines of its own to standard error, 20 a second while no broker answers:
            # into a person's terminal, or a log of another form. `log_error` and exceptions say the same.
            "log_level": 0,
        }
        if self.sasl_mechanism is not None:
            configuration |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.user,
                "sasl.password": self.password,
            }
        if self.ca_file is not None:
            configuration["ssl.ca.location"] = str(self.ca_file)
        return configuration


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
