"""Which requests are not written again because one like them waits."""

from datetime import UTC, datetime, timedelta

from schemas.messages.rejudge import RejudgeRequest
from services.validator.rejudge.pending import PendingRequests

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)


def request(station: str, hour: int = 0) -> RejudgeRequest:
    start = NOON + timedelta(hours=hour)
    return RejudgeRequest(station=station, start=start, end=start + timedelta(hours=1), causes=["neighbour"])


def pending(generations: list[int]) -> PendingRequests:
    return PendingRequests(lambda: generations[-1])


def test_a_request_is_written_once_until_it_is_read() -> None:
    waiting = pending([1])
    waiting.take([request("A"), request("B")])
    waiting.add([request("A")])
    assert waiting.leave_out([request("A"), request("A", 1), request("B")]) == [request("A", 1), request("B")]
    waiting.take([request("A")])
    assert waiting.leave_out([request("A")]) == [request("A")]


def test_a_request_that_was_not_written_in_the_end_does_not_count() -> None:
    waiting = pending([1])
    waiting.take([request("A")])
    assert waiting.leave_out([request("A")]) == waiting.leave_out([request("A")]) == [request("A")]


def test_of_stations_that_another_member_reads_every_request_is_written() -> None:
    waiting = pending([1])
    waiting.take([request("A")])
    waiting.add([request("B")])
    assert waiting.leave_out([request("B")]) == [request("B")]


def test_when_partitions_come_or_go_nothing_is_known_any_more() -> None:
    generations = [1]
    waiting = pending(generations)
    waiting.take([request("A")])
    waiting.add([request("A")])
    generations.append(2)
    waiting.take([request("B")])
    assert waiting.leave_out([request("A")]) == [request("A")]
    waiting.add([request("A")])  # its partition may be another member's now
    assert waiting.leave_out([request("A")]) == [request("A")]
