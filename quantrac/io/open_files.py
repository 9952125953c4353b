"""What the operating system lets a process have."""

import contextlib
import logging
import sys

log = logging.getLogger(__name__)


def allow_open_files(count: int) -> None:
    """Raise the limit of open files towards ``count``, as far as the system allows.

    The usual limit of 1,024 is less than the sockets of 2,000 stations; what stays too low is logged.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    if target < count:
        log.warning("the system allows %d open files; all connections at once would need %d", target, count)
