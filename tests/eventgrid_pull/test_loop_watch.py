"""What blocks the event loop is named, also when nothing comes after it."""

import threading

from eventgrid_pull.handlers.loop_watch import Block, LoopWatch


async def test_a_block_that_ends_with_the_watch_is_reported() -> None:
    """As that of a drain's last handler, whatever was to do after it."""
    found: list[Block] = []

    async def paid() -> None:
        threading.Event().wait(0.5)

    watch = LoopWatch({paid.__code__: "sub-paid"}, found.append)
    await paid()
    watch.stop()

    [block] = found
    assert (block.handler, block.file) == ("sub-paid", __file__)
