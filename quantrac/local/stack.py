"""What the one-machine stack consists of: its tiers, its processes, their ports and their environment."""

import json
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from quantrac.io.health import Health
from quantrac.local.addresses import Address
from quantrac.local.broker import Broker, answers, broker_command, broker_environment
from quantrac.local.configuration import FILE_NAME, Configuration
from quantrac.local.configuration.checking import check
from quantrac.local.datadir import DataDir, read_json
from quantrac.local.errors import LocalError
from quantrac.local.health import ask_health
from quantrac.local.kind import remember_kind
from quantrac.local.ports import LOOPBACK, assign_ports
from quantrac.local.process import ProcessSpec
from quantrac.local.tiers import FORWARDER, RECONCILER, Tier, process_name, tiers_of, waits_by_itself

if TYPE_CHECKING:  # half a second of imports, which `quantrac put` needs nothing of
    from quantrac.io.settings import ClickHouseSettings
    from quantrac.local.preparation import Preparation

CLICKHOUSE_USER = "quantrac"
ANALYST_SECRET = "clickhouse/analyst_{database}"  # noqa: S105  (its name)

OUTBOX_FOLDER = "files"
"""In the folder of a tier: what is to be sent to a target for files."""

_STORES = ("broker", "clickhouse")

_USUAL_PORTS = {"broker": 9092, "controller": 9093, "clickhouse": 8123}


def usual_ports(demo: bool, configuration: Configuration | None = None) -> dict[str, int]:
    """Return port name -> number used when free, of a whole stack."""
    ports = dict(_USUAL_PORTS)
    for tier in tiers_of(demo, configuration):
        ports |= tier.usual_ports()
    return ports


