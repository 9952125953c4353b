"""How long a live file waits while 60 days of another station come in, with a lane of its own and without.

    python benchmarks/backlog.py [FILES]

The real parse and validate handlers over the broker in memory, one partition, one process: every stage takes
its turn. Printed: the wait of live files from their arrival to their flags, and the time the backlog took.
"""

import sys
import time
from datetime import timedelta
from functools import partial
from statistics import median

from quantrac.domain.ids import file_id
from quantrac.io.runner import Runner
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, account, file_name, registry, station, station_file
from schemas import rules
from services.receiver.intake.handler import IntakeHandler, Upload
from services.receiver.parse.backlog import BATCH, LiveLane, PacedConsumer
from services.receiver.parse.handler import ParseHandler
from services.validator.validate.handler import ValidateHandler

LATE, LIVE = "HN_BKHN_KHIKXQ", "HN_GP"
BOUND = 200
GROUPS = {"parse": "raw-file", "validate": "parsed-reading"}


def lag(broker: FakeBroker, group: str, topic: str) -> int:
    """Return how many messages a group still has before it."""
    return len(broker.records(topic)) - broker.committed(group, topic)


def measure(files: int, *, own_lane: bool) -> tuple[list[float], float]:
    """Return the waits of live files, one about every 20 ms, and the seconds the backlog took."""
    broker = FakeBroker(partitions=1)
    sender = account(stations=(LATE, LIVE))
    known = registry([station(LATE), station(LIVE)], [sender])
    late_topic = "raw-file-backlog" if own_lane else ""
    intake = IntakeHandler(known, "raw-file", backlog=late_topic)
    producer = broker.producer()

    def receive(code: str, age: timedelta) -> None:
        content = station_file(at=NOON - age)
        upload = Upload(sender, "/", file_name(code, NOON - age), content, "ftp")
        producer.produce([intake.record(upload, file_id(content), NOON)])
        producer.flush()

    def role(group: str, topic: str, handler: object, *, paced: bool = False) -> Runner:
        consumer = broker.consumer(group, [topic])
        lane = LiveLane(partial(lag, broker), GROUPS, BOUND)
        return Runner(
            service=group,
            consumer=PacedConsumer(consumer, lane.is_short) if paced else consumer,
            producer=broker.producer(),
            handler=handler,  # type: ignore[arg-type]
            batch_size=BATCH if paced else 500,
            poll_timeout=0,
        )

    for number in range(files):
        receive(LATE, timedelta(hours=7, minutes=5 * number))
    stages = [
        role("parse", "raw-file", ParseHandler(known, "parsed-reading")),
        role("backlog", "raw-file-backlog", ParseHandler(known, "parsed-reading"), paced=True),
        role(
            "validate",
            "parsed-reading",
            ValidateHandler(known, rules.RuleBook(rules.load()), topic="qa-flagged"),
        ),
    ]
    waits: list[float] = []
    sent: list[float] = []
    seen, begun, finished = 0, time.perf_counter(), 0.0
    while not finished or len(waits) < len(sent):
        if not finished and (not sent or time.perf_counter() - sent[-1] > 0.02):
            receive(LIVE, timedelta(minutes=len(sent)))
            sent.append(time.perf_counter())
        for stage in stages:
            stage.step()
        flagged = broker.records("qa-flagged")
        now = time.perf_counter()
        for record in flagged[seen:]:
            if record.key == LIVE.encode():
                waits.append(now - sent[len(waits)])
        seen = len(flagged)
        if not finished and seen - len(waits) == files:
            finished = now
    return waits, finished - begun


def main(files: int) -> None:
    """Run both and print them side by side."""
    found = {own: measure(files, own_lane=own) for own in (True, False)}
    for own, (waits, seconds) in found.items():
        name = "own lane" if own else "one lane"
        print(
            f"{name}: {files:,} late files in {seconds:.1f} s; a live file waited "
            f"{median(waits) * 1000:,.0f} ms (median), {max(waits) * 1000:,.0f} ms (longest of {len(waits)})"
        )
    print(f"longest wait, one lane / own lane: {max(found[False][0]) / max(found[True][0]):.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 17_280)
