import asyncio

import passes

CHILDREN = 100


async def child(i, lucky, loop):
    if i != lucky:
        await loop.create_future()
    return i


async def wait_any(lucky):
    """Whether exactly one child came back with a result."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(child(i, lucky, loop)) for i in range(CHILDREN)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(pending)
    return [task.result() for task in done] == [lucky] and all(task.cancelled() for task in pending)


async def main(runs):
    while runs.again():
        rounds = 0
        for i in range(runs.size):
            rounds += await wait_any(i % CHILDREN)
        runs.end(rounds)


passes.run(main)
