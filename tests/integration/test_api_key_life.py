"""The life of a key: made and revoked by the command, obeyed by an API that runs meanwhile."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from click.testing import CliRunner

from quantrac.cli.keys import keys
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.settings import ClickHouseSettings, HttpSettings, kafka_environment
from quantrac.local.ports import free_port
from services.api.config import ApiSettings
from services.api.wiring import Serve
from support.waiting import LIMIT, wait_until


@pytest.fixture(autouse=True)
def registry_topic(
    kafka: KafkaConnection, prefix: str, topics: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    topics("station-registry", partitions=1, config={"cleanup.policy": "compact"})
    for name, value in kafka_environment(kafka).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QUANTRAC_TOPIC_PREFIX", prefix)


@pytest.fixture
def api(kafka: KafkaConnection, prefix: str, clickhouse: ClickHouseSettings) -> Iterator[httpx.Client]:
    settings = ApiSettings(topic_prefix=prefix, api_port=free_port())
    role, stop = Serve(settings, clickhouse, HttpSettings()), threading.Event()
    thread = threading.Thread(target=role.run, args=(stop,))
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=LIMIT) as client:
        wait_until(lambda: role.health().ready)
        yield client
    stop.set()
    thread.join(timeout=LIMIT)
    assert not thread.is_alive()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(keys, list(arguments))
    return result.exit_code, result.output


def test_a_key_opens_the_api_until_it_is_revoked(api: httpx.Client) -> None:
    code, output = run("create", "--owner", "Sở TNMT", "--province", "01", "--valid-to", "2099-01-01")
    token = output.splitlines()[0]
    key_id = token.split("_")[1]
    assert code == 0

    def status() -> int:
        return api.get("/v1/stations", headers={"X-Api-Key": token}).status_code

    wait_until(lambda: status() == 200)
    code, output = run("list")
    assert (code, output.split()) == (0, [key_id, "01", "2099-01-01T00:00:00+07:00", "Sở", "TNMT"])
    assert run("revoke", key_id) == (0, f"revoked key {key_id} of Sở TNMT\n")
    wait_until(lambda: status() == 401)
    assert run("list") == (0, "")


def test_what_cannot_be_done_is_said_in_one_sentence() -> None:
    assert run("revoke", "nosuchkey") == (
        1,
        "quantrac: there is no key 'nosuchkey'; `quantrac keys list` shows them\n",
    )
    code, output = run("create", "--owner", "a", "--province", "Atlantis")
    assert code == 2
    assert "Error: Invalid value for '--province': 'Atlantis' is no province of today" in output
