"""The ministry's API as a province asks it: pages, waiting, and refusals in one sentence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from quantrac.domain.reconciliation.differences import RowDigest, RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level
from quantrac.reconciliation.sources import (
    MinistryApi,
    MinistryDigests,
    MinistryUnavailable,
    TooMuchToCompute,
)

START = datetime(2026, 3, 24, 17, tzinfo=UTC)
END = START + timedelta(days=1)
Answer = Callable[[httpx.Request], httpx.Response]


class Api:
    """Answers one after the other, and what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.requests, self.pauses = list(answers), [], []  # type: ignore[var-annotated]
        transport = httpx.MockTransport(self._answer)
        self.client = MinistryApi(
            "https://ministry.invalid/api/", "qk_1_2", transport=transport, sleep=self.pauses.append
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0)(request)

    def sums(self, *, is_fresh: bool = False, station: str | None = None) -> object:
        digests = MinistryDigests(self.client, ended_before=END, is_fresh=is_fresh)
        return digests.sums(Subject.READINGS, Level.DAY, START, END, station)


def page(*stations: str, following: str | None = None) -> Answer:
    items = [
        {"station": code, "starts_at": "2026-03-24T17:00:00Z", "ends_at": "", "count": 2, "digest": "f" * 16}
        for code in stations
    ]
    return lambda _: httpx.Response(200, json={"items": items, "next": following})


def problem(status: int, detail: str = "it is so", **headers: str) -> Answer:
    return lambda _: httpx.Response(status, json={"detail": detail}, headers=headers)


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


def test_all_pages_are_followed_below_the_address_that_was_given() -> None:
    api = Api(page("A", following="/v1/digests?cursor=abc&by=day"), page("B"))
    assert api.sums() == {
        SumKey("A", START): Sum(2, 2**64 - 1),
        SumKey("B", START): Sum(2, 2**64 - 1),
    }
    first, second = (request.url for request in api.requests)
    assert (first.path, first.params["by"], first.params["from"]) == (
        "/api/v1/digests",
        "day",
        "2026-03-24T17:00:00Z",
    )
    assert (second.path, dict(second.params)) == ("/api/v1/digests", {"cursor": "abc", "by": "day"})
    assert api.requests[0].headers["x-api-key"] == "qk_1_2"


def test_a_ministry_that_is_busy_or_away_is_asked_again_and_not_for_ever() -> None:
    headers = {"Retry-After": "7"}
    api = Api(problem(429, **headers), problem(503), lost, page("A"))
    assert api.sums()
    assert api.pauses == [7.0, 4.0, 8.0]
    with pytest.raises(MinistryUnavailable, match="is away: ConnectError: connection refused"):
        Api(*[lost] * 5).sums()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (problem(401, "This key is unknown."), "refused the API key: This key is unknown"),
        (problem(500), "answered 500: it is so"),
        (problem(422, "from: is too much"), "answered 422: from: is too much"),
        (lambda _: httpx.Response(200, text="<html>"), "holds no digests"),
        (lambda _: httpx.Response(200, json={"items": [{"station": "A"}], "next": None}), "no digests"),
    ],
)
def test_an_answer_that_is_none_is_told_in_a_sentence(answer: Answer, sentence: str) -> None:
    with pytest.raises(MinistryUnavailable, match=sentence):
        Api(answer).sums()


def test_a_station_that_the_ministry_does_not_know_has_no_sums() -> None:
    api = Api(problem(404), problem(404), page("A"))
    assert api.sums(station="A") == {}
    assert not api.client.has_station("A/B")
    assert api.requests[1].url.raw_path == b"/api/v1/stations/A%2FB"


def test_more_than_the_ministry_sums_up_anew_is_told_apart() -> None:
    with pytest.raises(TooMuchToCompute):
        Api(problem(422, "fresh: takes 31 days")).sums(is_fresh=True)


def test_rows_are_read_with_their_versions() -> None:
    item = {"station": "A", "name": "CO", "period": "", "time": "2026-03-24T17:00:00Z", "version": 1025}
    item |= {"received_at": None, "revision": 1, "digest": "00000000000000ff"}
    api = Api(lambda _: httpx.Response(200, json={"items": [item], "next": None}))
    rows = MinistryDigests(api.client, ended_before=END, is_fresh=True).rows(
        Subject.READINGS, "A", START, END
    )
    assert rows == {RowKey(START, "CO", ""): RowDigest(1025, 255)}
    assert "fresh" not in api.requests[0].url.params
