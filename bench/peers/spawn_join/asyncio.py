import asyncio

import passes


async def child(i):
    return i


async def spawn_join(size):
    create_task = asyncio.get_running_loop().create_task
    tasks = [create_task(child(i)) for i in range(size)]
    total = 0
    for task in tasks:
        total += await task
    return total


async def main(runs):
    while runs.again():
        runs.end(await spawn_join(runs.size))


passes.run(main)
