"""Builds the real clients of the API; the only place that does."""

import logging
import sys
import threading
from datetime import UTC, datetime
from functools import partial

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.health import Health, WatchedHealth
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.open_files import allow_open_files
from quantrac.io.progress import Progress
from quantrac.io.settings import ClickHouseSettings, HttpSettings, load
from quantrac.io.tls import server_tls
from schemas.limits import load_national
from schemas.registry import apply_record
from schemas.rules import RuleBook
from schemas.rules import load as load_rules
from services.api.app import create_app
from services.api.common.context import Context
from services.api.common.slots import KeySlots
from services.api.config import ApiSettings

log = logging.getLogger(__name__)

# Connections to the broker and to ClickHouse, the log.
_OWN_FILES = 200


class Serve:
    """Serves HTTP; until the registry has been read, and while ClickHouse is away, with 503."""

    def __init__(self, settings: ApiSettings, clickhouse: ClickHouseSettings, http: HttpSettings) -> None:
        registry = Registry()
        self._http = http
        self._settings, self._tls = settings, server_tls(settings.tls)
        self._registry_read = threading.Event()
        self._loop = Progress(settings.stalled_seconds, name="http")
        self._table = TableReader(
            settings.kafka_connection,
            settings.topic("station-registry"),
            partial(apply_record, registry),
            stalled_seconds=settings.stalled_seconds,
        )
        self._context = Context(
            database=ClickHouse(clickhouse),
            registry=registry,
            book=_load_rule_book(settings, registry),
            limits=load_national(),
            is_registry_read=self._registry_read.is_set,
            registry_problem=self._table.problem,
            clock=partial(datetime.now, UTC),
            tier=settings.tier,
            page_limit=settings.api_page_limit,
            threads=settings.api_threads,
            slots=KeySlots(settings.slot_limits),
        )
        self._health = WatchedHealth(self._look_up)

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; raises ``OSError`` when the address cannot be had."""
        self._health.start()
        server = HttpServer(
            self._settings.api_host,
            self._settings.api_port,
            create_app(self._context, find_obstacle=lambda: self.health().reason),
            limits=self._http,
            tls=self._tls,
            on_round=self._loop.round,
        )
        allow_open_files(self._http.max_connections + _OWN_FILES)
        threading.Thread(target=self._read_registry, name="registry", daemon=True).start()
        server.run(stop)
        self._health.close()
        self._table.close()

    def health(self) -> Health:
        """Tell whether ClickHouse answers, and the registry has been read and is followed."""
        return self._health.health()

    def _look_up(self) -> Health:
        obstacle = self._loop.problem() or self._context.find_obstacle()
        return Health(not obstacle, obstacle)

    def _read_registry(self) -> None:
        # A broker that is away delays readiness; it is no reason to stop answering /health.
        self._table.start(timeout=threading.TIMEOUT_MAX)
        self._registry_read.set()
        log.info("the station registry has been read")


def serve() -> Serve:
    """Build the role ``serve`` from the environment; a bad rule file stops the start."""
    return Serve(load(ApiSettings), load(ClickHouseSettings), load(HttpSettings))


def _load_rule_book(settings: ApiSettings, registry: Registry) -> RuleBook:
    try:
        return RuleBook(load_rules(settings.rules), registry)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: {error}")
