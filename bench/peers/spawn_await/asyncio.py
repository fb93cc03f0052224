import asyncio

import passes


async def child(i):
    return i


async def spawn_await(size):
    create_task = asyncio.get_running_loop().create_task
    total = 0
    for i in range(size):
        total += await create_task(child(i))
    return total


async def main(runs):
    while runs.again():
        runs.end(await spawn_await(runs.size))


passes.run(main)
