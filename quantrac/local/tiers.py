"""The two levels of the system, as the one-machine stack names them."""

import os
from dataclasses import dataclass
from typing import Literal

from quantrac.local.errors import LocalError

NOTIFIER = ("aggregator", "notify")
"""Runs in the province, where whoever starts the stack has configured whom to tell of alerts."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A province or the ministry: its own topics (by prefix) and database, on one broker and server."""

    name: Literal["province", "ministry"]
    prefix: str
    database: str
    province_account: str = "province-hn"
    """Account with which the demo's province delivers to the ministry."""

    def roles(self, demo: bool) -> list[tuple[str, str]]:
        """Return the (service, role) pairs that run; only the demo has somewhere to forward to."""
        if self.name == "ministry":
            return [
                ("receiver", "deliveries"),
                ("aggregator", "sink"),
                ("aggregator", "windows"),
                ("aggregator", "watch"),
                ("api", "serve"),
            ]
        province = [
            ("receiver", "intake"),
            ("receiver", "parse"),
            ("receiver", "backlog"),
            ("validator", "validate"),
            ("validator", "rejudge"),
            ("aggregator", "sink"),
            ("aggregator", "windows"),
            ("aggregator", "watch"),
            ("api", "serve"),
        ]
        return [*province, ("forwarder", "forward")] if demo else province

    def usual_ports(self) -> dict[str, int]:
        """Return port name -> number used when free: what people call, then the health endpoints."""
        base = 0 if self.name == "province" else 100
        ports = {f"{self.name}.api": 8080 + base, f"{self.name}.receiver": 8021 + base}
        if self.name == "province":
            ports |= {"province.ftp": 2121, "province.sftp": 2222}
        roles = [*self.roles(demo=True), *([NOTIFIER] if self.name == "province" else [])]
        health = {f"{self.name}.{s}.{r}": 18001 + base + n for n, (s, r) in enumerate(roles)}
        return ports | health


def tiers_of(demo: bool) -> list[Tier]:
    """Return the tiers of a stack."""
    if not demo:
        return [Tier("province", prefix="", database="quantrac")]
    return [
        Tier("province", prefix="hn.", database="hn"),
        Tier("ministry", prefix="ministry.", database="ministry"),
    ]


def process_name(tier: Tier, service: str, role: str) -> str:
    """Return the name of a role's process."""
    return f"{tier.name}.{service}.{role}"


def is_notifier_configured() -> bool:
    """Tell whether the environment says whom to tell of alerts."""
    return bool(os.environ.get("QUANTRAC_NOTIFY_CONFIG"))


def find_role(name: str, *, demo: bool) -> str:
    """Return the name of a role's process, given that or ``service.role``.

    Without its tier a role is that of the first tier that has it. Raises ``LocalError``, with the names of
    all, where there is no such role.
    """
    tiers = tiers_of(demo)
    names = [process_name(tier, *role) for tier in tiers for role in tier.roles(demo)]
    if is_notifier_configured():
        names.append(process_name(tiers[0], *NOTIFIER))
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
