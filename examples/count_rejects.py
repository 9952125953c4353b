"""The smallest role: parsed-reading → reject-count, how many lines of a file were rejected for which reason.

A copy of it is the beginning of a role of one's own. Beside a running stack:

    eval "$(quantrac env validator.validate)"
    QUANTRAC_HEALTH_PORT=0 python -m examples.count_rejects
"""

import json
from collections import Counter
from collections.abc import Sequence

from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.progress import Progress
from quantrac.io.records import DeadLetter, Done, Record
from quantrac.io.role import Role, Work, main
from quantrac.io.runner import Runner
from quantrac.io.settings import ServiceSettings, load
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_reading_set


class CountRejectsHandler:
    """1. Decides: messages in, messages out. It opens no socket, so a unit test needs no broker."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def handle(self, batch: Sequence[Record]) -> Done:
        """Count the rejects of each set by reason; the same batch again gives the same messages."""
        counts, dead = [], []
        for record in batch:
            try:
                rejects = decode_reading_set(record.value or b"").rejects
            except BadMessage as error:  # 2. What can never be read is a dead letter, and stops nothing.
                dead.append(DeadLetter(record, str(error)))
            else:  # 3. The same key: what belongs to one station stays in one partition, in order.
                reasons = Counter(reject.reason for reject in rejects)
                counts.append(Record(self._topic, record.key, json.dumps(reasons).encode()))
        return Done(counts, dead)


def count() -> Role:
    """4. Build the role from its settings (`QUANTRAC_...`): the only place that makes real clients."""
    settings = load(ServiceSettings)
    kafka, counts = settings.kafka_connection, settings.topic("reject-count")
    # The topics of the services are contracts in schemas/topics, made by `quantrac migrate`.
    KafkaAdmin(kafka).create([TopicSettings(counts, partitions=6, replication=1, config={})])
    consumer = KafkaConsumer(
        kafka,
        group=settings.topic("examples.count-rejects"),
        instance=settings.instance,
        topics=[settings.topic("parsed-reading")],
    )
    # 5. The loop: consume, handle, produce, flush, commit. A crash between any two repeats the batch.
    runner = Runner(
        service="examples.count-rejects",
        consumer=consumer,
        producer=KafkaProducer(kafka),
        handler=CountRejectsHandler(counts),
        progress=Progress(settings.stalled_seconds),
    )
    # 6. Ready (`/health/ready`) is a role whose checks all say nothing.
    return Work(runner.run, checks=[consumer.problem, runner.progress.problem])


if __name__ == "__main__":  # 7. Logging, signals and the health endpoint, the same for every role.
    main("count-rejects", {"count": count})
