from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.receiver.intake.ledger import Ledger

AT = datetime(2026, 3, 25, 5, 0, 0, 123_000, tzinfo=UTC)
FILE = "a" * 64


def test_a_file_is_known_by_its_owner_and_content(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add("HN_GP", FILE, AT)
    assert ledger.first_receipt("HN_GP", FILE) == AT
    assert ledger.first_receipt("HN_BKHN_KHIKXQ", FILE) is None
    assert ledger.first_receipt("HN_GP", "b" * 64) is None
    ledger.close()


def test_the_first_time_of_receipt_stays(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add("HN_GP", FILE, AT)
    ledger.add("HN_GP", FILE, AT + timedelta(hours=1))
    assert ledger.first_receipt("HN_GP", FILE) == AT
    ledger.close()


def test_it_remembers_over_a_restart(tmp_path: Path) -> None:
    before = Ledger(tmp_path / "ledger.sqlite")
    before.add("HN_GP", FILE, AT)
    before.close()
    after = Ledger(tmp_path / "ledger.sqlite")
    assert after.first_receipt("HN_GP", FILE) == AT
    after.close()


def test_it_forgets_after_sixty_days(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for number in range(2500):
        ledger.add("HN_GP", f"{number:064x}", AT)
    ledger.add("HN_GP", FILE, AT + timedelta(days=1))
    assert ledger.prune(AT + timedelta(days=60)) == 0
    assert ledger.prune(AT + timedelta(days=60, hours=1)) == 2500
    assert ledger.first_receipt("HN_GP", FILE) == AT + timedelta(days=1)
    ledger.close()
