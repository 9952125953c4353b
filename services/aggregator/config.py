"""Settings of the aggregator, from ``QUANTRAC_<NAME>``."""

from quantrac.io.settings import ServiceSettings


class AggregatorSettings(ServiceSettings):
    """Beside those of every service."""

    sink_batch: int = 2_000
    """Messages in one insert: 30,000 readings of files with 15 lines."""
    sink_gather_seconds: float = 0.5
    """How long the sink waits to fill a batch; ClickHouse likes few large inserts."""
    windows_flush_seconds: float = 2.0
    """How long dirty hours are collected before they are computed together."""
    windows_data: str = ""
    """Folder for the stream library's own files; empty takes a temporary one."""
