"""Readings over the API, from given rows."""

from datetime import timedelta

import pytest

from quantrac.testing.builders import NOON
from support.api import api_client, reading_row


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [(7.0, "", "7"), (14.91, "", "14.91"), (12.4, "12.40", "12.40"), (1e-07, "", "1e-07")],
)
def test_the_text_of_a_value_is_what_stood_in_the_file(value: float, text: str, shown: str) -> None:
    api, _ = api_client([reading_row(value=value, text=text)])
    assert api.get("/v1/readings?station=A").json()["items"][0]["text"] == shown


def test_a_time_is_given_as_sent_and_on_the_grid_of_the_station() -> None:
    late = reading_row(measured_at=NOON + timedelta(seconds=31))
    early = reading_row(measured_at=NOON - timedelta(minutes=2))
    api, _ = api_client([late, early])
    first, second = api.get("/v1/readings?station=A").json()["items"]
    assert (first["measured_at"], first["grid_at"]) == ("2026-03-25T05:00:31Z", "2026-03-25T05:00:00Z")
    assert second["grid_at"] == "2026-03-25T05:00:00Z"


def test_outcomes_and_flags_are_given_as_they_are_known() -> None:
    api, _ = api_client([reading_row(), reading_row(flag=7, tests='{"spike":4}')])
    first, second = api.get("/v1/readings?station=A").json()["items"]
    assert (first["flag"], first["flag_name"], first["tests"]) == (2, "not evaluated", {})
    assert (second["flag"], second["flag_name"], second["tests"]) == (7, "unknown", {"spike": 4})


def test_one_row_more_than_the_page_holds_is_asked_for_and_kept_back() -> None:
    api, tables = api_client([reading_row(parameter=p) for p in ("NO", "NO2", "PM10")])
    page = api.get("/v1/readings?station=A&limit=2&flag=1").json()
    assert [item["parameter"] for item in page["items"]] == ["NO", "NO2"]
    assert tables.asked[0]["limit"] == 3
    assert page["next"].startswith("/v1/readings?station=A&limit=2&flag=1&from=2026-03-24T05%3A00%3A00Z&to=")
    api.get(page["next"])
    assert (tables.asked[1]["after_time"], tables.asked[1]["after_parameter"]) == (
        "2026-03-25 05:00:00",
        "NO2",
    )
