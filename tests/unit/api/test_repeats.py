"""A key of the query string given twice is refused: one of the values would be left out without a word."""

import pytest

from support.api import api_client


@pytest.mark.parametrize(
    "path",
    [
        "/v1/readings?station=A&station=B",
        "/v1/averages?station=A&parameter=PM2.5&parameter=PM10",
        "/v1/alerts?state=open&state=all",
        "/v1/stations?province=01&province=31",
    ],
)
def test_it_is_named_and_nothing_is_read(path: str) -> None:
    api, tables = api_client()
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    repeated = path.rpartition("&")[2].partition("=")[0]
    assert {
        "parameter": repeated,
        "detail": "it is given 2 times, and one value is taken; ask once for each",
    } in (answer.json()["errors"])
    assert tables.asked == []
