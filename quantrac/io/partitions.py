"""Where a reader is in a topic, in Kafka's words.

- A topic is cut into *partitions*; messages with the same key are in one partition, in the order written.
- An *offset* numbers the messages of one partition, from 0; compaction and control records leave gaps.
- The *end offset* of a partition is that of the next message to be written.
- The *position* of a reader is the offset of the next message it will read.
- The *committed offset* of a consumer group is the position from which the group's next reader goes on.
- The *lag* of a group is end offset less committed offset, summed over the partitions.
- A group's *assignment* says which partitions each of its *members* reads; a *rebalance* makes it anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int
    """From 0."""


Offsets = Mapping[Partition, int]
"""An offset of each of several partitions."""


@dataclass(frozen=True, slots=True)
class GroupAssignment:
    """What a consumer group has assigned to one of its members, and how far that member has read it."""

    generation: int
    """Rises with every assignment: other partitions, or those again."""
    positions: Offsets
    """Of the partitions assigned to this member."""
    is_caught_up: bool
    """Whether these positions are the end offsets, as the broker says now."""
    is_assigned: Callable[[bytes], bool]
    """Tells whether the messages with a key come to this member, of every topic."""
