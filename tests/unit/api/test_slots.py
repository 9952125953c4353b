"""The slots of one key."""

import asyncio

import pytest

from quantrac.io.settings import load
from services.api.common.problems import TooManyRequests
from services.api.common.slots import KeySlots, SlotLimits
from services.api.config import ApiSettings


def one_slot(wait_seconds: float) -> KeySlots:
    return KeySlots(SlotLimits(running_requests=1, waiting_requests=1, wait_seconds=wait_seconds))


async def hold(slots: KeySlots, key: str, until: asyncio.Event) -> None:
    async with slots.hold(key):
        await until.wait()


def test_a_request_that_waits_too_long_is_told_to_come_later() -> None:
    async def run() -> None:
        slots, end = one_slot(wait_seconds=0.01), asyncio.Event()
        first = asyncio.create_task(hold(slots, "a", end))
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests, match=r"took more than 0\.01 s"):
            await hold(slots, "a", end)
        end.set()
        await first
        await hold(slots, "a", end)

    asyncio.run(run())


def test_more_than_may_wait_are_refused_at_once_and_other_keys_are_not() -> None:
    async def run() -> None:
        slots, end = one_slot(wait_seconds=60), asyncio.Event()
        held = [asyncio.create_task(hold(slots, "a", end)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests, match="2 requests of this key"):
            await hold(slots, "a", end)
        end.set()
        await hold(slots, "b", end)
        await asyncio.gather(*held)
        assert not slots._keys  # a key that has gone leaves nothing behind

    asyncio.run(run())


def test_a_client_that_is_gone_while_it_waits_frees_its_turn() -> None:
    async def run() -> None:
        slots, end = one_slot(wait_seconds=60), asyncio.Event()
        first, second = (asyncio.create_task(hold(slots, "a", end)) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        third = asyncio.create_task(hold(slots, "a", end))
        await asyncio.sleep(0)
        end.set()
        await asyncio.gather(first, third)

    asyncio.run(run())


def test_one_key_never_gets_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_API_THREADS", "5")
    assert load(ApiSettings).slot_limits.running_requests == 4
    monkeypatch.setenv("QUANTRAC_API_THREADS", "4")
    with pytest.raises(SystemExit, match=r"API_REQUESTS_PER_KEY: .*must be fewer than the 4 of api_threads"):
        load(ApiSettings)
