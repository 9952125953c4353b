"""Real measurements from a CSV as station files."""

from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest

from quantrac.local.simulator import Column, NotAcknowledged, csv_files
from quantrac.local.simulator.replay import replay
from support.folders import DATA

PRSA = DATA / "beijing_prsa"
time = datetime.fromisoformat
PRSA_HEADER = (
    '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","DEWP","RAIN",'
    '"wd","WSPM","station"\n'
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "series.csv"


def test_numbers_keep_their_text(table: Path) -> None:
    table.write_text("time,PM2.5,CO,Temp\n2026-03-25T00:05:00,4.10,1e3,-0.0\n", encoding="utf-8")
    assert list(csv_files(table, "X")) == [
        (
            "X_20260325000500.txt",
            b"PM2.5\t4.10\t\t20260325000500\t00\r\n"
            b"CO\t1e3\t\t20260325000500\t00\r\n"
            b"Temp\t-0.0\t\t20260325000500\t00\r\n",
        )
    ]


def test_columns_are_renamed_and_given_units_as_mapped(table: Path) -> None:
    table.write_text("datetime;nhiệt độ\n2026-03-25 00:05;23,5\n", encoding="utf-8-sig")
    files = list(csv_files(table, "X", {"nhiệt độ": Column("Temp", "oC")}))
    assert files == [("X_20260325000500.txt", b"Temp\t23,5\toC\t20260325000500\t00\r\n")]


def test_a_missing_value_gives_no_line_and_an_empty_row_no_file(table: Path) -> None:
    table.write_text("time,NO2,O3\n2026-03-25T00:00,NA,7\n2026-03-25T01:00,,NA\n2026-03-25T02:00,5\n")
    assert list(csv_files(table, "X")) == [
        ("X_20260325000000.txt", b"O3\t7\t\t20260325000000\t00\r\n"),
        ("X_20260325020000.txt", b"NO2\t5\t\t20260325020000\t00\r\n"),
    ]


def test_the_beijing_header_gives_hours_and_parameters_but_neither_row_numbers_nor_texts(table: Path) -> None:
    table.write_text(
        PRSA_HEADER + '1,2013,3,1,0,4,4,3,NA,200,82,-2.3,1020.8,-19.7,0,"E",0.5,"Dingling"\n',
        encoding="utf-8",
    )
    ((name, content),) = csv_files(table, "HN_X", {"TEMP": Column("Temp", "oC")})
    assert name == "HN_X_20130301000000.txt"
    assert [line.split("\t")[:3] for line in content.decode().splitlines()] == [
        ["PM2.5", "4", ""],
        ["PM10", "4", ""],
        ["SO2", "3", ""],
        ["CO", "200", ""],
        ["O3", "82", ""],
        ["Temp", "-2.3", "oC"],
        ["PRES", "1020.8", ""],
        ["DEWP", "-19.7", ""],
        ["RAIN", "0", ""],
        ["WSPM", "0.5", ""],
    ]


def test_a_broken_number_is_sent_as_it_stands_and_does_not_hide_its_column(table: Path) -> None:
    table.write_text('time,NO\n2026-03-25T00:00,5\n2026-03-25T01:00,6\n2026-03-25T02:00,"12,4x"\n')
    assert [content.split(b"\t")[1] for _, content in csv_files(table, "X")] == [b"5", b"6", b"12,4x"]


def test_rows_are_sent_in_time_order_between_the_two_ends(table: Path) -> None:
    table.write_text(
        "Datetime,CO\n03:00 25/03/2026,3\n01:00 25/03/2026,1\n02:00 25/03/2026,2\n00:00 25/03/2026,0\n"
    )
    files = csv_files(table, "X", since=time("2026-03-25T01:00+07:00"), until=time("2026-03-25T03:00+07:00"))
    assert [name for name, _ in files] == ["X_20260325010000.txt", "X_20260325020000.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "time,CO\n2026-03-24T24:00,1\n",
        "time,CO\n24:00 24/03/2026,1\n",
        "year,month,day,hour,CO\n2026,3,24,24,1\n",
    ],
)
def test_midnight_may_be_written_as_the_end_of_the_day(table: Path, text: str) -> None:
    table.write_text(text)
    assert [name for name, _ in csv_files(table, "X")] == ["X_20260325000000.txt"]


def test_a_time_with_an_offset_becomes_the_stations_local_time(table: Path) -> None:
    table.write_text("time,CO\n2026-03-25T00:00:00Z,1\n")
    assert [name for name, _ in csv_files(table, "X")] == ["X_20260325070000.txt"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "series.csv: the file is empty"),
        ("when,CO\n1,2\n", "series.csv: line 1: no column of times among"),
        ("time,wind\n2026-03-25T00:00,NE\n", "series.csv: no column holds numbers"),
        ("time,CO\n2026-03-25T00:00,1\nyesterday,2\n", "series.csv: line 3: no readable time"),
        ("year,month,day,hour,CO\n2026,3,25,25,1\n", "series.csv: line 2: no readable time"),
        ("year,month,day,hour,CO\n2026,3,2_5,2,1\n", "series.csv: line 2: no readable time"),
    ],
)
def test_a_csv_that_cannot_be_replayed_says_why(table: Path, text: str, problem: str) -> None:
    table.write_text(text)
    with pytest.raises(ValueError, match=problem):
        csv_files(table, "X")


def test_a_mapped_column_that_does_not_exist_is_named_with_the_nearest(table: Path) -> None:
    table.write_text("time,PM2.5\n2026-03-25T00:00,1\n")
    with pytest.raises(ValueError, match=r"no column 'PM25'; did you mean 'PM2.5'\?"):
        csv_files(table, "X", {"PM25": Column("PM2.5")})


@pytest.mark.skipif(not PRSA.is_dir(), reason="the Beijing multi-site series is not at hand")
def test_four_years_of_beijing_give_their_hours_in_order() -> None:
    files = csv_files(next(PRSA.glob("*Dingling*.csv")), "X", until=time("2013-03-03T00:00+07:00"))
    names = [name for name, _ in islice(files, 100)]
    assert len(names) == 48
    assert [names[0], names[-1]] == ["X_20130301000000.txt", "X_20130302230000.txt"]


class Server:
    """Refuses the first files, then acknowledges."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.received: list[tuple[str, str]] = []

    def send(self, folder: str, name: str, content: bytes) -> str:
        if self.refusals:
            self.refusals -= 1
            raise NotAcknowledged("421 not now")
        self.received.append((folder, name))
        return "226 done"

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exception: object) -> None:
        pass


FILES = [("X_20260325000000.txt", b"1"), ("X_20260325010000.txt", b"2")]


def test_a_replay_waits_for_a_server_that_is_away_and_nothing_overtakes() -> None:
    server, waits = Server(refusals=2), list[float]()
    answers = list(replay(FILES, server, waits_s=(1, 2, 4), sleep=waits.append))
    assert answers == [("X_20260325000000.txt", "226 done"), ("X_20260325010000.txt", "226 done")]
    assert server.received == [("2026/03/25", name) for name, _ in FILES]
    assert waits == [1, 2]


def test_a_replay_ends_when_the_server_stays_away() -> None:
    server = Server(refusals=9)
    with pytest.raises(NotAcknowledged, match="421 not now"):
        list(replay(FILES, server, waits_s=(1, 2), sleep=lambda _: None))
    assert server.received == []
