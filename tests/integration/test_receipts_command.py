"""`quantrac receipts list` and `show` over what the sink has stored."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from quantrac.cli.receipts import receipts
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.jws import KeySet
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import RejectedSet
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.forwarder.confirmation import Sending, build_delivery_receipt
from services.forwarder.delivery import Delivery, DeliveryItem
from support.receipts import MINISTRY_KEY, receipt_of


def delivery(*names: str) -> Delivery:
    items = []
    for offset, name in enumerate(names):
        flagged = flagged_set(flagged_reading(35.2), station=name[0], file_name=name, received_at=NOON)
        record = Record("qa-flagged", b"k", encode_flagged_set(flagged), {}, 0, offset)
        items.append(DeliveryItem(record, flagged))
    return Delivery(items)


FIRST, SECOND = delivery("A1", "B1", "C1"), delivery("A1", "A2")


@pytest.fixture(scope="module")
def stored(clickhouse: ClickHouseSettings) -> ClickHouseSettings:
    batch = []
    for hours, sent, rejected in ((0, FIRST, [RejectedSet(line=3, reason="no")]), (1, SECOND, [])):
        receipt = receipt_of(sent, rejected, received_at=NOON + timedelta(hours=hours))
        message = build_delivery_receipt(sent, receipt, Sending(NOON, tries=2 - hours), target="mae")
        batch.append(
            Record("delivery-receipt", sent.id.encode(), message.model_dump_json().encode(), {}, 0, hours)
        )
    sink = SinkHandler(ClickHouse(clickhouse), tables_by_topic(str, rejudges=False))
    for _ in range(2):
        assert sink.handle(batch) == Done([], [])
    return clickhouse


@pytest.fixture
def run(stored: ClickHouseSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("QUANTRAC_KAFKA", "127.0.0.1:9")
    for name, value in {
        "HOST": stored.host,
        "PORT": str(stored.port),
        "USER": stored.user,
        "PASSWORD": stored.password,
        "DATABASE": stored.database,
    }.items():
        monkeypatch.setenv(f"QUANTRAC_CLICKHOUSE_{name}", value)

    def invoke(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(receipts, list(arguments))
        return result.exit_code, result.output

    return invoke


def test_deliveries_are_listed_by_time_and_station_with_their_counts(run: Any) -> None:
    status, output = run("list", "--from", "2026-03-25")
    assert status == 0, output
    assert output.splitlines() == [
        f"2026-03-25T13:00:00+07:00  {SECOND.id[:16]}  hanoi  2 sets, 2 readings",
        f"2026-03-25T12:00:00+07:00  {FIRST.id[:16]}  hanoi  2 sets, 2 readings, 1 rejected, 2 tries",
    ]
    _, output = run("list", "--from", "2026-03-25", "--station", "B", "--json")
    (row,) = json.loads(output)
    assert (row["delivery_id"], row["sets"], row["rejected"]) == (FIRST.id, 2, 1)
    assert run("list", "--from", "2026-03-25", "--to", "2026-03-25T12:00+07:00") == (0, "")


def test_a_receipt_keeps_all_its_files_though_one_was_delivered_again(run: Any, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(KeySet([MINISTRY_KEY.public]).to_json())
    status, output = run("show", FIRST.id[:12], "--keys", str(keys))
    assert status == 0, output
    document = json.loads(output)
    assert [(file["line"], file["station"]) for file in document["files"]] == [(1, "A"), (2, "B")]
    file = tmp_path / "receipt.json"
    file.write_text(output)
    status, output = run("verify", str(file), "--keys", str(keys))
    assert status == 0, output
    assert f"delivery {FIRST.id} of account hanoi" in output


def test_what_is_not_there_or_not_clear_is_said_in_a_sentence(run: Any, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(KeySet([MINISTRY_KEY.public]).to_json())
    assert run("show", "0" * 64, "--keys", str(keys))[1].startswith(
        "quantrac: there is no receipt of a delivery 000"
    )
    assert "several deliveries begin with" in run("show", "", "--keys", str(keys))[1]
    assert "--keys must name the file" in run("show", FIRST.id)[1]


def test_what_was_rejected_is_stored_with_its_reason(stored: ClickHouseSettings) -> None:
    rows = ClickHouse(stored).query("SELECT station, line, reason FROM rejected_sets FINAL").rows
    assert [tuple(row) for row in rows] == [("C", 3, "no")]
