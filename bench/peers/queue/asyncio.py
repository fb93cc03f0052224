import asyncio

import passes

ROOM = 128


async def produce(queue, begin, end):
    for number in range(begin, end):
        await queue.put(number)


async def consume(queue, count):
    total = 0
    for _ in range(count):
        total += await queue.get()
    return total


async def main(runs):
    producers = 1 if runs.variant == "one_one" else 8
    consumers = 8 if runs.variant == "n_n" else 1
    share = runs.size // producers
    while runs.again():
        queue = asyncio.Queue(ROOM)
        producing = [asyncio.create_task(produce(queue, i * share, (i + 1) * share)) for i in range(producers)]
        consuming = [asyncio.create_task(consume(queue, runs.size // consumers)) for _ in range(consumers)]
        await asyncio.gather(*producing)
        runs.end(sum(await asyncio.gather(*consuming)))


passes.run(main)
