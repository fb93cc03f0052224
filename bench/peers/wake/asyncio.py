import asyncio
import queue
import time

import passes

PAUSE = 200_000


def send(runs, loop):
    """The plain thread's side. It blocks until a callback has come: if it spun, it would keep the GIL from the loop."""
    arrived = queue.SimpleQueue()
    now = time.perf_counter_ns

    def callback(sent):
        latency = now() - sent
        arrived.put(latency)

    while runs.again():
        total = count = 0
        for _ in range(runs.size):
            if runs.variant == "idle":
                until = now() + PAUSE
                while now() < until:
                    pass
            loop.call_soon_threadsafe(callback, now())
            total += arrived.get()
            count += 1
        runs.end_after(total, count)


async def main(runs):
    sender = asyncio.create_task(asyncio.to_thread(send, runs, asyncio.get_running_loop()))
    if runs.variant == "busy":
        while not sender.done():
            await asyncio.sleep(0)
    await sender


passes.run(main)
