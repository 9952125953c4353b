"""A province delivers while processes are killed and the way to its ministry breaks.

The forwarder, the ministry's door and the broker are real processes that die by kill -9 at random times,
alone or two at once, and are started again. Between forwarder and door stands a proxy that drops, repeats and
delays requests and cuts answers off. Sets are written meanwhile, fresh and old, so that both lanes work.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from quantrac.io.jws import KeySet
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.kafka.tables import TopicReader
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from quantrac.io.settings import kafka_environment
from quantrac.local.ports import LOOPBACK, free_port
from quantrac.migrate import missing_topics
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.late_ranges import LateRange
from schemas.messages.registry.accounts import Account
from schemas.registry import record_key
from support.delivery_outcome import Arrivals, Confirmations, Key, Outcome, SentBodies, hash_content, key_of
from support.faulty_proxy import CUT, DROP, REPEAT, FaultyProxy, at_random, delay, faulty_proxy
from support.mortals import MortalBroker, MortalRole
from support.numbered_sets import PROVINCE, NumberedSets
from support.waiting import LIMIT, wait_until

FAULTS, FAULTY_SHARE = (DROP, REPEAT, CUT, delay(0.2), delay(2.0)), 0.05

_HERE, _THERE = "hn.", "mae."
_ACCOUNT, _PASSWORD, _MINISTRY = "hanoi", "only-in-this-test", "mae"

_DEAD_SECONDS = (0.0, 2.0)
# All that the roles use: after a kill a broker looks through the log of every partition.
_TOPICS = {
    *("qa-flagged", "qa-flagged.dlq", "late-range", "late-range.dlq", "delivery-receipt", "alert"),
    *("registry-request", "station-registry", "unapproved-set"),
}
_VICTIMS = (1, 1, 2)
_WRITE_EVERY_SECONDS = 0.2
_MANY = 10_000_000


def run_chaos(
    folder: Path, *, sets: int, stations: int, sets_a_second: float, kills: int, seed: int
) -> Outcome:
    """Deliver so many sets under some ``kills`` times kill -9 and faults, which the seed draws.

    It is over when the ministry has them all and the province their receipts, or when nothing has come for
    :data:`support.waiting.LIMIT` seconds.
    """
    with ExitStack() as stack:
        broker = MortalBroker(folder / "kafka")
        stack.callback(broker.kill)
        port = free_port()
        proxy = stack.enter_context(
            faulty_proxy(f"http://{LOOPBACK}:{port}", at_random(FAULTS, FAULTY_SHARE, seed))
        )
        roles = _roles(folder, broker.connection, door_port=port, ministry_url=proxy.url)
        numbered = NumberedSets(stations, datetime.now(UTC))
        _prepare_topics(broker.connection, numbered)
        writer = _Writer(broker.connection, numbered, sets, sets_a_second)
        chaos = _Chaos(broker, roles, proxy, writer, random.Random(seed), kills)
        with chaos.running():
            chaos.disturb()
            chaos.settle()
            return chaos.judge(f"http://{LOOPBACK}:{port}")


class _Writer(threading.Thread):
    """Writes sets to the province's qa-flagged at a pace; what the broker's absence delays is made up for."""

    def __init__(self, kafka: KafkaConnection, numbered: NumberedSets, sets: int, a_second: float) -> None:
        super().__init__(name="writer", daemon=True)
        self._producer, self._numbered, self._a_second = KafkaProducer(kafka), numbered, a_second
        self.sets = sets
        self.contents: dict[Key, bytes] = {}
        """Hashes of what is written."""

    def run(self) -> None:
        start, number = time.monotonic(), 0
        while number < self.sets:
            due = min(self.sets, round((time.monotonic() - start) * self._a_second))
            self._producer.produce([self._make(n) for n in range(number, due)])
            self._producer.flush()
            number = due
            time.sleep(_WRITE_EVERY_SECONDS)

    def _make(self, number: int) -> Record:
        flagged = self._numbered[number]
        value = encode_flagged_set(flagged)
        self.contents[key_of(flagged)] = hash_content(value)
        headers = {"file_id": flagged.file_id.encode()}
        return Record(f"{_HERE}qa-flagged", flagged.station.encode(), value, headers)


class _Chaos:
    def __init__(
        self,
        broker: MortalBroker,
        roles: dict[str, MortalRole],
        proxy: FaultyProxy,
        writer: _Writer,
        source: random.Random,
        kills: int,
    ) -> None:
        self._broker, self._roles, self._proxy, self._writer = broker, roles, proxy, writer
        self._random, self._kills = source, kills
        self._admin = KafkaAdmin(broker.connection)
        self._arrivals, self._confirmations, self._bodies = Arrivals(), Confirmations(), SentBodies()
        self._outcome = Outcome(writer.sets)
        self._count, self._counted_at = 0, time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run everything, and look at what comes."""
        self._proxy.observe = self._bodies.add
        kafka = self._broker.connection
        readers = [
            TopicReader(kafka, f"{_THERE}qa-flagged", self._arrivals.add),
            TopicReader(kafka, f"{_HERE}delivery-receipt", self._confirmations.add),
        ]
        for reader in readers:
            reader.start()
        try:
            for role in self._roles.values():
                role.start()
            for role in self._roles.values():
                wait_until(lambda role=role: role.is_ready, role.log.read_text)  # type: ignore[misc]
            yield
        finally:
            for role in self._roles.values():
                role.stop()
            for reader in readers:
                reader.close()

    def disturb(self) -> None:
        """Kill at random until everything has come, or nothing comes any more."""
        start = self._counted_at = time.monotonic()
        self._writer.start()
        mortals = {"broker": self._broker, **self._roles}
        while not self._is_over():
            # By what has come, not by the clock: so a slow machine has time to work between two kills.
            self._calm(self._random.expovariate(self._kills / self._writer.sets))
            victims = self._random.sample(sorted(mortals), self._random.choice(_VICTIMS))
            for name in victims:
                mortals[name].kill()
                self._outcome.kills[name] += 1
            time.sleep(self._random.uniform(*_DEAD_SECONDS))
            for name in victims:
                mortals[name].start()
        self._outcome.seconds = self._counted_at - start

    def settle(self) -> None:
        """Wait, without kills, until the forwarder has committed everything and the door answers."""
        lanes = {"forward": "qa-flagged", "backlog": "late-range"}

        def is_settled() -> bool:
            self._revive()
            return self._roles["door"].is_ready and not any(
                self._lag(f"{_HERE}forwarder.{group}", f"{_HERE}{topic}") for group, topic in lanes.items()
            )

        wait_until(is_settled, "the forwarder has nothing left", every_s=0.5)

    def judge(self, door: str) -> Outcome:
        """Compare and count."""
        outcome, written = self._outcome, self._writer.contents
        keys = KeySet.from_json(httpx.get(f"{door}/.well-known/jwks.json", timeout=LIMIT).text)
        self._arrivals.compare(written, outcome)
        self._confirmations.verify(written, keys, outcome)
        self._bodies.sum_up(outcome)
        outcome.requests, outcome.faults = self._proxy.requests, self._proxy.faults
        dead = [topic for topic in self._admin.count_partitions() if topic.endswith(".dlq")]
        outcome.dead_letters = sum(self._admin.end_offsets(dead).values())
        outcome.late_sets = self._count_late_sets()
        return outcome

    def _calm(self, sets: float) -> None:
        """Wait until so many more sets have come, however long that takes on a busy machine."""
        enough = len(self._arrivals) + sets
        while len(self._arrivals) < enough and not self._is_over():
            self._revive()
            time.sleep(0.02)

    def _revive(self) -> None:
        """Start what has ended by itself, as a supervisor does."""
        for name, role in self._roles.items():
            if role.has_ended:
                self._outcome.ends[name] += 1
                role.start()

    def _is_over(self) -> bool:
        count = len(self._arrivals) + len(self._confirmations)
        if count > self._count:
            self._count, self._counted_at = count, time.monotonic()
        everything = min(len(self._arrivals), len(self._confirmations)) >= self._writer.sets
        return everything or time.monotonic() > self._counted_at + LIMIT

    def _lag(self, group: str, topic: str) -> bool:
        """Tell whether a group may have messages left."""
        return self._admin.lag(group, topic) != 0

    def _count_late_sets(self) -> int:
        topic, late = f"{_HERE}late-range", set[tuple[int, int]]()
        for number in range(self._admin.count_partitions()[topic]):
            for record in read_tail(self._broker.connection, topic, number, _MANY):
                span = LateRange.model_validate_json(record.value or b"")
                offsets = set(range(span.first, span.end)) - set(span.excluded)
                late |= {(span.partition, offset) for offset in offsets}
        return len(late)


