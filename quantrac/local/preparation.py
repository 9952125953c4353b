"""What must be there before the services start: topics, tables, the demo's registry."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.passwords import hash_password
from quantrac.io.private_files import write_private
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.local.datadir import DataDir
from quantrac.local.demo import account_name, demo_accounts, demo_stations
from quantrac.local.demo.decisions import demo_activation, demo_decisions
from quantrac.local.tiers import Tier
from quantrac.migrate import migrate_tables, missing_topics, write_reference
from schemas.keys import key_record, new_key
from schemas.messages.registry.accounts import Account
from schemas.registry import Record as RegistryRecord
from schemas.registry import record_key
from schemas.topics import TOPICS

_OWNER = "demo"


class Preparation:
    """Does each thing once a start; both methods are asked again until they succeed."""

    def __init__(
        self,
        kafka: KafkaConnection,
        databases: Sequence[ClickHouseSettings],
        tiers: Sequence[Tier],
        data: DataDir,
        *,
        demo: bool,
        retention_days: Mapping[str, int] | None = None,
    ) -> None:
        """``retention_days``: topic → days its messages are kept, where its contract is not to hold."""
        self._kafka, self._databases, self._tiers, self._data = kafka, databases, tiers, data
        self._demo = demo
        self._retention_days = retention_days or {}
        self._have_topics = self._have_tables = False

    def topics(self) -> bool:
        """Create missing topics and, for the demo, fill empty registries; then tell that all is there."""
        if not self._have_topics:
            admin = KafkaAdmin(self._kafka)
            for tier in self._tiers:
                admin.create(missing_topics(admin, prefix=tier.prefix, size="local", replication=1))
                admin.set_retention(self._retention(tier))
            if self._demo:
                self._fill_registries(admin)
            self._have_topics = True
        return True

    def tables(self) -> bool:
        """Apply missing migrations and write what the code knows; then tell that all is there."""
        if not self._have_tables:
            for settings in self._databases:
                migrate_tables(settings)
                write_reference(settings)
            self._have_tables = True
        return True

    def _retention(self, tier: Tier) -> dict[str, int]:
        # Of every topic, so that one that the configuration no longer names has its contract's days again.
        return {
            f"{tier.prefix}{topic.name}": self._retention_days.get(topic.name, topic.retention_days)
            for topic in TOPICS.values()
            if topic.retention_days is not None
        }

    def _fill_registries(self, admin: KafkaAdmin) -> None:
        producer = KafkaProducer(self._kafka)
        for tier in self._tiers:
            topic = f"{tier.prefix}station-registry"
            records: list[RegistryRecord] = []
            if not any(admin.end_offsets([topic]).values()):
                records = self._demo_records(tier)
            elif tier.name == "ministry":
                # At every start: that of an older release names no province, and delivers nothing.
                records = self._province_access(tier)
            producer.produce([Record(topic, record_key(r), r.model_dump_json().encode()) for r in records])
        producer.flush()

    def _demo_records(self, tier: Tier) -> list[RegistryRecord]:
        key = key_record(demo_api_key(self._data), _OWNER)
        if tier.name == "ministry":
            # Its stations are those that the province asks it to take.
            return [*self._province_access(tier), key]
        stations = demo_stations()
        passwords = demo_passwords(self._data)
        accounts = demo_accounts(stations, passwords, hash_password)
        now = datetime.now(UTC)
        return [*stations, *accounts, key, *demo_decisions(now), demo_activation(now)]

    def _province_access(self, tier: Tier) -> list[RegistryRecord]:
        """Return the account with which the province delivers, and the key with which it compares."""
        account = Account(
            name=tier.province_account,
            password_hash=hash_password(self._data.secret(f"account/{tier.province_account}")),
            role="province",
            provinces=(tier.province,),
        )
        return [account, key_record(province_api_key(self._data), _OWNER, provinces=(tier.province,))]


def demo_passwords(data: DataDir) -> dict[str, str]:
    """Return account -> password of the demo's stations, random for each data folder."""
    names = (account_name(station.code) for station in demo_stations())
    return {name: data.secret(f"account/{name}") for name in names}


def demo_api_key(data: DataDir) -> str:
    """Return the demo's API key."""
    return data.secret("api-key", lambda: new_key(_OWNER)[0])


def province_api_key(data: DataDir) -> str:
    """Return the key of the demo's province at the ministry's API."""
    return data.secret("ministry-api-key", lambda: new_key(_OWNER)[0])


def write_passwords(data: DataDir, file: Path) -> None:
    """Write the stations' passwords for the simulator, readable by their owner only."""
    write_private(file, json.dumps(demo_passwords(data)))
