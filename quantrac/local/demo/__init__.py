"""The demo registry: made-up stations of all five types in and around Hà Nội, one account each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a second of imports, which a command that only names an account needs nothing of
    from schemas.messages.registry.accounts import Account
    from schemas.messages.registry.stations import Station

REGISTRY = Path(__file__).parent
"""Folder of the YAML files; it holds stations only, because accounts are made at the start."""


def demo_stations() -> "list[Station]":
    """Return the demo's stations."""
    return read_stations(REGISTRY)


def read_stations(directory: Path) -> "list[Station]":
    """Return the stations of a registry folder; raises ValueError as ``load_directory`` does."""
    from schemas.messages.registry.stations import Station
    from schemas.registry import load_directory

    return [record for record in load_directory(directory) if isinstance(record, Station)]


def account_name(code: str) -> str:
    """Return the name of a station's account.

    >>> account_name("HN_DEMO_KHI001")
    'hn-demo-khi001'
    """
    return code.lower().replace("_", "-")


def demo_accounts(
    stations: "Sequence[Station]", passwords: Mapping[str, str], hash_password: Callable[[str], str]
) -> "list[Account]":
    """Return one account for each station, with its password from ``passwords`` (by account name).

    Raises ValueError when an account has no password.
    """
    from schemas.messages.registry.accounts import Account

    missing = [name for name in (account_name(station.code) for station in stations) if name not in passwords]
    if missing:
        raise ValueError(f"no password for account {missing[0]!r}")
    return [
        Account(
            name=account_name(station.code),
            password_hash=hash_password(passwords[account_name(station.code)]),
            stations=(station.code,),
        )
        for station in stations
    ]
