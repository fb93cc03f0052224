import asyncio

import passes


class Table:
    """What each side waits for: a new future for every stroke."""

    def __init__(self):
        self.create_future = asyncio.get_running_loop().create_future
        self.ping = self.create_future()
        self.pong = self.create_future()


async def ping(table, size):
    number = 0
    for _ in range(size):
        table.pong.set_result(number)
        number = await table.ping
        table.ping = table.create_future()
    return number


async def pong(table, size):
    for _ in range(size):
        number = await table.pong
        table.pong = table.create_future()
        table.ping.set_result(number + 1)


async def main(runs):
    while runs.again():
        table = Table()
        pongs = asyncio.create_task(pong(table, runs.size))
        number = await asyncio.create_task(ping(table, runs.size))
        await pongs
        runs.end(number)


passes.run(main)
