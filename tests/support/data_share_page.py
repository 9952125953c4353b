"""The example of docs/data-share.md: its files, sent through the handlers of every stage."""

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

from msgspec.structs import replace

from quantrac.domain.ids import file_id
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationParameter
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.testing.builders import account, station
from schemas.codecs.sets import decode_flagged_set
from schemas.messages.deliveries import DeliveredFile, DeliveryReceipt
from schemas.rules import RuleBook, load
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.registry_tables import parameter_rows, station_row
from services.aggregator.sink.tables import tables_by_topic
from services.receiver.intake.handler import IntakeHandler, Upload
from services.receiver.parse.handler import ParseHandler
from services.validator.validate.handler import ValidateHandler
from support.analyst_data import insert

CODE = "HN_DEMO_KHI001"
LOCAL = timezone(timedelta(hours=7))
DAY = datetime(2026, 6, 1, tzinfo=LOCAL)
CONFIRMED_UNTIL = DAY + timedelta(hours=7, minutes=25)

_ROW = re.compile(r"^\| (\d\d):(\d\d):(\d\d) \| `(\S+)` \| (\S*) ?\| (\S*) ?\|$", re.MULTILINE)


def send_example(client: ClickHouse, page: str) -> None:
    """Store what the files of the page's table become, and the receipt that the page speaks of."""
    sender = account("hn-demo", stations=[CODE, "HN_DEMO_KHI002"])
    parameters = (StationParameter("PM2.5", "µg/m3"), StationParameter("NO2", "µg/m3"))
    stations = {
        code: station(code, parameters=parameters, valid_from=DAY) for code in (CODE, "HN_DEMO_KHI002")
    }
    registry = Registry(stations, accounts={sender.name: sender})
    for entry in stations.values():
        insert(client, "stations", [station_row(entry.code, entry) | {"version": 1}])
        insert(client, "station_parameters", [row | {"version": 1} for row in parameter_rows(entry)])

    intake = IntakeHandler(registry, "raw-file")
    parse = ParseHandler(registry, "parsed-reading")
    validate = ValidateHandler(registry, RuleBook(load(), registry), topic="qa-flagged")
    sink = SinkHandler(client, tables_by_topic(str, rejudges=False))
    offsets = count()
    for hours, minutes, seconds, name, *values in _ROW.findall(page):
        received_at = DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
        content = _content(name, values)
        upload = Upload(sender, "/", name, content, "ftp")
        raw = intake.record(upload, file_id(content), received_at.astimezone(UTC))
        parsed = parse.handle([raw]).records
        flagged = validate.handle(parsed).records
        receipts = [_receipt(record) for record in flagged if received_at < CONFIRMED_UNTIL]
        for record in (raw, *flagged, *receipts):
            # The sink knows a message that it has just stored by its offset.
            assert isinstance(sink.handle([replace(record, offset=next(offsets))]), Done)


def _content(name: str, values: list[str]) -> bytes:
    time = name.removesuffix(".txt").rpartition("_")[2]
    lines = zip(("PM2.5", "NO2"), values, strict=True)
    return "".join(f"{code}\t{value}\tug/m3\t{time}\t00\r\n" for code, value in lines if value).encode()


def _receipt(record: Record) -> Record:
    flagged = decode_flagged_set(record.value or b"")
    receipt = DeliveryReceipt(
        **{"delivery_id": file_id(record.value or b""), "account": "hanoi", "target": "ministry"},
        **{"sent_at": None, "confirmed_at": flagged.received_at, "bytes": 1, "tries": 1, "receipt": ""},
        files=[
            DeliveredFile(
                line=1,
                station=flagged.station,
                file_id=flagged.file_id,
                received_at=flagged.received_at,
                readings=len(flagged.readings),
            )
        ],
        rejected=[],
    )
    return Record("delivery-receipt", b"", receipt.model_dump_json().encode())
