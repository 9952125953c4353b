"""The checks every door makes before it lets a client or a file in.

They read the registry as it stands at that moment, so a changed limit or address takes effect at once.
Failures, sources and counts lie in bounded memory and start anew with the process.
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
from services.receiver.access.refused_logins import RefusedLogins
from services.receiver.access.usage import Connections, FilesOfTheDay, Rates, until_midnight

MAX_LOGIN_FAILURES = 5
"""Failures of one account from one address that cost nothing; from the fifth on it waits."""
MAX_ADDRESS_FAILURES = 50
"""The same for an address, whatever the account: behind a province's NAT stand many loggers."""

_LONGEST_NAME = 64  # of an account; longer names are cut, so that no key is larger

Key = TypeVar("Key", bound=Hashable)


class Reason(StrEnum):
    """Why a client or a file is not let in, in words for the client."""

    CREDENTIALS = "unknown account or wrong password"
    """Also for a login that must wait or comes from a foreign address: a guess learns nothing more."""
    BUSY = "too many logins at the moment, try again later"
    CONNECTIONS = "too many connections of this account"
    FILES = "too many files of this account today"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A negative answer, with its reason."""

    reason: Reason
    retry_after: float = 0.0
    """Seconds after which a new try may succeed; 0 = waiting does not help."""
    detail: str = ""
    """For the operator's log; never shown to the client."""

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
        max_tracked: int = 50_000,
        refused: RefusedLogins | None = None,
    ) -> None:
        """``refused`` is told of every login that is refused, and of those that work."""
        self._registry, self._authenticator, self._defaults = registry, authenticator, defaults
        self._clock, self._monotonic, self._max_tracked = clock, monotonic, max_tracked
        self._refused = refused
        self._lock = threading.Lock()
        self._logins = Lockout[tuple[str, str]](free=MAX_LOGIN_FAILURES, limit=max_tracked)
        self._sources = Lockout[str](free=MAX_ADDRESS_FAILURES, limit=max_tracked)
        # Account and source of logins that have succeeded: an old password elsewhere behind the same NAT must
        # not keep them out.
        self._good_logins: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._good_sources: OrderedDict[str, None] = OrderedDict()
        self._connections, self._files, self._rates = Connections(), FilesOfTheDay(), Rates()

    def may_connect(self, address: str) -> Refusal | None:
        """Refuse an address that has failed too often and never logged in; the rest is for the login."""
        source = source_of(address)
        with self._lock:
            is_good = source in self._good_sources
            wait = 0.0 if is_good else self._sources.remaining(source, self._monotonic())
        return Refusal(Reason.BUSY, wait, f"{address} has failed too often") if wait else None

    def login(self, name: str, password: str, address: str) -> Account | Refusal:
        """Check a password; while the login must wait, a right one gets the answer of a wrong one."""
        answer = self.login_at_once(name, password, address)
        if answer is not None:
            return answer
        account = self._account_from(name, address)
        # An account out of reach from here takes the same time as one that does not exist.
        account = self._authenticator.authenticate(account.name if account else NOBODY, password)
        if account is None:
            return self._count_failure(name, address)
        self._count_success(name, address)
        return account

    def login_at_once(self, name: str, password: str, address: str) -> Account | Refusal | None:
        """Return the answer of :meth:`login` where it needs no slow check, else ``None``."""
        account = self._account_from(name, address)
        if wait := self._wait(name, account, address):
            self._note_refusal(name, address)
            return Refusal(Reason.CREDENTIALS, wait, "locked out after failures")
        if account is None or not self._authenticator.remembers(name, password):
            return None
        self._count_success(name, address)
        return account

    def login_with_key(self, name: str, address: str) -> Account | Refusal:
        """Let a client in whose key the door has verified; keys are not guessed, so no failures count."""
        account = self._account_from(name, address)
        if account is None:
            detail = self._explain_failure(name, address)
            self._note_refusal(name, address, detail)
            return Refusal(Reason.CREDENTIALS, detail=detail)
        return account

    def login_with_certificate(self, fingerprint: str, address: str) -> Account | Refusal:
        """Let in the account that names the certificate a client has shown; TLS has verified it."""
        now = self._clock()
        names = [a.name for a in list(self._registry.accounts.values()) if fingerprint in a.certificates]
        names = [name for name in names if self._registry.account(name, now)] or names
        if len(names) == 1:
            return self.login_with_key(names[0], address)
        detail = f"certificate {fingerprint}: " + (
            f"several accounts have it: {', '.join(sorted(names))}" if names else "no account has it"
        )
        self._note_refusal("", address, detail)
        return Refusal(Reason.CREDENTIALS, detail=detail)

    def enter(self, name: str) -> Refusal | None:
        """Count a connection of an account; :meth:`leave` follows if the answer is ``None``."""
        limit = self._limits(name).connections
        with self._lock:
            is_counted = self._connections.enter(name, limit)
        return None if is_counted else Refusal(Reason.CONNECTIONS, 60.0)

    def leave(self, name: str) -> None:
        """Count the end of a connection."""
        with self._lock:
            self._connections.leave(name)

    def count_file(self, name: str) -> Refusal | None:
        """Count a file of an account."""
        now, limit = self._clock(), self._limits(name).files_per_day
        with self._lock:
            is_counted = self._files.count(name, limit, now)
        return None if is_counted else Refusal(Reason.FILES, until_midnight(now))

    def file_bytes(self, name: str) -> int:
        """Return the size of the largest file of an account; the deployment's own limit stands above it."""
        limit, largest = self._limits(name).file_bytes, self._defaults.file_bytes
        assert limit is not None and largest is not None  # noqa: S101  # the deployment always has one
        return min(limit, largest)

    def pause(self, name: str, size: int) -> float:
        """Count bytes that came and return the seconds to wait before more are read."""
        rate = self._limits(name).bytes_per_second
        with self._lock:
            return self._rates.spend(name, size, rate, self._monotonic())

    def _wait(self, name: str, account: Account | None, address: str) -> float:
        source, now = source_of(address), self._monotonic()
        login = (name[:_LONGEST_NAME], source)
        with self._lock:
            # The delay of an address is not for an account that has logged in from it or is bound to it.
            is_exempt = login in self._good_logins or (account is not None and account.allowed_networks)
            address_wait = 0.0 if is_exempt else self._sources.remaining(source, now)
            return max(self._logins.remaining(login, now), address_wait)

    def _account_from(self, name: str, address: str) -> Account | None:
        account = self._registry.account(name, self._clock())
        return account if account is not None and is_allowed(account, address) else None

    def _count_failure(self, name: str, address: str) -> Refusal:
        source, now = source_of(address), self._monotonic()
        with self._lock:
            wait = self._logins.fail((name[:_LONGEST_NAME], source), now)
            self._sources.fail(source, now)
        detail = self._explain_failure(name, address)
        self._note_refusal(name, address, detail)
        return Refusal(Reason.CREDENTIALS, wait, detail)

    def _explain_failure(self, name: str, address: str) -> str:
        """Say for the operator's log which of the reasons it was that the client is not told."""
        account = self._registry.account(name, self._clock())
        if account is None:
            is_registered = name in self._registry.accounts
            return "the account is not valid now" if is_registered else "unknown account"
        if not is_allowed(account, address):
            return f"{address} is not among its allowed_networks"
        return "wrong password"

    def _note_refusal(self, name: str, address: str, detail: str = "") -> None:
        if self._refused is not None:
            account = name if name in self._registry.accounts else ""
            self._refused.note_failure(account, source_of(address), detail)

    def _count_success(self, name: str, address: str) -> None:
        source = source_of(address)
        if self._refused is not None:
            self._refused.note_success(name, source)
        with self._lock:
            self._logins.forgive((name, source))
            _remember(self._good_logins, (name, source), self._max_tracked)
            _remember(self._good_sources, source, self._max_tracked)

    def _limits(self, name: str) -> AccountLimits:
        account = self._registry.account(name, self._clock())
        if account is None:
            return self._defaults
        limits = {field.name: getattr(account.limits, field.name) for field in fields(AccountLimits)}
        return replace(self._defaults, **{key: value for key, value in limits.items() if value is not None})


def is_allowed(account: Account, address: str) -> bool:
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


def _remember(table: OrderedDict[Key, None], key: Key, limit: int) -> None:
    table[key] = None
    table.move_to_end(key)
    if len(table) > limit:
        table.popitem(last=False)
