"""Whatever order data came in, whatever was lost or restarted: open alerts equal what the tables say."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.effort import examples
from support.watched_windows import WatchedWindows, causes_by_tables

CODE = "HN_A"
DAY = 24 * 60
HOURS = 40

FILES = st.tuples(
    st.just("file"),
    st.integers(0, HOURS) | st.integers(HOURS - 2, HOURS),
    st.sampled_from([100.0, 150.0, 170.0, 210.0, 250.0]),
    st.sampled_from(["both", "O3", "bad"]),
)
EVENTS = st.lists(
    FILES
    | st.tuples(st.just("days"), st.integers(0, HOURS - 26), st.sampled_from([90.0, 150.0, 230.0]))
    | st.tuples(st.sampled_from(["compute", "lose", "restart"]))
    | st.tuples(st.just("tick"), st.integers(1, 20)),
    min_size=1,
    max_size=25,
)


class History:
    """A station whose files come in any order; hours count from 40 hours before the start."""

    def __init__(self) -> None:
        self.world, self.minutes, self.number = WatchedWindows(CODE), 0.0, 0

    def play(self, event: tuple[Any, ...]) -> None:
        world = self.world
        match event:
            case ("file", hour, value, what):
                self.put(hour, value, what)
            case ("days", hour, value):  # 24 hours, the newest first
                for n in range(hour + 24, hour, -1):
                    self.put(n, value, "both")
            case ("compute",):
                world.compute()
                world.read(self.minutes)
            case ("lose",):  # what the windows published never came
                world.compute()
                world.unread.clear()
            case ("restart",):
                world.restart()
                world.tick(self.minutes)
            case ("tick", minutes):
                self.minutes += minutes
                world.tick(self.minutes)

    def put(self, hour: int, value: float, what: str) -> None:
        self.number += 1
        reading = {"value": value, "flag": 3 if what == "bad" else 1}
        values = {"O3": reading} if what == "O3" else {"O3": reading, "PM25": 20.0}
        self.minutes += 0.001  # no two files of a station are received at once
        self.world.put(60 * (hour - HOURS), code=CODE, received=self.minutes, **values)

    def come_to_rest(self) -> None:
        """Let everything that waits come, and the longest of what alerts wait for pass."""
        self.world.compute()
        self.world.read(self.minutes)
        for minutes in (1, 2, 11, 12, 13, 24, 25, 26):
            self.world.tick(self.minutes + minutes)


@settings(max_examples=examples(40), deadline=None)
@given(EVENTS)
def test_open_alerts_equal_what_the_tables_say(events: list[tuple[Any, ...]]) -> None:
    history = History()
    for event in events:
        history.play(event)
    history.come_to_rest()
    required, possible = causes_by_tables(history.world)
    causes = history.world.open_causes()
    assert required <= causes, required - causes
    assert causes <= possible, causes - possible
    # By a process that has just been started, too.
    history.world.restart()
    history.world.tick(history.minutes + 27)
    history.world.tick(history.minutes + 29)
    required, possible = causes_by_tables(history.world)
    assert required <= history.world.open_causes() <= possible
    assert history.world.dead == []


def pour(
    world: WatchedWindows, files: list[tuple[str, int, dict[str, Any]]], *, a_second: int, computed: int
) -> list[Any]:
    """Send files at once, in this order; watch looks every 10 s, the windows fall behind.

    Files older than six hours go by the lane of the backlog, behind those of the present; ``computed`` hours
    of a station are computed in two seconds. Returns what changed.
    """
    changes: list[Any] = []
    present = [file for file in files if file[1] > -360]
    past = [file for file in files if file[1] <= -360]
    seconds = 0
    while present or past or world.dirty:
        seconds += 1
        batch, present = present[:a_second], present[a_second:]
        rest = a_second - len(batch)
        batch, past = batch + past[:rest], past[rest:]
        for number, (code, minutes, values) in enumerate(batch):
            received = (seconds + number / max(len(batch), 1)) / 60
            changes += world.put(minutes, code=code, received=received, **values)
        world.past.keys = {code for code, *_ in past} | set(world.dirty)
        world.present.keys = {code for code, *_ in present}
        if seconds % 2 == 0:
            world.compute(most=computed)
        if seconds % 10 == 0:
            changes += world.read(seconds / 60)
    world.past.keys.clear()
    changes += world.read(seconds / 60)
    for minutes in range(1, 15):
        for code in world.registry.stations:  # the present goes on
            if not minutes % 5:
                changes += world.put(minutes, code=code, received=minutes + 0.1, O3=50.0, PM25=20.0)
        world.compute()
        changes += world.read(max(minutes, seconds / 60) + 0.2)
    return changes


def test_a_first_upload_of_26_hours_by_three_doors_opens_nothing_false() -> None:
    codes = ("HN_FTP", "HN_SFTP", "HN_HTTP")
    world = WatchedWindows(*codes, interval=300)
    files = [
        (code, 5 * n, {"O3": 60.0 + n % 7, "PM25": 20.0 + n % 5}) for n in range(-312, 1) for code in codes
    ]
    kinds = Counter(
        (kind.split("/")[0], state) for kind, state, _ in pour(world, files, a_second=39, computed=20)
    )
    assert kinds == {("backlog-arriving", "opened"): 3, ("backlog-arriving", "closed"): 3}


def test_forty_days_of_history_open_nothing_false() -> None:
    world = WatchedWindows(CODE)
    # Excesses of some hours every few days, the last one long over.
    files = [
        (CODE, 60 * n, {"O3": 230.0 if n % 90 < 5 and n < -100 else 90.0, "PM25": 20.0})
        for n in range(-40 * 24, 1)
    ]
    kinds = Counter(
        (kind.split("/")[0], state) for kind, state, _ in pour(world, files, a_second=20, computed=150)
    )
    assert kinds == {("backlog-arriving", "opened"): 1, ("backlog-arriving", "closed"): 1}
    episodes = [versions[-1][0] for versions in world.windows.exceedances.values()]
    assert sum(1 for episode in episodes if episode.periods) >= 9
