"""Simulated loggers and the sending commands against a real FTP server."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli.put import put
from quantrac.cli.simulate import simulate
from quantrac.local.demo import account_name, demo_stations
from quantrac.local.ports import free_port
from quantrac.local.simulator import FtpSender, NotAcknowledged
from quantrac.local.simulator.backlog import Backlog
from quantrac.local.simulator.data_logger import DataLogger
from quantrac.local.simulator.fleet import Fleet, Schedule
from support.waiting import LIMIT, wait_until

pytestmark = [
    # pyftpdlib stands on asyncore, which Python 3.11 still has and calls deprecated.
    pytest.mark.filterwarnings("ignore:The asyn(core|chat) module is deprecated:DeprecationWarning"),
]

SEVEN = datetime(2026, 3, 25, tzinfo=UTC)
"""07:00 at the stations."""
FIVE = timedelta(minutes=5)
STATION = demo_stations()[0].to_domain()
ACCOUNT, PASSWORD = "hn-demo-khi001", "right"


class FtpServer:
    """pyftpdlib in a thread; every account is that of one folder, so that all uploads meet there."""

    def __init__(self, root: Path, port: int) -> None:
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import DTPHandler, FTPHandler
        from pyftpdlib.servers import FTPServer

        server = self
        self.received: list[str] = []
        self.refusal = ""
        """Instead of 226, once the bytes have arrived."""

        class Data(DTPHandler):  # type: ignore[misc]
            def close(self) -> None:
                if not self._closed:
                    self.cmd_channel.refusal = server.refusal
                    if server.refusal:
                        self._resp = (server.refusal, lambda _: None)
                super().close()

        class Control(FTPHandler):  # type: ignore[misc]
            dtp_handler = Data
            authorizer = DummyAuthorizer()
            auth_failed_timeout = 0

            def on_file_received(self, file: str) -> None:
                if not self.refusal:
                    server.received.append(Path(file).relative_to(root).as_posix())

        root.mkdir(exist_ok=True)
        for station in demo_stations():
            Control.authorizer.add_user(account_name(station.code), PASSWORD, str(root), perm="elmw")
        self._server = FTPServer(("127.0.0.1", port), Control)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._server.serve_forever(timeout=0.02, blocking=False)
        self._server.close_all()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


Start = Callable[[], FtpServer]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def start(root: Path, port: int) -> Iterator[Start]:
    """Start the server, as often as the test wants; it always has the same port and folder."""
    servers: list[FtpServer] = []

    def start_one() -> FtpServer:
        servers.append(FtpServer(root, port))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture
def logger(tmp_path: Path, port: int) -> DataLogger:
    connect = partial(FtpSender, "127.0.0.1", port, ACCOUNT, PASSWORD, timeout_s=LIMIT)
    return DataLogger(STATION, 1, Backlog(tmp_path / "backlog"), connect, threading.Event())


def names(*minutes: int) -> list[str]:
    times = (SEVEN + timedelta(hours=7, minutes=minute) for minute in minutes)
    return [f"{STATION.code}_{time:%Y%m%d%H%M%S}.txt" for time in times]


def test_a_backlog_survives_a_server_that_is_away(logger: DataLogger, start: Start, root: Path) -> None:
    for number in range(5):
        logger.cycle(SEVEN + number * FIVE)
    assert logger.backlog.names() == names(0, 5, 10, 15, 20)

    server = start()
    logger.cycle(SEVEN + 5 * FIVE)
    wait_until(lambda: len(server.received) == 4)
    assert server.received == [f"2026/03/25/{name}" for name in names(25, 0, 5, 10)]
    assert logger.backlog.names() == names(15, 20)
    assert (root / server.received[0]).read_bytes().startswith(b"NO\t")

    server.stop()
    logger.cycle(SEVEN + 6 * FIVE)
    assert logger.backlog.names() == names(15, 20, 30)


def test_nothing_is_removed_before_the_226(logger: DataLogger, start: Start) -> None:
    server = start()
    server.refusal = "451 No space left in the spool."
    logger.cycle(SEVEN)
    assert logger.backlog.names() == names(0)
    server.refusal = ""
    logger.cycle(SEVEN + FIVE)
    assert logger.backlog.names() == []
    wait_until(lambda: len(server.received) == 2)
    assert server.received == [f"2026/03/25/{name}" for name in names(5, 0)]


def test_an_answer_other_than_226_is_no_acknowledgement(start: Start, port: int) -> None:
    start().refusal = "250 Will look at it later."
    with (
        FtpSender("127.0.0.1", port, ACCOUNT, PASSWORD) as sender,
        pytest.raises(NotAcknowledged, match="250 Will look at it later"),
    ):
        sender.send("2026/03/25", "X_20260325000000.txt", b"x")


@pytest.mark.parametrize(
    ("password", "name", "problem"),
    [
        ("wrong", "X.txt", "530 "),
        (PASSWORD, "X\n.txt", "illegal newline"),
        (PASSWORD, "no/such/X.txt", "550 "),
    ],
)
def test_every_failure_is_one_kind_of_exception(
    start: Start, port: int, password: str, name: str, problem: str
) -> None:
    start()
    with (
        FtpSender("127.0.0.1", port, ACCOUNT, password) as sender,
        pytest.raises(NotAcknowledged, match=problem),
    ):
        sender.send("", name, b"x")


def test_one_connection_serves_files_of_several_days(start: Start, port: int) -> None:
    server = start()
    with FtpSender("127.0.0.1", port, ACCOUNT, PASSWORD) as sender:
        for folder in ("2026/03/25", "2026/03/25", "2026/03/26", ""):
            assert sender.send(folder, "X.txt", b"x").startswith("226")
        wait_until(lambda: len(server.received) == 4)
    assert server.received == ["2026/03/25/X.txt", "2026/03/25/X.txt", "2026/03/26/X.txt", "X.txt"]


@pytest.fixture
def fleet(tmp_path: Path, port: int) -> Iterator[threading.Thread]:
    """Not started: three stations at 07:02:30, a file a second; no line is silent at that hour."""
    stop, started = threading.Event(), datetime.now(UTC)
    connect = partial(FtpSender, "127.0.0.1", port, ACCOUNT, PASSWORD)
    loggers = [
        DataLogger(record.to_domain(), 1, Backlog(tmp_path / "backlog" / record.code), connect, stop)
        for record in demo_stations()[:3]
    ]
    now = SEVEN + timedelta(minutes=2.5)
    fleet = Fleet(loggers, Schedule(every_s=1), stop, lambda: now + (datetime.now(UTC) - started))
    thread = threading.Thread(target=fleet.run)
    yield thread
    stop.set()
    thread.join()


def received_of(server: FtpServer, at_least: int) -> list[str]:
    """Times of the first files of one station, once it has sent so many."""

    def times() -> list[str]:
        return [file[-10:-4] for file in server.received if STATION.code in file]

    wait_until(lambda: len(times()) >= at_least)
    return times()[:at_least]


LAST_HOUR = [f"06{minute:02}00" for minute in range(5, 60, 5)]


def test_a_fleet_sends_the_last_hour_at_once_and_goes_on(fleet: threading.Thread, start: Start) -> None:
    server = start()
    fleet.start()
    assert received_of(server, 13) == ["070000", *LAST_HOUR, "070231"]


def test_a_fleet_whose_server_comes_late_sends_all_that_waited(
    fleet: threading.Thread, start: Start, tmp_path: Path
) -> None:
    fleet.start()
    wait_until((tmp_path / "backlog" / STATION.code / f"{STATION.code}_20260325070231.txt").exists)
    times = received_of(start(), 13)
    assert times[0] >= "070232"
    assert times[1:] == [*LAST_HOUR, "070000"]


def test_the_process_works_with_the_demo_registry_and_stops_at_once(
    tmp_path: Path, start: Start, port: int
) -> None:
    server = start()
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({account_name(station.code): PASSWORD for station in demo_stations()}))
    options = [
        "--ftp",
        f"127.0.0.1:{port}",
        "--passwords",
        str(passwords),
        "--backlog",
        str(tmp_path / "backlog"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "quantrac.local.simulator", *options, "--history", "0"], stderr=subprocess.PIPE
    )
    try:
        # A line may be silent at this hour of the day, not that of most.
        wait_until(lambda: len(server.received) >= 12)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=LIMIT)
    assert (process.returncode, errors) == (0, b"")
    assert {Path(file).name.partition("_2")[0] for file in server.received} <= {
        station.code for station in demo_stations()
    }


# The simulator, whose connections wait for an answer for longer than a test does.
PATIENT = f"""
from quantrac.local.simulator.__main__ import main
from quantrac.local.simulator.ftp_sender import FtpSender
FtpSender.__init__.__defaults__ = ({2 * LIMIT},)
main()
"""


def test_the_process_stops_at_once_though_its_server_does_not_answer(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({account_name(station.code): PASSWORD for station in demo_stations()}))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        options = ["--ftp", f"127.0.0.1:{mute.getsockname()[1]}", "--passwords", str(passwords)]
        command = [
            sys.executable,
            "-c",
            PATIENT,
            *options,
            "--backlog",
            str(tmp_path / "b"),
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        connection, _ = mute.accept()
        process.terminate()
        _, errors = process.communicate(timeout=LIMIT)
        connection.close()
    assert (process.returncode, errors) == (0, b"")


def test_a_fleet_without_a_password_says_whose(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.json"
    passwords.write_text("{}")
    options = ["--ftp", "127.0.0.1:1", "--passwords", str(passwords), "--backlog", str(tmp_path / "backlog")]
    result = subprocess.run(
        [sys.executable, "-m", "quantrac.local.simulator", *options],
        capture_output=True,
        check=False,
        text=True,
    )
    assert result.returncode == 1
    assert result.stderr == "simulator: no password for account 'hn-demo-khi001'\n"


@pytest.fixture
def environment(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "QUANTRAC_FTP", f"127.0.0.1:{port}")
    monkeypatch.setitem(os.environ, "QUANTRAC_ACCOUNT", ACCOUNT)
    monkeypatch.setitem(os.environ, "QUANTRAC_PASSWORD", PASSWORD)


@pytest.mark.usefixtures("environment")
def test_put_prints_the_answer_for_each_file(tmp_path: Path, start: Start, root: Path) -> None:
    start()
    file, other = tmp_path / "HN_X_20260325000500.txt", tmp_path / "01_06_2023 00_06.lsi"
    file.write_bytes(b"NO\t3.55\t\t20260325000500\t00\r\n")
    other.write_bytes(b"")
    result = CliRunner().invoke(put, [str(file), str(other)])
    assert result.output == (
        "HN_X_20260325000500.txt: 226 Transfer complete.\n01_06_2023 00_06.lsi: 226 Transfer complete.\n"
    )
    assert result.exit_code == 0
    assert (root / "2026/03/25/HN_X_20260325000500.txt").read_bytes() == file.read_bytes()
    assert (root / "01_06_2023 00_06.lsi").read_bytes() == b""


@pytest.mark.usefixtures("environment")
def test_put_ends_with_1_when_a_file_is_not_acknowledged(tmp_path: Path, start: Start) -> None:
    start().refusal = "451 No space left in the spool."
    file = tmp_path / "HN_X_20260325000500.txt"
    file.write_bytes(b"x")
    result = CliRunner().invoke(put, [str(file), "--folder", "2026-03-25"])
    assert result.output == "HN_X_20260325000500.txt: not acknowledged: 451 No space left in the spool.\n"
    assert result.exit_code == 1


@pytest.mark.usefixtures("environment")
def test_simulate_replays_a_csv_as_a_stations_files(tmp_path: Path, start: Start, root: Path) -> None:
    server = start()
    table = tmp_path / "series.csv"
    table.write_text(
        "time,PM2.5,TEMP\n2026-03-25T00:00,4.10,NA\n2026-03-25T01:00,NA,23.5\n2026-03-26T00:00,7,8\n"
    )
    options = ["--csv", str(table), "--station", "HN_X", "--map", "TEMP=Temp:oC", "--to", "2026-03-26"]
    result = CliRunner().invoke(simulate, options)
    hint = "readings older than 60 days are suspect by `age`; `quantrac import` takes history\n"
    assert (result.exit_code, result.output) == (0, f"2 files acknowledged\n{hint}")
    wait_until(lambda: len(server.received) == 2)
    assert [(root / file).read_bytes() for file in server.received] == [
        b"PM2.5\t4.10\t\t20260325000000\t00\r\n",
        b"Temp\t23.5\toC\t20260325010000\t00\r\n",
    ]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--map", "TEMP"], "'TEMP' is not COLUMN=PARAMETER:UNIT"),
        (["--map", "T=Temp"], "series.csv: no column 'T'"),
        (["--ftp", "localhost:ftp"], "'localhost:ftp' is not HOST:PORT"),
    ],
)
def test_simulate_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, options: list[str], problem: str
) -> None:
    table = tmp_path / "series.csv"
    table.write_text("time,PM2.5\n2026-03-25T00:00,4.10\n")
    result = CliRunner().invoke(simulate, ["--csv", str(table), "--station", "HN_X", *options])
    assert result.exit_code in (1, 2)
    assert problem in result.output
