"""Which accounts and addresses fail to log in again and again: an alert each, until it works or they give up.

An account that the registry has is one alert, whatever it tries from; names that are no account's are one
alert of their address. Only so many addresses have one at a time: of strangers who scan the network the log
speaks.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from quantrac.domain.times import from_seconds, to_iso, to_whole_seconds
from quantrac.io.private_files import write_private
from quantrac.io.records import DeliveryFailed, Record
from schemas.messages.alerts import Alert

log = logging.getLogger(__name__)

_KIND = "logins-refused"
_STEP_SECONDS = 5.0
_MOST_ADDRESSES = 20
"""Alerts of addresses at a time."""
_MOST_SOURCES = 5_000
"""Failing sources that are remembered at a time; the one that has not failed for the longest goes first."""


class Producer(Protocol):
    """Writes one message: :class:`quantrac.io.kafka.producer.ReportingProducer`."""

    def write(self, record: Record) -> Record:
        """Write a message and wait; raises ``DeliveryFailed``."""
        ...


@dataclass(frozen=True, slots=True)
class RefusalRules:
    """When refused logins are an alert; default, unverified."""

    account_failures: int = 3
    """Failures of an account in a row, from one source, that open one."""
    address_failures: int = 10
    """The same for names that are no account's."""
    quiet: int = 3600
    """Seconds without a failure after which it is over."""


@dataclass(slots=True)
class _Failures:
    """What one source failed with, since it last worked."""

    subject: tuple[str, str]
    """``account`` or ``address``, and which."""
    count: int
    last_at: int
    reason: str


@dataclass(slots=True)
class _OpenAlert:
    """An alert that is open; kept in the file."""

    opened_at: int
    account: str
    address: str
    reason: str
    failures: int
    version: int = 1
    last_at: int = 0
    is_closed: bool = False
    """Closed, but not known to be published yet."""
    is_published: bool = False


