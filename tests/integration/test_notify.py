"""The notifier over the real engine, a real mail server and a real webhook receiver."""

import json
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from quantrac.io.clickhouse import ClickHouse, ClickHouseAway
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.io.threads import run_threads
from schemas.messages.alerts import Alert
from services.aggregator.notify.adapters.channels import open_channel
from services.aggregator.notify.config import Target
from services.aggregator.notify.handler import Notifier
from services.aggregator.notify.messages import trial
from services.aggregator.notify.tables import ClickHouseNotifications, Entry
from services.aggregator.notify.target import TargetAway, TargetRefused
from support.notify import EVENING, SECRET, Clock, Tables, alert, notifier, target
from support.receivers import Hook, Mailbox, mail_server, webhook_receiver
from support.tls import Pair
from support.waiting import LIMIT, wait_until

GOING_ON = threading.Event()
ENVIRONMENT = {"HOOK": SECRET, "MAIL": "mail-password"}
NOTICE = trial("duty", "en", EVENING)


@pytest.fixture
def database(clickhouse: ClickHouseSettings) -> ClickHouse:
    """The module's database, without alerts."""
    found = ClickHouse(clickhouse)
    for table in ("alerts", "notifications"):
        found.command(f"TRUNCATE TABLE {table}")
    return found


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def server_side(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def store(database: ClickHouse, *alerts: Alert) -> None:
    rows = [each.model_dump() for each in alerts]
    for row in rows:
        row["parameter"] = row["parameter"] or ""
        row["facts"] = {name: str(fact) for name, fact in row["facts"].items()}
    database.insert("alerts", {name: [row[name] for row in rows] for name in rows[0]})


def ledger(database: ClickHouse, name: str = "duty") -> dict[str, tuple[str, str]]:
    """Return ``number/version`` -> (outcome, detail)."""
    rows = database.query(
        "SELECT alert_id, version, outcome, detail FROM notifications FINAL WHERE target = {name:String}",
        {"name": name},
    ).rows
    return {f"{id_.split('/')[-1]}/{version}": (outcome, detail) for id_, version, outcome, detail in rows}


def by_mail(port: int, **given: Any) -> Target:
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "from": "quantrac@example.org"}
    return target(webhook=None, smtp=smtp | {"to": ["duty@example.org", "office@example.org"]} | given)


def by_hook(hook: Hook, **given: Any) -> Target:
    return target(webhook={"url": hook.url, "secret_env": "HOOK"} | given)


def telling(database: ClickHouse, to: Target, clock: Clock) -> Notifier:
    return notifier(ClickHouseNotifications(database), open_channel(to, ENVIRONMENT), clock, to)


def try_it(to: Target) -> str:
    channel = open_channel(to, ENVIRONMENT)
    try:
        return channel.send(NOTICE)
    finally:
        channel.close()


def test_an_alert_comes_by_webhook_with_a_signature_that_holds(database: ClickHouse, hook: Hook) -> None:
    store(database, alert(parameter="PM2.5"))
    at_work = telling(database, by_hook(hook), Clock())
    at_work.send_due(GOING_ON)
    at_work.send_due(GOING_ON)
    ((headers, body),) = hook.got
    assert headers["webhook-id"] == "station-silent/HN_BKHN_KHIKXQ/1/1"
    data = json.loads(body)["data"]
    assert (data["alert_id"], data["parameter"]) == ("station-silent/HN_BKHN_KHIKXQ/1", "PM2.5")
    assert data["facts"]["interval_minutes"] == "5.0"
    assert ledger(database) == {"1/1": ("sent", "")}


def test_a_closing_by_mail_answers_the_mail_of_its_opening(database: ClickHouse, mailbox: Mailbox) -> None:
    to, clock = by_mail(mailbox.port), Clock()
    store(database, alert())
    telling(database, to, clock).send_due(GOING_ON)
    store(database, alert(state="updated", version=2))
    telling(database, to, clock).send_due(GOING_ON)
    clock.now += timedelta(minutes=5)
    store(database, alert(state="closed", version=3))
    telling(database, to, clock).send_due(GOING_ON)
    (to_whom, opening), (_, closing) = mailbox.taken
    assert to_whom == ["duty@example.org", "office@example.org"]
    assert closing["In-Reply-To"] == opening["Message-ID"]
    assert "closed" in closing["Subject"]
    assert ledger(database) == {"1/1": ("sent", ""), "1/2": ("skipped", ""), "1/3": ("sent", "")}


