"""Every process killed once while files flow, some twice and some late: nothing lost, nothing double."""

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from quantrac.io.partitions import Partition
from quantrac.local.simulator import NotAcknowledged
from quantrac.local.state import Phase, ProcessState
from support.running_stack import RunningStack
from support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.chaos

CODES = [f"HN_KILL_KHI{n:03d}" for n in range(4)]
START = datetime(2026, 2, 1, tzinfo=UTC)
LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")


def file_of(code: str, n: int) -> tuple[str, bytes]:
    at = (START + timedelta(minutes=5 * n)).astimezone(LOCAL).strftime("%Y%m%d%H%M%S")
    value = 20 + CODES.index(code) + (n * 7919 % 1000) / 100
    lines = [f"PM2.5\t{value:.2f}\tug/m3\t{at}\t00", f"NO2\t{value + 1:.2f}\tug/m3\t{at}\t00"]
    return f"{code}_{at}.txt", ("\r\n".join(lines) + "\r\n").encode()


class Logger(threading.Thread):
    """Sends its station's files until told to stop: every fifth is held back, every seventh sent twice."""

    def __init__(self, running: RunningStack, code: str, stop: threading.Event) -> None:
        super().__init__(name=code)
        self._running, self._code, self._stop_sending = running, code, stop
        self.acknowledged: set[int] = set()

    def run(self) -> None:
        late: list[int] = []
        n = 0
        while not self._stop_sending.wait(0.05):
            if n % 5 == 0:
                late.append(n)
            else:
                self._send(n)
                if n % 7 == 0:
                    self._send(n)
            n += 1
        random.Random(self._code).shuffle(late)
        for held_back in late:
            self._send(held_back)

    def _send(self, n: int) -> None:
        name, content = file_of(self._code, n)
        for _ in range(120):
            try:
                with self._running.sender(self._code) as sender:
                    sender.send("", name, content)
            except NotAcknowledged:
                self._stop_sending.wait(0.5)
            else:
                self.acknowledged.add(n)
                return
        raise AssertionError(f"{name} was never acknowledged")


def test_every_answered_file_is_there_once_in_readings_averages_and_at_the_ministry(
    running: RunningStack, tmp_path: Path
) -> None:
    running.register(tmp_path, [station_entry(code) for code in CODES])
    stop = threading.Event()
    loggers = [Logger(running, code, stop) for code in CODES]
    for logger in loggers:
        logger.start()
    try:
        for process in running.status()["processes"]:
            if process["name"] != "simulator":
                kill(running, process["name"])
    finally:
        stop.set()
        for logger in loggers:
            logger.join(timeout=LIMIT)
    assert min(len(logger.acknowledged) for logger in loggers) > 50

    wanted = {
        (logger._code, START + timedelta(minutes=5 * n)): file_of(logger._code, n)[1]
        for logger in loggers
        for n in logger.acknowledged
    }
    for tier in ("province", "ministry"):
        wait_until(
            lambda tier=tier: count(running, tier) == 2 * len(wanted), f"all rows at {tier}", every_s=0.5
        )  # type: ignore[misc]
        assert readings(running, tier) == {
            (code, parameter, at): float(line.split("\t")[1])
            for (code, at), content in wanted.items()
            for parameter, line in zip(("PM2.5", "NO2"), content.decode().splitlines(), strict=True)
        }
        wait_until(
            lambda tier=tier: averaged(running, tier) == 2 * len(wanted), f"averages at {tier}", every_s=0.5
        )  # type: ignore[misc]
    assert set(dead_letters(running).values()) <= {0}


def kill(running: RunningStack, name: str) -> None:
    """Kill -9, and wait until the supervisor has it back and ready again."""

    def now() -> ProcessState:
        state = running.stack.data.read_state()
        assert state is not None
        return next(process for process in state.processes if process.name == name)

    before = now()
    psutil.Process(before.pid).kill()
    wait_until(lambda: now().restarts != before.restarts, f"the restart of {name}", every_s=0.5)
    wait_until(lambda: now().phase is Phase.READY, f"{name} ready again", every_s=0.5)


def station_entry(code: str) -> dict[str, object]:
    return {
        "code": code,
        "name": code,
        "type": "ambient-air",
        "province": "01",
        "latitude": 21.0,
        "longitude": 105.8,
        "parameters": [{"code": "PM2.5", "unit": "µg/m3"}, {"code": "NO2", "unit": "µg/m3"}],
    }


def count(running: RunningStack, tier: str) -> int:
    sql = "SELECT count() FROM readings FINAL WHERE station LIKE 'HN_KILL_%'"
    found: int = running.database(tier).query(sql).rows[0][0]
    return found


def readings(running: RunningStack, tier: str) -> dict[tuple[str, str, datetime], float]:
    sql = "SELECT station, parameter, measured_at, value FROM readings FINAL WHERE station LIKE 'HN_KILL_%'"
    return {(s, p, at): value for s, p, at, value in running.database(tier).query(sql).rows}


def averaged(running: RunningStack, tier: str) -> int:
    sql = "SELECT sum(received) FROM averages FINAL WHERE period = 'hour' AND station LIKE 'HN_KILL_%'"
    found: int = running.database(tier).query(sql).rows[0][0]
    return found


def dead_letters(running: RunningStack) -> dict[Partition, int]:
    from quantrac.io.kafka.admin import KafkaAdmin

    admin = KafkaAdmin(running.stack.broker.connection)
    return admin.end_offsets([topic for topic in admin.count_partitions() if topic.endswith(".dlq")])
