"""Apache Kafka on one machine: a KRaft node on the loopback address, from jars and a Java, no container.

The storage is formatted once; the settings are written again at every start, so that a new release's
settings reach an old data folder. Other users of the machine can neither read nor write: both listeners ask
for a login, whose password stands in the settings, readable by their owner only. An acknowledged message is
in the page cache and so outlives a kill -9 of the broker; only a crash of the machine itself can lose the
last seconds.
"""

import base64
import os
import secrets
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.private_files import write_private
from quantrac.local.child import tie_command
from quantrac.local.errors import LocalError
from quantrac.local.jars import ensure_jars
from quantrac.local.java import Java, find_java
from quantrac.local.ports import LOOPBACK, choose_ports, is_listening
from quantrac.local.waiting import wait_until

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=CLIENT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENT://{host}:{port}
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs={storage}
auto.create.topics.enable=false

listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config={login}
listener.name.controller.plain.sasl.jaas.config={login}

# One node has no replicas, and nobody to wait for before a group's first balance.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0

# After kill -9 the node waits until its own old session ends: ready again in 4.5 s instead of 13.4 s.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500

# Sized for one machine: 171 MB resident instead of 367, 1.7 % of a core idle instead of 2.2.
num.network.threads=2
num.io.threads=4
background.threads=2
group.coordinator.threads=1
offsets.topic.num.partitions=4
log.cleaner.dedupe.buffer.size=8388608
metadata.max.idle.interval.ms=5000
"""

# The broker as a client of itself, then the one user it lets in.
_LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="{user}" password="{password}" user_{user}="{password}";'
)

_LOGGING = """\
status = error
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSSX}{UTC} %p %c{1} %enc{%m}{CRLF}%n
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
"""

_JVM = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:CICompilerCount=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",  # a broker that goes on after it helps nobody; the supervisor restarts it
    "-Djava.awt.headless=true",
)
# Newer Javas warn about what the broker and its compression libraries do; older ones refuse the flags.
_JVM_24 = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")

USER = "quantrac"
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker: the folder with everything it keeps, its two loopback ports, its user's password."""

    folder: Path
    port: int
    controller_port: int
    password: str = field(repr=False)
    """Letters, digits, `-` and `_` only: it stands in a file with a syntax of its own."""

    @property
    def connection(self) -> KafkaConnection:
        """How a client reaches it."""
        return KafkaConnection(f"{LOOPBACK}:{self.port}", "SASL_PLAINTEXT", "PLAIN", USER, self.password)

    @property
    def storage(self) -> Path:
        """Where the broker keeps topics and metadata."""
        return self.folder / "storage"


def broker_command(broker: Broker) -> list[str]:
    """Prepare the folder (jars, settings, format) and give the command line that runs the broker.

    Raises LocalError when jars or Java are missing or the storage cannot be formatted.
    """
    java, jars = find_java(), ensure_jars()
    _write_settings(broker)
    if not (broker.storage / "meta.properties").exists():
        _format(broker, java, jars)
    return [*_java_command(broker, java, jars), "kafka.Kafka", str(_settings_file(broker))]


def broker_environment() -> dict[str, str]:
    """What the broker's environment needs on top of the caller's: a C allocator without an arena a thread."""
    return {"MALLOC_ARENA_MAX": "2"}


def answers(connection: KafkaConnection, timeout_s: float = 2.0) -> bool:
    """Whether the broker there lets the client in and answers a metadata request."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    host, _, port = connection.bootstrap.rpartition(":")
    if not is_listening(int(port), host):
        return False
    client = AdminClient(connection.librdkafka())
    try:
        return bool(client.list_topics(timeout=timeout_s).brokers)
    except KafkaException:
        return False


@contextmanager
def running_broker(data: Path, ready_timeout_s: float = READY_TIMEOUT_S) -> Iterator[KafkaConnection]:
    """Run one broker in this folder on free ports; yields how to reach it, stops it at the end.

    Raises `LocalError` where it does not answer within the timeout (s).
    """
    ports = choose_ports({"broker": 0, "controller": 0})
    broker = Broker(data, ports["broker"], ports["controller"], secrets.token_urlsafe(24))
    command = broker_command(broker)
    log = data / "broker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            tie_command(command),
            env=os.environ | broker_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        is_over = wait_until(
            lambda: process.poll() is not None or answers(broker.connection), ready_timeout_s
        )
        if not is_over or process.poll() is not None:
            raise LocalError(f"The broker did not start; {log} says why.")
        yield broker.connection
    finally:
        _stop(process)


def _settings_file(broker: Broker) -> Path:
    return broker.folder / "server.properties"


def _logging_file(broker: Broker) -> Path:
    return broker.folder / "log4j2.properties"


def _write_settings(broker: Broker) -> None:
    broker.storage.mkdir(parents=True, exist_ok=True)
    settings = _SETTINGS.format(
        host=LOOPBACK,
        port=broker.port,
        controller_port=broker.controller_port,
        storage=broker.storage.resolve().as_posix(),
        login=_LOGIN.format(user=USER, password=broker.password),
    )
    write_private(_settings_file(broker), settings)
    _logging_file(broker).write_text(_LOGGING)


def _java_command(broker: Broker, java: Java, jars: tuple[Path, ...]) -> list[str]:
    return [
        str(java.command),
        *_JVM,
        *(_JVM_24 if java.version >= 24 else ()),
        f"-Dlog4j2.configurationFile={_logging_file(broker).resolve()}",
        "-cp",
        os.pathsep.join(map(str, jars)),
    ]


def _format(broker: Broker, java: Java, jars: tuple[Path, ...]) -> None:
    tool = [*_java_command(broker, java, jars), "kafka.tools.StorageTool"]
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    arguments = ["format", f"--cluster-id={cluster_id}", f"--config={_settings_file(broker)}"]
    result = subprocess.run([*tool, *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        last_line = (result.stderr or result.stdout).strip().rpartition("\n")[2]
        raise LocalError(f"The broker's storage {broker.storage} could not be formatted: {last_line}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
