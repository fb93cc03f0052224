import asyncio

import passes

TASKS = 8


class Counter:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.count = 0


async def uncontended(counter, times):
    for _ in range(times):
        async with counter.lock:
            counter.count += 1


async def contended(counter, times):
    for _ in range(times):
        async with counter.lock:
            count = counter.count
            await asyncio.sleep(0)
            counter.count = count + 1


async def main(runs):
    while runs.again():
        counter = Counter()
        if runs.variant == "contended":
            await asyncio.gather(*(contended(counter, runs.size // TASKS) for _ in range(TASKS)))
        else:
            await uncontended(counter, runs.size)
        runs.end(counter.count)


passes.run(main)
