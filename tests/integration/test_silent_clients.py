"""A client without its server says so by exceptions and the log, never by lines of its own library."""

import subprocess
import sys

import pytest

from quantrac.local.ports import free_port

CLIENTS = {
    "admin": "KafkaAdmin(connection).count_partitions(timeout=2)",
    "committed": "KafkaAdmin(connection).committed_offsets('g', [Partition('t', 0)])",
    "producer": "KafkaProducer(connection).produce([Record('t', b'', b'')]) or time.sleep(2)",
    "clickhouse": "ClickHouse(ClickHouseSettings(port={port})).query('SELECT 1')",
    "table": "table_consumer(connection).list_topics('t', timeout=2)",
}

PROGRAM = """
import time
from quantrac.cli import main
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import table_consumer
from quantrac.io.partitions import Partition
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings
connection = KafkaConnection("127.0.0.1:{port}")
try:
    main(["logs"], standalone_mode=False)  # as every command begins
    {client}
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_but_the_exception_reaches_the_terminal(client: str) -> None:
    port = free_port()
    program = PROGRAM.format(port=port, client=CLIENTS[client].replace("{port}", str(port)))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
