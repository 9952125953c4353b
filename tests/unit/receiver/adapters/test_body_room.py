"""Bodies in memory are bounded over all requests and for each account."""

import pytest

from services.receiver.adapters.http.body_room import BodyRoom, RoomFull


def test_an_account_takes_no_more_than_its_part_and_leaves_room_for_others() -> None:
    room = BodyRoom(100, 40)
    with room.hold("hanoi") as first, room.hold("hanoi") as second, room.hold("hue") as other:
        first(30)
        second(10)
        with pytest.raises(RoomFull):
            second(1)
        other(40)
        with room.hold("danang") as last:
            last(20)
            with pytest.raises(RoomFull):
                last(1)


def test_what_a_request_held_is_free_again_however_it_ends() -> None:
    room = BodyRoom(100, 40)
    for _ in range(5):
        with pytest.raises(ValueError, match="cut"), room.hold("hanoi") as count:
            count(40)
            raise ValueError("cut")