class RefusedLogins:
    """Counts failures as the gate has them, from any thread; :meth:`run` opens and closes the alerts.

    Open alerts are in a file: after a restart they go on, and are over when nothing fails any more. What is
    not published yet is published again, under the same id and version.
    """

    def __init__(
        self,
        file: Path,
        producer: Producer,
        topic: str,
        *,
        clock: Callable[[], datetime],
        rules: RefusalRules = RefusalRules(),  # frozen
    ) -> None:
        self._file, self._producer, self._topic = file, producer, topic
        self._clock, self._rules = clock, rules
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], _Failures] = {}
        """By name tried (empty where it is no account's) and source, the one that failed last at the end."""
        self._alerts = self._read()

    def note_failure(self, account: str, source: str, reason: str) -> None:
        """Note a refused login; ``account`` is empty where the registry has none of the name.

        ``reason`` is empty where the password was not looked at: it is the one before.
        """
        now, key = to_whole_seconds(self._clock()), (account, source)
        subject = ("account", account) if account else ("address", source)
        with self._lock:
            before = self._failures.pop(key, None)
            count = before.count + 1 if before and now - before.last_at < self._rules.quiet else 1
            reason = reason or (before.reason if before else "locked out after failures")
            self._failures[key] = _Failures(subject, count, now, reason)
            if len(self._failures) > _MOST_SOURCES:
                del self._failures[next(iter(self._failures))]

    def note_success(self, account: str, source: str) -> None:
        """Note a login that worked: what this source failed with before is over."""
        with self._lock:
            self._failures.pop((account, source), None)
            alert = self._alerts.get(("account", account))
            if alert is not None and alert.address == source:
                alert.last_at = 0

    def run(self, stop: threading.Event) -> None:
        """Open and close alerts until ``stop`` is set."""
        while not stop.wait(_STEP_SECONDS):
            self.step()

    def step(self) -> None:
        """Open and close what has to be, and publish what is not published yet."""
        with self._lock:
            has_changed = self._update(to_whole_seconds(self._clock()))
            if has_changed:
                self._write()
        # Only this thread changes which alerts there are.
        for subject, alert in list(self._alerts.items()):
            if not alert.is_published and not self._publish(subject, alert):
                return

    def _update(self, now: int) -> bool:
        """Bring the alerts up to date with the failures; tell whether one has opened or closed."""
        rules, has_changed = self._rules, False
        self._failures = {k: f for k, f in self._failures.items() if now - f.last_at < rules.quiet}
        failing: dict[tuple[str, str], tuple[str, _Failures]] = {}
        for (_, source), failures in self._failures.items():
            is_account = failures.subject[0] == "account"
            if failures.count >= (rules.account_failures if is_account else rules.address_failures):
                failing[failures.subject] = source, failures
        for subject, (source, failures) in failing.items():
            alert = self._alerts.get(subject)
            if alert is None and not self._is_full(subject):
                account = subject[1] if subject[0] == "account" else ""
                values = now, account, source, failures.reason, failures.count
                alert = self._alerts[subject] = _OpenAlert(*values)
                has_changed = True
            if alert is not None and not alert.is_closed:
                alert.last_at, alert.address = failures.last_at, source
        for subject, alert in self._alerts.items():
            if subject not in failing and not alert.is_closed and now - alert.last_at >= rules.quiet:
                alert.is_closed, alert.is_published, has_changed = True, False, True
                alert.version += 1
        return has_changed

    def _is_full(self, subject: tuple[str, str]) -> bool:
        addresses = [key for key in self._alerts if key[0] == "address"]
        return subject[0] == "address" and len(addresses) >= _MOST_ADDRESSES

    def _publish(self, subject: tuple[str, str], alert: _OpenAlert) -> bool:
        message = _to_message(alert, subject, self._clock())
        value = message.model_dump_json(exclude_none=True).encode()
        try:
            self._producer.write(Record(self._topic, subject[1].encode(), value))
        except DeliveryFailed as error:
            log.warning("the alert %s is published later: %s", message.alert_id, error)
            return False
        with self._lock:
            alert.is_published = True
            if alert.is_closed:
                del self._alerts[subject]
            self._write()
        return True

    def _read(self) -> dict[tuple[str, str], _OpenAlert]:
        try:
            stored = msgspec.json.decode(self._file.read_bytes(), type=list[_OpenAlert])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            log.warning("which alerts of refused logins are open is not known: %s", error)
            return {}
        now = to_whole_seconds(self._clock())
        for alert in stored:
            # Nothing is known of what failed meanwhile; and it may not have been published.
            alert.is_published, alert.last_at = False, now
        return {
            ("account", alert.account) if alert.account else ("address", alert.address): alert
            for alert in stored
        }

    def _write(self) -> None:
        text = msgspec.json.encode([asdict(alert) for alert in self._alerts.values()]).decode()
        try:
            write_private(self._file, text)
        except OSError as error:
            log.warning("open alerts of refused logins are not kept: %s", error)


def _to_message(alert: _OpenAlert, subject: tuple[str, str], now: datetime) -> Alert:
    kind, name = subject
    opened_at = from_seconds(alert.opened_at)
    facts: Mapping[str, str | float] = {
        **({"account": alert.account} if alert.account else {}),
        "address": alert.address,
        "reason": alert.reason,
        "failures": alert.failures,
    }
    tried = f"of the account {name} from {alert.address}" if kind == "account" else f"from {name}"
    return Alert(
        alert_id=f"{_KIND}/{name}/{to_iso(opened_at)}",
        kind="logins-refused",
        severity="warning",
        state="closed" if alert.is_closed else "opened",
        version=alert.version,
        opened_at=opened_at,
        changed_at=now.astimezone(UTC),
        detail=(
            "No login has been refused any more."
            if alert.is_closed
            else f"{alert.failures} logins {tried} were refused: {alert.reason}."
        ),
        facts=dict(facts),
    )
