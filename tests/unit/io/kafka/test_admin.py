"""How far a group is behind, while it goes on."""

import pytest

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.partitions import Partition


class MovingAdmin(KafkaAdmin):
    """A broker on which messages come, and are committed at once, between any two questions."""

    def __init__(self) -> None:
        self.end = 100

    def _move(self) -> int:
        self.end += 10
        return self.end

    def count_partitions(self, timeout: float = 10.0) -> dict[str, int]:
        return {"in": 2, "other": 1}

    def end_offsets(self, topics: object) -> dict[Partition, int]:
        return dict.fromkeys([Partition("in", 0), Partition("in", 1)], self._move())

    def committed_offsets(self, group: str, partitions: object) -> dict[Partition, int]:
        assert partitions == [Partition("in", 0), Partition("in", 1)]
        return dict.fromkeys(partitions, self._move())


class RetentionAdmin(MovingAdmin):
    """A broker that lost its topic: what was committed lies past the new end."""

    def end_offsets(self, topics: object) -> dict[Partition, int]:
        return {Partition("in", 0): 3, Partition("in", 1): 200}


@pytest.mark.parametrize(("admin", "lag"), [(MovingAdmin(), 20), (RetentionAdmin(), 90)])
def test_a_lag_is_never_negative(admin: KafkaAdmin, lag: int) -> None:
    assert admin.lag("group", "in") == lag
