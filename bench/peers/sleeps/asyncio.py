import asyncio

import passes

ROUNDING = 1e-6  # of the loop's time, a float of seconds


async def sleep(loop, delay):
    due = loop.time() + delay
    await asyncio.sleep(delay)
    return loop.time() >= due - ROUNDING


async def main(runs):
    runs.cpu = True
    size = runs.size
    before = passes.resident_bytes()
    runs.start()
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(sleep(loop, (1000 + i * 7919 % 100) / 1000)) for i in range(size)]
    await asyncio.sleep(0)  # the tasks are ahead of this one
    asleep = passes.resident_bytes()
    woken = 0
    for task in tasks:
        woken += await task
    used = runs.now() - runs.begin

    runs.end_after(used, woken)
    if not runs.ns:  # it was short enough to be taken for the warm-up
        runs.end_after(used, woken)
    runs.also("bytes", (asleep - before) / size)


passes.run(main)
