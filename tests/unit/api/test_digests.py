"""What the API refuses to sum up, and how it answers in pages."""

from typing import Any

import pytest

from quantrac.domain.times import to_whole_seconds
from quantrac.testing.builders import NOON
from support.api import api_client

SECOND = to_whole_seconds(NOON)


def sums(*stations: str) -> list[dict[str, Any]]:
    names = ("whose", "period_start", "row_count", "digest_sum")
    return [dict(zip(names, (code, SECOND, 12, 2**64 - 1), strict=True)) for code in stations]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("by=hour&from=1976-01-01T00:00:00Z", "from"),
        ("by=day&of=averages&from=2020-01-01T00:00:00Z", "from"),
        ("by=month&fresh=true&from=2026-01-01T00:00:00Z", "fresh"),
        ("by=reading", "station"),
        ("by=century", "by"),
        ("of=files", "of"),
        ("by=day&from=2026-03-26T00:00:00Z&to=2026-03-25T00:00:00Z", "from"),
        ("by=hour&from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z", "from"),
        ("by=day&cursor=Zm9v", "cursor"),
    ],
)
def test_a_question_about_too_much_or_about_nothing_is_refused_with_its_reason(
    query: str, parameter: str
) -> None:
    client, tables = api_client()
    answer = client.get(f"/v1/digests?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)
    assert tables.asked == []


def test_fifty_years_are_answered_by_year() -> None:
    client, _ = api_client(sums("A", "B"))
    answer = client.get("/v1/digests?by=year&from=1976-01-01T00:00:00Z").json()
    assert [(item["station"], item["count"], item["digest"]) for item in answer["items"]] == [
        ("A", 12, "f" * 16),
        ("B", 12, "f" * 16),
    ]
    assert answer["next"] is None


def test_more_readings_than_an_answer_may_cost_are_not_summed_up_anew() -> None:
    client, tables = api_client([{"readings": 20_000_001}])
    answer = client.get("/v1/digests?by=day&fresh=true")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "fresh")
    assert len(tables.asked) == 1


def test_pages_hold_every_sum_once() -> None:
    link: str | None = "/v1/digests?by=hour&limit=1&fresh=true"
    stations = []
    while link:
        client, _ = api_client([{"readings": 24}], sums("A", "B", "C"))
        page = client.get(link).json()
        stations += [item["station"] for item in page["items"]]
        link = page["next"]
    assert stations == ["A", "B", "C"]


def test_a_total_is_the_sum_modulo_2_to_the_64th() -> None:
    client, _ = api_client([{"readings": 24}], sums("A", "B", "C"))
    (item,) = client.get("/v1/digests?by=hour&fresh=true&total=true").json()["items"]
    assert (item["station"], item["count"], item["digest"]) == ("", 36, "fffffffffffffffd")


def test_rows_tell_the_parts_of_their_version() -> None:
    names = ("time", "name", "period", "version", "digest")
    row = dict(zip(names, (SECOND, "PM2.5", "", SECOND * 1000 << 10 | 3, 255), strict=True))
    client, _ = api_client([row])
    (item,) = client.get("/v1/digests?by=reading&station=A").json()["items"]
    assert (item["received_at"], item["revision"], item["digest"]) == (
        "2026-03-25T05:00:00Z",
        3,
        "00000000000000ff",
    )
