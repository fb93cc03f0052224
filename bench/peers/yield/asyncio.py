import asyncio
import sys

import passes

TASKS = 100


async def yield_and_count(counts, own, size):
    for _ in range(size):
        await asyncio.sleep(0)
        counts[own] += 1
    if counts.count(size) == 1 and min(counts) < size / 2:  # the first to end
        sys.stderr.write(f"unfair: a task had yielded {min(counts)} times when the first had {size}\n")
        sys.exit(3)


async def main(runs):
    while runs.again():
        counts = [0] * TASKS
        tasks = [asyncio.create_task(yield_and_count(counts, own, runs.size)) for own in range(TASKS)]
        for task in tasks:
            await task
        runs.end(sum(counts))


passes.run(main)
