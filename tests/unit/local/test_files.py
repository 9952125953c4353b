import hashlib
import json
import os
from datetime import UTC, datetime

import psutil
import pytest

from quantrac.cli.status import _text as status_text
from quantrac.local import jars
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.jars import Jar, ensure_jars, read_lock
from quantrac.local.stack import Stack
from quantrac.local.state import Phase, ProcessState, StackState, read_state, write_state
from quantrac.local.status import _phase as phase_of
from quantrac.local.status import _process as shown_process

LIB = Jar("org.example:lib:1.0", hashlib.sha256(b"whole").hexdigest())


def stack(created: float) -> StackState:
    ready = ProcessState("broker", Phase.READY, 4711, 2, datetime(2026, 3, 25, 0, 5, tzinfo=UTC))
    return StackState(os.getpid(), created, (ready, ProcessState("api")), {"api": "http://127.0.0.1:8000"})


def test_the_lock_file_names_the_broker_and_its_client_in_one_version():
    locked = {jar.name: jar for jar in read_lock()}
    assert len(locked) == 46
    assert locked["kafka_2.13-4.2.0.jar"].coordinate == "org.apache.kafka:kafka_2.13:4.2.0"
    assert "kafka-clients-4.2.0.jar" in locked
    assert all(len(jar.sha256) == 64 for jar in locked.values())


def test_jars_in_place_need_no_network(tmp_path):
    (tmp_path / "lib-1.0.jar").write_bytes(b"whole")
    assert ensure_jars(tmp_path, (LIB,)) == (tmp_path / "lib-1.0.jar",)


def test_a_wrong_jar_is_refused_by_name(tmp_path):
    (tmp_path / "lib-1.0.jar").write_bytes(b"changed")
    with pytest.raises(LocalError, match=r"lib-1\.0\.jar is not the lib-1\.0\.jar of kafka-4\.2\.0\.lock"):
        ensure_jars(tmp_path, (LIB,))


def test_only_the_missing_jar_is_fetched(tmp_path, monkeypatch):
    def download(jar, repository):
        path = repository / jar.name
        path.write_bytes(b"whole")
        return path

    monkeypatch.setattr(jars, "_download", download)
    other = Jar("org.example:other:2.0", hashlib.sha256(b"other").hexdigest())
    (tmp_path / other.name).write_bytes(b"other")
    ensure_jars(tmp_path, (other, LIB))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lib-1.0.jar", "other-2.0.jar"]
    assert (tmp_path / "lib-1.0.jar").read_bytes() == b"whole"


def test_a_download_that_differs_never_reaches_the_cache(tmp_path, monkeypatch):
    def download(jar, repository):
        path = repository / jar.name
        path.write_bytes(b"who")
        return path

    monkeypatch.setattr(jars, "_download", download)
    with pytest.raises(LocalError, match=r"lib-1\.0\.jar"):
        ensure_jars(tmp_path, (LIB,))
    assert list(tmp_path.iterdir()) == []


def test_the_cache_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jars.cache_folder() == tmp_path / "quantrac" / "kafka-4.2.0"


def test_a_state_is_read_as_it_was_written(tmp_path):
    written = stack(created=1.5)
    write_state(tmp_path / "state.json", written)
    assert read_state(tmp_path / "state.json") == written
    assert json.loads((tmp_path / "state.json").read_text())["processes"][0] == {
        "name": "broker",
        "phase": "ready",
        "pid": 4711,
        "restarts": 2,
        "started_at": "2026-03-25T00:05:00+00:00",
        "reason": "",
    }


def test_a_folder_without_a_state_has_none(tmp_path):
    assert DataDir(tmp_path).read_state() is None


def test_the_state_of_a_dead_supervisor_does_not_count(tmp_path):
    data = DataDir(tmp_path)
    data.create()
    mine = psutil.Process().create_time()
    write_state(data.state_file, stack(created=mine))
    assert data.read_state() == stack(created=mine)
    write_state(data.state_file, stack(created=mine - 3600))  # the pid is mine, its start is not
    assert data.read_state() is None


def test_the_status_shows_under_a_process_why_it_is_not_ready():
    stalled = ProcessState("sink", Phase.UNREADY, None, 0, None, "no progress for 61 s on a batch of 25")
    found = {
        "state": phase_of(StackState(1, 0, (stalled,))),
        "processes": [shown_process(stalled)],
        "urls": {},
        "lag": {},
        "demo": False,
    }
    lines = status_text(found).splitlines()
    assert (lines[0], lines[3]) == ("unready", "  no progress for 61 s on a batch of 25")
    assert found["processes"][0]["reason"] == "no progress for 61 s on a batch of 25"
    assert phase_of(StackState(1, 0, (stalled, ProcessState("api")))) == "starting"


def test_a_stack_is_ready_when_every_process_is():
    assert not stack(0).is_ready
    assert StackState(1, 0, (ProcessState("broker", Phase.READY),)).is_ready


def test_a_secret_is_made_once_and_private(tmp_path):
    data = DataDir(tmp_path)
    password = data.secret("clickhouse")
    assert len(password) == 32
    assert data.secret("api") != password
    assert DataDir(tmp_path).secret("clickhouse") == password
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_second_lock_is_refused_with_the_holders_pid(tmp_path):
    with DataDir(tmp_path).lock(), pytest.raises(LocalError, match=f"in use by process {os.getpid()};"):
        DataDir(tmp_path).lock().__enter__()


def test_a_released_lock_can_be_taken_again(tmp_path):
    for _ in range(2):
        with DataDir(tmp_path).lock():
            assert (tmp_path / "run" / "lock").read_text() == str(os.getpid())


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match=r"^The data folder .*file cannot be made: Not a directory\.$"):
        DataDir(tmp_path / "file").create()


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_data_folder_lets_in_its_owner_only_also_one_made_before(tmp_path):
    DataDir(tmp_path / "new").create()
    assert mode(tmp_path / "new") == 0o700

    old = tmp_path / "old"
    old.mkdir()
    old.chmod(0o777)
    DataDir(old).create()
    assert mode(old) == 0o700


def test_a_data_folder_that_another_version_filled_is_refused_with_one_sentence(tmp_path):
    data = DataDir(tmp_path)
    data.create()
    data.secret("clickhouse")
    data.create()  # by the same version again
    (tmp_path / "layout").unlink()  # the first versions wrote none
    with pytest.raises(
        LocalError, match=r"has layout 1 and this version reads layout \d+: start with a new folder"
    ):
        data.create()
    (tmp_path / "layout").write_text("999\n")
    with pytest.raises(LocalError, match="has layout 999"):
        data.create()


def test_the_data_folder_of_another_user_is_neither_used_nor_believed(tmp_path, monkeypatch):
    DataDir(tmp_path).create()
    tmp_path.chmod(0o755)
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    data = DataDir(tmp_path)
    refusal = r"^The data folder .* belongs to another user; give another folder\.$"
    for use in (data.create, data.read_state, lambda: data.secret("kafka"), lambda: Stack.read(data)):
        with pytest.raises(LocalError, match=refusal):
            use()
    assert mode(tmp_path) == 0o755
    assert not (tmp_path / "secrets.json").exists()
