"""The role `files` as a process over a real broker, left alone and killed, to a server that keeps files."""

import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.error import URLError

import pytest

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.outbox import Outbox
from quantrac.io.outbox_files import Filter, State
from quantrac.io.records import Record
from quantrac.io.settings import kafka_environment
from quantrac.local.ports import LOOPBACK, free_port
from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from schemas.codecs.sets import encode_flagged_set
from support.file_servers import PASSWORD, plain_ftp, stored
from support.waiting import LIMIT, wait_until

STATIONS = [f"HN_FILES_KHI{number:03d}" for number in range(10)]
STEPS = 20
SEED = 7


def messages(topic: str) -> list[Record]:
    """Return a file of every station and step, each of them corrected once."""
    return [
        Record(
            topic,
            station.encode(),
            encode_flagged_set(
                flagged_set(
                    flagged_reading(float(step), measured_at=at),
                    station=station,
                    received_at=at + timedelta(minutes=minutes),
                    revision=minutes - 1,
                    cause="late" if minutes > 1 else "",
                )
            ),
        )
        for step in range(STEPS)
        for station in STATIONS
        for at in [NOON + timedelta(minutes=5 * step)]
        for minutes in (1, 2)
    ]


def expected() -> dict[str, bytes]:
    return {
        f"{station}/2026/03/25/{station}_20260325{stamp}.txt": line.encode()
        for station in STATIONS
        for step in range(STEPS)
        for stamp in [f"{12 + 5 * step // 60}{5 * step % 60:02d}00"]
        for line in [f"PM2.5\t{step}\tug/m3\t20260325{stamp}\t00\r\n"]
    }


def wait_for_more(folder: Path) -> None:
    """Return once another file has arrived."""
    before = len(stored(folder))
    wait_until(lambda: len(stored(folder)) > before, every_s=0.01)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health/ready", timeout=LIMIT) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError):
        return False


@pytest.mark.parametrize("kills", [0, pytest.param(4, marks=pytest.mark.chaos)])
def test_every_file_arrives_once_under_its_name_however_often_the_role_is_killed(
    kills: int, kafka: KafkaConnection, prefix: str, topics: Callable[..., str], tmp_path: Path
) -> None:
    topics("station-registry", partitions=1, config={"cleanup.policy": "compact"})
    producer = KafkaProducer(kafka)
    producer.produce(messages(topics("qa-flagged")))
    producer.flush()
    dice, health = random.Random(SEED), free_port()
    with plain_ftp(tmp_path / "home") as server:
        environment = os.environ | kafka_environment(kafka)
        environment |= {
            "QUANTRAC_TOPIC_PREFIX": prefix,
            "QUANTRAC_HEALTH_PORT": str(health),
            "QUANTRAC_FILE_TARGET_URL": f"ftp://{LOOPBACK}:{server.port}",
            "QUANTRAC_FILE_TARGET_ACCOUNT": "hanoi",
            "QUANTRAC_FILE_TARGET_PASSWORD": PASSWORD,
            "QUANTRAC_FILE_TARGET_SINCE": "2026-03-25",
            "QUANTRAC_FILE_TARGET_DATA": str(tmp_path / "files"),
        }
        with (tmp_path / "log").open("wb") as log:

            def start() -> subprocess.Popen[bytes]:
                command = [sys.executable, "-m", "services.forwarder", "files"]
                return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

            for _ in range(kills):
                dying = start()
                wait_for_more(server.folder)
                time.sleep(dice.uniform(0, 0.3))
                dying.send_signal(signal.SIGKILL)
                dying.wait()
                if len(stored(server.folder)) >= len(expected()):
                    break
            role = start()
            try:
                wait_until(lambda: is_ready(health), (tmp_path / "log").read_text)
                wait_until(lambda: stored(server.folder) == expected(), (tmp_path / "log").read_text)
                outbox = Outbox(tmp_path / "files" / "outbox.sqlite")
                wait_until(lambda: outbox.counts(Filter())[State.SENT] == len(expected()))
                outbox.close()
            finally:
                role.terminate()
                assert role.wait(LIMIT) == 0
