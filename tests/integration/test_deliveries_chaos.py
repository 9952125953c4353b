"""The proof: kill -9 of forwarder, door and broker, and a bad way between them, lose and double no set."""

from pathlib import Path

import pytest

from support.delivery_chaos import run_chaos

pytestmark = pytest.mark.chaos


def test_kills_and_a_bad_way_lose_and_double_no_set_and_every_receipt_is_good(tmp_path: Path) -> None:
    outcome = run_chaos(tmp_path, sets=5_000, stations=50, sets_a_second=100, kills=12, seed=30)
    print(outcome)
    assert (outcome.missing, outcome.superfluous, outcome.altered) == (0, 0, 0)
    assert (outcome.unproven, outcome.bad_receipts, outcome.dead_letters) == (0, [], 0)
    assert set(outcome.kills) == {"broker", "door", "forwarder"}
    assert outcome.faults, "the way to the ministry was bad"
    assert 0 < outcome.late_sets < outcome.sets, "both lanes worked"
