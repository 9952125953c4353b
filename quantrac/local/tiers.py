"""The two levels of the system, as the one-machine stack names them."""

from collections.abc import Sequence
from dataclasses import dataclass

from quantrac.local.configuration import Configuration
from quantrac.local.configuration.keys import TierName
from quantrac.local.errors import LocalError

FORWARDER = ("forwarder", "forward")
"""Runs in a province, where there is a ministry to forward to."""
FILE_SENDER = ("forwarder", "files")
"""Runs in a province, where the configuration names a target for files."""
NOTIFIER = ("aggregator", "notify")
"""Runs where the configuration says whom to tell of alerts."""
RECONCILER = ("forwarder", "reconcile")
"""Runs in a province, where the ministry's API is known."""

_WORKERS = [("aggregator", "sink"), ("aggregator", "windows"), ("aggregator", "watch"), ("api", "serve")]
_ROLES = {
    "province": [
        ("receiver", "intake"),
        ("receiver", "parse"),
        ("receiver", "backlog"),
        ("validator", "validate"),
        ("validator", "rejudge"),
        *_WORKERS,
    ],
    "ministry": [("receiver", "deliveries"), *_WORKERS],
}
_OPTIONAL_ROLES = {"province": [FORWARDER, NOTIFIER, FILE_SENDER, RECONCILER], "ministry": [NOTIFIER]}


@dataclass(frozen=True, slots=True)
class Tier:
    """A province or a ministry: its own topics (by prefix) and database, on one broker and server."""

    name: TierName
    prefix: str
    database: str
    forwards: bool = False
    """Whether it has a ministry to forward to."""
    notifies: bool = False
    """Whether somebody is told of its alerts."""
    sends_files: bool = False
    """Whether it has a target for files."""
    reconciles: bool = False
    """Whether it compares what it has with the ministry."""
    province_account: str = "province-hn"
    """Account with which the demo's province delivers to the ministry."""
    province: str = "01"
    """Hà Nội, whose stations the demo's province delivers, and its ministry approves automatically."""
    port_offset: int = 0
    """Added to the usual ports: both tiers of the demo are on one machine."""

    def roles(self) -> list[tuple[str, str]]:
        """Return the (service, role) pairs that run."""
        wishes = {
            FORWARDER: self.forwards,
            NOTIFIER: self.notifies,
            FILE_SENDER: self.sends_files,
            RECONCILER: self.reconciles,
        }
        return [*_ROLES[self.name], *(role for role in self.optional_roles() if wishes[role])]

    def optional_roles(self) -> list[tuple[str, str]]:
        """Return those that run where the configuration asks for them."""
        return _OPTIONAL_ROLES[self.name]

    def usual_ports(self) -> dict[str, int]:
        """Return port name -> number used when free: what people call, then the health endpoints."""
        base = self.port_offset
        ports = {f"{self.name}.api": 8080 + base, f"{self.name}.receiver": 8021 + base}
        if self.name == "province":
            ports |= {"province.ftp": 2121, "province.sftp": 2222}
        roles = [*_ROLES[self.name], *self.optional_roles()]
        health = {f"{self.name}.{s}.{r}": 18001 + base + n for n, (s, r) in enumerate(roles)}
        return ports | health


def tiers_of(demo: bool, configuration: Configuration | None = None) -> list[Tier]:
    """Return the tiers of a stack: the one that the configuration says; of the demo both.

    In the demo the configuration is the province's.
    """
    has_ministry = demo or (configuration is not None and configuration.has("ministry"))
    notifies = configuration is not None and configuration.has("notify")
    sends_files = configuration is not None and configuration.has("file_target")
    has_api = demo or (configuration is not None and "ministry.api_url" in configuration.values)
    wishes = (has_ministry, notifies, sends_files, has_api)
    if not demo:
        tier = configuration.tier if configuration else "province"
        return [Tier(tier, "", "quantrac", *wishes)]
    return [
        Tier("province", "hn.", "hn", *wishes),
        Tier("ministry", "ministry.", "ministry", port_offset=100),
    ]


def process_name(tier: Tier, service: str, role: str) -> str:
    """Return the name of a role's process."""
    return f"{tier.name}.{service}.{role}"


def find_role(name: str, tiers: Sequence[Tier]) -> str:
    """Return the name of a role's process, given that or ``service.role``.

    Without its tier a role is that of the first tier that has it. Raises ``LocalError``, with the names of
    all, where there is no such role.
    """
    names = [process_name(tier, *role) for tier in tiers for role in tier.roles()]
    for full_name in (name, *(f"{tier.name}.{name}" for tier in tiers)):
        if full_name in names:
            return full_name
    raise LocalError(f"There is no role {name!r}; the roles are {', '.join(names)}.")


def waits_by_itself(service: str) -> bool:
    """Tell whether a service answers before broker and database are there, and so can start beside them.

    The others need what is prepared first: topics for a group to join, tables for rows, and accounts behind
    a door, which would otherwise turn stations away.
    """
    return service == "api"
