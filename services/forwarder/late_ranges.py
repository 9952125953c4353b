"""What the present lane leaves to the backlog lane, as ranges of offsets."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from quantrac.io.records import Record
from schemas.messages.late_ranges import LateRange

Origin = tuple[str, int, int]
"""Topic, partition and offset of a message."""


def build_late_ranges(batch: Sequence[Record], late: Collection[Origin]) -> Iterator[LateRange]:
    """Yield one range for each partition of a batch that has late messages.

    What else the batch has between the first and the last of them is excluded.
    """
    by_partition: defaultdict[int, list[Record]] = defaultdict(list)
    for record in batch:
        by_partition[record.partition].append(record)
    for partition, records in by_partition.items():
        left = [record.offset for record in records if record.origin in late]
        if left:
            between = [record for record in records if left[0] < record.offset < left[-1]]
            excluded = [record.offset for record in between if record.origin not in late]
            yield LateRange(partition=partition, first=left[0], end=left[-1] + 1, excluded=excluded)