def test_a_death_between_the_answer_and_the_ledger_sends_the_same_id_again(
    database: ClickHouse, hook: Hook
) -> None:
    class Dying(ClickHouseNotifications):
        def note(self, target: str, entries: Any) -> None:
            raise ClickHouseAway("killed")

    store(database, alert())
    to = by_hook(hook)
    with pytest.raises(ClickHouseAway):
        notifier(Dying(database), open_channel(to, ENVIRONMENT), Clock(), to).send_due(GOING_ON)
    telling(database, to, Clock(EVENING + timedelta(seconds=9))).send_due(GOING_ON)
    assert [headers["webhook-id"] for headers, _ in hook.got] == ["station-silent/HN_BKHN_KHIKXQ/1/1"] * 2
    assert ledger(database) == {"1/1": ("sent", "")}


def test_the_limit_holds_over_a_restart(database: ClickHouse, hook: Hook) -> None:
    to, clock = by_hook(hook).model_copy(update={"per_hour": 2}), Clock()
    store(database, *(alert(n) for n in range(1, 5)))
    telling(database, to, clock).send_due(GOING_ON)
    store(database, alert(5))
    clock.now += timedelta(minutes=59)
    telling(database, to, clock).send_due(GOING_ON)
    assert [json.loads(body)["type"] for _, body in hook.got] == ["alert.opened", "alert.digest"]
    clock.now += timedelta(minutes=2)
    telling(database, to, clock).send_due(GOING_ON)
    assert len(hook.got) == 3
    assert sorted(outcome for outcome, _ in ledger(database).values()) == ["digest"] * 3 + ["sent"] * 2


def test_a_refusal_is_noted_and_an_absence_is_not(database: ClickHouse, hook: Hook) -> None:
    store(database, alert())
    to = by_hook(hook)
    hook.status, hook.text = 503, "later"
    with pytest.raises(TargetAway, match="503: later"):
        telling(database, to, Clock()).send_due(GOING_ON)
    assert ledger(database) == {}
    hook.status, hook.text = 410, "gone for good"
    telling(database, to, Clock()).send_due(GOING_ON)
    telling(database, to, Clock()).send_due(GOING_ON)
    assert ledger(database) == {"1/1": ("refused", "410: gone for good")}
    assert len(hook.got) == 2


def test_the_statements_find_what_a_recount_in_memory_finds(database: ClickHouse) -> None:
    chosen = random.Random(7)
    memory, real = Tables(), ClickHouseNotifications(database)
    states: list[Alert] = []
    rows: dict[str, list[Entry]] = {"duty": [], "office": []}
    kinds, severities = ("station-silent", "warning-level"), ("info", "warning", "critical")
    for number in range(1, 200):
        given = {"kind": chosen.choice(kinds), "station": chosen.choice(("HN_A", "HN_B"))}
        for version in range(1, chosen.randint(2, 5)):
            each = alert(
                number,
                chosen.choice(("opened", "updated", "closed")),
                version,
                severity=chosen.choice(severities),
                changed_at=EVENING + timedelta(minutes=chosen.randint(-600, 0), milliseconds=number),
                **given,
            )
            memory.put(each)
            states.append(each)
            if chosen.random() < 0.5:
                outcome = chosen.choice(("sent", "digest", "skipped", "refused"))
                at = EVENING - timedelta(seconds=chosen.randint(0, 7200))
                row = Entry(each.alert_id, version, each.severity, outcome, "", at)
                name = chosen.choice(sorted(rows))
                memory.note(name, [row])
                rows[name].append(row)
    store(database, *states)
    for name, entries in rows.items():
        real.note(name, entries)
    for given in ({}, {"least": "critical"}, {"kinds": ["warning-level"]}, {"name": "office"}):
        to = target(**given)
        for stations in (None, ["HN_B"], []):
            for since in (EVENING - timedelta(hours=5), EVENING - timedelta(days=1)):
                wanted = {p.alert.alert_id: p for p in memory.pending(to, stations, since)}
                found = {p.alert.alert_id: p for p in real.pending(to, stations, since)}
                assert {
                    key: (p.alert.version, p.severity_rank, p.first_version) for key, p in found.items()
                } == {key: (p.alert.version, p.severity_rank, p.first_version) for key, p in wanted.items()}
                assert bool(found) is (stations != [])
        for after in (EVENING - timedelta(hours=1), EVENING - timedelta(minutes=1, milliseconds=500)):
            assert real.count_sent(to.name, after) == memory.count_sent(to.name, after)


