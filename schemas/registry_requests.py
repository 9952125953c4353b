"""Registry requests: their keys, the version of an entry, and the state that follows from the registry."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from quantrac.domain.registry import approvals as domain
from quantrac.domain.registry.approvals import RequestState
from schemas.messages.registry.approvals import Approval
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import RegistryRequest, RequestStatus

Request = TypeVar("Request", bound=RequestStatus)

_MILLISECOND = timedelta(milliseconds=1)


def request_key(code: str) -> bytes:
    """Return the topic key of a station's request."""
    return f"station/{code}".encode()


def entry_version(entry: Station) -> str:
    """Return the hash of what an entry says; what it leaves at its default does not count.

    So a field that a later release adds changes the version of those entries only that use it.
    """
    content = entry.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def encode_request(request: RegistryRequest) -> bytes:
    """Return a request as it stands in the topic: without what is left at its default."""
    return request.model_dump_json(exclude_defaults=True).encode()


def registry_version(requests: Iterable[RequestStatus]) -> str:
    """Return a text that changes whenever one of the requests changes; empty where there is none."""
    lines = [f"{request.station}\t{request.changed_at.timestamp():.3f}\n" for request in requests]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16] if lines else ""


def follow_registry(
    request: RegistryRequest, own: Station | None, approval: domain.Approval | None
) -> RegistryRequest:
    """Return a request with the state that follows from the ministry's registry; ``changed_at`` stays.

    ``own`` is the ministry's own entry of the station. A decision counts for the version that it is about;
    an entry that the ministry has already needs none.
    """
    takes_sets = own is not None and (approval is None or approval.takes_sets)
    own_version = "" if own is None else entry_version(own)
    changes: dict[str, Any] = {
        **{"state": RequestState.WAITING, "reason": "", "decided_by": "", "decided_at": None},
        "takes_sets": takes_sets,
        "released_at": request.released_at,
        "ministry_entry": None if own_version in ("", request.version) else own,
    }
    if approval is not None and approval.version == request.version and _holds(approval, own):
        decision = {"state": approval.state, "reason": approval.reason}
        changes |= {**decision, "decided_by": approval.by, "decided_at": approval.at}
    elif takes_sets and own_version == request.version:
        changes |= {"state": RequestState.APPROVED, "reason": "the ministry's registry has this entry"}
    if approval is not None and not takes_sets and request.released_at is not None:
        # What comes after a withdrawal waits again.
        changes["released_at"] = min(request.released_at, approval.at)
    return request.model_copy(update=changes)


def status_of(request: RegistryRequest) -> RequestStatus:
    """Return where a request stands, without its entry."""
    return RequestStatus.model_construct(
        **{name: getattr(request, name) for name in RequestStatus.model_fields}
    )


def mark_changed(request: Request, before: RequestStatus | None, now: datetime) -> Request:
    """Return a request with the time of its change: ``now`` (UTC), and later than the state before."""
    earliest = now if before is None else max(now, before.changed_at + _MILLISECOND)
    return request.model_copy(update={"changed_at": earliest})


def decision_time(now: datetime, before: domain.Approval | None) -> datetime:
    """Return the time (UTC) of a decision made ``now``: after the one before, whatever clocks say."""
    return now if before is None else max(now, before.at + _MILLISECOND)


def approve(request: RegistryRequest, *, by: str, reason: str, at: datetime) -> tuple[Station, Approval]:
    """Return the records that take a request's entry into the ministry's registry, in their order.

    Raises ``ValidationError`` where ``by`` or ``reason`` is no line of text.
    """
    decision = Approval(
        station=request.station,
        version=request.version,
        state="approved",
        takes_sets=True,
        reason=reason,
        by=by,
        at=at,
    )
    return request.entry, decision


def reject(request: RegistryRequest, *, by: str, reason: str, at: datetime) -> Approval:
    """Return the record that rejects a request in its present state; raises as :func:`approve` does.

    Where an entry holds that was approved before, a change is rejected and that entry goes on to hold; the
    rejection of the very entry that holds withdraws its approval.
    """
    return Approval(
        station=request.station,
        version=request.version,
        state="rejected",
        takes_sets=request.takes_sets and request.state is not RequestState.APPROVED,
        reason=reason,
        by=by,
        at=at,
    )


def _holds(approval: domain.Approval, own: Station | None) -> bool:
    """Tell whether a decision still stands: what is approved must be in the registry."""
    return approval.state is RequestState.REJECTED or own is not None
