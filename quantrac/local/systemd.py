"""The unit of systemd that starts a stack at boot, stops it in order and starts it again where it dies."""

import os
import pwd
import sys
from dataclasses import dataclass
from pathlib import Path

from quantrac.local.errors import LocalError
from quantrac.local.jars import KAFKA_VERSION

NAME = "quantrac.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")

_UNIT = """\
[Unit]
Description=Quantrac, environmental monitoring data in {description}
Wants=network-online.target
After=network-online.target time-sync.target
# However often it fails: stations keep what is not acknowledged, and somebody will mend it.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={folder}
# The supervisor alone is told to stop; it stops the others in order. What is left after that is killed.
KillMode=mixed
TimeoutStopSec=90
Restart=always
RestartSec=10
UMask=0077
# Four files a client of FTP, one each of SFTP and HTTP, for 2,000 stations.
LimitNOFILE=65536
{system}\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy={target}
"""

_SYSTEM = """\
User={user}
{capabilities}\
ProtectSystem=strict
ReadWritePaths={writable}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
# Not MemoryDenyWriteExecute: Java and ClickHouse compile while they run.
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of one data folder."""

    folder: Path
    user: str = ""
    """User of a system unit; empty = a unit of the user who installs it."""
    ports: tuple[int, ...] = ()
    """Ports that doors listen on: for one below 1024 a system unit gives the right to it."""
    python: str = sys.executable

    @property
    def text(self) -> str:
        """The file."""
        command = [self.python, "-m", "quantrac.cli", "up", "--data", str(self.folder)]
        return _UNIT.format(
            description=_escape(str(self.folder)),
            command=" ".join(map(_quote, command)),
            folder=_escape(str(self.folder)),
            system=self._system() if self.user else "",
            target="multi-user.target" if self.user else "default.target",
        )

    @property
    def file(self) -> Path:
        """Where systemd looks for it."""
        if self.user:
            return SYSTEM_FOLDER / NAME
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(base) / "systemd" / "user" / NAME

    def _system(self) -> str:
        needs_right = any(port < 1024 for port in self.ports)
        right = "CAP_NET_BIND_SERVICE" if needs_right else ""
        capabilities = f"CapabilityBoundingSet={right}\n" + (
            f"AmbientCapabilities={right}\n" if right else ""
        )
        return _SYSTEM.format(
            user=self.user, capabilities=capabilities, writable=_quote(str(self.folder), is_command=False)
        )


def unit_for(folder: Path, *, system: bool, ports: tuple[int, ...]) -> Unit:
    """Return the unit of a data folder; that of the system runs as the folder's owner.

    Raises ``LocalError`` where a unit would not run well: root owns the folder, or it lies below /tmp; a port
    is for services of the system only; the owner's cache has no jars of the broker.
    """
    if not system:
        low = [port for port in ports if port < 1024]
        if low:
            raise LocalError(
                f"Port {low[0]} is below 1024: only a service of the system may have it, --system."
            )
        return Unit(folder, ports=ports)
    owner = pwd.getpwuid(folder.stat().st_uid)
    if owner.pw_uid == 0:
        raise LocalError(
            f"root owns {folder}, and a service of the system should run as a user of its own; "
            f"`chown -R USER {folder}` gives it to one."
        )
    if any(folder.is_relative_to(shared) for shared in ("/tmp", "/var/tmp")):  # noqa: S108
        raise LocalError(f"{folder} lies where a reboot deletes it, and a service does not see it; move it.")
    jars = Path(owner.pw_dir) / ".cache" / "quantrac" / f"kafka-{KAFKA_VERSION}"
    if not jars.exists():
        raise LocalError(
            f"{owner.pw_name} owns {folder} and has no {jars}; run `make setup` as that user once."
        )
    return Unit(folder, owner.pw_name, ports)


def _quote(text: str, *, is_command: bool = True) -> str:
    """Quote one word for a unit: ``%`` begins a specifier, and in a command ``$`` a variable.

    >>> _quote("/a b/100%"), _quote("/srv/data")
    ('"/a b/100%%"', '/srv/data')
    """
    escaped = _escape(text).replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("$", "$$") if is_command else escaped
    return f'"{escaped}"' if any(letter in text for letter in " \t'\"\\;") else escaped


def _escape(text: str) -> str:
    return text.replace("%", "%%")