def test_a_target_that_never_answers_holds_no_other_up(database: ClickHouse, hook: Hook) -> None:
    store(database, alert())
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        stuck = by_mail(port).model_copy(update={"name": "stuck"})
        both = {to.name: telling(database, to, Clock()).run for to in (stuck, by_hook(hook))}
        working = threading.Thread(target=run_threads, args=(both, stop))
        working.start()
        connection, _ = deaf.accept()  # says nothing
        wait_until(lambda: ledger(database) == {"1/1": ("sent", "")})
        stop.set()
        connection.close()
        working.join(timeout=LIMIT)
    assert not working.is_alive()
    assert ledger(database, "stuck") == {}


def test_mail_goes_over_starttls_with_a_login(pair: Pair) -> None:
    with mail_server(starttls=server_side(pair), password="mail-password") as mailbox:
        login = {"security": "starttls", "user": "quantrac", "password_env": "MAIL"}
        assert try_it(by_mail(mailbox.port, ca_file=pair.certificate, **login)) == ""
        assert mailbox.taken[0][1].get_content().splitlines() == NOTICE.text.splitlines()
        with pytest.raises(TargetAway, match="certificate verify failed"):
            try_it(by_mail(mailbox.port, **login))
        assert len(mailbox.taken) == 1


def test_mail_goes_over_tls_from_the_first_byte(pair: Pair) -> None:
    with mail_server(tls=server_side(pair)) as mailbox:
        assert try_it(by_mail(mailbox.port, security="tls", ca_file=pair.certificate)) == ""
        with pytest.raises(TargetAway, match="certificate verify failed"):
            try_it(by_mail(mailbox.port, security="tls"))
        assert len(mailbox.taken) == 1


def test_mail_does_not_fall_back_to_plain_where_there_is_no_starttls(mailbox: Mailbox) -> None:
    with pytest.raises(TargetAway, match="STARTTLS extension not supported"):
        try_it(by_mail(mailbox.port, security="starttls"))
    assert mailbox.taken == []


def test_a_wrong_password_is_tried_again_since_no_notice_was_refused(pair: Pair) -> None:
    with mail_server(starttls=server_side(pair), password="another") as mailbox:
        login = {"security": "starttls", "user": "quantrac", "password_env": "MAIL"}
        with pytest.raises(TargetAway, match="535"):
            try_it(by_mail(mailbox.port, ca_file=pair.certificate, **login))


def test_a_mail_server_that_is_not_there_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TargetAway, match="Connection refused"):
        try_it(by_mail(port))


@pytest.mark.parametrize(
    ("answers", "verdict", "said"),
    [
        ({"DATA": "554 no such thing"}, TargetRefused, "554 no such thing"),
        ({"DATA": "451 later"}, TargetAway, "451 later"),
        (
            {"duty@example.org": "550 who?", "office@example.org": "550 who?"},
            TargetRefused,
            "duty@example.org: 550 who\\?; office@example.org: 550 who\\?",
        ),
        (
            {"duty@example.org": "450 later", "office@example.org": "550 who?"},
            TargetAway,
            "duty@example.org: 450 later; office@example.org: 550 who\\?",
        ),
    ],
)
def test_a_mail_server_refuses_with_5xx_and_puts_off_with_4xx(
    mailbox: Mailbox, answers: dict[str, str], verdict: type[Exception], said: str
) -> None:
    mailbox.answers = answers
    with pytest.raises(verdict, match=said):
        try_it(by_mail(mailbox.port))


def test_a_mail_that_one_of_two_gets_is_taken_and_says_who_does_not(
    database: ClickHouse, mailbox: Mailbox
) -> None:
    mailbox.answers = {"duty@example.org": "550 who?"}
    store(database, alert())
    telling(database, by_mail(mailbox.port), Clock()).send_due(GOING_ON)
    assert mailbox.taken[0][0] == ["office@example.org"]
    assert ledger(database) == {"1/1": ("sent", "duty@example.org: 550 who?")}


