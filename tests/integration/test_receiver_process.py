"""Both roles as their own processes, over a real broker: what was acknowledged outlives a kill -9."""

import ftplib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from quantrac.io.settings import kafka_environment
from quantrac.local.ports import choose_ports
from quantrac.testing.builders import file_name, station_file
from schemas.codecs.sets import decode_reading_set
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry import record_key
from support.waiting import LIMIT, wait_until

REGISTRY = (
    Station.model_validate(
        {
            "code": "HN_BKHN_KHIKXQ",
            "name": "Bách khoa",
            "type": "ambient-air",
            "province": "01",
            "latitude": 21.0,
            "longitude": 105.8,
            "parameters": [{"code": "PM2.5", "unit": "ug/m3"}],
        }
    ),
    Account(
        name="bkhn",
        password_hash=hash_password("secret", memory_kib=8, passes=1),
        stations=("HN_BKHN_KHIKXQ",),
    ),
)


# An intake that kills itself -9 right before or after one call, the first time it comes to it.
KILLED = """
import os, signal
from pathlib import Path
from quantrac.io.role import main
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.spool import Spool
from services.receiver.wiring import intake

def die(owner, name, before):
    call = getattr(owner, name)
    def dying(*args, **kwargs):
        before or call(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, dying)

die(%s)
main("receiver", {"intake": intake}, ["intake"])
"""
STEPS = {
    "written, not renamed": "Path, 'rename', True",
    "renamed, not answered": "Spool, 'put', False",
    "produced, not entered": "Ledger, 'add', True",
    "entered, not removed": "Spool, 'remove', True",
    "removed": "Spool, 'remove', False",
}


@contextmanager
def running(
    role: str, environment: dict[str, str], code: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, *(["-c", code] if code else ["-m", "services.receiver", role])]
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def connect(port: int) -> ftplib.FTP:
    client = ftplib.FTP()

    def is_open() -> bool:
        nonlocal client
        client = ftplib.FTP(timeout=LIMIT)
        try:
            client.connect("127.0.0.1", port)
            client.login("bkhn", "secret")
        except OSError:
            client.close()
            return False
        return True

    wait_until(is_open, "the intake")
    return client


def read(kafka: KafkaConnection, topic: str, count: int) -> list[Record]:
    consumer = KafkaConsumer(kafka, group=f"{topic}.test", instance="0", topics=[topic])
    records: list[Record] = []

    def are_all_there() -> bool:
        records.extend(consumer.consume(500, 0.2))
        return len({record.value for record in records}) >= count

    wait_until(are_all_there, lambda: f"{len(records)} messages in {topic}, not {count}", every_s=0)
    consumer.close()
    return records


@pytest.fixture
def environment(
    kafka: KafkaConnection, topics: Callable[..., str], prefix: str, tmp_path: Path
) -> dict[str, str]:
    """A deployment of its own: topics, a registry of one station and its account, ports."""
    topics("raw-file"), topics("parsed-reading")
    compacted = {"partitions": 1, "config": {"cleanup.policy": "compact"}}
    registry, _ = topics("station-registry", **compacted), topics("open-question", **compacted)
    producer = KafkaProducer(kafka)
    producer.produce([Record(registry, record_key(r), r.model_dump_json().encode()) for r in REGISTRY])
    producer.flush()
    ports = choose_ports({"ftp": 0, "http": 0})
    return {
        **kafka_environment(kafka),
        "QUANTRAC_TOPIC_PREFIX": prefix,
        "QUANTRAC_SPOOL": str(tmp_path / "spool"),
        "QUANTRAC_FTP_PORT": str(ports["ftp"]),
        "QUANTRAC_HTTP_PORT": str(ports["http"]),
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_of_the_intake_loses_nothing_answered(
    kafka: KafkaConnection, prefix: str, environment: dict[str, str], step: str
) -> None:
    port, content, now = int(environment["QUANTRAC_FTP_PORT"]), station_file(), datetime.now(UTC)
    is_answered = False
    with running("intake", environment, KILLED % STEPS[step]) as intake:
        with closing(connect(port)) as client, suppress(OSError, EOFError):
            # The connection may die with the process.
            is_answered = client.storbinary(f"STOR {file_name(at=now)}", io.BytesIO(content)).startswith(
                "226"
            )
        assert intake.wait(LIMIT) == -signal.SIGKILL
    with running("intake", environment):
        if not is_answered:
            with connect(port) as client:
                client.storbinary(f"STOR {file_name(at=now)}", io.BytesIO(content))
        messages = read(kafka, f"{prefix}raw-file", 1)
    assert {record.value for record in messages} == {content}
    if is_answered:
        assert len({record.headers["received_at"] for record in messages}) == 1, "the same message again"


def test_acknowledged_files_outlive_a_kill_of_the_intake(
    kafka: KafkaConnection, prefix: str, environment: dict[str, str]
) -> None:
    raw, parsed, port = f"{prefix}raw-file", f"{prefix}parsed-reading", int(environment["QUANTRAC_FTP_PORT"])
    now = datetime.now(UTC)
    files = [station_file([("PM2.5", f"{n}.50", "ug/m3", "00")], now) for n in range(40)]
    with running("parse", environment):
        with running("intake", environment) as intake:
            client = connect(port)
            for content in files[:-1]:
                assert client.storbinary(f"STOR {file_name(at=now)}", io.BytesIO(content)).startswith("226")
            assert client.storbinary("STOR last.tmp", io.BytesIO(files[-1])).startswith("226")
            intake.kill()
            client.close()
        with running("intake", environment):
            with connect(port) as client:
                assert client.rename("last.tmp", file_name(at=now)).startswith("250")
            messages = read(kafka, raw, len(files))
            sets = [decode_reading_set(record.value or b"") for record in read(kafka, parsed, len(files))]
    assert {record.value for record in messages} == set(files)
    ids = {(record.headers["file_id"], record.headers["received_at"]) for record in messages}
    assert len(ids) == len(files)
    assert {reading.value for reading_set in sets for reading in reading_set.readings} == {
        n + 0.5 for n in range(40)
    }


def test_an_intake_started_by_hand_keeps_its_spool_private(environment: dict[str, str]) -> None:
    spool, port = Path(environment["QUANTRAC_SPOOL"]), int(environment["QUANTRAC_FTP_PORT"])
    spool.mkdir()
    spool.chmod(0o755)
    sftp = {"QUANTRAC_SFTP_ENABLED": "true", "QUANTRAC_SFTP_PORT": "0"}
    before = os.umask(0o022)
    try:
        with running("intake", environment | sftp), closing(connect(port)) as client:
            assert client.storbinary("STOR parked.tmp", io.BytesIO(station_file())).startswith("226")
            paths = [spool, *spool.rglob("*")]
            modes = {path.name: path.stat().st_mode & 0o777 for path in paths if path.exists()}
    finally:
        os.umask(before)
    assert {"ledger.sqlite", "logins", "logins.key", "ssh_host_ed25519_key", "home"} <= set(modes)
    assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o077}
