"""What a target is told, when, and how often."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quantrac.io.progress import Progress
from quantrac.testing.builders import registry, station
from schemas.messages.alerts import Alert
from services.aggregator.notify.config import Quiet
from services.aggregator.notify.handler import DIGEST_MOST, LONGEST_PAUSE, decide
from services.aggregator.notify.tables import Pending
from services.aggregator.notify.target import TargetAway, TargetRefused
from support.notify import EVENING, Clock, Inbox, Tables, alert, notifier, target

NIGHT = {"from": "18:00", "to": "06:00", "except": "critical"}
MORNING = EVENING + timedelta(hours=11)  # 6:00 in Vietnam
GOING_ON = threading.Event()


def look(tables: Tables, inbox: Inbox | None = None, at: datetime = EVENING, **given: Any) -> list[str]:
    """Look once; returns the types of what was told."""
    inbox = inbox or Inbox()
    before = len(inbox.taken)
    notifier(tables, inbox, Clock(at), target(**given)).send_due(GOING_ON)
    return [notice.payload["type"] for notice in inbox.taken[before:]]


def numbers(pendings: Any) -> list[int]:
    return [int(each.alert.alert_id.split("/")[-1]) for each in pendings]


def test_an_opening_and_its_closing_are_told_once_each() -> None:
    tables = Tables(alert())
    assert look(tables) == ["alert.opened"]
    assert look(tables) == []
    tables.put(alert(state="closed", version=2))
    assert look(tables) == ["alert.closed"]
    assert look(tables) == []
    assert tables.outcomes() == {"1/1": "sent", "1/2": "sent"}


def test_an_update_is_told_to_those_who_ask_for_updates() -> None:
    tables = Tables(alert())
    for name in ("duty", "office"):
        look(tables, name=name)
    tables.put(alert(state="updated", version=2))
    assert look(tables) == []
    assert look(tables, name="office", states=["opened", "updated", "closed"]) == ["alert.updated"]
    assert (tables.outcomes()["1/2"], tables.outcomes("office")["1/2"]) == ("skipped", "sent")


def test_an_alert_that_becomes_more_severe_is_told_to_everybody() -> None:
    tables = Tables(alert(severity="info"))
    look(tables)
    assert look(tables, name="calm", least="critical") == []
    tables.put(alert(state="updated", version=2, severity="critical"))
    assert look(tables) == ["alert.updated"]
    assert look(tables, name="calm", least="critical") == ["alert.opened"]
    tables.put(alert(state="updated", version=3, severity="warning"))
    assert look(tables) == []
    tables.put(alert(state="updated", version=4, severity="critical"))
    assert look(tables) == []
    tables.put(alert(state="closed", version=5, severity="info"))
    assert look(tables, name="calm", least="critical") == ["alert.closed"]


def test_an_alert_updated_before_it_was_told_is_told_as_an_opening() -> None:
    assert look(Tables(alert(state="updated", version=4))) == ["alert.opened"]


def test_a_closing_is_skipped_where_the_opening_was_never_told() -> None:
    tables = Tables(alert(state="closed", version=2))
    assert look(tables) == []
    assert tables.outcomes() == {"1/2": "skipped"}


def test_a_critical_alert_that_came_and_went_untold_is_told() -> None:
    assert look(Tables(alert(state="closed", version=2, severity="critical"))) == ["alert.closed"]


def test_a_target_that_asks_for_closings_alone_gets_every_one() -> None:
    tables = Tables(alert(), alert(2, "closed", 2))
    assert look(tables, states=["closed"]) == ["alert.closed"]
    assert tables.outcomes() == {"1/1": "skipped", "2/2": "sent"}


def test_a_quiet_time_holds_back_what_is_not_critical_until_it_is_over() -> None:
    tables = Tables(alert(1), alert(2, severity="critical"))
    assert look(tables, quiet=[NIGHT]) == ["alert.opened"]
    assert tables.outcomes() == {"2/1": "sent"}
    assert look(tables, at=MORNING - timedelta(seconds=1), quiet=[NIGHT]) == []
    assert look(tables, at=MORNING, quiet=[NIGHT]) == ["alert.opened"]


def test_what_opens_and_closes_in_a_quiet_time_is_not_told_unless_critical() -> None:
    night = {"from": "18:00", "to": "06:00"}
    tables = Tables(alert(1), alert(2, severity="critical"))
    assert look(tables, quiet=[night]) == []
    tables.put(alert(1, "closed", 2), alert(2, "closed", 2, severity="critical"))
    assert look(tables, quiet=[night]) == []
    assert look(tables, at=MORNING, quiet=[night]) == ["alert.closed"]
    assert tables.outcomes() == {"1/2": "skipped", "2/2": "sent"}


def test_what_closes_in_a_quiet_time_is_told_in_the_morning_where_the_opening_was() -> None:
    tables = Tables(alert())
    look(tables)
    tables.put(alert(state="closed", version=2))
    assert look(tables, quiet=[NIGHT]) == []
    assert look(tables, at=MORNING, quiet=[NIGHT]) == ["alert.closed"]


def test_the_most_severe_go_first_then_those_that_changed_first() -> None:
    late = EVENING + timedelta(hours=1)
    pending = [
        Pending(alert(1, changed_at=late)),
        Pending(alert(2)),
        Pending(alert(3, severity="critical", changed_at=late)),
        Pending(alert(4, severity="info")),
    ]
    assert numbers(decide(pending, 0, EVENING, target()).singles) == [3, 2, 1, 4]


def test_what_is_more_than_the_limit_goes_into_one_digest() -> None:
    pending = [Pending(alert(n)) for n in range(10, 20)]
    decision = decide(pending, 0, EVENING, target(per_hour=3))
    assert (numbers(decision.singles), numbers(decision.digest)) == ([10, 11], list(range(12, 20)))
    decision = decide(pending, 2, EVENING, target(per_hour=3))
    assert (numbers(decision.singles), numbers(decision.digest)) == ([], list(range(10, 20)))


def test_past_the_limit_everything_waits_but_what_need_not_be_told() -> None:
    pending = [Pending(alert(1)), Pending(alert(2, "closed", 2))]
    decision = decide(pending, 3, EVENING, target(per_hour=3))
    assert (decision.singles, decision.digest, numbers(decision.skipped)) == ((), (), [2])


def test_a_digest_holds_no_more_than_servers_take() -> None:
    pending = [Pending(alert(n)) for n in range(DIGEST_MOST + 5)]
    assert len(decide(pending, 59, EVENING, target()).digest) == DIGEST_MOST


def test_a_digest_is_one_message_and_names_every_alert() -> None:
    tables, inbox = Tables(*(alert(n) for n in range(1, 6))), Inbox()
    assert look(tables, inbox, per_hour=2) == ["alert.opened", "alert.digest"]
    assert [a["alert_id"] for a in inbox.taken[1].payload["data"]["alerts"]] == [
        f"station-silent/HN_BKHN_KHIKXQ/{n}" for n in range(2, 6)
    ]
    assert sorted(tables.outcomes().values()) == ["digest"] * 4 + ["sent"]
    assert tables.count_sent("duty", EVENING - timedelta(seconds=1)) == 2


def test_a_digest_has_the_same_id_when_it_is_sent_again() -> None:
    tables, inbox = Tables(alert(1), alert(2)), Inbox()
    look(tables, inbox, per_hour=1)
    tables.ledger.clear()
    look(tables, inbox, at=EVENING + timedelta(seconds=5), per_hour=1)
    assert inbox.taken[0].id == inbox.taken[1].id


def test_a_target_hears_of_its_provinces_and_stations_only() -> None:
    known = registry([station("HN_A"), station("HN_B")], accounts=[])
    tables = Tables(*(alert(n, station=code) for n, code in enumerate(("HN_A", "HN_B", "SG_C"), start=1)))

    def heard(**given: Any) -> list[str]:
        inbox = Inbox()
        name = "-".join(["t", *given])
        notifier(tables, inbox, Clock(), target(name=name, **given), known).send_due(GOING_ON)
        return [notice.payload["data"]["station"] for notice in inbox.taken]

    assert heard() == ["HN_A", "HN_B", "SG_C"]
    assert heard(provinces=["01"]) == ["HN_A", "HN_B"]
    assert heard(stations=["HN_B", "SG_C"]) == ["HN_B", "SG_C"]
    assert heard(provinces=["01"], stations=["HN_B", "SG_C"]) == ["HN_B"]
    assert heard(provinces=["79"], stations=["HN_B"]) == []


def test_a_refusal_is_noted_with_the_answer_and_not_tried_again() -> None:
    tables, inbox = Tables(alert(1), alert(2)), Inbox({alert(1).alert_id + "/1": TargetRefused("404: gone")})
    assert look(tables, inbox) == ["alert.opened"]
    (refused,) = [row for row in tables.of("duty") if row.outcome == "refused"]
    assert (refused.alert_id, refused.detail) == (alert(1).alert_id, "404: gone")
    inbox.answers.clear()
    assert look(tables, inbox) == []


def test_a_target_that_is_away_is_tried_again_less_and_less_often() -> None:
    tables, inbox = Tables(alert()), Inbox({"": TargetAway("503: busy")})
    trying = notifier(tables, inbox, Clock())
    pauses = [trying.try_once(GOING_ON) for _ in range(10)]
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, LONGEST_PAUSE, LONGEST_PAUSE]
    assert tables.ledger == []
    inbox.answers.clear()
    assert trying.try_once(GOING_ON) == 5.0
    assert tables.outcomes() == {"1/1": "sent"}
    inbox.answers[""] = TargetAway("503: busy", retry_after=30.0)
    tables.put(alert(2))
    assert trying.try_once(GOING_ON) == 30.0


def test_a_target_that_is_away_for_long_is_a_problem_of_the_role_until_it_is_back() -> None:
    now = [0.0]
    inbox = Inbox({"": TargetAway("503: busy")})
    trying = notifier(Tables(alert()), inbox, Clock())
    trying.progress = Progress(60.0, name="mail", monotonic=lambda: now[0])
    trying.try_once(GOING_ON)
    assert trying.progress.problem() == ""
    now[0] = 61.0
    trying.try_once(GOING_ON)
    assert trying.progress.problem() == "mail: no progress for 61 s on a batch of 1: 503: busy"
    inbox.answers.clear()
    trying.try_once(GOING_ON)
    now[0] = 600.0
    assert trying.progress.problem() == ""


def test_an_alert_at_which_a_target_stumbles_holds_up_no_other() -> None:
    tables, inbox = Tables(alert(1), alert(2)), Inbox({alert(1).alert_id + "/1": TargetAway("500: bug")})
    trying = notifier(tables, inbox, Clock())
    trying.try_once(GOING_ON)
    trying.try_once(GOING_ON)
    assert tables.outcomes() == {"2/1": "sent"}


def test_what_the_ledger_could_not_take_is_noted_before_anything_is_sent_again() -> None:
    tables, inbox = Tables(alert()), Inbox()
    telling = notifier(tables, inbox, Clock())
    tables.away = True
    assert [telling.try_once(GOING_ON) for _ in range(3)] == [5.0] * 3
    assert len(inbox.taken) == 1
    tables.away = False
    telling.try_once(GOING_ON)
    assert (len(inbox.taken), tables.outcomes()) == (1, {"1/1": "sent"})


def test_what_changed_long_ago_is_let_be() -> None:
    tables = Tables(alert())
    assert look(tables, at=EVENING + timedelta(days=7, minutes=1)) == []


def test_it_stops_between_two_messages() -> None:
    stop = threading.Event()

    class Stopping(Inbox):
        def send(self, notice: Any) -> str:
            stop.set()
            return super().send(notice)

    tables, inbox = Tables(alert(1), alert(2)), Stopping()
    notifier(tables, inbox, Clock()).run(stop)
    assert tables.outcomes() == {"1/1": "sent"}


def changes() -> st.SearchStrategy[list[tuple[int, Alert | str]]]:
    """(minutes passed, what happened): an alert changes, or the target goes away or comes back."""
    states = st.sampled_from(["opened", "updated", "closed"])
    severities = st.sampled_from(["info", "warning", "critical"])
    event = st.tuples(st.integers(1, 12), states, severities) | st.sampled_from(["away", "back", "restart"])
    return st.lists(st.tuples(st.integers(0, 90), event), max_size=40)


@given(changes(), st.integers(1, 4), st.booleans(), st.integers(0, 7 * 24 - 1))
def test_everything_is_told_digested_or_skipped_never_twice_and_never_past_the_limit(
    events: Any, per_hour: int, quiet: bool, hour: int
) -> None:
    clock = Clock(datetime(2026, 3, 23, tzinfo=UTC) + timedelta(hours=hour))
    nights = {"from": "22:00", "to": "06:00", "except": "critical"}
    weekend = {"from": "12:00", "to": "12:00", "days": ["sat"]}
    to = target(per_hour=per_hour, quiet=[nights, weekend] if quiet else [])
    tables, inbox, versions = Tables(), Inbox(), dict.fromkeys(range(1, 13), 0)
    told: list[tuple[datetime, Any]] = []

    def turn(telling: Any) -> None:
        before = len(inbox.taken)
        telling.try_once(GOING_ON)
        told.extend((clock.now, notice) for notice in inbox.taken[before:])

    telling = notifier(tables, inbox, clock, to)
    for minutes, event in events:
        clock.now += timedelta(minutes=minutes)
        match event:
            case "away":
                inbox.answers[""] = TargetAway("503")
            case "back":
                inbox.answers.clear()
            case "restart":
                telling = notifier(tables, inbox, clock, to)
            case (number, state, severity):
                versions[number] += 1
                tables.put(alert(number, state, versions[number], severity=severity, changed_at=clock.now))
        turn(telling)
    inbox.answers.clear()
    for _ in range(5 * 24):
        clock.now += timedelta(hours=1)
        turn(telling)

    assert tables.pending(to, None, clock.now - timedelta(days=7)) == []
    every = [(row.alert_id, row.version) for row in tables.of("duty")]
    assert len(every) == len(set(every))
    assert {alert_id for alert_id, _ in every} == set(tables.alerts)
    for at, _ in told:
        assert sum(at - timedelta(hours=1) < other <= at for other, _ in told) <= per_hour
    heard = [
        (a["alert_id"], a["version"])
        for _, notice in told
        for a in notice.payload["data"].get("alerts", [notice.payload["data"]])
    ]
    assert len(heard) == len(set(heard))
    assert set(heard) == {(r.alert_id, r.version) for r in tables.of("duty") if r.outcome != "skipped"}
    if quiet:
        holds = [Quiet.model_validate(each) for each in (nights, weekend)]
        for at, notice in told:
            data = notice.payload["data"]
            for each in data.get("alerts", [data]):
                assert not holds[1].holds(at)
                assert each["severity"] == "critical" or not holds[0].holds(at)
