"""Logging: one line an event to standard error, times in UTC."""

import logging
import sys
import threading
import time
from types import TracebackType
from typing import Any

log = logging.getLogger(__name__)


def configure(level: str, service: str) -> None:
    """Set up the root logger of a process."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    # A line a request or a table says nothing that the services' own lines do not say.
    for chatty in ("httpx", "faust", "mode", "aiokafka"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def one_line(text: str) -> str:
    r"""Escape what is not to be printed: line breaks, control characters, marks that turn the direction.

    >>> print(one_line("a.txt\n2026-01-01 INFO all is well \x1b[2J"))
    a.txt\n2026-01-01 INFO all is well \x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class LineFormatter(logging.Formatter):
    """One line a message, whatever a file, an account or a server is called that it names.

    The lines of a traceback follow, indented, so that none of them looks like a message.
    """

    def __init__(self, service: str) -> None:
        super().__init__(
            f"%(asctime)s.%(msecs)03dZ %(levelname)s {service} %(name)s: %(message)s",
            datefmt="%Y-%m-%dT%H:%M:%S",
        )
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (the base class)
        """Format without the traceback."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Format a traceback."""
        return _indent(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        """Format where the message was logged."""
        return _indent(stack_info)


def _indent(text: str) -> str:
    return "\n".join(f"  {one_line(line)}" for line in text.split("\n"))


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    # Python's own hook would write the error's text as it is.
    log.critical("uncaught %s", kind.__name__, exc_info=error)


def _log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    if uncaught.exc_type is not SystemExit:
        _log_uncaught(uncaught.exc_type, uncaught.exc_value, None)
