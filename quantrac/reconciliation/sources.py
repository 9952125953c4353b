"""The two sides of a comparison: the province's own tables, and the ministry's over HTTPS."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import msgspec

from quantrac.domain.reconciliation.differences import RowDigest, RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level
from quantrac.domain.times import to_iso
from schemas.clickhouse.digests import Database, StoredDigests

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PAGE = 10_000
_TRIES = 5
_LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
_LONGEST_PAUSE = 30.0
_LONGEST_REASON = 300


class MinistryUnavailable(Exception):
    """The ministry's API did not answer, or not what was asked; one sentence."""


class TooMuchToCompute(Exception):
    """The ministry does not sum up so many readings anew."""


class ProvinceDigests:
    """The province's tables; satisfies :class:`quantrac.domain.reconciliation.differences.Source`."""

    def __init__(self, database: Database, *, ended_before: datetime, is_fresh: bool) -> None:
        """Of averages only what ended by ``ended_before`` counts; see :meth:`StoredDigests.sums`."""
        self._digests = StoredDigests(database)
        self._ended_before, self._is_fresh = ended_before, is_fresh

    def sums(
        self, subject: Subject, level: Level, start: datetime, end: datetime, station: str | None = None
    ) -> Mapping[SumKey, Sum]:
        """Sum up; raises ``ClickHouseError``."""
        return self._digests.sums(
            subject,
            level,
            start,
            end,
            stations=None if station is None else [station],
            ended_before=self._ended_before,
            is_fresh=self._is_fresh,
        )

    def rows(
        self, subject: Subject, station: str, start: datetime, end: datetime
    ) -> Mapping[RowKey, RowDigest]:
        """Read each row of a station; raises ``ClickHouseError``."""
        return self._digests.rows(subject, station, start, end, ended_before=self._ended_before)

    def has_station(self, _code: str) -> bool:
        """Whoever has rows of a station knows it."""
        return True


class _Item(msgspec.Struct):
    station: str
    digest: str
    starts_at: datetime | None = None
    count: int = 0
    time: datetime | None = None
    name: str = ""
    period: str = ""
    version: int = 0


class _Page(msgspec.Struct):
    items: list[_Item]
    next: str | None


_page = msgspec.json.Decoder(_Page)


class MinistryApi:
    """The ministry's API as one key reads it, over one connection; certificates are always verified."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"X-Api-Key": key, "Accept": "application/json"}
        self._client = httpx.Client(
            base_url=url, headers=headers, verify=tls or True, timeout=_TIMEOUT, transport=transport
        )
        self._sleep = sleep
        self.requests = 0
        """Sent so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def digests(self, parameters: Mapping[str, str]) -> Iterator[_Item]:
        """Yield the items of all pages of ``/v1/digests``; none of a station that is not known there.

        Raises :class:`MinistryUnavailable` or :class:`TooMuchToCompute`.
        """
        query = {**parameters, "limit": str(_PAGE)}
        while query:
            response = self._get("v1/digests", query)
            if response.status_code == HTTPStatus.NOT_FOUND and "station" in parameters:
                return
            if response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and parameters.get("fresh") == "true":
                raise TooMuchToCompute(_reason(response))
            try:
                page = _page.decode(_content(response))
            except msgspec.DecodeError as error:
                raise MinistryUnavailable(f"the ministry's answer holds no digests: {error}") from error
            yield from page.items
            # Its path is the server's own, which a proxy may have under another.
            query = dict(parse_qsl(urlsplit(page.next).query)) if page.next else {}

    def has_station(self, code: str) -> bool:
        """Tell whether the ministry's registry has a station that the key may read."""
        response = self._get(f"v1/stations/{quote(code, safe='')}", {})
        if response.status_code == HTTPStatus.NOT_FOUND:
            return False
        _content(response)
        return True

    def _get(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        for attempt in range(1, _TRIES + 1):
            self.requests += 1
            try:
                response = self._client.get(path, params=dict(query))
            except httpx.RequestError as error:
                problem, pause = f"{type(error).__name__}: {error}", 0.0
            else:
                if response.status_code not in _LATER:
                    return response
                problem, pause = f"{response.status_code}: {_reason(response)}", _retry_after(response)
            if attempt < _TRIES:
                self._sleep(min(max(pause, 2.0**attempt), _LONGEST_PAUSE))
        raise MinistryUnavailable(f"the ministry's API at {self._client.base_url} is away: {problem}")


class MinistryDigests:
    """Satisfies :class:`quantrac.domain.reconciliation.differences.Source` over the ministry's API."""

    def __init__(self, api: MinistryApi, *, ended_before: datetime, is_fresh: bool) -> None:
        self._api, self._ended_before, self._is_fresh = api, ended_before, is_fresh
        self.has_station = api.has_station

    def sums(
        self, subject: Subject, level: Level, start: datetime, end: datetime, station: str | None = None
    ) -> Mapping[SumKey, Sum]:
        """Ask for sums; raises :class:`MinistryUnavailable` or :class:`TooMuchToCompute`."""
        parameters = self._parameters(subject, level, start, end, station)
        if self._is_fresh and subject is Subject.READINGS:
            parameters["fresh"] = "true"
        return {
            SumKey(item.station, item.starts_at): Sum(item.count, int(item.digest, 16))
            for item in self._api.digests(parameters)
            if item.starts_at is not None
        }

    def rows(
        self, subject: Subject, station: str, start: datetime, end: datetime
    ) -> Mapping[RowKey, RowDigest]:
        """Ask for each row of a station; raises :class:`MinistryUnavailable`."""
        return {
            RowKey(item.time, item.name, item.period): RowDigest(item.version, int(item.digest, 16))
            for item in self._api.digests(self._parameters(subject, "reading", start, end, station))
            if item.time is not None
        }

    def _parameters(
        self, subject: Subject, by: str, start: datetime, end: datetime, station: str | None
    ) -> dict[str, str]:
        parameters = {"of": subject.value, "by": str(by), "from": to_iso(start), "to": to_iso(end)}
        if subject is not Subject.READINGS:
            parameters["ended_before"] = to_iso(self._ended_before)
        return parameters if station is None else {**parameters, "station": station}


def _content(response: httpx.Response) -> bytes:
    """Return the body of a success; raises :class:`MinistryUnavailable` with the reason of a failure."""
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise MinistryUnavailable(f"the ministry refused the API key: {_reason(response)}")
    if response.status_code != HTTPStatus.OK:
        raise MinistryUnavailable(f"the ministry's API answered {response.status_code}: {_reason(response)}")
    return response.content


def _reason(response: httpx.Response) -> str:
    """Return the ``detail`` of a problem, else the beginning of whatever a proxy said."""
    try:
        detail: Any = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text or response.reason_phrase
    return " ".join(str(detail).split())[:_LONGEST_REASON]


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0
