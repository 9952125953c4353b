"""A second wall around the engine: the process may open its own folder and connect to nobody.

Whatever a statement asks, the kernel's Landlock holds it. It cannot be undone, and every thread and process
started later has it as well.
"""

import logging
import sys
from pathlib import Path

import quantrac
import schemas

log = logging.getLogger(__name__)

# Code, and what it looks up of the system and of its own memory; none of it is secret. Without `auxv` the
# engine's library searches for it behind the environment and crashes. Not /proc: environments hold passwords.
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache"),
    *("/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/resolv.conf"),
    *("/proc/self/auxv", "/proc/self/maps", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
    *("/proc/sys/vm/overcommit_memory", "/sys/devices/system", "/sys/fs/cgroup"),
)
_DEVICES = ("/dev/null", "/dev/urandom")


def confine(folder: Path) -> bool:
    """Let this thread, and all it starts, write in `folder` only, execute nothing and open no TCP connection.

    Sockets that listen already stay. Call it before any other thread is started. Returns whether the kernel
    does so: Linux from 5.13 (files) and 6.7 (TCP); elsewhere a warning says what is missing.
    """
    if sys.platform != "linux":
        log.warning("not confined: only Linux can")
        return False
    from landlockpy import AccessFS, Ruleset, Scope, UnsupportedError

    reading = AccessFS.READ_FILE | AccessFS.READ_DIR
    try:
        with Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET) as rules:
            rules.allow_path(folder, rules.handled_fs & ~AccessFS.EXECUTE)
            for path in (*_code(), *map(Path, _SYSTEM)):
                if path.exists():
                    rules.allow_path(path, reading if path.is_dir() else AccessFS.READ_FILE)
            for device in _DEVICES:
                rules.allow_path(device, AccessFS.READ_FILE | AccessFS.WRITE_FILE)
            rules.restrict()
            if not rules.handled_net:
                log.warning("confined to %s, but this kernel cannot hold back connections", folder)
            return True
    except UnsupportedError as error:
        log.warning("not confined, a statement may reach what this user may: %s", error)
        return False


def _code() -> list[Path]:
    """Return where Python's and this project's modules are."""
    packages = [Path(file).parent for module in (quantrac, schemas) if (file := module.__file__)]
    return [Path(sys.prefix), Path(sys.base_prefix), *packages]
