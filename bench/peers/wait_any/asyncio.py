import asyncio

import passes

CHILDREN = 100


async def child(i, lucky, released):
    if i != lucky:
        await released
    return i


async def wait_any(lucky):
    """Whether exactly one child was done first, and all at the end."""
    loop = asyncio.get_running_loop()
    released = loop.create_future()
    tasks = [loop.create_task(child(i, lucky, released)) for i in range(CHILDREN)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    released.set_result(None)
    await asyncio.wait(pending)
    return [task.result() for task in done] == [lucky] and all(not task.cancelled() for task in pending)


async def main(runs):
    while runs.again():
        rounds = 0
        for i in range(runs.size):
            rounds += await wait_any(i % CHILDREN)
        runs.end(rounds)


passes.run(main)
