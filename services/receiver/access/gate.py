"""Every question a door asks before it lets somebody or something in.

Reads the registry as it stands at that moment, so a changed limit or address takes effect at once. What it
remembers (failures, sources, counts) lies in bounded memory and starts anew with the process.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeVar

from quantrac.domain.registry.accounts import Account, AccountLimits
from quantrac.domain.registry.registry import Registry
from services.receiver.access.authentication import NOBODY, Authenticator
from services.receiver.access.lockout import Lockout
from services.receiver.access.usage import Connections, FilesOfTheDay, Rates, until_midnight

FAILURES_OF_A_LOGIN = 5
"""Failures of one account from one address that cost nothing; from the fifth on it waits."""
FAILURES_OF_AN_ADDRESS = 50
"""The same for an address, whatever the account: behind a province's NAT stand many loggers."""

_LONGEST_NAME = 64  # of an account; longer names are cut, so that no key is larger

Key = TypeVar("Key", bound=Hashable)


class Reason(StrEnum):
    """Why somebody or something is not let in, as it may be told to them."""

    CREDENTIALS = "unknown account or wrong password"
    """Also for a login that must wait or comes from a foreign address: a guess learns nothing more."""
    BUSY = "too many logins at the moment, try again later"
    CONNECTIONS = "too many connections of this account"
    FILES = "too many files of this account today"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no."""

    reason: Reason
    retry_after: float = 0.0
    """Seconds after which it may be yes; 0 = not by waiting."""
    detail: str = ""
    """What the operator should know and the client should not."""

    def __str__(self) -> str:
        return self.detail or self.reason


class Gate:
    """Safe to use from several threads; :meth:`login` alone may take its time (some 15 ms)."""

    def __init__(
        self,
        registry: Registry,
        authenticator: Authenticator,
        defaults: AccountLimits,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        most_tracked: int = 50_000,
    ) -> None:
        self._registry, self._authenticator, self._defaults = registry, authenticator, defaults
        self._clock, self._monotonic, self._most = clock, monotonic, most_tracked
        self._lock = threading.Lock()
        self._logins = Lockout[tuple[str, str]](free=FAILURES_OF_A_LOGIN, most=most_tracked)
        self._sources = Lockout[str](free=FAILURES_OF_AN_ADDRESS, most=most_tracked)
        # Logins that have worked, account and source: an old password elsewhere behind the same NAT must not
        # keep them out.
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._known_sources: OrderedDict[str, None] = OrderedDict()
        self._connections, self._files, self._rates = Connections(), FilesOfTheDay(), Rates()

    def may_connect(self, address: str) -> Refusal | None:
        """Turn an address away that only ever failed; its neighbours' logins are judged one by one."""
        source = source_of(address)
        with self._lock:
            known = source in self._known_sources
            wait = 0.0 if known else self._sources.remaining(source, self._monotonic())
        return Refusal(Reason.BUSY, wait, f"{address} has failed too often") if wait else None

    def login(self, name: str, password: str, address: str) -> Account | Refusal:
        """Check a password; the answer to a right one that must wait is that to a wrong one."""
        answer = self.login_at_once(name, password, address)
        if answer is not None:
            return answer
        account = self._account_from(name, address)
        # An account out of reach from here takes the same time as one that does not exist.
        found = self._authenticator.authenticate(account.name if account else NOBODY, password)
        if found is None:
            return self._failed(name, address)
        self._succeeded(name, address)
        return found

    def login_at_once(self, name: str, password: str, address: str) -> Account | Refusal | None:
        """Return the answer of :meth:`login` where it needs no slow check, else ``None``."""
        account = self._account_from(name, address)
        if wait := self._wait(name, account, address):
            return Refusal(Reason.CREDENTIALS, wait, "locked out after failures")
        if account is None or not self._authenticator.remembers(name, password):
            return None
        self._succeeded(name, address)
        return account

    def login_with_key(self, name: str, address: str) -> Account | Refusal:
        """Let a client in whose key the door has verified; keys are not guessed, so no failures count."""
        account = self._account_from(name, address)
        if account is None:
            return Refusal(Reason.CREDENTIALS, detail=self._why(name, address))
        return account

    def enter(self, name: str) -> Refusal | None:
        """Count a connection of an account; :meth:`leave` follows if the answer is ``None``."""
        limit = self._limits(name).connections
        with self._lock:
            entered = self._connections.enter(name, limit)
        return None if entered else Refusal(Reason.CONNECTIONS, 60.0)

    def leave(self, name: str) -> None:
        """Count the end of a connection."""
        with self._lock:
            self._connections.leave(name)

    def take_file(self, name: str) -> Refusal | None:
        """Count a file of an account."""
        now, limit = self._clock(), self._limits(name).files_per_day
        with self._lock:
            taken = self._files.take(name, limit, now)
        return None if taken else Refusal(Reason.FILES, until_midnight(now))

    def file_bytes(self, name: str) -> int:
        """Return the size of the largest file of an account; the deployment's own limit stands above it."""
        own, most = self._limits(name).file_bytes, self._defaults.file_bytes
        assert own is not None and most is not None  # noqa: S101  # the deployment always has one
        return min(own, most)

    def pause(self, name: str, size: int) -> float:
        """Count bytes that came and return the seconds to wait before more are read."""
        rate = self._limits(name).bytes_per_second
        with self._lock:
            return self._rates.spend(name, size, rate, self._monotonic())

    def _wait(self, name: str, account: Account | None, address: str) -> float:
        source, now = source_of(address), self._monotonic()
        login = (name[:_LONGEST_NAME], source)
        with self._lock:
            # The delay of an address is for strangers, not for who has been in from there or is expected.
            expected = login in self._known or (account is not None and account.allowed_networks)
            others = 0.0 if expected else self._sources.remaining(source, now)
            return max(self._logins.remaining(login, now), others)

    def _account_from(self, name: str, address: str) -> Account | None:
        account = self._registry.account(name, self._clock())
        return account if account is not None and allowed(account, address) else None

    def _failed(self, name: str, address: str) -> Refusal:
        source, now = source_of(address), self._monotonic()
        with self._lock:
            wait = self._logins.fail((name[:_LONGEST_NAME], source), now)
            self._sources.fail(source, now)
        return Refusal(Reason.CREDENTIALS, wait, self._why(name, address))

    def _why(self, name: str, address: str) -> str:
        account = self._registry.account(name, self._clock())
        foreign = account is not None and not allowed(account, address)
        return f"{address} is not among its allowed_networks" if foreign else ""

    def _succeeded(self, name: str, address: str) -> None:
        source = source_of(address)
        with self._lock:
            self._logins.forgive((name, source))
            _remember(self._known, (name, source), self._most)
            _remember(self._known_sources, source, self._most)

    def _limits(self, name: str) -> AccountLimits:
        account = self._registry.account(name, self._clock())
        if account is None:
            return self._defaults
        own = {field.name: getattr(account.limits, field.name) for field in fields(AccountLimits)}
        return replace(self._defaults, **{key: value for key, value in own.items() if value is not None})


def allowed(account: Account, address: str) -> bool:
    """Tell whether an account may log in from an address."""
    if not account.allowed_networks:
        return True
    ip = _ip(address)
    return ip is not None and any(ip in _network(text) for text in account.allowed_networks)


def source_of(address: str) -> str:
    """Return what failures are counted by: an IPv4 address, or the /64 that one IPv6 customer has.

    >>> source_of("203.113.4.17"), source_of("::ffff:203.113.4.17"), source_of("2001:db8:1:2::3")
    ('203.113.4.17', '203.113.4.17', '2001:db8:1:2::/64')
    """
    ip = _ip(address)
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else str(ip)


_network = lru_cache(maxsize=8192)(ip_network)


@lru_cache(maxsize=4096)
def _ip(address: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(address)
    except ValueError:
        return None  # a client over a pipe or a test's transport has no address
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def _remember(table: OrderedDict[Key, None], key: Key, most: int) -> None:
    table[key] = None
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)
