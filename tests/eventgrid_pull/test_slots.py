"""Slots are neither lost nor made, whoever goes away while waiting for one."""

import asyncio

import pytest

from eventgrid_pull.handlers.slots import NoSlotLeft, Slots


@pytest.mark.parametrize("given_up", [False, True])
async def test_who_is_cancelled_on_getting_a_slot_adds_none(given_up: bool) -> None:
    """Or more handlers than were allowed would run from then on."""
    slots = Slots(1)
    assert slots.take_free()
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)

    slots.give_up() if given_up else slots.give()
    waiting.cancel()
    await asyncio.wait({waiting})
    if given_up:
        with pytest.raises(NoSlotLeft):
            await slots.take()
        slots.give_late()

    assert (slots.free, slots.stuck) == (1, 0)


async def test_a_change_just_before_the_wait_for_it_ends_it() -> None:
    """A drain would listen to nothing, with a free slot, until its time is over."""
    slots = Slots(1)
    assert slots.take_free()
    slots.give_up()

    changing = slots.wait_for_change()
    slots.give_late()

    async with asyncio.timeout(5):
        await changing
