"""The demo as a person sees it: made-up stations' files by FTP, to an answer, and on to the ministry."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from confluent_kafka import KafkaException

from quantrac.domain.times import VIETNAM, hour_start, to_iso
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.local.demo import demo_stations
from support.analyst_page import BOTH_TIERS, STUCK, ask_rows, questions, rule_of_thumb, spreadsheet_command
from support.running_stack import RunningStack
from support.waiting import wait_until

STATION, WITHOUT_PAST = "HN_DEMO_KHI001", "HN_DEMO_KHI003"
CORRECTED = 2 * 12
"""Readings of the past that a later file corrects: two hours of one parameter."""
CORRECTED_HOURS = """
SELECT argMax(tuple(mean), version).1 AS mean
FROM average_versions FINAL
WHERE station = 'HN_DEMO_KHI001' AND parameter = 'PM2.5' AND period = 'hour'
GROUP BY starts_at
HAVING count() > 1
"""
"""What hours say now that have said something else before; NULL where nothing good is left."""


def test_files_of_the_simulated_loggers_reach_both_tiers(running: RunningStack) -> None:
    def arrived() -> bool:
        counts = running.status()["counts"]
        province, ministry = counts.get("province", {}), counts.get("ministry", {})
        return (
            province.get("files", 0) > 200
            and province["readings"] == province["flagged"] == province["delivered"] > 1000
            and province["readings"] - province["rows"] in range(CORRECTED + 1)
            and ministry["rows"] == province["rows"]
            and ministry["averages"] == province["averages"] > 100
        )

    def past_is_sent() -> bool:
        log = running.data / "logs" / "simulator.log"
        return "the past of 6 stations is acknowledged" in log.read_text(encoding="utf-8")

    wait_until(past_is_sent, "the past of six stations", every_s=1)
    wait_until(arrived, "an hour of 21 stations and the past at both tiers", every_s=0.5)


def test_the_ministry_has_approved_the_stations_that_the_province_asked_for(running: RunningStack) -> None:
    for tier in ("ministry", "province"):
        output = running.quantrac("approvals", "list", "--json", "--tier", tier).stdout
        requests = json.loads(output)["requests"]
        assert len(requests) == len(demo_stations())
        assert {(r["state"], r["decided_by"]) for r in requests} == {("approved", "automatic approval")}


def items(api: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    span = {"from": to_iso(now - timedelta(days=8)), "to": to_iso(now + timedelta(days=1))}
    found: list[dict[str, Any]] = api.get(path, params=span | query).raise_for_status().json()["items"]
    return found


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/rejects", {}),
        ("/v1/alerts", {"kind": "warning-level"}),
        ("/v1/indices", {"station": STATION, "kind": "VN_AQI", "period": "hour"}),
        ("/v1/indices", {"station": STATION, "kind": "VN_AQI", "period": "day"}),
        ("/v1/indices", {"station": "HN_DEMO_NUOSHO", "kind": "VN_WQI"}),
        ("/v1/exceedances", {"station": "DEMO_NUOBVI"}),
        ("/v1/averages", {"station": "HN_DEMO_NUOTH1", "parameter": "COD", "period": "day"}),
    ],
)
def test_no_page_of_the_demo_is_empty(running: RunningStack, path: str, query: dict[str, str]) -> None:
    with running.api() as api:
        wait_until(lambda: items(api, path, **query), f"something at {path} {query}", every_s=1)


def test_a_review_a_changed_rule_and_revisions_are_there_to_be_looked_at(running: RunningStack) -> None:
    assert "made up for the demo" in running.quantrac("review", "list").stdout
    assert "flat_line.suspect_after: 360 -> 180" in running.quantrac("rules", "log").stdout
    database = running.database("province")
    reviewed = (
        "SELECT count() FROM readings FINAL WHERE station = 'HN_DEMO_KHI002' AND JSONHas(tests, 'decision')"
    )
    wait_until(lambda: database.query(reviewed).rows[0][0], "readings that were reviewed", every_s=1)
    corrected = "SELECT count() FROM reading_revisions"
    wait_until(lambda: database.query(corrected).rows[0][0], "readings that were judged again", every_s=1)


def test_an_hour_that_was_corrected_stood_otherwise_before(running: RunningStack) -> None:
    database = running.database("province")

    def means() -> list[float | None]:
        return [mean for (mean,) in database.query(CORRECTED_HOURS).rows]

    wait_until(
        lambda: None in means() and len(means()) >= 2, lambda: f"two corrected hours, but {means()}", 1
    )


@pytest.mark.parametrize("number", sorted(questions().keys() - {STUCK, BOTH_TIERS}))
def test_a_question_of_the_guide_has_rows_in_the_demo(running: RunningStack, number: int) -> None:
    analyst = running.stack.analyst("province")
    wait_until(lambda: ask_rows(analyst, questions()[number]), f"rows of question {number}", every_s=1)


def write_stuck_analyser(folder: Path) -> Path:
    """Write ten hours of a day ago in which one analyser gives one value.

    Which analysers of the demo are stuck, and for how long, is chance: in a past of two days it is on many
    dates none for as long as the test of flat lines asks.
    """
    end = hour_start(datetime.now(UTC) - timedelta(days=1)).astimezone(VIETNAM)
    stamps = [f"{end - timedelta(minutes=5 * n):%Y%m%d%H%M%S}" for n in range(120, -1, -1)]
    file = folder / f"{WITHOUT_PAST}_{stamps[-1]}.txt"
    file.write_bytes(b"".join(f"PM2.5\t31.50\tug/m3\t{stamp}\t00\r\n".encode() for stamp in stamps))
    return file


def test_the_guides_question_of_stuck_analysers_finds_one(running: RunningStack, tmp_path: Path) -> None:
    running.quantrac("put", str(write_stuck_analyser(tmp_path)))
    analyst = running.stack.analyst("province")

    def found() -> bool:
        return any(row[:2] == (WITHOUT_PAST, "PM2.5") for row in ask_rows(analyst, questions()[STUCK]))

    wait_until(found, "the analyser that was stuck", every_s=1)


def test_the_query_among_the_rules_of_thumb_has_rows_in_the_demo(running: RunningStack) -> None:
    analyst = running.stack.analyst("province")
    wait_until(lambda: ask_rows(analyst, rule_of_thumb()), "indices of water", every_s=1)


def test_the_question_of_both_tiers_is_for_the_services_login_only(running: RunningStack) -> None:
    question = questions()[BOTH_TIERS]
    refused = running.quantrac("sql", question, check=False)
    assert refused.returncode == 1
    assert "ministry" in refused.stderr
    wait_until(lambda: running.database("province").query(question).rows, "days to compare", every_s=1)


def test_the_guides_command_fills_a_file_for_a_spreadsheet(running: RunningStack) -> None:
    header, *hours = running.quantrac(*spreadsheet_command()).stdout.splitlines()
    assert header == '"station","starts_local","pm2_5","no2"'
    assert hours


def test_status_says_what_runs_where_and_how_far_behind(running: RunningStack) -> None:
    status = json.loads(running.quantrac("status", "--json").stdout)
    assert status["state"] == "ready"
    assert {"name", "pid", "state", "reason", "restarts", "rss"} == set(status["processes"][0])
    assert {(process["state"], process["reason"]) for process in status["processes"]} == {("ready", "")}
    assert set(status["urls"]) == {"province", "ministry"}
    assert {"api", "ftp", "clickhouse", "kafka"} <= set(status["urls"]["province"])
    wait_until(
        lambda: set(running.status()["lag"].values()) == {0},
        "every group at the end of its topics",
        every_s=0.5,
    )


def test_every_listening_port_is_on_loopback(running: RunningStack) -> None:
    pids = [process["pid"] for process in running.status()["processes"]]
    listening = [
        connection.laddr.ip
        for pid in pids
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 15
    assert set(listening) <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_no_other_user_can_read_what_the_stack_keeps(running: RunningStack) -> None:
    folders = [running.data, *running.data.rglob("*")]
    open_to_others = []
    for path in folders:
        with suppress(FileNotFoundError):  # merges and compaction drop files at any time
            if path.lstat().st_mode & 0o077 and not path.is_symlink():
                open_to_others.append(path)
    assert len(folders) > 500
    assert not open_to_others


def test_no_log_and_no_argument_holds_a_secret(running: RunningStack) -> None:
    secrets = json.loads((running.data / "secrets.json").read_text())
    assert {"kafka", "clickhouse", "api-key"} <= set(secrets)
    logs = {log.name: log.read_text() for log in (running.data / "logs").iterdir()}
    assert "127.0.0.1" in logs["supervisor.log"]
    for process in running.status()["processes"]:
        logs[f"arguments of {process['name']}"] = " ".join(psutil.Process(process["pid"]).cmdline())
    assert not [(what, name) for what, text in logs.items() for name in secrets if secrets[name] in text]


def test_the_key_of_the_demo_is_printed_by_a_command_that_status_names(running: RunningStack) -> None:
    assert "`quantrac keys demo` prints" in running.quantrac("status", check=False).stdout
    key = running.quantrac("keys", "demo").stdout.strip()
    with running.api(key=key) as api:
        api.get("/v1/stations").raise_for_status()


def test_who_has_no_password_reads_nothing_from_the_broker(running: RunningStack) -> None:
    connection = running.stack.broker.connection
    assert "hn.station-registry" in KafkaAdmin(connection).count_partitions()
    with pytest.raises(KafkaException):
        KafkaAdmin(KafkaConnection(connection.bootstrap)).count_partitions(timeout=3)


def test_a_reading_is_traced_from_the_api_to_the_bytes_and_to_the_receipt(running: RunningStack) -> None:
    with running.api() as api:
        latest = api.get(f"/v1/stations/{STATION}/latest").raise_for_status().json()["items"]
        reading = next(entry for entry in latest if entry["parameter"] == "PM2.5")
        question = {"station": STATION, "parameter": "PM2.5", "measured_at": reading["measured_at"]}

        def delivered() -> bool:
            return bool(api.get("/v1/lineage", params=question).json()["receipts"])

        wait_until(delivered, "the receipt of the newest reading", every_s=0.5)
        lineage = api.get("/v1/lineage", params=question).raise_for_status().json()
        content = api.get(f"/v1/files/{lineage['file']['id']}/content").raise_for_status().content
    line = content.decode().split("\r\n")[lineage["reading"]["line"] - 1]
    assert line == lineage["line_text"]
    assert line.split("\t")[1] == reading["text"]
    assert lineage["raw_bytes"] == len(content)
    assert lineage["average"]["version"] >= 1
    assert lineage["reading"]["rules"] == reading["rules"] != ""


def test_the_documentation_page_needs_no_other_server(running: RunningStack) -> None:
    with running.api() as api:
        page = api.get("/docs").raise_for_status().text
    assert "/v1/readings" in page
    assert "src=" not in page


def test_put_sends_a_file_as_a_logger_would(running: RunningStack, tmp_path) -> None:  # type: ignore[no-untyped-def]
    name = f"{STATION}_20260101000000.txt"
    (tmp_path / name).write_bytes(b"PM2.5\t31.50\tug/m3\t20260101000000\t00\r\n")
    assert "226" in running.quantrac("put", str(tmp_path / name)).stdout
    with running.api() as api:
        question = {"station": STATION, "from": "2025-12-31T17:00:00Z", "to": "2025-12-31T17:00:01Z"}
        wait_until(
            lambda: (
                [r["text"] for r in api.get("/v1/readings", params=question).json()["items"]] == ["31.50"]
            ),
            "the reading that was put",
            every_s=0.5,
        )


def test_a_second_start_in_the_same_folder_says_who_holds_it(running: RunningStack) -> None:
    second = running.quantrac("up", "--demo", check=False)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "is in use by process" in second.stderr


def test_logs_are_listed_and_shown(running: RunningStack) -> None:
    assert "province.receiver.intake" in running.quantrac("logs").stdout
    assert "started" in running.quantrac("logs", "province.receiver.intake").stdout
    assert "There is no log of nobody" in running.quantrac("logs", "nobody", check=False).stderr
