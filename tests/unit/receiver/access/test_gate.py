"""What the gate answers, second by second: lock-out, allowed networks, limits; memory that does not grow."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.stations import Account, AccountLimits, Registry
from quantrac.testing.builders import account, registry
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import MAX_ADDRESS_FAILURES, Gate, Reason, Refusal, source_of
from services.receiver.access.lockout import Lockout
from services.receiver.access.usage import until_midnight

STATION, STRANGER = "203.113.4.17", "198.51.100.9"


class World:
    """A gate with some accounts, at noon in Vietnam, and clocks that the test moves."""

    def __init__(self, *, defaults: AccountLimits | None = None, max_tracked: int = 1000) -> None:
        self.seconds = 0.0
        many = [account(f"many-{n}") for n in range(MAX_ADDRESS_FAILURES)]
        self.registry: Registry = registry(accounts=[account(), account("other"), *many])
        self.gate = Gate(
            self.registry,
            Authenticator(self.registry, self.now),
            defaults or AccountLimits(file_bytes=1000),
            clock=self.now,
            monotonic=lambda: self.seconds,
            max_tracked=max_tracked,
        )

    def now(self) -> datetime:
        return datetime(2026, 3, 25, 5, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def change(self, **changes: object) -> None:
        self.registry.accounts["bkhn"] = replace(self.registry.accounts["bkhn"], **changes)  # type: ignore[arg-type]

    def fail(self, times: int, address: str = STRANGER, name: str = "bkhn") -> float:
        """Guess wrong as often as told, each time as soon as it is allowed, and return the last delay."""
        delay = 0.0
        for _ in range(times):
            self.seconds += delay
            answer = self.gate.login(name, "guess", address)
            assert isinstance(answer, Refusal)
            assert answer.reason is Reason.CREDENTIALS
            delay = answer.retry_after
        return delay

    def enters(self, address: str = STATION, name: str = "bkhn") -> bool:
        return isinstance(self.gate.login(name, "secret", address), Account)


@pytest.fixture
def world() -> World:
    return World()


def test_four_wrong_passwords_cost_nothing_and_then_the_delay_doubles_up_to_15_minutes(world: World) -> None:
    delays = [world.fail(1)]
    for _ in range(16):
        world.seconds += delays[-1]
        delays.append(world.fail(1))
    assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_while_it_waits_the_right_password_gets_the_answer_of_a_wrong_one(world: World) -> None:
    world.fail(5)
    right = world.gate.login("bkhn", "secret", STRANGER)
    wrong = world.gate.login("bkhn", "guess", STRANGER)
    assert right == wrong == Refusal(Reason.CREDENTIALS, 1.0, "locked out after failures")


def test_attempts_while_it_waits_do_not_prolong_the_wait(world: World) -> None:
    world.fail(6)
    world.seconds += 1.0
    assert world.gate.login("bkhn", "secret", STRANGER) == Refusal(
        Reason.CREDENTIALS, 1.0, "locked out after failures"
    )
    world.seconds += 1.0
    assert world.enters(STRANGER)


def test_a_right_password_after_the_wait_starts_anew(world: World) -> None:
    delay = world.fail(8)
    world.seconds += delay
    assert world.enters(STRANGER)
    assert world.fail(4) == 0.0
    assert world.fail(1) == 1.0


def test_failures_are_forgotten_after_a_day(world: World) -> None:
    world.fail(9)
    world.seconds += 86_400.0
    assert world.fail(4) == 0.0


def test_a_strangers_failures_do_not_keep_the_station_out(world: World) -> None:
    world.fail(20)
    assert world.enters(STATION)


def test_an_address_that_tries_many_names_waits_too_but_not_the_loggers_known_behind_it(world: World) -> None:
    assert world.enters(STRANGER)
    for n in range(MAX_ADDRESS_FAILURES):
        world.fail(1, name=f"many-{n}")
    assert world.gate.login("other", "secret", STRANGER) == Refusal(
        Reason.CREDENTIALS, 1.0, "locked out after failures"
    )
    assert world.enters(STRANGER)
    assert world.enters(STATION, "other")


def test_unknown_names_are_counted_as_known_ones_are(world: World) -> None:
    assert world.fail(5, name="nobody") == 1.0


def test_a_logger_expected_at_an_address_is_not_kept_out_by_what_else_fails_there(world: World) -> None:
    for n in range(MAX_ADDRESS_FAILURES):
        world.fail(1, name=f"many-{n}")
    assert not world.enters(STRANGER)
    world.change(allowed_networks=(f"{STRANGER}/32",))
    assert world.enters(STRANGER)


def test_an_address_that_only_failed_may_not_even_connect_until_its_delay_is_over(world: World) -> None:
    for n in range(MAX_ADDRESS_FAILURES):
        assert world.gate.may_connect(STRANGER) is None
        world.fail(1, name=f"many-{n}")
    refusal = world.gate.may_connect(STRANGER)
    assert refusal is not None
    assert (refusal.reason, refusal.retry_after) == (Reason.BUSY, 1.0)
    assert world.gate.may_connect(STATION) is None
    world.seconds += 1.0
    assert world.gate.may_connect(STRANGER) is None


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        (("203.113.4.17/32",), "203.113.4.17", True),
        (("203.113.4.17/32",), "203.113.4.18", False),
        (("10.0.0.0/8", "203.113.4.0/24"), "203.113.4.200", True),
        (("203.113.4.0/24",), "::ffff:203.113.4.5", True),
        (("2001:db8::/32",), "2001:db8:1::1", True),
        (("2001:db8::/32",), "203.113.4.17", False),
        (("203.113.4.0/24",), "", False),
        ((), "", True),
    ],
)
def test_an_account_logs_in_from_its_allowed_networks_only(
    world: World, networks: tuple[str, ...], address: str, allowed: bool
) -> None:
    world.change(allowed_networks=networks)
    assert world.enters(address) is allowed
    assert isinstance(world.gate.login_with_key("bkhn", address), Account) is allowed


def test_a_foreign_address_is_answered_like_a_wrong_password_and_only_the_log_says_why(world: World) -> None:
    world.change(allowed_networks=("203.113.4.0/24",))
    right = world.gate.login("bkhn", "secret", STRANGER)
    wrong = world.gate.login("bkhn", "guess", STRANGER)
    assert right == wrong == Refusal(Reason.CREDENTIALS, 0.0, f"{STRANGER} is not among its allowed_networks")
    assert right.reason == "unknown account or wrong password"


def test_a_remembered_password_is_answered_at_once_and_any_other_is_not(world: World) -> None:
    assert world.gate.login_at_once("bkhn", "secret", STATION) is None
    assert world.enters(STATION)
    assert isinstance(world.gate.login_at_once("bkhn", "secret", STATION), Account)
    assert world.gate.login_at_once("bkhn", "guess", STATION) is None
    assert world.gate.login_at_once("nobody", "secret", STATION) is None


def test_connections_are_counted_by_account_and_a_changed_limit_holds_at_once(world: World) -> None:
    world.change(limits=AccountLimits(connections=2))
    assert [world.gate.enter("bkhn") for _ in range(2)] == [None, None]
    assert world.gate.enter("bkhn") == Refusal(Reason.CONNECTIONS, 60.0)
    assert world.gate.enter("other") is None
    world.gate.leave("bkhn")
    assert world.gate.enter("bkhn") is None
    world.change(limits=AccountLimits(connections=3))
    assert world.gate.enter("bkhn") is None


def test_files_are_counted_from_midnight_to_midnight_in_vietnam(world: World) -> None:
    world.change(limits=AccountLimits(files_per_day=2))
    assert [world.gate.count_file("bkhn") for _ in range(2)] == [None, None]
    assert world.gate.count_file("bkhn") == Refusal(Reason.FILES, 12 * 3600.0)
    assert world.gate.count_file("other") is None
    world.seconds = 12 * 3600 - 1
    assert world.gate.count_file("bkhn") == Refusal(Reason.FILES, 1.0)
    world.seconds += 1
    assert world.gate.count_file("bkhn") is None


def test_midnight_is_vietnams() -> None:
    assert until_midnight(datetime(2026, 3, 25, 16, 59, 30, tzinfo=UTC)) == 30.0
    assert until_midnight(datetime(2026, 3, 25, 17, 0, tzinfo=UTC)) == 86_400.0


def test_doors_in_several_threads_together_get_no_more_than_the_limit(world: World) -> None:
    world.change(limits=AccountLimits(files_per_day=100, connections=7))
    with ThreadPoolExecutor(8) as doors:
        files = list(doors.map(world.gate.count_file, ["bkhn"] * 400))
        connections = list(doors.map(world.gate.enter, ["bkhn"] * 100))
    assert (files.count(None), connections.count(None)) == (100, 7)


def test_an_account_may_have_a_smaller_file_but_never_a_larger_one_than_the_deployment(world: World) -> None:
    assert world.gate.file_bytes("bkhn") == 1000
    world.change(limits=AccountLimits(file_bytes=10))
    assert world.gate.file_bytes("bkhn") == 10
    world.change(limits=AccountLimits(file_bytes=5000))
    assert world.gate.file_bytes("bkhn") == 1000


def test_two_seconds_worth_of_bytes_may_come_at_once_and_the_rest_at_the_rate(world: World) -> None:
    world.change(limits=AccountLimits(bytes_per_second=1000))
    assert world.gate.pause("bkhn", 2000) == 0.0
    assert world.gate.pause("bkhn", 500) == 0.5
    world.seconds += 0.5
    assert world.gate.pause("bkhn", 1000) == 1.0
    assert world.gate.pause("other", 10**9) == 0.0
    world.seconds += 3600
    assert world.gate.pause("bkhn", 2000) == 0.0


def test_a_changed_rate_holds_at_once(world: World) -> None:
    world.change(limits=AccountLimits(bytes_per_second=1000))
    assert world.gate.pause("bkhn", 4000) == 2.0
    world.change(limits=AccountLimits(bytes_per_second=4000))
    assert world.gate.pause("bkhn", 0) == 0.5
    world.change(limits=AccountLimits())
    assert world.gate.pause("bkhn", 10**9) == 0.0


def test_the_deployments_settings_hold_where_the_account_says_nothing() -> None:
    world = World(defaults=AccountLimits(1, 1000, 1000, 1))
    assert (world.gate.enter("bkhn"), world.gate.count_file("bkhn")) == (None, None)
    assert world.gate.enter("bkhn") is not None
    assert world.gate.count_file("bkhn") is not None
    assert world.gate.pause("bkhn", 3000) == 1.0


def test_no_more_than_so_many_sources_are_remembered_and_the_longest_quiet_go_first() -> None:
    lockout = Lockout[int](free=1, limit=3)
    for key in (1, 2, 3, 1, 4):
        lockout.fail(key, now=0.0)
    assert len(lockout) == 3
    assert [lockout.remaining(key, now=0.0) for key in (1, 2, 3, 4)] == [2.0, 0.0, 1.0, 1.0]


def test_a_name_however_long_is_one_key_of_bounded_size(world: World) -> None:
    assert [world.fail(1, name="x" * 100_000 + str(n)) for n in range(5)] == [0.0, 0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("203.113.4.17", "203.113.4.17"),
        ("::ffff:203.113.4.17", "203.113.4.17"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("testclient", "None"),
    ],
)
def test_failures_are_counted_by_what_one_customer_has(address: str, source: str) -> None:
    assert source_of(address) == source
