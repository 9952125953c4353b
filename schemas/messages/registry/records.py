"""All kinds of records in the registry's topic, and their keys."""

from schemas.messages.registry.accounts import Account
from schemas.messages.registry.activations import Activation
from schemas.messages.registry.api_keys import ApiKey
from schemas.messages.registry.approvals import Approval
from schemas.messages.registry.decisions import Decision
from schemas.messages.registry.stations import Station

Record = Station | Account | ApiKey | Activation | Decision | Approval

KINDS: dict[str, type[Record]] = {
    "station": Station,
    "account": Account,
    "api-key": ApiKey,
    "rules": Activation,
    "decision": Decision,
    "approval": Approval,
}
"""By the first part of the topic's key."""


def station_key(code: str) -> bytes:
    """Return the topic key of a station's record."""
    return f"station/{code}".encode()


def record_key(record: Record) -> bytes:
    """Return the topic key of a record: its kind and id."""
    match record:
        case Station():
            return station_key(record.code)
        case Account():
            return f"account/{record.name}".encode()
        case ApiKey():
            return f"api-key/{record.id}".encode()
        case Activation():
            return f"rules/{record.id}".encode()
        case Decision():
            return f"decision/{record.id}".encode()
        case Approval():
            return f"approval/{record.station}".encode()