_MINISTRY_API = (
    *(f"QUANTRAC_MINISTRY_{name}" for name in ("API_URL", "API_KEY", "API_KEY_FILE", "NAME", "AUTHORITY")),
    "HTTPS_PROXY",
)


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack in one data folder."""

    data: DataDir
    demo: bool
    ports: dict[str, int]
    configuration: Configuration = field(default_factory=lambda: Configuration(Path()))

    @classmethod
    def from_configuration(cls, data: DataDir, *, demo: bool) -> "Stack":
        """Read the folder's configuration; the ports are the usual ones or those that it names.

        Mistakes of the file wait for :meth:`check`.
        """
        data.refuse_another_owner()
        configuration = Configuration.read(data.root)
        if demo and (configuration.has("ministry") or configuration.tier != "province"):
            raise LocalError(f"{configuration.file}: the demo has a ministry of its own; leave that out.")
        ports = usual_ports(demo, configuration) | configuration.ports
        return cls(data, demo, ports, configuration)

    @classmethod
    def with_free_ports(cls, data: DataDir, *, demo: bool, fixed: dict[str, int]) -> "Stack":
        """Choose the ports and remember what this folder holds, and its configuration as of now.

        Raises ``LocalError`` when a fixed port is in use, or when the folder was made with another kind of
        stack (the demo, another tier): their topics and databases hold something else.
        """
        data.create()
        stack = cls.from_configuration(data, demo=demo)
        usual = usual_ports(demo, stack.configuration)
        unknown = sorted(set(fixed) - set(usual))
        if unknown:
            raise LocalError(f"There is no port named {unknown[0]}; the names are {', '.join(usual)}.")
        remember_kind(data, demo=demo, tier=stack.configuration.tier)
        data.last_configuration.write_text(stack.configuration.text, encoding="utf-8")
        fixed = stack.configuration.ports | fixed
        ports = assign_ports(data.ports_file, usual, fixed, stack.hosts())
        return cls(data, demo, ports, stack.configuration)

    @classmethod
    def read(cls, data: DataDir) -> "Stack":
        """Read what runs, or last ran, in this folder: with the ports and the configuration of its start.

        Raises ``LocalError`` when nothing ever did, or when the folder belongs to another user.
        """
        data.refuse_another_owner()
        try:
            demo = read_json(data.root / "kind.json")["demo"]
            configuration = Configuration.read(data.root, data.last_configuration)
            return cls(data, demo, read_json(data.ports_file), configuration)
        except FileNotFoundError:
            has_file = (data.root / FILE_NAME).exists()
            advice = "`quantrac up` starts it" if has_file else "`quantrac up` makes one"
            raise LocalError(
                f"There is no stack in {data.root}; {advice}, --data or QUANTRAC_DATA names another folder."
            ) from None

    @property
    def tiers(self) -> list[Tier]:
        """The one that the configuration is about, and with the demo the ministry."""
        return tiers_of(self.demo, self.configuration)

    def check(self) -> frozenset[str]:
        """Ask the services about their settings; returns the variables that they read.

        Raises ``ConfigurationError`` with every mistake of the configuration.
        """
        tier = self.tiers[0]
        environments = {
            f"{service}.{role}": self._environment(tier, service, role) for service, role in tier.roles()
        }
        return check(self.configuration, environments, reserved=self._own_environment(tier))

    @property
    def broker(self) -> Broker:
        """The broker: its folder, ports and password."""
        folder, password = self.data.root / "kafka", self.data.secret("kafka")
        return Broker(folder, self.ports["broker"], self.ports["controller"], password)

    def clickhouse(self, tier: Tier) -> "ClickHouseSettings":
        """Return how to reach a tier's database."""
        from quantrac.io.settings import ClickHouseSettings

        return ClickHouseSettings(
            host=LOOPBACK,
            port=self.ports["clickhouse"],
            user=CLICKHOUSE_USER,
            password=self.data.secret("clickhouse"),
            database=tier.database,
        )

    def analysts(self) -> dict[str, str]:
        """Return database -> password of the login that reads it, one a tier, unless there is to be none."""
        if not self.configuration.values.get("clickhouse.analysts", True):
            return {}
        names = (tier.database for tier in self.tiers)
        return {name: self.data.secret(ANALYST_SECRET.format(database=name)) for name in names}

    def analyst(self, tier: str | None) -> "ClickHouseSettings":
        """Return how analysts reach a tier's database; ``None`` is the first.

        Raises ``LocalError`` where there is no such tier, or the configuration wants no login of analysts.
        """
        passwords = self.analysts()
        if not passwords:
            raise LocalError(f"{self.configuration.file}: clickhouse.analysts is off, so they have no login.")
        for entry in self.tiers:
            if tier in (None, entry.name):
                login = {"user": f"analyst_{entry.database}", "password": passwords[entry.database]}
                return self.clickhouse(entry).model_copy(update=login)
        raise LocalError(f"The stack in {self.data.root} has no tier {tier}.")

    def addresses(self, tier: Tier) -> dict[str, Address]:
        """Return what -> address, of the doors that people and programs elsewhere may use."""
        doors = {"api": ("api", self._scheme(tier, "api")), "receiver": ("http", self._scheme(tier, "http"))}
        if tier.name == "province":
            doors["ftp"] = ("ftp", "ftp")
            if self.configuration.values.get("sftp.enabled", True):
                doors["sftp"] = ("sftp", "sftp")
        return {
            name: Address(
                scheme,
                self._text_for(tier, f"{section}.listen", LOOPBACK),
                self.ports[f"{tier.name}.{name}"],
                self._text_for(tier, f"{section}.announce"),
            )
            for name, (section, scheme) in doors.items()
        }

    def hosts(self) -> dict[str, str]:
        """Return port name -> host that is listened on, of the doors."""
        return {
            f"{tier.name}.{name}": address.host
            for tier in self.tiers
            for name, address in self.addresses(tier).items()
        }

    def urls(self) -> dict[str, dict[str, str]]:
        """Return tier -> what -> address, as others are told."""
        by_tier: dict[str, dict[str, str]] = {}
        for tier in self.tiers:
            doors = {name: address.url for name, address in self.addresses(tier).items()}
            database = Address(
                "http", LOOPBACK, self.ports["clickhouse"], self._text_for(tier, "clickhouse.announce")
            )
            stores = {"clickhouse": f"{database.local_url}/?database={tier.database}"}
            if tier.database in self.analysts():
                stores["analyst"] = f"{database.url}/".replace("://", f"://analyst_{tier.database}@", 1)
            stores["kafka"] = self.broker.connection.bootstrap
            by_tier[tier.name] = {"api": doors.pop("api"), "receiver": doors.pop("receiver")} | stores | doors
        return by_tier

    def local_url(self, door: str) -> str:
        """Return the address of a door, of the demo's province, for programs on this machine."""
        return self.addresses(self.tiers[0])[door].local_url

    def _scheme(self, tier: Tier, section: str) -> str:
        return "https" if self._text_for(tier, f"{section}.certificate") else "http"

    def _text_for(self, tier: Tier, key: str, default: str = "") -> str:
        return self.configuration.text_of(key, default) if self._is_configured(tier) else default

    def _is_configured(self, tier: Tier) -> bool:
        """Tell whether the configuration is about a tier; the demo's ministry has none."""
        return tier.name == self.configuration.tier

    def processes(self) -> list[ProcessSpec]:
        """Return every process, in an order that can be started."""
        from quantrac.local.preparation import Preparation

        databases = [self.clickhouse(tier) for tier in self.tiers]
        preparation = Preparation(
            self.broker.connection,
            databases,
            self.tiers,
            self.data,
            demo=self.demo,
            retention_days=self.configuration.retention_days,
        )
        processes = [self._broker(preparation), self._clickhouse(preparation), *self.roles()]
        return [*processes, self._simulator()] if self.demo else processes

    def roles(self) -> list[ProcessSpec]:
        """Return the processes of the services, those of the province first."""
        return [self._role(tier, service, role) for tier in self.tiers for service, role in tier.roles()]

    def port_remarks(self) -> list[str]:
        """Say which doors and stores have another port than the usual one, without having been given it."""
        return [
            f"{name} has port {self.ports[name]} in place of the usual {usual}, which is taken or was at an "
            f"earlier start; fix one in {FILE_NAME} or by --port"
            for name, usual in usual_ports(self.demo, self.configuration).items()
            # The health endpoints of roles are nobody's to know.
            if name.count(".") < 2 and name not in self.configuration.ports and self.ports[name] != usual
        ]

    def process_names(self) -> list[str]:
        """Return the names of all processes."""
        roles = [process_name(tier, *role) for tier in self.tiers for role in tier.roles()]
        return [*_STORES, *roles, *(["simulator"] if self.demo else [])]

    def _broker(self, preparation: "Preparation") -> ProcessSpec:
        broker = self.broker
        return ProcessSpec(
            name="broker",
            argv=broker_command(broker),
            env=broker_environment(),
            health=lambda: Health(answers(broker.connection) and preparation.topics()),
        )

    def _clickhouse(self, preparation: "Preparation") -> ProcessSpec:
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
            health=lambda: Health(ask_health(port, "/ping").ready and preparation.tables()),
        )

    def _role(self, tier: Tier, service: str, role: str) -> ProcessSpec:
        port = self.ports[f"{tier.name}.{service}.{role}"]
        return ProcessSpec(
            name=process_name(tier, service, role),
            argv=[sys.executable, "-m", f"services.{service}", role],
            env=self._environment(tier, service, role) | {"QUANTRAC_HEALTH_PORT": str(port)},
            health=partial(ask_health, port, "/health/ready"),
            after=() if waits_by_itself(service) else _STORES,
            uses=_STORES,
        )

    def _environment(self, tier: Tier, service: str, role: str) -> dict[str, str]:
        environment = self._own_environment(tier)
        if self._is_configured(tier):
            environment |= self.configuration.environment(f"{service}.{role}")
            if self.demo and (service, role) in {FORWARDER, RECONCILER}:
                environment |= self._demo_ministry(tier)
        elif self.demo:
            environment["QUANTRAC_APPROVE_AUTOMATICALLY"] = tier.province
        return environment

    def _own_environment(self, tier: Tier) -> dict[str, str]:
        from quantrac.io.settings import kafka_environment

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
            "QUANTRAC_FORWARDER_DATA": str(folder / "forwarder"),
            "QUANTRAC_FILE_TARGET_DATA": str(folder / OUTBOX_FOLDER),
            "QUANTRAC_HTTP_PORT": str(self.ports[f"{tier.name}.receiver"]),
            "QUANTRAC_API_PORT": str(self.ports[f"{tier.name}.api"]),
        }
        if tier.name == "province":
            environment["QUANTRAC_FTP_PORT"] = str(self.ports["province.ftp"])
            environment |= {
                "QUANTRAC_SFTP_ENABLED": "true",
                "QUANTRAC_SFTP_PORT": str(self.ports["province.sftp"]),
            }
        return environment

    def _demo_ministry(self, tier: Tier) -> dict[str, str]:
        from quantrac.local.preparation import province_api_key

        return {
            "QUANTRAC_MINISTRY_URL": f"http://{LOOPBACK}:{self.ports['ministry.receiver']}",
            "QUANTRAC_MINISTRY_NAME": "ministry",
            "QUANTRAC_MINISTRY_ACCOUNT": tier.province_account,
            "QUANTRAC_MINISTRY_PASSWORD": self.data.secret(f"account/{tier.province_account}"),
            "QUANTRAC_MINISTRY_API_URL": f"http://{LOOPBACK}:{self.ports['ministry.api']}",
            "QUANTRAC_MINISTRY_API_KEY": province_api_key(self.data),
        }

    def ministry_api(self) -> dict[str, str]:
        """Return the variables that say how the ministry's API is reached; none where there is none.

        Raises ``OSError`` where the file of the key cannot be read.
        """
        if not self.tiers[0].reconciles:
            return {}
        environment = self._environment(self.tiers[0], *RECONCILER)
        return {name: environment[name] for name in _MINISTRY_API if name in environment}

    def _simulator(self) -> ProcessSpec:
        from quantrac.local.demo.past import STATIONS, past_days
        from quantrac.local.preparation import write_passwords

        folder = self.data.root / "simulator"
        passwords = self.data.root / "demo-accounts.json"
        write_passwords(self.data, passwords)
        return ProcessSpec(
            name="simulator",
            argv=[
                *(sys.executable, "-m", "quantrac.local.simulator"),
                *("--ftp", self.local_url("ftp").removeprefix("ftp://")),
                *("--passwords", str(passwords)),
                *("--backlog", str(folder)),
                *("--past", f"{past_days():g}"),
                *(argument for code in STATIONS for argument in ("--past-of", code)),
            ],
            after=("province.receiver.intake",),
        )