def test_a_webhook_may_have_an_authority_of_its_own(pair: Pair) -> None:
    with webhook_receiver(tls=server_side(pair)) as hook:
        assert try_it(by_hook(hook, ca_file=pair.certificate)) == ""
        with pytest.raises(TargetAway, match="certificate verify failed"):
            try_it(by_hook(hook))
        assert len(hook.got) == 1


def run_test_command(folder: Path, targets: list[dict[str, Any]], *more: str) -> Any:
    file = folder / "notify.yaml"
    file.write_text(yaml.safe_dump({"targets": targets}))
    return subprocess.run(
        [sys.executable, "-m", "quantrac.cli", "notify", "test", "--config", str(file), *more],
        env=os.environ | {"HOOK": SECRET},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_the_test_command_tries_each_target_and_prints_its_answer(
    tmp_path: Path, hook: Hook, mailbox: Mailbox
) -> None:
    smtp = {"host": "127.0.0.1", "port": mailbox.port, "security": "none", "from": "q@example.org"}
    targets = [
        {"name": "hook", "webhook": {"url": hook.url, "secret_env": "HOOK"}},
        {"name": "mail", "smtp": smtp | {"to": ["duty@example.org"]}, "language": "vi"},
    ]
    both = run_test_command(tmp_path, targets)
    assert (both.stdout, both.stderr, both.returncode) == ("hook: taken\nmail: taken\n", "", 0)
    assert json.loads(hook.got[0][1])["type"] == "test"
    assert mailbox.taken[0][1]["Subject"] == "Quantrac: Tin nhắn thử"

    hook.status, hook.text = 404, "no such path"
    one = run_test_command(tmp_path, targets, "--target", "hook")
    assert (one.stdout, one.returncode) == ("hook: refused: 404: no such path\n", 1)
    assert len(mailbox.taken) == 1


def test_the_test_command_says_in_one_sentence_what_it_was_not_given(tmp_path: Path) -> None:
    good = {"name": "hook", "webhook": {"url": "http://127.0.0.1:9/", "secret_env": "HOOK"}}
    unknown = run_test_command(tmp_path, [good], "--target", "mail")
    assert unknown.stderr == "quantrac: there is no target 'mail'; the file has hook\n"
    bad = run_test_command(tmp_path, [good | {"webhook": {"url": "http://127.0.0.1:9/"}}])
    assert bad.stderr == "quantrac: notify.yaml: targets[1] hook: webhook.secret_env: Field required\n"
    assert (unknown.returncode, bad.returncode) == (1, 1)


def test_the_role_tells_an_alert_and_is_not_started_without_its_file(
    kafka: KafkaConnection,
    topics: Any,
    prefix: str,
    database: ClickHouse,
    clickhouse: ClickHouseSettings,
    tmp_path: Path,
) -> None:
    topics("station-registry", partitions=1, config={"cleanup.policy": "compact"})
    file = tmp_path / "notify.yaml"
    environment = os.environ | {
        **kafka_environment(kafka),
        "QUANTRAC_TOPIC_PREFIX": prefix,
        "QUANTRAC_NOTIFY_SECONDS": "0.2",
        "HOOK": SECRET,
        **{f"QUANTRAC_CLICKHOUSE_{name.upper()}": str(value) for name, value in clickhouse},
    }
    command = [sys.executable, "-m", "services.aggregator", "notify"]

    def refused() -> str:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        assert ended.returncode == 1
        return ended.stderr

    assert refused() == "bad configuration: QUANTRAC_NOTIFY_CONFIG is not set\n"
    environment["QUANTRAC_NOTIFY_CONFIG"] = str(file)
    file.write_text("targets: [{name: duty}]")
    assert refused() == "bad configuration: notify.yaml: targets[1] duty: give either webhook or smtp\n"
    with webhook_receiver() as hook:
        entry = {"name": "duty", "webhook": {"url": hook.url, "secret_env": "HOOK"}}
        file.write_text(yaml.safe_dump({"targets": [entry]}))
        store(database, alert(changed_at=datetime.now(UTC)))
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                wait_until(lambda: ledger(database) == {"1/1": ("sent", "")})
            finally:
                process.terminate()
                _, log = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, log
        assert len(hook.got) == 1
