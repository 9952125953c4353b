"""Counts and digests over the real engine: as the page defines them, kept as well as computed anew."""

from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.ids import reading_version
from quantrac.domain.reconciliation.differences import Sum, SumKey
from quantrac.domain.reconciliation.levels import Level
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import flagged_reading, flagged_set
from schemas.clickhouse import migration_files
from schemas.clickhouse.digests import READING_HASH
from support.digests import hourly_digests, xxh64
from support.stored_tier import NEW_YEAR, StoredTier, file_of

HOUR = timedelta(hours=1)


@pytest.fixture
def tier(clickhouse: ClickHouseSettings) -> StoredTier:
    return StoredTier(clickhouse)


def test_the_hash_is_that_of_the_page() -> None:
    # Of the reference implementation.
    assert xxh64(b"") == 0xEF46DB3751D8E999
    assert xxh64(b"abc") == 0x44BC2CF5AD770999
    assert xxh64(b"Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1


def test_what_was_stored_before_the_table_was_hashed_alike() -> None:
    texts = [text for name, text in migration_files() if name.endswith("_digests.sql")]
    assert len(texts) == 1
    assert "".join(READING_HASH.split()) in "".join(texts[0].split())


def test_digests_are_those_that_the_page_defines(tier: StoredTier) -> None:
    tier.take(
        file_of("A", NEW_YEAR - timedelta(minutes=5), 1.0, -0.0, 0.1 + 0.2),
        file_of("A", NEW_YEAR, 2.5),
        file_of("ĐÀ_NẴNG", NEW_YEAR + HOUR, 1e300, 3.0),
    )
    tier.take(file_of("A", NEW_YEAR, 2.75, received_at=NEW_YEAR + timedelta(hours=3)))
    expected = hourly_digests(tier.rows())
    assert sorted(count for count, _ in expected.values()) == [1, 2, 3]
    for is_fresh in (True, False):
        sums = tier.sums(Level.HOUR, is_fresh=is_fresh)
        assert {
            (key.station, int(key.starts_at.timestamp())): tuple(s) for key, s in sums.items()
        } == expected


def test_longer_periods_are_vietnams_and_sum_up_the_hours(tier: StoredTier) -> None:
    tier.take(
        file_of("A", NEW_YEAR - timedelta(minutes=5), 1.0),
        file_of("A", NEW_YEAR, 2.0),
        file_of("B", NEW_YEAR, 3.0),
    )
    for is_fresh in (True, False):
        hours = tier.sums(Level.HOUR, is_fresh=is_fresh)
        for level in (Level.YEAR, Level.MONTH, Level.DAY):
            sums = tier.sums(level, is_fresh=is_fresh)
            assert sums[SumKey("A", NEW_YEAR)] == hours[SumKey("A", NEW_YEAR)]
            assert {key.starts_at for key in sums if key.station == "A"} != {NEW_YEAR}
            assert sum(total.digest for total in sums.values()) % 2**64 == (
                sum(total.digest for total in hours.values()) % 2**64
            )
        only = tier.sums(Level.YEAR, is_fresh=is_fresh, stations=["B"])
        assert set(only) == {SumKey("B", NEW_YEAR)}


def test_an_hour_under_way_is_marked_once_and_summed_up_when_it_is_over(tier: StoredTier) -> None:
    tier.now = NEW_YEAR + timedelta(minutes=30)
    tier.take(file_of("A", NEW_YEAR, 1.0))
    tier.take(file_of("A", NEW_YEAR + timedelta(minutes=5), 2.0))
    assert tier.marks() == [1]
    assert tier.sums(Level.DAY, is_fresh=False) == tier.sums(Level.DAY, is_fresh=True)
    tier.now = NEW_YEAR + timedelta(minutes=80)
    tier.wake()
    assert tier.marks() == [0]
    assert tier.sums(Level.DAY, is_fresh=False)[SumKey("A", NEW_YEAR)].rows == 2


def test_a_mark_outlives_the_process(tier: StoredTier) -> None:
    tier.now = NEW_YEAR + timedelta(minutes=30)
    tier.take(file_of("A", NEW_YEAR, 1.0))
    tier.restart()
    tier.now = NEW_YEAR + timedelta(days=2)
    tier.wake()
    assert tier.marks() == [0]
    assert tier.sums(Level.HOUR, is_fresh=False) == tier.sums(Level.HOUR, is_fresh=True)


def test_the_same_readings_in_any_order_and_twice_give_the_same_digest(tier: StoredTier) -> None:
    files = [file_of("A", NEW_YEAR + timedelta(minutes=5 * n), float(n)) for n in range(6)]
    tier.take(*files)
    before = tier.sums(Level.HOUR, is_fresh=False)
    tier.take(*reversed(files))
    assert tier.sums(Level.HOUR, is_fresh=False) == before
    assert before[SumKey("A", NEW_YEAR)].rows == 6


def test_a_revision_of_a_flag_changes_the_digest_and_not_the_count(tier: StoredTier) -> None:
    tier.take(file_of("A", NEW_YEAR, 1.0))
    before = tier.sums(Level.HOUR, is_fresh=False)[SumKey("A", NEW_YEAR)]
    revised = flagged_reading(1.0, parameter="P1", measured_at=NEW_YEAR, flag=3)
    tier.take(flagged_set(revised, station="A", revision=1))
    after = tier.sums(Level.HOUR, is_fresh=False)[SumKey("A", NEW_YEAR)]
    assert (after.rows, after.digest == before.digest) == (1, False)
    (row,) = tier.rows()
    assert row["version"] == reading_version(NEW_YEAR + timedelta(minutes=1), 1)
    assert after == Sum(*hourly_digests([row])["A", int(NEW_YEAR.timestamp())])


def test_hours_years_apart_are_summed_up_together(tier: StoredTier) -> None:
    tier.take(file_of("A", NEW_YEAR - timedelta(days=2000), 1.0), file_of("A", NEW_YEAR, 2.0))
    tier.take(file_of("B", datetime(1990, 1, 1, 0, 5, tzinfo=UTC), 1.0))
    assert tier.sums(Level.HOUR, is_fresh=False) == tier.sums(Level.HOUR, is_fresh=True)
    assert SumKey("B", datetime(1989, 12, 31, 17, tzinfo=UTC)) in tier.sums(Level.YEAR, is_fresh=False)
