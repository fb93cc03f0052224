import asyncio

import passes


async def called(i):
    return i


def call(runs, loop):
    """The plain thread's side."""
    while runs.again():
        total = 0
        for i in range(runs.size):
            total += asyncio.run_coroutine_threadsafe(called(i), loop).result()
        runs.end(total)


async def main(runs):
    await asyncio.to_thread(call, runs, asyncio.get_running_loop())


passes.run(main)
