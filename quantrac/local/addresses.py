"""Where a door of a stack listens, what others are told, and what a command on this machine uses."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address

from quantrac.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Address:
    """One door: the host and port it listens on, and what the configuration says that others are told."""

    scheme: str
    host: str
    port: int
    announced: str = ""
    """A name, ``name:port`` or a URL; empty = the host."""

    @property
    def listens_on(self) -> str:
        """Return ``host:port``."""
        return f"{_host_of_url(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address that others are told."""
        if "://" in self.announced:
            return self.announced.rstrip("/")
        if self.announced:
            has_port = self.announced.rpartition(":")[2].isdecimal() and not _is_ipv6(self.announced)
            name = self.announced if has_port else f"{_host_of_url(self.announced)}:{self.port}"
            return f"{self.scheme}://{name}"
        # Nobody can connect to "every address": this machine's name is the nearest to what others would type.
        host = socket.gethostname() if self.is_everywhere else self.host
        return f"{self.scheme}://{_host_of_url(host)}:{self.port}"

    @property
    def is_everywhere(self) -> bool:
        """Whether it listens on every address of this machine."""
        return _is(self.host, "is_unspecified")

    @property
    def is_local(self) -> bool:
        """Whether it listens on this machine only."""
        return self.host == "localhost" or _is(self.host, "is_loopback")

    @property
    def local_url(self) -> str:
        """Return the address by which this machine reaches it."""
        host = self.host
        if self.is_everywhere:
            host = "::1" if _is_ipv6(host) else LOOPBACK
        return f"{self.scheme}://{_host_of_url(host)}:{self.port}"


def _is(host: str, quality: str) -> bool:
    try:
        return bool(getattr(ip_address(host), quality))
    except ValueError:
        return False


def _is_ipv6(host: str) -> bool:
    return host.count(":") > 1 and "]" not in host


def _host_of_url(host: str) -> str:
    return f"[{host}]" if _is_ipv6(host) else host
