"""The notifier's configuration: one YAML file that names the targets; secrets stay in the environment."""

import base64
import binascii
import re
import ssl
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from email.headerregistry import Address
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    HttpUrl,
    StringConstraints,
    ValidationError,
    model_validator,
)

from quantrac.domain.times import DAY_DELTA, VIETNAM
from quantrac.errors import UserError
from schemas.messages.alerts import AlertKind
from schemas.messages.base import Message, StationCode
from schemas.validation_errors import first_problem
from schemas.yaml_files import load_yaml_file

Severity = Literal["info", "warning", "critical"]
Language = Literal["en", "vi"]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From the least to the most severe."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# The Standard Webhooks specification asks for 24 to 64 random bytes.
_SECRET_PREFIX, _SECRET_BYTES = "whsec_", range(24, 65)


def _time(value: object) -> time:
    if value == "24:00":
        return time()
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        # Without quotes YAML takes 22:00 for the number 1320.
        raise ValueError('write the time in quotes, such as "22:00"')
    return time.fromisoformat(value)


def _address(value: str) -> str:
    if not re.fullmatch(r"[!-~]+@[A-Za-z0-9.-]+", value):
        raise ValueError(f"{value!r} is no e-mail address")
    try:
        Address(addr_spec=value)
    except Exception as error:  # what the standard library's parser raises is not laid down
        raise ValueError(f"{value!r} is no e-mail address") from error
    return value


