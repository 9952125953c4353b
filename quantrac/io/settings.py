"""Settings from the environment, through pydantic-settings; a bad one stops the start with one sentence."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from quantrac.io.kafka.connection import KafkaConnection, SaslMechanism, SecurityProtocol

_absent_if_empty = BeforeValidator(lambda value: value or None)


class ServiceSettings(BaseSettings):
    """What every service needs to know; each field is read from ``QUANTRAC_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="QUANTRAC_", use_attribute_docstrings=True)

    tier: Literal["province", "ministry"] = "province"
    """Which level this deployment is."""
    topic_prefix: str = ""
    """Put before every topic and group name (``hn.``), so that two tiers can share a broker."""
    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers of the broker: ``host:port``, several separated by commas."""
    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    """How the broker's listener is reached; all but ``PLAINTEXT`` and ``SSL`` need the login below."""
    kafka_sasl_mechanism: Annotated[SaslMechanism | None, _absent_if_empty] = None
    """How the user logs in."""
    kafka_user: str = ""
    """User name at the broker."""
    kafka_password: SecretStr = SecretStr("")
    """Its password."""
    kafka_ca_file: Annotated[FilePath | None, _absent_if_empty] = None
    """Certificate authorities (PEM) of the brokers' certificates; absent = those of the system."""
    instance: str = "0"
    """Name of this process within its consumer group; must stay the same over restarts."""
    health_host: str = "127.0.0.1"
    """Address of the health endpoint."""
    health_port: int = 0
    """Port of the health endpoint; 0 leaves it out."""
    stalled_seconds: Annotated[float, Field(gt=0)] = 60.0
    """After how long without progress a role that has work is not ready."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level written to the log."""

    @model_validator(mode="after")
    def _can_connect(self) -> Self:
        try:
            _ = self.kafka_connection
        except ValueError as error:
            raise ValueError(f"QUANTRAC_KAFKA_...: {error}") from error
        return self

    @property
    def kafka_connection(self) -> KafkaConnection:
        """How to reach the broker."""
        return KafkaConnection(
            self.kafka,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_user,
            self.kafka_password.get_secret_value(),
            self.kafka_ca_file,
        )

    def topic(self, name: str) -> str:
        """Return the deployment's name of a topic or consumer group."""
        return self.topic_prefix + name


class ClickHouseSettings(BaseSettings):
    """Where the ClickHouse server is; each field is read from ``QUANTRAC_CLICKHOUSE_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="QUANTRAC_CLICKHOUSE_", use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Host name or address."""
    port: int = 8123
    """HTTP port."""
    user: str = "default"
    """User name."""
    password: str = Field(default="", repr=False)
    """Password; there is no default one."""
    database: str = "quantrac"
    """Database of this tier."""
    secure: bool = False
    """Whether to use HTTPS."""
    cluster: str = ""
    """Name of the cluster that `quantrac migrate` makes the tables on; empty = this one server."""


def kafka_environment(connection: KafkaConnection) -> dict[str, str]:
    """Return all the variables from which another process reads this connection."""
    values = {
        "": connection.bootstrap,
        "_SECURITY_PROTOCOL": connection.security_protocol,
        "_SASL_MECHANISM": connection.sasl_mechanism,
        "_USER": connection.user,
        "_PASSWORD": connection.password,
        "_CA_FILE": connection.ca_file,
    }
    # The empty ones too: they take the place of what the other process may inherit.
    return {f"QUANTRAC_KAFKA{name}": str(value or "") for name, value in values.items()}


Seconds = Annotated[float, Field(gt=0)]


class HttpLimits(BaseModel):
    """How long, and how often, clients may hold a connection of an HTTP server."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    head_seconds: Seconds = 10.0
    """Time for the whole head of a request, from the opening of the connection or its first byte."""
    body_idle_seconds: Seconds = 60.0
    """Longest silence within a body; also the time for the rest of a body that has been answered already."""
    body_seconds: Seconds = 900.0
    """Time for a whole body; while the server does not read, to hold an account's rate, none passes."""
    answer_idle_seconds: Seconds = 30.0
    """Time in which a client must take 8 KiB of its answer, or all that is left."""
    max_connections: Annotated[int, Field(ge=0)] = 2_100
    """Connections at the same time: the country's 2,000 stations and some room; 0 = no limit."""
    max_connections_per_ip: Annotated[int, Field(ge=0)] = 0
    """Connections from one address; 0 = no limit, since behind a reverse proxy all come from one."""
    max_connections_without_login: Annotated[int, Field(ge=0)] = 2_000
    """Connections on which no request has been authenticated yet; 0 = no limit.

    All stations may connect in the same second, before the first of them is authenticated.
    """


class HttpSettings(BaseSettings, HttpLimits):
    """The same from the environment; each field is read from ``QUANTRAC_HTTP_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="QUANTRAC_HTTP_", use_attribute_docstrings=True)


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read settings from the environment; exits with one sentence when one is bad."""
    try:
        return kind()
    except ValidationError as error:
        sentences = [_sentence(*_problem(kind, e)) for e in error.errors()]
        sys.exit("bad configuration: " + "; ".join(sentences))


def find_problems(kind: type[BaseSettings]) -> list[tuple[str, str]]:
    """Return (variable, what is wrong with it) of each bad setting of the environment.

    The variable is empty where several settings together are wrong.
    """
    try:
        kind()
    except ValidationError as error:
        return [_problem(kind, e) for e in error.errors()]
    return []


def variables_of(kind: type[BaseSettings]) -> list[str]:
    """Return the names of the variables that settings are read from."""
    return [_variable(kind, name) for name in kind.model_fields]


def _variable(kind: type[BaseSettings], name: str) -> str:
    return f"{kind.model_config.get('env_prefix', '')}{name}".upper()


def _sentence(variable: str, problem: str) -> str:
    if not variable:
        return problem
    return f"{variable} is not set" if problem == _MISSING else f"{variable}: {problem}"


_MISSING = "is missing"


def _problem(kind: type[BaseSettings], error: Mapping[str, Any]) -> tuple[str, str]:
    text = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:  # of several fields together; the input would be all of them
        return "", text
    variable = _variable(kind, "_".join(map(str, error["loc"])))
    if error["type"] == "missing":
        return variable, _MISSING
    if kind.model_fields[str(error["loc"][0])].annotation is SecretStr or error["input"] is None:
        return variable, text
    return variable, f"{text} (got {error['input']!r})"
