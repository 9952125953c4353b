"""Logging: one line an event to standard error, times in UTC."""

import logging
import time


def configure(level: str, service: str) -> None:
    """Set up the root logger of a process."""
    formatter = logging.Formatter(
        f"%(asctime)s.%(msecs)03dZ %(levelname)s {service} %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A line a request or a table says nothing that the services' own lines do not say.
    for chatty in ("httpx", "faust", "mode", "aiokafka"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
