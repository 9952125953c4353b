"""What `quantrac import` reads, sends and leaves out, without a broker."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from quantrac.cli.importing.mapping import read_mapping
from quantrac.cli.importing.sending import Receipts, StoredFiles, send
from quantrac.cli.importing.sources import Sources
from quantrac.cli.importing.tables import StationFile, Table, find_files, open_file
from quantrac.cli.importing.tally import Tally, describe_interval, describe_tally
from quantrac.domain.ids import file_id
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Interval, StationParameter
from quantrac.domain.tables.part import read_part
from quantrac.domain.tables.reader import read_table
from quantrac.errors import UserError
from quantrac.io.records import DeliveryFailed
from quantrac.testing.builders import station, station_file
from schemas.codecs.raw_file import decode_head
from schemas.codecs.sets import decode_reading_set
from services.receiver.parse.handler import ParseHandler

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PARAMETERS = (StationParameter("PM2.5", "µg/m3"), StationParameter("CO", "µg/m3"))
ONE = station("HN_MOT_KHI", parameters=PARAMETERS, aliases=["Mot"])
TWO = station("HN_HAI_KHI", parameters=PARAMETERS)
REGISTRY = Registry(stations={entry.code: entry for entry in (ONE, TWO)})


class Rows:
    def __init__(self, rows):
        self.rows = rows


class Tables:
    """What ClickHouse would say of raw files, as they were sent."""

    def __init__(self):
        self.files = []

    def query(self, sql, parameters):
        own = [(head.file_id, head.received_at) for key, head in self.files if key == parameters["station"]]
        return Rows([row[1:] for row in own] if "since" in parameters else own)


class Broker:
    """Keeps what it is given, and fails after so many messages."""

    def __init__(self, tables, fails_after=None):
        self.records, self.tables, self.rest = [], tables, fails_after

    def produce(self, records):
        for record in records:
            if self.rest == 0:
                raise DeliveryFailed("killed")
            self.rest = None if self.rest is None else self.rest - 1
            self.records.append(record)
            self.tables.files.append((record.key.decode(), decode_head(record.headers)))

    def flush(self):
        pass


def write(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mapping(folder: Path, text: str):
    return read_mapping(write(folder, text, "mapping.yaml"))


def sources(*paths: Path, said=None, code: str = "") -> Sources:
    return Sources(paths, said or read_mapping(None), REGISTRY, code)


def files_of(*paths, **options):
    return list(sources(*paths, **options).files(print))


def import_(tables, *paths, fails_after=None, **options):
    broker = Broker(tables, fails_after)
    try:
        sent = send(
            sources(*paths, **options).files(print),
            topic="raw-file-backlog",
            account="import by me",
            stored=StoredFiles(tables),
            receipts=Receipts(tables),
            producer=broker,
        )
    except DeliveryFailed:
        sent = None
    return sent, broker.records


def rows(count):
    return "".join(f"2020-01-{1 + n // 24:02} {n % 24:02}:00,{n % 50},1\n" for n in range(count))


def test_a_table_becomes_parts_that_receiver_parse_reads_with_the_lines_of_the_table(tmp_path):
    sent, records = import_(Tables(), write(tmp_path, "time,PM2.5,CO\n" + rows(600), "HN_MOT_KHI.csv"))
    assert (sent.files, sent.rows, sent.stored, sent.stations) == (3, 600, 0, {"HN_MOT_KHI"})
    done = ParseHandler(REGISTRY, "parsed-reading").handle(records)
    sets = [decode_reading_set(record.value) for record in done.records]
    assert [len(s.readings) for s in sets] == [500, 500, 200]
    assert [s.readings.line[0] for s in sets] == [2, 252, 502]
    assert {(s.transport, s.account, s.file_name, s.is_imported) for s in sets} == {
        ("import", "import by me", "HN_MOT_KHI.csv", True)
    }
    assert len({s.received_at for s in sets}) == 3
    assert not any(s.rejects for s in sets)


def test_no_logger_can_send_part_of_a_table(tmp_path):
    _, records = import_(Tables(), write(tmp_path, "time,PM2.5,CO\n" + rows(3), "HN_MOT_KHI.csv"))
    records[0].headers["transport"] = b"ftp"
    done = ParseHandler(REGISTRY, "parsed-reading").handle(records)
    reading_set = decode_reading_set(done.records[0].value)
    assert (len(reading_set.readings), reading_set.is_imported) == (0, False)


def test_a_workbook_is_read_as_the_csv_that_it_stands_for(tmp_path):
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(["STT", "Datetime", "PM2.5", "Ghi chú"])
    sheet.append([1, datetime(2025, 1, 1, 14), 23.934999999999999, 'a "b",\nc'])  # noqa: DTZ001
    sheet.append([2, "15:00 01/01/2025", 7.0, None])
    sheet.append([])
    workbook.create_sheet("other").append(["x"])
    workbook.save(tmp_path / "HN_MOT_KHI.xlsx")
    table = open_file(tmp_path / "HN_MOT_KHI.xlsx", "/")
    assert isinstance(table, Table)
    assert table.titles() == ["STT", "Datetime", "PM2.5", "Ghi chú"]
    assert list(table.rows) == [b'1,2025-01-01T14:00:00,23.935,"a ""b"", c"', b"2,15:00 01/01/2025,7"]


def test_what_only_begins_as_a_workbook_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"HN_MOT_KHI\.xlsx: it is no workbook"):
        open_file(write(tmp_path, b"PK\x03\x04rubbish", "HN_MOT_KHI.xlsx"), "/")


def test_the_same_table_again_sends_nothing(tmp_path):
    tables, path = Tables(), write(tmp_path, "time,PM2.5,CO\n" + rows(600), "HN_MOT_KHI.csv")
    first, _ = import_(tables, path)
    again, records = import_(tables, path)
    assert (again.files, again.stored, records) == (0, first.files, [])
    assert (again.first, again.last) == (first.first, first.last)


def test_a_table_that_is_named_twice_is_sent_once(tmp_path):
    path = write(tmp_path, "time,PM2.5,CO\n" + rows(600), "HN_MOT_KHI.csv")
    sent, records = import_(Tables(), path, path)
    assert (sent.files, sent.stored, len(records), len(sent.identities)) == (3, 3, 3, 3)


def test_an_import_that_was_killed_is_finished_by_the_next_one(tmp_path):
    path = write(tmp_path, "time,PM2.5,CO\n" + rows(700), "HN_MOT_KHI.csv")
    tables = Tables()
    assert import_(tables, path, fails_after=1)[0] is None
    sent, _ = import_(tables, path)
    assert (sent.files, sent.stored) == (2, 1)
    whole = import_(Tables(), path)[1]
    assert {head.file_id for _, head in tables.files} == {file_id(record.value) for record in whole}
    assert len(tables.files) == 3


def test_rows_that_were_added_at_the_end_send_the_end_only(tmp_path):
    tables = Tables()
    import_(tables, write(tmp_path, "time,PM2.5,CO\n" + rows(600), "HN_MOT_KHI.csv"))
    sent, _ = import_(tables, write(tmp_path, "time,PM2.5,CO\n" + rows(650), "HN_MOT_KHI.csv"))
    assert (sent.files, sent.stored) == (1, 2)


def test_a_column_of_stations_divides_the_rows_and_unknown_ones_are_counted(tmp_path):
    path = write(
        tmp_path,
        "station,time,CO\nMot,2020-01-01,1\nHN_HAI_KHI,2020-01-01,2\nX,2020-01-01,3\nMot,2020-01-02,4\n\n",
    )
    opened = sources(path)
    parts = {f.station: read_part(f.content) for f in opened.files(print)}
    assert {code: part.lines for code, part in parts.items()} == {"HN_MOT_KHI": [2, 5], "HN_HAI_KHI": [3]}
    assert list(opened.unplaced.values()) == [1]
    assert "'X' is no station" in next(iter(opened.unplaced))


def test_a_mapping_says_what_names_and_words_mean(tmp_path):
    said = mapping(
        tmp_path,
        "station: {column: site, codes: {1: HN_MOT_KHI}}\ntime: [year, month, day, hour]\n"
        "zone: Asia/Shanghai\n"
        "columns: {dust: {parameter: PM2.5, unit: mg/m3}, gas: {parameter: CO, words: {low: 1, high: 9}}}\n"
        "ignore: [x]\nmissing: [-200]\n",
    )
    text = "site,year,month,day,hour,dust,gas,x\n1,2020,1,1,8,0.5,LOW,q\n1,2020,1,1,9,-200,-200,q\n"
    (file,) = files_of(write(tmp_path, text), said=said)
    parsed = read_table(file.content, "x", ONE, NOW)
    assert [(r.parameter, r.value, r.text, r.measured_at) for r in parsed.readings] == [
        ("PM2.5", 500.0, "0.5", datetime(2020, 1, 1, tzinfo=UTC)),
        ("CO", 1.0, "LOW", datetime(2020, 1, 1, tzinfo=UTC)),
    ]
    assert parsed.rejects == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("zone: Mars/Base", "zone: 'Mars/Base' is no time zone"),
        ("colums: {}", "unknown key; did you mean 'columns'?"),
        ("columns: {CO: {parameter: CO, unit: mg/m5}}", "columns.CO.*unit"),
        ("columns: {X: NO}", 'write the name in quotes, as "NO"'),
        ("a: [", "mapping.yaml, line 2: not readable as YAML"),
        (
            "columns:\n  X: CO\n  X: NO2\n",
            "mapping.yaml, line 3: 'X' stands twice; only the last one would count",
        ),
    ],
)
def test_a_mistake_in_a_mapping_is_one_sentence(tmp_path, text, why):
    with pytest.raises(UserError, match=why):
        mapping(tmp_path, text)


def test_station_files_go_as_they_are_under_the_station_of_name_or_folder(tmp_path):
    folder = tmp_path / "HN_HAI_KHI" / "2020"
    folder.mkdir(parents=True)
    content = station_file(at=NOW)
    write(folder, content, "20200101.txt")
    write(tmp_path, content, "HN_MOT_KHI_20200101000000.txt")
    write(tmp_path, content, "other_20200101000000.txt")
    write(tmp_path, b"", "x.txt:Zone.Identifier")
    opened = sources(tmp_path)
    files = list(opened.files(print))
    assert [(f.station, f.name, f.folder, f.content == content) for f in files] == [
        ("HN_HAI_KHI", "20200101.txt", "/HN_HAI_KHI/2020", True),
        ("HN_MOT_KHI", "HN_MOT_KHI_20200101000000.txt", "/", True),
    ]
    assert list(opened.unplaced) == ["other_20200101000000.txt: neither name nor folder says the station"]


def test_a_table_without_a_station_is_refused(tmp_path):
    with pytest.raises(UserError, match="give --station CODE"):
        files_of(write(tmp_path, "time,CO\n2020-01-01,1\n"))


def test_tables_are_known_by_their_beginning(tmp_path):
    table = open_file(write(tmp_path, b"\xef\xbb\xbf\r\ntime,CO\r\n2020-01-01,1\r\n\r\n"), "/")
    assert isinstance(table, Table)
    assert (table.header, table.header_line, table.rows) == (b"time,CO", 2, [b"2020-01-01,1"])
    wide = open_file(write(tmp_path, "time\tCO\n2020-01-01\t1\n".encode("utf-16")), "/")
    assert isinstance(wide, Table)
    assert wide.header == b"time\tCO"
    assert isinstance(open_file(write(tmp_path, station_file(at=NOW), "a.txt"), "/"), StationFile)
    with pytest.raises(UserError, match="the file is empty"):
        open_file(write(tmp_path, b"\n \n"), "/")


def test_hidden_files_are_left_out(tmp_path):
    write(tmp_path, "x", ".hidden")
    assert list(find_files([tmp_path])) == []


def test_carbon_monoxide_of_a_national_export_is_read_as_micrograms(tmp_path):
    text = "STT,Datetime,PM-2-5(µg/Nm3},CO(mg/Nm3}\n1,14:00 01/01/2025,27.8,2131.41\n"
    (file,) = files_of(write(tmp_path, text), code="HN_MOT_KHI")
    parsed = read_table(file.content, "x", ONE, NOW)
    assert [(r.parameter, r.value, r.line) for r in parsed.readings] == [
        ("PM2.5", 27.8, 2),
        ("CO", 2131.41, 2),
    ]


def test_a_decimal_comma_of_the_whole_table_holds_in_every_part(tmp_path):
    text = "time;PM2.5;CO\n" + "".join(f"2020-01-01 {n // 60:02}:{n % 60:02};1,013;2\n" for n in range(300))
    files = files_of(write(tmp_path, text + "2020-01-02;7,5;2\n"), code="HN_MOT_KHI")
    assert {r.value for r in read_table(files[0].content, "x", ONE, NOW).readings} == {1.013, 2.0}


def test_readings_further_apart_than_the_registry_says_are_told_with_the_entry_that_is_missing(tmp_path):
    (file,) = files_of(write(tmp_path, "time,PM2.5,CO\n" + rows(20)), code="HN_MOT_KHI")
    parsed = read_table(file.content, "x", ONE, NOW)
    assert "readings are 60 min apart" in describe_interval(ONE, parsed)
    assert "intervals: [{minutes: 60, valid_to: ...}]" in describe_interval(ONE, parsed)
    dated = station("HN_MOT_KHI", parameters=PARAMETERS, intervals=(Interval(seconds=3600, valid_to=NOW),))
    assert describe_interval(dated, parsed) == ""


def test_a_tally_counts_readings_and_rejects_with_an_example(tmp_path):
    (file,) = files_of(write(tmp_path, "time,PM2.5,CO\n2020-01-01,1,2\n2020-01-02,x,3\n"), code="HN_MOT_KHI")
    tally = Tally()
    tally.add("HN_MOT_KHI", read_table(file.content, "data.csv", ONE, NOW))
    assert list(describe_tally(tally)) == [
        "  HN_MOT_KHI  CO: 2 readings, 2020-01-01T00:00:00+07:00 to 2020-01-02T00:00:00+07:00",
        "  HN_MOT_KHI  PM2.5: 1 readings, 2020-01-01T00:00:00+07:00 to 2020-01-01T00:00:00+07:00",
        "  HN_MOT_KHI  1 rejected, value-not-a-number; such as data.csv, line 3: PM2.5: 'x' is no number.",
    ]


def test_times_of_receipt_rise_and_are_none_that_a_door_gave(tmp_path):
    tables = Tables()
    now = [NOW.timestamp()]
    receipts = Receipts(tables, lambda: now[0])
    first = receipts.next("HN_MOT_KHI")
    assert (NOW - first).total_seconds() == 10
    taken = type("Head", (), {"file_id": "f", "received_at": first.replace(microsecond=1000)})()
    tables.files.append(("HN_MOT_KHI", taken))
    now[0] += 0.0001
    fresh = Receipts(tables, lambda: now[0])
    assert fresh.next("HN_MOT_KHI") == first
    assert fresh.next("HN_MOT_KHI") == first.replace(microsecond=2000)
