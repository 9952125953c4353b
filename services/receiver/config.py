"""Settings of the receiver."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from quantrac.io.settings import ServiceSettings

Port = Annotated[int, Field(ge=0, le=65535)]


class IntakeSettings(ServiceSettings):
    """Settings of the role ``intake``; the role ``parse`` needs none of its own."""

    spool: Path
    """Folder that holds accepted files until the broker has them; must survive a restart."""
    spool_limit_bytes: Annotated[int, Field(gt=0)] = 2 << 30
    """Bytes the waiting files may take before uploads are refused: a day of 2,000 stations is about 1 GiB."""
    max_file_bytes: Annotated[int, Field(gt=0, le=1 << 20)] = 1 << 20
    """Largest file accepted. A file is one message, and as flagged readings it has twenty times its size."""
    ftp_host: str = "127.0.0.1"
    """Address the FTP server listens on."""
    ftp_port: Port = 2121
    """Port of the FTP server; 0 takes a free one."""
    ftp_passive_ports: str = ""
    """Ports for passive data connections, ``first-last``; empty takes any free port."""
    ftp_public_address: str = ""
    """Address told to clients for data connections, where the server stands behind NAT."""
    ftp_max_connections: Annotated[int, Field(gt=0)] = 2100
    """Control connections at the same time: the country's 2,000 stations and some room."""
    ftp_max_connections_per_ip: Annotated[int, Field(ge=0)] = 0
    """Control connections from one address; 0 = no limit, since a province may stand behind one NAT."""
    http_host: str = "127.0.0.1"
    """Address the HTTP server listens on."""
    http_port: Port = 8021
    """Port of the HTTP server; 0 takes a free one."""
    http_confirm_seconds: Annotated[float, Field(ge=0)] = 10.0
    """How long an HTTP upload waits for the broker before it is answered 202 instead of 201."""

    @field_validator("ftp_passive_ports")
    @classmethod
    def _is_range(cls, text: str) -> str:
        if text:
            parse_ports(text)
        return text

    @property
    def passive_ports(self) -> range | None:
        """Ports for passive data connections; ``None`` = any."""
        return parse_ports(self.ftp_passive_ports) if self.ftp_passive_ports else None


def parse_ports(text: str) -> range:
    """Read ``first-last``; raises ``ValueError``.

    >>> parse_ports("60000-60099")
    range(60000, 60100)
    """
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) <= 65535):
        raise ValueError(f"ftp_passive_ports: {text!r} is not first-last, such as 60000-60999")
    return range(int(first), int(last) + 1)