def _roles(
    folder: Path, kafka: KafkaConnection, *, door_port: int, ministry_url: str
) -> dict[str, MortalRole]:
    common = kafka_environment(kafka) | {"QUANTRAC_MINISTRY_NAME": _MINISTRY}
    door = {
        "QUANTRAC_TIER": "ministry",
        "QUANTRAC_TOPIC_PREFIX": _THERE,
        "QUANTRAC_SPOOL": str(folder / "spool"),
        "QUANTRAC_HTTP_PORT": str(door_port),
        "QUANTRAC_APPROVE_AUTOMATICALLY": PROVINCE,
    }
    forwarder = {
        "QUANTRAC_TOPIC_PREFIX": _HERE,
        "QUANTRAC_FORWARDER_DATA": str(folder / "forwarder"),
        "QUANTRAC_MINISTRY_URL": ministry_url,
        "QUANTRAC_MINISTRY_ACCOUNT": _ACCOUNT,
        "QUANTRAC_MINISTRY_PASSWORD": _PASSWORD,
    }
    return {
        "door": MortalRole("receiver", "deliveries", common | door, folder / "door.log"),
        "forwarder": MortalRole("forwarder", "forward", common | forwarder, folder / "forwarder.log"),
    }


def _prepare_topics(kafka: KafkaConnection, numbered: NumberedSets) -> None:
    """Make both tiers' topics; the stations are in the province's registry only, and go ahead of sets."""
    admin, producer = KafkaAdmin(kafka), KafkaProducer(kafka)
    for prefix in (_HERE, _THERE):
        topics = missing_topics(admin, prefix=prefix, size="local", replication=1)
        admin.create([topic for topic in topics if topic.name.removeprefix(prefix) in _TOPICS])
    account = Account(
        name=_ACCOUNT, password_hash=hash_password(_PASSWORD), role="province", provinces=(PROVINCE,)
    )
    entries = [(_THERE, account), *((_HERE, station) for station in numbered.stations)]
    producer.produce(
        [
            Record(f"{prefix}station-registry", record_key(entry), entry.model_dump_json().encode())
            for prefix, entry in entries
        ]
    )
    producer.flush()