def _authorities(file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{file} holds no certificates in PEM form") from error
    return file


Clock = Annotated[time, BeforeValidator(_time)]
MailAddress = Annotated[str, AfterValidator(_address)]
Authorities = Annotated[FilePath, AfterValidator(_authorities)]
"""Certificate authorities (PEM) to trust in place of the usual ones."""
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable."""


class Webhook(Message):
    """A server that takes signed JSON."""

    url: HttpUrl
    """HTTPS, unless it is on this machine or ``allow_plain`` says otherwise."""
    secret_env: Variable
    """Variable that holds the secret: ``whsec_`` and base64 of 24 to 64 bytes; several, separated by spaces,
    while one replaces another."""
    ca_file: Authorities | None = None
    allow_plain: bool = False
    """Whether HTTP may leave this machine."""

    @model_validator(mode="after")
    def _is_protected(self) -> Self:
        if self.url.scheme != "https" and not (self.allow_plain or _is_loopback(self.url.host or "")):
            raise ValueError("url is not HTTPS; allow_plain: true sends all the same")
        return self

    def secrets(self, environment: Mapping[str, str]) -> tuple[bytes, ...]:
        """Return the keys to sign with; raises ``ValueError``."""
        return tuple(map(_secret, _variable(environment, "secret_env", self.secret_env).split()))


class Smtp(Message):
    """A mail server and the people behind it."""

    host: Annotated[str, StringConstraints(pattern=r"^[^\s/]+$")]
    port: Annotated[int, Field(ge=1, le=65535)]
    security: Literal["starttls", "tls", "none"]
    """``none`` only on this machine, unless ``allow_plain`` says otherwise."""
    user: str = ""
    """Empty where the server asks for no login."""
    password_env: Variable | None = None
    """Variable that holds the user's password."""
    sender: MailAddress = Field(alias="from")
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    ca_file: Authorities | None = None
    allow_plain: bool = False
    """Whether mail and password may leave this machine unencrypted."""

    @model_validator(mode="after")
    def _is_protected(self) -> Self:
        if self.security == "none" and not (self.allow_plain or _is_loopback(self.host)):
            raise ValueError("security none is for this machine only; allow_plain: true sends all the same")
        if bool(self.user) != bool(self.password_env):
            raise ValueError("user and password_env belong together")
        return self

    def password(self, environment: Mapping[str, str]) -> str:
        """Return the user's password, empty where there is no login; raises ``ValueError``."""
        if self.password_env is None:
            return ""
        return _variable(environment, "password_env", self.password_env)


class Quiet(Message):
    """A time of the day without messages, on Vietnam's clock; ``to`` ≤ ``from`` goes over midnight."""

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")
    """Exclusive; the same as ``from`` is 24 hours later."""
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = _DAYS
    """On which it begins."""
    passing: Literal["critical"] | None = Field(default=None, alias="except")
    """Alerts of this severity are sent all the same."""

    def holds(self, at: datetime) -> bool:
        """Tell whether ``at`` (any zone) lies in such a time."""
        local = at.astimezone(VIETNAM)
        for begun in (local.date(), local.date() - DAY_DELTA):
            start = datetime.combine(begun, self.start, VIETNAM)
            end = datetime.combine(begun, self.end, VIETNAM)
            end = end if start < end else end + DAY_DELTA
            if _DAYS[begun.weekday()] in self.days and start <= local < end:
                return True
        return False


class Target(Message):
    """One receiver of alerts: how messages get there, and which ones."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    """Under which the ledger has what was sent: under a new name everything is sent anew."""
    webhook: Webhook | None = None
    smtp: Smtp | None = None
    provinces: tuple[Annotated[str, StringConstraints(pattern=r"^\d\d$")], ...] = ()
    """Codes; none = all."""
    stations: tuple[StationCode, ...] = ()
    """None = all."""
    kinds: tuple[AlertKind, ...] = ()
    """None = all."""
    least: Severity = "info"
    """Nothing less severe is sent."""
    states: Annotated[tuple[Literal["opened", "updated", "closed"], ...], Field(min_length=1)] = (
        "opened",
        "closed",
    )
    quiet: tuple[Quiet, ...] = ()
    per_hour: Annotated[int, Field(ge=1)] | None = None
    """Messages in any 60 minutes; 60 where neither limit is given."""
    per_minute: Annotated[int, Field(ge=1)] | None = None
    """Messages in any 60 seconds."""
    language: Language = "en"

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if (self.webhook is None) == (self.smtp is None):
            raise ValueError("give either webhook or smtp")
        if self.per_hour is not None and self.per_minute is not None:
            raise ValueError("give either per_hour or per_minute")
        return self

    @property
    def limit(self) -> tuple[int, timedelta]:
        """How many messages in how long."""
        if self.per_minute is not None:
            return self.per_minute, timedelta(minutes=1)
        return self.per_hour or 60, timedelta(hours=1)

    @property
    def severities(self) -> tuple[Severity, ...]:
        """Those that are sent."""
        return SEVERITIES[SEVERITIES.index(self.least) :]

    def is_quiet(self, at: datetime, severity: Severity) -> bool:
        """Tell whether an alert of this severity must wait at ``at``."""
        return any(quiet.holds(at) and quiet.passing != severity for quiet in self.quiet)


def load_targets(file: Path, environment: Mapping[str, str]) -> list[Target]:
    """Read the file, see that each secret is there; raises ``UserError``, one sentence naming the place."""
    try:
        content = load_yaml_file(file)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from error
    if not isinstance(content, dict) or list(content) != ["targets"]:
        raise UserError(f"{file.name}: expected the key targets and no other")
    entries = content["targets"]
    if not isinstance(entries, list) or not entries:
        raise UserError(f"{file.name}: targets: expected a list with one target or more")
    targets: list[Target] = []
    for number, entry in enumerate(entries, start=1):
        name = entry.get("name", "") if isinstance(entry, dict) else ""
        try:
            target = _target(entry, environment)
            if target.name in {earlier.name for earlier in targets}:
                raise UserError("name: another target has this name")
        except UserError as error:
            position = f"targets[{number}] {name}".rstrip()
            raise UserError(f"{file.name}: {position}: {error}") from error
        targets.append(target)
    return targets


def _target(entry: Any, environment: Mapping[str, str]) -> Target:
    try:
        target = Target.model_validate(entry)
    except ValidationError as error:
        raise UserError(first_problem(error, Target)) from error
    if target.webhook is not None:
        target.webhook.secrets(environment)
    if target.smtp is not None:
        target.smtp.password(environment)
    return target


def _variable(environment: Mapping[str, str], key: str, name: str) -> str:
    value = environment.get(name, "")
    if not value.strip():
        raise UserError(f"{key}: the environment has no {name}")
    return value


def _secret(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(_SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise UserError(f"secret_env: its value is not {_SECRET_PREFIX} and base64 of 24 to 64 bytes")
    return key


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
