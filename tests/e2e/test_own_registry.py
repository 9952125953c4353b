"""A province of one's own, without the demo: register, send, and see what is said of bad input."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest

from quantrac.domain.times import VIETNAM
from support.running_stack import PASSWORD, RunningStack
from support.waiting import wait_until

CODE = "HN_OWN_NUO001"
STATION: dict[str, Any] = {
    "code": CODE,
    "name": "Trạm nước thải",
    "type": "wastewater",
    "province": "01",
    "latitude": 21.0,
    "longitude": 105.8,
    "parameters": [
        {"code": "COD", "unit": "mg/L", "range_low": 0, "range_high": 200},
        {"code": "pH", "unit": ""},
    ],
}


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(tmp_path_factory.mktemp("province"))
    try:
        stack.up(demo=False)
        stack.register(tmp_path_factory.mktemp("registry"), [STATION], tiers=["province"])
        yield stack
    finally:
        stack.quantrac("down", check=False)


def counts(province: RunningStack) -> dict[str, int]:
    """What is counted of files and readings; alerts open while time passes."""
    every: dict[str, int] = province.status()["counts"]["province"]
    return {name: count for name, count in every.items() if name != "alerts"}


def put(province: RunningStack, folder: Path, name: str, content: str, password: str = PASSWORD) -> str:
    (folder / name).write_bytes(content.encode())
    sent = province.quantrac(
        *("put", str(folder / name), "--account", "hn-own-nuo001"),
        env={"QUANTRAC_PASSWORD": password, "PATH": ""},
        check=False,
    )
    return sent.stdout + sent.stderr


def test_a_registered_station_is_received_at_once_and_a_wrong_password_is_not(
    province: RunningStack, tmp_path: Path
) -> None:
    name = f"{CODE}_20260325000000.txt"
    content = "COD\t12.50\tmg/L\t20260325000000\t00\r\npH\t7.1\t\t20260325000000\t00\r\n"
    assert "530" in put(province, tmp_path, name, content, password="wrong")
    assert "226" in put(province, tmp_path, name, content)
    wait_until(
        lambda: province.status()["counts"]["province"]["averages"] == 2,
        "the averages of one file",
        every_s=0.5,
    )
    assert province.status()["counts"]["province"] | {"averages": 2} == {
        "files": 1,
        "readings": 2,
        "flagged": 2,
        "rows": 2,
        "averages": 2,
        "delivered": 0,
        "rejected": 0,
        "unassigned": 0,
        "alerts": province.status()["counts"]["province"]["alerts"],
    }


def test_bad_lines_and_strange_files_are_listed_with_their_reason_and_cost_nothing_else(
    province: RunningStack, tmp_path: Path
) -> None:
    at = "20260326000000"
    lines = ["COD\t1x\tmg/L", "COD\t9.0\tmg/L", "XYZ\t1\tmg/L", "pH\t7\tppb"]
    mixed = "".join(f"{line}\t{at}\t00\r\n" for line in lines)
    assert "226" in put(province, tmp_path, f"{CODE}_{at}.txt", mixed)
    assert "226" in put(province, tmp_path, f"HN_ELSE_NUO999_{at}.txt", f"COD\t1\tmg/L\t{at}\t00\r\n")
    assert "226" in put(province, tmp_path, f"{CODE}_20260326000500.txt", "")
    assert "552" in put(province, tmp_path, f"{CODE}_20260326001000.txt", "garbage " * 1_300_000)
    key = province.quantrac("keys", "create", "--owner", "test").stdout.split()[0]
    with province.api(key=key) as api:

        def reasons() -> list[str]:
            question = {"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
            return sorted(r["reason"] for r in api.get("/v1/rejects", params=question).json()["items"])

        wait_until(lambda: len(reasons()) >= 5, "five rejects", every_s=0.5)
        assert reasons() == [
            "empty-file",
            "incompatible-unit",
            "unknown-parameter",
            "unknown-station",
            "value-not-a-number",
        ]
        question = {"station": CODE, "from": "2026-03-25T17:00:00Z", "to": "2026-03-25T18:00:00Z"}
        readings = api.get("/v1/readings", params=question).raise_for_status().json()["items"]
        assert [(r["parameter"], r["value"]) for r in readings] == [("COD", 9.0)]


def test_a_vendor_asks_first_what_would_be_read_and_then_sees_what_is_theirs(
    province: RunningStack, tmp_path: Path
) -> None:
    at, account = "20260325120000", "hn-own-nuo001"
    lost = f"HN_ELSE_NUO998_{at}.txt"
    content = f"COD\t8.0\tmg/L\t{at}\t00\r\nCOD\tx\tmg/L\t{at}\t00\r\n"
    (tmp_path / f"{CODE}_{at}.txt").write_bytes(content.encode())
    asked = province.quantrac(
        *("put", str(tmp_path / f"{CODE}_{at}.txt"), "--account", account, "--dry-run"),
        *("--http", province.stack.urls()["province"]["receiver"]),
        env={"QUANTRAC_PASSWORD": PASSWORD, "PATH": ""},
    )
    assert f"200 dry-run, station {CODE}, 1 read, 1 rejected; line 2: " in asked.stdout
    assert "226" in put(province, tmp_path, lost, content)
    everything = {"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    create = ("keys", "create", "--owner", "vendor")
    account_key, station_key = (
        province.quantrac(*create, *scope).stdout.split()[0]
        for scope in (("--account", account), ("--station", CODE))
    )
    with province.api(key=account_key) as own, province.api(key=station_key) as of_station:

        def names(api: httpx.Client) -> list[str]:
            return [
                f["name"] for f in api.get("/v1/files", params=everything).raise_for_status().json()["items"]
            ]

        wait_until(lambda: lost in names(own), "the file of no station", every_s=0.5)
        assert f"{CODE}_{at}.txt" not in names(own)  # a dry run keeps nothing
        assert not any(name.startswith("HN_ELSE") for name in names(of_station))
        reasons = {r["reason"] for r in own.get("/v1/rejects", params=everything).json()["items"]}
        assert "unknown-station" in reasons
        assert of_station.get(f"/v1/stations/{CODE}").status_code == 200
    assert "there is no station" in province.quantrac(*create, "--station", "HN_NO", check=False).stderr


def test_a_parameter_that_the_registry_learns_is_read_again_by_itself_and_by_command(
    province: RunningStack, tmp_path: Path
) -> None:
    at = "20260327000000"
    assert "226" in put(province, tmp_path, f"{CODE}_{at}.txt", f"NH4\t1.5\tmg/L\t{at}\t00\r\n")
    key = province.quantrac("keys", "create", "--owner", "test").stdout.split()[0]
    question = {"station": CODE, "from": "2026-03-26T17:00:00Z", "to": "2026-03-26T18:00:00Z"}
    everything = {"station": CODE, "from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    with province.api(key=key) as api:

        def rejected() -> list[str]:
            items = api.get("/v1/rejects", params=everything).raise_for_status().json()["items"]
            return [r["text"] for r in items if r["reason"] == "unknown-parameter"]

        def read() -> list[tuple[str, float]]:
            items = api.get("/v1/readings", params=question).raise_for_status().json()["items"]
            return [(r["parameter"], r["value"]) for r in items]

        wait_until(
            lambda: any("NH4" in text for text in rejected()),
            "the reject of the unknown parameter",
            every_s=0.5,
        )
        assert read() == []
        known = STATION | {"parameters": [*STATION["parameters"], {"code": "NH4", "unit": "mg/L"}]}
        province.register(tmp_path, [known], tiers=["province"])
        wait_until(
            lambda: read() == [("NH4", 1.5)],
            "the reading, once the registry knows the parameter",
            every_s=0.5,
        )
        wait_until(lambda: not any("NH4" in text for text in rejected()), "the reject is closed", every_s=0.5)

        replayed = ("replay", "--stage", "parse", "--station", CODE, "--from", "2026-01-01")
        assert "file" in province.quantrac(*replayed, "--dry-run").stdout
        wait_until(
            lambda: set(province.status()["lag"].values()) == {0},
            "the averages of what was read",
            every_s=0.5,
        )
        before = counts(province)
        province.quantrac(*replayed)
        wait_until(
            lambda: set(province.status()["lag"].values()) == {0}, "the end of the replay", every_s=0.5
        )
        assert counts(province) == before, "read again, counted once"


def test_a_dated_interval_changes_no_flag_and_a_parameter_that_was_a_mistake_is_withdrawn_and_comes_back(
    province: RunningStack, tmp_path: Path
) -> None:
    code, now = "HN_OWN_NUO002", datetime.now(UTC).replace(second=0, microsecond=0)
    own = STATION | {"code": code, "parameters": [*STATION["parameters"], {"code": "NH4", "unit": "mg/L"}]}
    province.register(tmp_path, [own], tiers=["province"])
    start = now - timedelta(minutes=now.minute % 5, hours=2)
    stamps = [start + timedelta(minutes=5 * n) for n in range(24)]
    lines = [
        f"{name}\t{value + n % 5:.2f}\tmg/L\t{at.astimezone(VIETNAM):%Y%m%d%H%M%S}\t00\r\n"
        for n, at in enumerate(stamps)
        for name, value in (("COD", 20.0), ("NH4", 2.0))
    ]
    with province.sender(code) as logger:
        logger.send("", f"{code}_{stamps[-1].astimezone(VIETNAM):%Y%m%d%H%M%S}.txt", "".join(lines).encode())
    database = province.database("province")

    def flags(parameter: str) -> Counter[int]:
        question = "SELECT flag FROM readings FINAL WHERE station = {s:String} AND parameter = {p:String}"
        return Counter(flag for (flag,) in database.query(question, {"s": code, "p": parameter}).rows)

    def latest() -> list[str]:
        question = "SELECT parameter FROM latest_current WHERE station = {s:String} ORDER BY parameter"
        return [parameter for (parameter,) in database.query(question, {"s": code}).rows]

    wait_until(lambda: flags("COD").total() == 24 == flags("NH4").total(), "the readings", every_s=0.5)
    before = flags("COD")
    assert before[1] == 24

    def registry(command: str, *options: str, **fields: Any) -> CompletedProcess[str]:
        (tmp_path / "registry.yaml").write_text(json.dumps({"stations": [own | fields]}), encoding="utf-8")
        return province.quantrac("registry", command, str(tmp_path), *options, check=False)

    refused = registry("import", interval_minutes=15)
    assert refused.returncode == 1
    assert f"{code}: interval 5 → 15 minutes: a change needs `intervals: [{{minutes: 5, " in refused.stderr
    planned = registry("plan", interval_minutes=15).stdout
    assert f"station {code}: interval_minutes 5 → 15" in planned
    assert "to judge again: 48 stored readings; another flag: " in planned

    changed = {
        "interval_minutes": 15,
        "intervals": [{"minutes": 5, "valid_to": now.isoformat()}],
        "parameters": STATION["parameters"],
        "withdrawn": [{"parameter": "NH4", "why": "no such analyser"}],
    }
    imported = registry("import", **changed)
    assert "another flag: 24 (24 good → missing)" in imported.stdout, imported.stderr
    wait_until(lambda: flags("NH4") == {9: 24}, "every reading is marked", every_s=0.5)
    assert latest() == ["COD"]
    key = province.quantrac("keys", "create", "--owner", "test").stdout.split()[0]
    with province.api(key=key) as api:
        shown = api.get(f"/v1/stations/{code}/latest").raise_for_status().json()["items"]
        assert [item["parameter"] for item in shown] == ["COD"]
        question = {"station": code, "parameter": "NH4", "measured_at": f"{stamps[0]:%Y-%m-%dT%H:%M:%SZ}"}
        lineage = api.get("/v1/lineage", params=question).raise_for_status().json()
        assert lineage["decision"]["why"] == "no such analyser"

    imported = registry("import")
    assert imported.returncode == 1, "the interval has no date again"
    registry("import", "--correction", interval_minutes=5)
    wait_until(lambda: flags("NH4") == {1: 24}, "they are as before", every_s=0.5)
    wait_until(lambda: flags("COD") == before, "so are the others", every_s=0.5)
    assert latest() == ["COD", "NH4"]


def test_a_registry_with_a_misspelt_key_is_refused_with_one_sentence(
    province: RunningStack, tmp_path: Path
) -> None:
    entry = '{code: X, nmae: X, type: stack, province: "01", latitude: 21, longitude: 105}'
    (tmp_path / "bad.yaml").write_text(f"stations:\n  - {entry}\n", encoding="utf-8")
    refused = province.quantrac("registry", "import", str(tmp_path), check=False)
    assert refused.returncode == 1
    assert refused.stderr == "quantrac: bad.yaml, line 2: X: nmae: unknown key; did you mean 'name'?\n"


def test_a_folder_made_without_the_demo_is_not_started_with_it(province: RunningStack) -> None:
    province.quantrac("down")
    refused = province.quantrac("up", "--demo", check=False)
    assert refused.returncode == 1
    assert "was made without --demo" in refused.stderr
