import asyncio

import passes


async def wait(future):
    await future
    return 1


async def suspend(size, when_all_wait):
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(size)]
    tasks = [loop.create_task(wait(future)) for future in futures]
    await asyncio.sleep(0)  # the tasks are ahead of this one
    when_all_wait()
    for future in futures:
        future.set_result(None)
    back = 0
    for task in tasks:
        back += await task
    return back


async def main(runs):
    before = passes.resident_bytes()

    def measure():
        if "bytes" not in runs.extra:
            runs.also("bytes", (passes.resident_bytes() - before) / runs.size)

    while runs.again():
        runs.end(await suspend(runs.size, measure))


passes.run(main)
