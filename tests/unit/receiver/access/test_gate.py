"""What the gate answers, second by second: lock-out, allowed networks, limits; memory that does not grow."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.registry.accounts import Account, AccountLimits
from quantrac.domain.registry.registry import Registry
from quantrac.testing.builders import account, registry
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import MAX_ADDRESS_FAILURES, Gate, Reason, Refusal, source_of
from services.receiver.access.lockout import Lockout
from services.receiver.access.usage import until_midnight

STATION, STRANGER = "203.113.4.17", "198.51.100.9"


class GateBench:
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
def bench() -> GateBench:
    return GateBench()


def test_four_wrong_passwords_cost_nothing_and_then_the_delay_doubles_up_to_15_minutes(
    bench: GateBench,
) -> None:
    delays = [bench.fail(1)]
    for _ in range(16):
        bench.seconds += delays[-1]
        delays.append(bench.fail(1))
    assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_while_it_waits_the_right_password_gets_the_answer_of_a_wrong_one(bench: GateBench) -> None:
    bench.fail(5)
    right = bench.gate.login("bkhn", "secret", STRANGER)
    wrong = bench.gate.login("bkhn", "guess", STRANGER)
    assert right == wrong == Refusal(Reason.CREDENTIALS, 1.0, "locked out after failures")


def test_attempts_while_it_waits_do_not_prolong_the_wait(bench: GateBench) -> None:
    bench.fail(6)
    bench.seconds += 1.0
    assert bench.gate.login("bkhn", "secret", STRANGER) == Refusal(
        Reason.CREDENTIALS, 1.0, "locked out after failures"
    )
    bench.seconds += 1.0
    assert bench.enters(STRANGER)


def test_a_right_password_after_the_wait_starts_anew(bench: GateBench) -> None:
    delay = bench.fail(8)
    bench.seconds += delay
    assert bench.enters(STRANGER)
    assert bench.fail(4) == 0.0
    assert bench.fail(1) == 1.0


def test_failures_are_forgotten_after_a_day(bench: GateBench) -> None:
    bench.fail(9)
    bench.seconds += 86_400.0
    assert bench.fail(4) == 0.0


def test_a_strangers_failures_do_not_keep_the_station_out(bench: GateBench) -> None:
    bench.fail(20)
    assert bench.enters(STATION)


def test_an_address_that_tries_many_names_waits_too_but_not_the_loggers_known_behind_it(
    bench: GateBench,
) -> None:
    assert bench.enters(STRANGER)
    for n in range(MAX_ADDRESS_FAILURES):
        bench.fail(1, name=f"many-{n}")
    assert bench.gate.login("other", "secret", STRANGER) == Refusal(
        Reason.CREDENTIALS, 1.0, "locked out after failures"
    )
    assert bench.enters(STRANGER)
    assert bench.enters(STATION, "other")


def test_unknown_names_are_counted_as_known_ones_are(bench: GateBench) -> None:
    assert bench.fail(5, name="nobody") == 1.0


def test_a_logger_expected_at_an_address_is_not_kept_out_by_what_else_fails_there(bench: GateBench) -> None:
    for n in range(MAX_ADDRESS_FAILURES):
        bench.fail(1, name=f"many-{n}")
    assert not bench.enters(STRANGER)
    bench.change(allowed_networks=(f"{STRANGER}/32",))
    assert bench.enters(STRANGER)


def test_an_address_that_only_failed_may_not_even_connect_until_its_delay_is_over(bench: GateBench) -> None:
    for n in range(MAX_ADDRESS_FAILURES):
        assert bench.gate.may_connect(STRANGER) is None
        bench.fail(1, name=f"many-{n}")
    refusal = bench.gate.may_connect(STRANGER)
    assert refusal is not None
    assert (refusal.reason, refusal.retry_after) == (Reason.BUSY, 1.0)
    assert bench.gate.may_connect(STATION) is None
    bench.seconds += 1.0
    assert bench.gate.may_connect(STRANGER) is None


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
    bench: GateBench, networks: tuple[str, ...], address: str, allowed: bool
) -> None:
    bench.change(allowed_networks=networks)
    assert bench.enters(address) is allowed
    assert isinstance(bench.gate.login_with_key("bkhn", address), Account) is allowed


def test_a_foreign_address_is_answered_like_a_wrong_password_and_only_the_log_says_why(
    bench: GateBench,
) -> None:
    bench.change(allowed_networks=("203.113.4.0/24",))
    right = bench.gate.login("bkhn", "secret", STRANGER)
    wrong = bench.gate.login("bkhn", "guess", STRANGER)
    assert right == wrong == Refusal(Reason.CREDENTIALS, 0.0, f"{STRANGER} is not among its allowed_networks")
    assert right.reason == "unknown account or wrong password"


def test_a_remembered_password_is_answered_at_once_and_any_other_is_not(bench: GateBench) -> None:
    assert bench.gate.login_at_once("bkhn", "secret", STATION) is None
    assert bench.enters(STATION)
    assert isinstance(bench.gate.login_at_once("bkhn", "secret", STATION), Account)
    assert bench.gate.login_at_once("bkhn", "guess", STATION) is None
    assert bench.gate.login_at_once("nobody", "secret", STATION) is None


def test_connections_are_counted_by_account_and_a_changed_limit_holds_at_once(bench: GateBench) -> None:
    bench.change(limits=AccountLimits(connections=2))
    assert [bench.gate.enter("bkhn") for _ in range(2)] == [None, None]
    assert bench.gate.enter("bkhn") == Refusal(Reason.CONNECTIONS, 60.0)
    assert bench.gate.enter("other") is None
    bench.gate.leave("bkhn")
    assert bench.gate.enter("bkhn") is None
    bench.change(limits=AccountLimits(connections=3))
    assert bench.gate.enter("bkhn") is None


def test_files_are_counted_from_midnight_to_midnight_in_vietnam(bench: GateBench) -> None:
    bench.change(limits=AccountLimits(files_per_day=2))
    assert [bench.gate.count_file("bkhn") for _ in range(2)] == [None, None]
    assert bench.gate.count_file("bkhn") == Refusal(Reason.FILES, 12 * 3600.0)
    assert bench.gate.count_file("other") is None
    bench.seconds = 12 * 3600 - 1
    assert bench.gate.count_file("bkhn") == Refusal(Reason.FILES, 1.0)
    bench.seconds += 1
    assert bench.gate.count_file("bkhn") is None


def test_midnight_is_vietnams() -> None:
    assert until_midnight(datetime(2026, 3, 25, 16, 59, 30, tzinfo=UTC)) == 30.0
    assert until_midnight(datetime(2026, 3, 25, 17, 0, tzinfo=UTC)) == 86_400.0


def test_doors_in_several_threads_together_get_no_more_than_the_limit(bench: GateBench) -> None:
    bench.change(limits=AccountLimits(files_per_day=100, connections=7))
    with ThreadPoolExecutor(8) as doors:
        files = list(doors.map(bench.gate.count_file, ["bkhn"] * 400))
        connections = list(doors.map(bench.gate.enter, ["bkhn"] * 100))
    assert (files.count(None), connections.count(None)) == (100, 7)


def test_an_account_may_have_a_smaller_file_but_never_a_larger_one_than_the_deployment(
    bench: GateBench,
) -> None:
    assert bench.gate.file_bytes("bkhn") == 1000
    bench.change(limits=AccountLimits(file_bytes=10))
    assert bench.gate.file_bytes("bkhn") == 10
    bench.change(limits=AccountLimits(file_bytes=5000))
    assert bench.gate.file_bytes("bkhn") == 1000


def test_two_seconds_worth_of_bytes_may_come_at_once_and_the_rest_at_the_rate(bench: GateBench) -> None:
    bench.change(limits=AccountLimits(bytes_per_second=1000))
    assert bench.gate.pause("bkhn", 2000) == 0.0
    assert bench.gate.pause("bkhn", 500) == 0.5
    bench.seconds += 0.5
    assert bench.gate.pause("bkhn", 1000) == 1.0
    assert bench.gate.pause("other", 10**9) == 0.0
    bench.seconds += 3600
    assert bench.gate.pause("bkhn", 2000) == 0.0


def test_a_changed_rate_holds_at_once(bench: GateBench) -> None:
    bench.change(limits=AccountLimits(bytes_per_second=1000))
    assert bench.gate.pause("bkhn", 4000) == 2.0
    bench.change(limits=AccountLimits(bytes_per_second=4000))
    assert bench.gate.pause("bkhn", 0) == 0.5
    bench.change(limits=AccountLimits())
    assert bench.gate.pause("bkhn", 10**9) == 0.0


def test_the_deployments_settings_hold_where_the_account_says_nothing() -> None:
    bench = GateBench(defaults=AccountLimits(1, 1000, 1000, 1))
    assert (bench.gate.enter("bkhn"), bench.gate.count_file("bkhn")) == (None, None)
    assert bench.gate.enter("bkhn") is not None
    assert bench.gate.count_file("bkhn") is not None
    assert bench.gate.pause("bkhn", 3000) == 1.0


def test_no_more_than_so_many_sources_are_remembered_and_the_longest_quiet_go_first() -> None:
    lockout = Lockout[int](free=1, limit=3)
    for key in (1, 2, 3, 1, 4):
        lockout.fail(key, now=0.0)
    assert len(lockout) == 3
    assert [lockout.remaining(key, now=0.0) for key in (1, 2, 3, 4)] == [2.0, 0.0, 1.0, 1.0]


def test_a_name_however_long_is_one_key_of_bounded_size(bench: GateBench) -> None:
    assert [bench.fail(1, name="x" * 100_000 + str(n)) for n in range(5)] == [0.0, 0.0, 0.0, 0.0, 1.0]


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


def test_the_operator_is_told_why_a_login_was_refused_and_the_client_is_not(bench: GateBench) -> None:
    def refusal(name: str, password: str = "guess") -> Refusal:
        answer = bench.gate.login(name, password, STATION)
        assert isinstance(answer, Refusal)
        return answer

    bench.change(valid_to=bench.now())
    refusals = [refusal("other"), refusal("nobody"), refusal("bkhn", "secret")]
    assert [str(answer) for answer in refusals] == [
        "wrong password",
        "unknown account",
        "the account is not valid now",
    ]
    assert {answer.reason for answer in refusals} == {Reason.CREDENTIALS}


def test_a_certificate_lets_in_the_account_that_names_it_and_counts_as_its_key(bench: GateBench) -> None:
    bench.change(certificates=("aa" * 32, "bb" * 32), allowed_networks=("203.113.4.0/24",))
    for certificate in ("aa" * 32, "bb" * 32):
        assert bench.gate.login_with_certificate(certificate, STATION) == bench.registry.accounts["bkhn"]
    assert bench.gate.login_with_certificate("aa" * 32, STRANGER) == Refusal(
        Reason.CREDENTIALS, detail=f"{STRANGER} is not among its allowed_networks"
    )
    assert bench.gate.login_with_certificate("cc" * 32, STATION) == Refusal(
        Reason.CREDENTIALS, detail=f"certificate {'cc' * 32}: no account has it"
    )
    bench.change(certificates=("bb" * 32,))
    assert isinstance(bench.gate.login_with_certificate("aa" * 32, STATION), Refusal)


def test_a_certificate_of_two_accounts_lets_in_neither_unless_one_has_ended(bench: GateBench) -> None:
    bench.change(certificates=("aa" * 32,))
    bench.registry.accounts["other"] = replace(bench.registry.accounts["other"], certificates=("aa" * 32,))
    refusal = bench.gate.login_with_certificate("aa" * 32, STATION)
    assert str(refusal) == f"certificate {'aa' * 32}: several accounts have it: bkhn, other"
    bench.change(valid_to=bench.now())
    assert bench.gate.login_with_certificate("aa" * 32, STATION) == bench.registry.accounts["other"]
    del bench.registry.accounts["other"]
    refusal = bench.gate.login_with_certificate("aa" * 32, STATION)
    assert str(refusal) == "the account is not valid now"
