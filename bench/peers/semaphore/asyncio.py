import asyncio
import sys

import passes

TASKS = 8
PERMITS = 2


class Room:
    def __init__(self):
        self.semaphore = asyncio.Semaphore(PERMITS)
        self.inside = 0

    def enter(self):
        self.inside += 1
        if self.inside > PERMITS:
            sys.exit("more are inside than there are permits")


async def uncontended(semaphore, times):
    count = 0
    for _ in range(times):
        async with semaphore:
            count += 1
    return count


async def contended(room, times):
    count = 0
    for _ in range(times):
        async with room.semaphore:
            room.enter()
            await asyncio.sleep(0)
            room.inside -= 1
            count += 1
    return count


async def main(runs):
    while runs.again():
        room = Room()
        if runs.variant == "contended":
            counts = await asyncio.gather(*(contended(room, runs.size // TASKS) for _ in range(TASKS)))
            runs.end(sum(counts))
        else:
            runs.end(await uncontended(room.semaphore, runs.size))


passes.run(main)
