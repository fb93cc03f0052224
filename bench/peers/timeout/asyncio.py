import asyncio

import passes

HOUR = 3600


async def operate(size):
    in_time = 0
    for _ in range(size):
        async with asyncio.timeout(HOUR):
            await asyncio.sleep(0)
            in_time += 1
    return in_time


async def main(runs):
    while runs.again():
        runs.end(await operate(runs.size))


passes.run(main)
