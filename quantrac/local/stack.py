"""What the one-machine stack consists of: its tiers, its processes, their ports and their environment."""

import json
import sys
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from quantrac.io.health import Health
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.local.broker import Broker, answers, broker_command, broker_environment
from quantrac.local.datadir import DataDir, read_json
from quantrac.local.errors import LocalError
from quantrac.local.ports import LOOPBACK, assign_ports
from quantrac.local.preparation import Preparation, write_passwords
from quantrac.local.process import ProcessSpec
from quantrac.local.tiers import (
    NOTIFIER,
    Tier,
    is_notifier_configured,
    process_name,
    tiers_of,
    waits_by_itself,
)

CLICKHOUSE_USER = "quantrac"
ANALYST_SECRET = "clickhouse/analyst_{database}"  # noqa: S105  (its name)

_LONGEST_ANSWER_BYTES = 16 << 10

_STORES = ("broker", "clickhouse")

_USUAL_PORTS = {"broker": 9092, "controller": 9093, "clickhouse": 8123}


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack in one data folder."""

    data: DataDir
    demo: bool
    ports: dict[str, int]

    @classmethod
    def with_free_ports(cls, data: DataDir, *, demo: bool, fixed: dict[str, int]) -> "Stack":
        """Choose the ports and remember what this folder holds.

        Raises ``LocalError`` when a fixed port is in use, or when the folder was made with the other kind of
        stack (with or without the demo): their topics and databases have other names.
        """
        data.create()
        usual = dict(_USUAL_PORTS)
        for tier in tiers_of(demo):
            usual |= tier.usual_ports()
        unknown = sorted(set(fixed) - set(usual))
        if unknown:
            raise LocalError(f"There is no port named {unknown[0]}; the names are {', '.join(usual)}.")
        kind = data.root / "kind.json"
        if kind.exists() and read_json(kind)["demo"] != demo:
            option = "without --demo" if demo else "with --demo"
            raise LocalError(
                f"The data folder {data.root} was made {option}; start it so, or give another folder."
            )
        kind.write_text(json.dumps({"demo": demo}) + "\n")
        return cls(data, demo, assign_ports(data.ports_file, usual, fixed))

    @classmethod
    def read(cls, data: DataDir) -> "Stack":
        """Read what runs, or last ran, in this folder.

        Raises ``LocalError`` when nothing ever did, or when the folder belongs to another user.
        """
        data.refuse_another_owner()
        try:
            demo = read_json(data.root / "kind.json")["demo"]
            return cls(data, demo, read_json(data.ports_file))
        except FileNotFoundError:
            raise LocalError(f"There is no stack in {data.root}; `quantrac up` makes one.") from None

    @property
    def tiers(self) -> list[Tier]:
        """The province, and with the demo the ministry."""
        return tiers_of(self.demo)

    @property
    def broker(self) -> Broker:
        """The broker: its folder, ports and password."""
        folder, password = self.data.root / "kafka", self.data.secret("kafka")
        return Broker(folder, self.ports["broker"], self.ports["controller"], password)

    def clickhouse(self, tier: Tier) -> ClickHouseSettings:
        """Return how to reach a tier's database."""
        return ClickHouseSettings(
            host=LOOPBACK,
            port=self.ports["clickhouse"],
            user=CLICKHOUSE_USER,
            password=self.data.secret("clickhouse"),
            database=tier.database,
        )

    def analysts(self) -> dict[str, str]:
        """Return database -> password of the login that reads it, one a tier."""
        names = (tier.database for tier in self.tiers)
        return {name: self.data.secret(ANALYST_SECRET.format(database=name)) for name in names}

    def urls(self) -> dict[str, dict[str, str]]:
        """Return tier -> what -> address."""
        by_tier: dict[str, dict[str, str]] = {}
        for tier in self.tiers:
            urls = {
                "api": f"http://{LOOPBACK}:{self.ports[f'{tier.name}.api']}",
                "receiver": f"http://{LOOPBACK}:{self.ports[f'{tier.name}.receiver']}",
                "clickhouse": f"http://{LOOPBACK}:{self.ports['clickhouse']}/?database={tier.database}",
                "analyst": f"http://analyst_{tier.database}@{LOOPBACK}:{self.ports['clickhouse']}/",
                "kafka": self.broker.connection.bootstrap,
            }
            if tier.name == "province":
                urls["ftp"] = f"ftp://{LOOPBACK}:{self.ports['province.ftp']}"
                urls["sftp"] = f"sftp://{LOOPBACK}:{self.ports['province.sftp']}"
            by_tier[tier.name] = urls
        return by_tier

    def processes(self) -> list[ProcessSpec]:
        """Return every process, in an order that can be started."""
        databases = [self.clickhouse(tier) for tier in self.tiers]
        preparation = Preparation(self.broker.connection, databases, self.tiers, self.data, demo=self.demo)
        processes = [self._broker(preparation), self._clickhouse(preparation), *self.roles()]
        return [*processes, self._simulator()] if self.demo else processes

    def roles(self) -> list[ProcessSpec]:
        """Return the processes of the services, those of the province first."""
        roles = [
            self._role(tier, service, role) for tier in self.tiers for service, role in tier.roles(self.demo)
        ]
        if is_notifier_configured():
            roles.append(self._role(self.tiers[0], *NOTIFIER))
        return roles

    def _broker(self, preparation: Preparation) -> ProcessSpec:
        broker = self.broker
        return ProcessSpec(
            name="broker",
            argv=broker_command(broker),
            env=broker_environment(),
            health=lambda: Health(answers(broker.connection) and preparation.topics()),
        )

    def _clickhouse(self, preparation: Preparation) -> ProcessSpec:
        port = self.ports["clickhouse"]
        return ProcessSpec(
            name="clickhouse",
            argv=[
                *(sys.executable, "-m", "quantrac.local.clickhouse_server"),
                *("--data", str(self.data.root / "clickhouse"), "--port", str(port)),
            ],
            env={
                "QUANTRAC_CLICKHOUSE_USER": CLICKHOUSE_USER,
                "QUANTRAC_CLICKHOUSE_PASSWORD": self.data.secret("clickhouse"),
                "QUANTRAC_CLICKHOUSE_ANALYSTS": json.dumps(self.analysts()),
            },
            health=lambda: Health(_ask(port, "/ping").ready and preparation.tables()),
        )

    def _role(self, tier: Tier, service: str, role: str) -> ProcessSpec:
        port = self.ports[f"{tier.name}.{service}.{role}"]
        return ProcessSpec(
            name=process_name(tier, service, role),
            argv=[sys.executable, "-m", f"services.{service}", role],
            env=self._environment(tier) | {"QUANTRAC_HEALTH_PORT": str(port)},
            health=partial(_ask, port, "/health/ready"),
            after=() if waits_by_itself(service) else _STORES,
            uses=_STORES,
        )

    def _environment(self, tier: Tier) -> dict[str, str]:
        clickhouse = self.clickhouse(tier)
        folder = self.data.root / tier.name
        environment = {
            "QUANTRAC_TIER": tier.name,
            "QUANTRAC_TOPIC_PREFIX": tier.prefix,
            **kafka_environment(self.broker.connection),
            "QUANTRAC_CLICKHOUSE_HOST": clickhouse.host,
            "QUANTRAC_CLICKHOUSE_PORT": str(clickhouse.port),
            "QUANTRAC_CLICKHOUSE_USER": clickhouse.user,
            "QUANTRAC_CLICKHOUSE_PASSWORD": clickhouse.password,
            "QUANTRAC_CLICKHOUSE_DATABASE": clickhouse.database,
            "QUANTRAC_SPOOL": str(folder / "spool"),
            "QUANTRAC_WINDOWS_DATA": str(folder / "windows"),
            "QUANTRAC_WATCH_DATA": str(folder / "watch"),
            "QUANTRAC_HTTP_PORT": str(self.ports[f"{tier.name}.receiver"]),
            "QUANTRAC_API_PORT": str(self.ports[f"{tier.name}.api"]),
        }
        if tier.name == "province":
            environment["QUANTRAC_FTP_PORT"] = str(self.ports["province.ftp"])
            environment |= {
                "QUANTRAC_SFTP_ENABLED": "true",
                "QUANTRAC_SFTP_PORT": str(self.ports["province.sftp"]),
            }
        if self.demo and tier.name == "province":
            environment |= {
                "QUANTRAC_MINISTRY_URL": f"http://{LOOPBACK}:{self.ports['ministry.receiver']}",
                "QUANTRAC_MINISTRY_NAME": "ministry",
                "QUANTRAC_MINISTRY_ACCOUNT": tier.province_account,
                "QUANTRAC_MINISTRY_PASSWORD": self.data.secret(f"account/{tier.province_account}"),
            }
        return environment

    def _simulator(self) -> ProcessSpec:
        folder = self.data.root / "simulator"
        passwords = self.data.root / "demo-accounts.json"
        write_passwords(self.data, passwords)
        return ProcessSpec(
            name="simulator",
            argv=[
                *(sys.executable, "-m", "quantrac.local.simulator"),
                *("--ftp", f"{LOOPBACK}:{self.ports['province.ftp']}"),
                *("--passwords", str(passwords)),
                *("--backlog", str(folder)),
            ],
            after=("province.receiver.intake",),
        )


def _ask(port: int, path: str) -> Health:
    """Ask over a bare connection: an httpx call sets TLS up anew each time, 25 ms of a core."""
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Health(response.status == HTTPStatus.OK, _reason(response.read(_LONGEST_ANSWER_BYTES)))
    except (OSError, HTTPException) as error:
        return Health(False, f"does not answer on port {port}: {error}")
    finally:
        connection.close()


def _reason(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("reason", "")) if isinstance(answer, dict) else ""


def default_data() -> Path:
    """Return the data folder used when none is given."""
    return Path(".quantrac")
