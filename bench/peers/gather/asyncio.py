import asyncio

import passes

CHILDREN = 1000


async def child(i):
    return i


async def main(runs):
    while runs.again():
        total = 0
        for _ in range(runs.size):
            total += sum(await asyncio.gather(*[child(i) for i in range(CHILDREN)]))
        runs.end(total)


passes.run(main)
