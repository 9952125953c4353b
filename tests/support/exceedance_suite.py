"""What exceedances must be, scenario by scenario, whatever the tables are."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from quantrac.domain.registry.permits import Permit, PermitLimit
from quantrac.domain.registry.registry import Registry
from services.aggregator.windows.exceedances.episode import Episode
from support.exceedances import AIR, NEW_YEAR, STACK, World


def shown(world: Any, *, station: str = AIR) -> list[tuple[Any, ...]]:
    """(first hour from the new year, averages, peak, open) of what stands."""
    return [
        (
            int(episode.starts_at - NEW_YEAR.timestamp()) // 3600,
            episode.periods,
            episode.peak,
            bool(episode.open),
        )
        for episode in world.live(station=station)
    ]


class ExceedanceSuite:
    """Scenarios; a subclass gives the fixture ``world``."""

    def test_hours_beyond_a_limit_are_one_episode_with_its_peak_and_rule(self, world: World) -> None:
        world.put("O3", 0, [150, 210, 250, 205, 190])
        world.flush()
        start = int(NEW_YEAR.timestamp())
        what = ("O3", "hour", "AIR 1", "", None, 200.0, "µg/m3")
        times = (start + 3600, start + 4 * 3600)
        assert world.live() == [Episode(*what, *times, 3, 250.0, start + 2 * 3600, 1.25, False)]
        (message,) = world.published
        assert (message["starts_at"], message["ends_at"]) == ("2025-12-31T18:00:00Z", "2025-12-31T21:00:00Z")
        assert (message["standard"], message["maximum"], message["version"]) == ("AIR 1", 200.0, 1)

    def test_a_mean_at_the_limit_is_not_beyond_it(self, world: World) -> None:
        world.put("O3", 0, [200.0])
        world.flush()
        assert world.live() == []

    def test_an_episode_is_open_until_a_later_hour_is_within_the_limit(self, world: World) -> None:
        world.put("O3", 0, [210])
        world.flush()
        assert shown(world) == [(0, 1, 210, True)]
        world.put("O3", 1, [220])
        world.flush()
        assert shown(world) == [(0, 2, 220, True)]
        world.put("O3", 2, [180])
        world.flush()
        assert shown(world) == [(0, 2, 220, False)]
        assert [(episode["version"], episode["open"]) for episode in world.published] == [(3, False)]

    def test_a_gap_ends_a_run_but_closes_nothing(self, world: World) -> None:
        world.put("O3", 0, [210, None, 220])
        world.flush()
        assert shown(world) == [(0, 1, 210, True), (2, 1, 220, True)]
        world.put("O3", 9, [100])
        world.flush()
        assert shown(world) == [(0, 1, 210, False), (2, 1, 220, False)]

    def test_bad_readings_are_never_judged(self, world: World) -> None:
        world.put("O3", 0, [210, 900, 210], flag=4)
        world.flush()
        assert world.live() == []

    def test_readings_that_turn_out_bad_withdraw_an_episode(self, world: World) -> None:
        world.put("O3", 0, [210, 220])
        world.flush()
        world.put("O3", 0, [210, 220], flag=4)
        world.flush()
        assert world.live() == []
        assert [(episode["periods"], episode["version"], episode["open"]) for episode in world.published] == [
            (0, 2, False)
        ]
        world.put("O3", 0, [230])
        world.flush()
        assert [(episode["periods"], episode["version"]) for episode in world.published] == [(1, 3)]

    def test_a_late_hour_joins_two_episodes(self, world: World) -> None:
        world.put("O3", 0, [210, None, 220, 100])
        world.flush()
        world.put("O3", 1, [240])
        world.flush()
        assert shown(world) == [(0, 3, 240, False)]
        assert sorted((episode["periods"], episode["version"]) for episode in world.published) == [
            (0, 2),
            (3, 2),
        ]

    def test_a_corrected_hour_splits_an_episode_and_leaves_the_others(self, world: World) -> None:
        world.put("O3", -600, [210, 100])
        world.put("O3", 0, [210, 220, 230, 100])
        world.put("O3", 600, [210, 100])
        world.flush()
        world.put("O3", 1, [150])
        world.flush()
        assert shown(world) == [
            (-600, 1, 210, False),
            (0, 1, 210, False),
            (2, 1, 230, False),
            (600, 1, 210, False),
        ]
        assert len(world.published) == 2

    def test_the_first_hour_of_an_episode_corrected_gives_it_another_start(self, world: World) -> None:
        world.put("O3", 0, [260, 220, 100])
        world.flush()
        world.put("O3", 0, [100])
        world.flush()
        assert shown(world) == [(1, 1, 220, False)]

    def test_the_same_again_writes_nothing(self, world: World) -> None:
        readings = [210, 220, None, 230, 100]
        world.put("O3", 0, readings)
        world.flush()
        before = world.versions()
        world.put("O3", 0, readings)
        world.flush()
        assert (world.versions(), world.published) == (before, [])

    def test_an_episode_whose_only_end_turns_out_bad_is_open_again(self, world: World) -> None:
        world.put("O3", 0, [210, None, 220])
        world.put("O3", 400, [100])
        world.flush()
        assert [open for *_, open in shown(world)] == [False, False]
        world.put("O3", 400, [100], flag=4)
        world.flush()
        assert [open for *_, open in shown(world)] == [True, True]
        world.put("O3", 400, [100])
        world.flush()
        assert [open for *_, open in shown(world)] == [False, False]

    def test_an_end_that_turns_out_beyond_too_opens_what_it_had_closed(self, world: World) -> None:
        world.put("O3", 0, [210, None, 100])
        world.flush()
        world.put("O3", 2, [205])
        world.flush()
        assert shown(world) == [(0, 1, 210, True), (2, 1, 205, True)]

    def test_means_of_8_hours_follow_each_other_hour_by_hour(self, world: World) -> None:
        world.put("O3", 0, [150] * 10 + [0] * 12)
        world.flush()
        eights = [episode for episode in world.live() if episode.period == "8h"]
        start = int(NEW_YEAR.timestamp())
        # From the one with six of its hours to the one whose six first hours are the last of 150.
        assert [(episode.starts_at - start, episode.periods, episode.peak) for episode in eights] == [
            (-2 * 3600, 6, 150.0)
        ]
        assert eights[0].ends_at == start + (3 + 8) * 3600

    def test_a_limit_that_changes_splits_an_episode(self, world: World) -> None:
        world.put("PM2.5", -48, [52.0] * 96)
        world.flush()
        assert [(episode.maximum, episode.periods, bool(episode.open)) for episode in world.live()] == [
            (50.0, 2, False),
            (45.0, 2, True),
        ]

    def test_the_limit_is_the_one_of_the_day(self, world: World) -> None:
        world.put("PM2.5", -48, [48.0] * 96)
        world.flush()
        assert shown(world) == [(0, 2, 48.0, True)]

    def test_months_follow_each_other_on_vietnams_clock_and_are_judged_before_they_are_over(
        self, world: World
    ) -> None:
        world.now = NEW_YEAR + timedelta(days=57)
        world.put("PM10", 0, [70.0] * 24 * 30)  # January
        world.put("PM10", 31 * 24, [65.0] * 24 * 25)  # February till the 25th
        world.flush()
        (episode,) = world.live()
        assert (episode.period, episode.periods, episode.peak) == ("month", 2, 70.0)
        assert episode.ends_at == int((NEW_YEAR + timedelta(days=59)).timestamp())
        assert episode.open

    def test_averages_in_another_unit_are_not_judged(self, world: World) -> None:
        world.put("CO", 0, [99.0])
        world.flush()
        assert world.live() == []

    def test_below_a_minimum_is_beyond_and_a_peak_of_nought_has_the_greatest_ratio(
        self, world: World
    ) -> None:
        world.put("DO", 0, [3.0, 2.0, 5.0, 0.0])
        world.flush()
        assert [(episode.peak, episode.ratio, episode.minimum) for episode in world.live()] == [
            (2.0, 2.0, 4.0),
            (0.0, 1000.0, 4.0),
        ]

    def test_a_station_that_the_registry_does_not_hold_is_not_judged(self, world: World) -> None:
        world.registry = Registry()
        world.put("O3", 0, [999.0])
        world.flush()
        assert (world.live(), world.published) == ([], [])

    def test_a_permit_that_changes_is_seen_when_a_window_is_touched_again(self, world: World) -> None:
        world.put("O3", 0, [210, 220, 230, 100])
        world.flush()
        own = PermitLimit("O3", "µg/m3", "hour", maximum=225.0)
        permit = Permit("AIR 1", limits=(own,), number="17/GPMT")
        world.registry = Registry(stations={AIR: replace(world.registry.stations[AIR], permits=(permit,))})
        world.put("O3", 1, [220])
        world.flush()
        assert [(episode.standard, episode.maximum, episode.periods) for episode in world.live()] == [
            ("17/GPMT", 225.0, 1)
        ]

    def test_stack_gases_are_corrected_hour_by_hour_to_the_reference_oxygen(self, world: World) -> None:
        world.put("SO2", 0, [300.0] * 24, station=STACK)
        world.put("O2", 0, [13.95] * 24, station=STACK)  # halves the distance to 20.9: twice the value
        world.flush()
        (episode,) = world.live(station=STACK)
        assert (episode.period, round(episode.peak, 6), round(episode.ratio, 6)) == ("day", 600.0, 1.2)

    def test_late_oxygen_judges_the_gases_of_its_hours(self, world: World) -> None:
        world.put("SO2", 0, [300.0] * 24, station=STACK)
        world.flush()
        assert world.live(station=STACK) == []
        world.put("O2", 0, [13.95] * 24, station=STACK)
        world.flush()
        assert [episode.period for episode in world.live(station=STACK)] == ["day"]
        world.put("O2", 0, [7.0] * 24, station=STACK)
        world.flush()
        assert world.live(station=STACK) == []

    def test_a_death_between_any_two_inserts_is_made_good(self, world: World) -> None:
        world.put("O3", 0, [210, 220, 100])
        world.flush()
        for inserts in range(8):
            value = 100.0 if inserts % 2 else 205.0 + inserts
            world.put("O3", 1, [value])
            world.flush_dying(inserts)
            assert shown(world) == [(0, 1, 210, False) if inserts % 2 else (0, 2, max(210, value), False)]

    def test_what_was_written_since_the_batch_was_may_not_have_been_told_and_is_told_again(
        self, world: World
    ) -> None:
        world.put("O3", 0, [210, 100, 100])
        world.flush()
        world.put("O3", 0, [100])
        world.put("O3", 2, [220])
        world.flush()
        published, before = world.published, world.versions()
        world.produced_at = world.now.timestamp()
        world.put("O3", 0, [100])
        world.put("O3", 2, [220])
        world.flush()
        assert (world.published, world.versions()) == (published, before)
        world.now += timedelta(hours=1)
        world.produced_at = world.now.timestamp()
        world.put("O3", 0, [100])
        world.flush()
        assert world.published == []
