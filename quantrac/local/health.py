"""Asks a process of the stack whether it is ready."""

import json
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from quantrac.io.health import Health
from quantrac.local.ports import LOOPBACK

_LONGEST_ANSWER_BYTES = 16 << 10


def ask_health(port: int, path: str) -> Health:
    """Ask over a bare connection: an httpx call sets TLS up anew each time, 25 ms of a core."""
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Health(response.status == HTTPStatus.OK, _reason(response.read(_LONGEST_ANSWER_BYTES)))
    except (OSError, HTTPException) as error:
        return Health(False, f"does not answer on port {port}: {error}")
    finally:
        connection.close()


def _reason(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("reason", "")) if isinstance(answer, dict) else ""
