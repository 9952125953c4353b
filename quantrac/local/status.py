"""What a stack is doing: its processes, how much has come through, and how far each group is behind."""

from functools import cached_property
from typing import Any

import psutil
from confluent_kafka import KafkaException

from quantrac.io.clickhouse import ClickHouse, ClickHouseError
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.local.late_sets import LateSets
from quantrac.local.notes import status_notes
from quantrac.local.stack import Stack
from quantrac.local.state import Phase, ProcessState, StackState
from quantrac.local.tiers import FORWARDER, Tier
from schemas.topics import TOPICS

_COUNTS = """
SELECT
    (SELECT count() FROM {files}) AS files,
    (SELECT sum(readings) FROM files FINAL) AS readings,
    (SELECT sum(readings) FROM files FINAL WHERE rules != '') AS flagged,
    (SELECT count() FROM readings FINAL) AS rows,
    (SELECT count() FROM averages FINAL WHERE period = 'hour') AS averages,
    (SELECT sum(readings) FROM receipts FINAL WHERE revision = 0) AS delivered,
    (SELECT sum(rejects) FROM files FINAL WHERE station != '') AS rejected,
    (SELECT count() FROM files FINAL WHERE station = '' AND rejects > 0) AS unassigned,
    (SELECT count() FROM alerts FINAL WHERE state != 'closed') AS alerts
"""


class StackStatus:
    """Asks the stack's own stores; what cannot be asked now is left out."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._databases = {tier.name: ClickHouse(stack.clickhouse(tier)) for tier in stack.tiers}

    @cached_property
    def _admin(self) -> KafkaAdmin:
        return KafkaAdmin(self._stack.broker.connection)  # connects at once, so not before something runs

    @cached_property
    def _late_sets(self) -> list[LateSets]:
        tiers = [tier for tier in self._stack.tiers if FORWARDER in tier.roles()]
        return [LateSets(self._stack.broker.connection, tier.prefix) for tier in tiers]

    def read(self) -> dict[str, Any]:
        """Return ``state``, ``demo``, ``processes``, ``notes`` (sentences) and ``lag`` by group, for JSON.

        By tier: ``counts``, ``urls`` as others are told, and ``listens``: the host and port of each door.
        """
        state = self._stack.data.read_state()
        names = [process.name for process in state.processes] if state else []
        processes = (
            [_process(process) for process in state.processes]
            if state
            else [_process(ProcessState(name, Phase.STOPPED)) for name in self._stack.process_names()]
        )
        return {
            "state": "stopped" if state is None else _phase(state),
            "demo": self._stack.demo,
            "processes": processes,
            "notes": list(status_notes(self._stack, names)),
            "urls": self._stack.urls(),
            "listens": self._listens(),
            "counts": self.counts() if state else {},
            "lag": self.lag() if state else {},
        }

    def _listens(self) -> dict[str, dict[str, str]]:
        """Return tier -> door -> the host and port it listens on."""
        stack = self._stack
        return {
            tier.name: {name: address.listens_on for name, address in stack.addresses(tier).items()}
            for tier in stack.tiers
        }

    def counts(self) -> dict[str, dict[str, int]]:
        """Return tier -> how many files, readings, flagged, rows, hourly averages, and delivered readings.

        And rejected lines, files that belong to no station, open alerts.

        All are exact and taken from the lasting store, so that neither a restart nor a repeated message
        changes them.
        """
        counts: dict[str, dict[str, int]] = {}
        for tier in self._stack.tiers:
            # A province keeps the files themselves; the ministry has only what was delivered of them.
            files = "raw_files FINAL" if tier.name == "province" else "files FINAL"
            try:
                row = self._databases[tier.name].query(_COUNTS.replace("{files}", files)).dicts()[0]
            except ClickHouseError:
                continue
            counts[tier.name] = {name: int(value or 0) for name, value in row.items()}
        return counts

    def lag(self) -> dict[str, int]:
        """Return consumer group -> messages it has not committed yet; of late ranges their sets."""
        try:
            lag = {
                group: self._admin.measure_lag(group, topics)
                for tier in self._stack.tiers
                for group, topics in groups_of(tier).items()
            }
            return lag | {late_sets.group: late_sets.count() for late_sets in self._late_sets}
        except (KafkaException, TimeoutError):
            return {}


def groups_of(tier: Tier) -> dict[str, list[str]]:
    """Return consumer group -> its topics, for the roles that run in a tier."""
    groups: dict[str, list[str]] = {}
    for service, role in tier.roles():
        name = f"{service}.{role}"
        # What a group consumes has dead letters. Compacted topics are read as tables, kept sets by offset.
        streams = [topic for topic in TOPICS.values() if topic.cleanup == "delete" and topic.dead_letters]
        read = [topic for topic in streams if name in topic.readers]
        # A role's own output is read back; one that reads nothing else puts work off in it.
        for topic in [topic for topic in read if name not in topic.writers] or read:
            groups.setdefault(tier.prefix + name, []).append(tier.prefix + topic.name)
    return groups


def _phase(state: StackState) -> str:
    if state.is_ready:
        return "ready"
    starting = any(process.phase in {Phase.WAITING, Phase.STARTING} for process in state.processes)
    return "starting" if starting else "unready"


def _process(process: ProcessState) -> dict[str, Any]:
    return {
        "name": process.name,
        "pid": process.pid,
        "state": process.phase.value,
        "reason": process.reason,
        "restarts": process.restarts,
        "rss": _rss(process.pid),
    }


def _rss(pid: int | None) -> int | None:
    try:
        return psutil.Process(pid).memory_info().rss if pid else None
    except psutil.NoSuchProcess:
        return None
