"""Settings from the environment, through pydantic-settings; a bad one stops the start with one sentence."""

import sys
from typing import Literal, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every service needs to know; each field is read from ``QUANTRAC_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="QUANTRAC_", use_attribute_docstrings=True)

    tier: Literal["province", "ministry"] = "province"
    """Which level this deployment is."""
    topic_prefix: str = ""
    """Put before every topic and group name (``hn.``), so that two tiers can share a broker."""
    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers of the broker."""
    instance: str = "0"
    """Name of this process within its consumer group; must stay the same over restarts."""
    health_host: str = "127.0.0.1"
    """Address of the health endpoint."""
    health_port: int = 0
    """Port of the health endpoint; 0 leaves it out."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level written to the log."""

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
    password: str = ""
    """Password; there is no default one."""
    database: str = "quantrac"
    """Database of this tier."""
    secure: bool = False
    """Whether to use HTTPS."""
    cluster: str = ""
    """Name of the cluster that `quantrac migrate` makes the tables on; empty = this one server."""


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read settings from the environment; exits with one sentence when one is bad."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        problems = (
            f"{prefix}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']} (got {e['input']!r})"
            if e["type"] != "missing"
            else f"{prefix}{'_'.join(map(str, e['loc'])).upper()} is not set"
            for e in error.errors()
        )
        sys.exit("bad configuration: " + "; ".join(problems))
