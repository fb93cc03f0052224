"""as_completed: outcomes in the order of completion."""
import asyncio

from trace import outcome, rules


async def after(delay, value):
    return await asyncio.sleep(delay, value)


async def fails(delay, text):
    await asyncio.sleep(delay)
    raise ValueError(text)


@rules(175)
async def results_in_order_of_completion(log):
    for next_one in asyncio.as_completed([after(3, "c"), after(1, "a"), after(2, "b")]):
        log.at(await next_one)


@rules(175)
async def failures_come_in_their_place(log):
    gone = asyncio.create_task(after(10, "never"))
    log.loop.call_later(2, gone.cancel)
    for next_one in asyncio.as_completed([after(3, "c"), fails(1, "bad"), gone]):
        log.at(await outcome(next_one))


@rules(176)
async def async_iteration_yields_the_tasks_themselves(log):
    tasks = [asyncio.create_task(after(delay, "value"), name=f"task {delay}") for delay in (3, 1, 2)]
    async for task in asyncio.as_completed(tasks):
        log.at(task, task.done(), task.result(), task in tasks)


@rules(177)
async def all_start_at_the_call(log):
    async def child(n):
        log("starts", n)
        return n

    iterator = asyncio.as_completed([child(1), child(2)])
    await asyncio.sleep(0)
    log("before the first await")
    for next_one in iterator:
        log(await next_one)


@rules(177)
async def leaving_early_cancels_nothing(log):
    slow = asyncio.create_task(after(5, "slow"))
    for next_one in asyncio.as_completed([slow, after(1, "fast")]):
        log(await next_one)
        break
    log(slow.done(), slow.cancelling())
    log(await slow)
    log.at("end")


@rules(178)
async def the_timeout_counts_from_the_call(log):
    slow = asyncio.create_task(after(9, "slow"))
    iterator = asyncio.as_completed([after(1, "fast"), slow, after(8, "second")], timeout=3)
    await asyncio.sleep(1)
    for next_one in iterator:
        log.at(await outcome(next_one))
    log("the members run on", slow.done(), slow.cancelling())
    log(await slow)


@rules(178)
async def outcomes_already_queued_are_still_delivered(log):
    iterator = asyncio.as_completed([after(1, "one"), after(2, "two"), after(50, "late")], timeout=3)
    await asyncio.sleep(10)
    for next_one in iterator:
        log.at(await outcome(next_one))


@rules(178)
async def async_iteration_with_a_timeout(log):
    tasks = [asyncio.create_task(after(delay, delay), name=f"task {delay}") for delay in (1, 5)]

    async def all_of_them():
        async for task in asyncio.as_completed(tasks, timeout=3):
            log.at(task)

    log(await outcome(all_of_them()))
    log.at("end")
    await tasks[1]


@rules(179)
async def duplicates_once(log):
    task = asyncio.create_task(after(1, "once"))
    for next_one in asyncio.as_completed([task, task, task]):
        log(await next_one)
    log("end")


@rules(179)
async def nothing_to_wait_for(log):
    for next_one in asyncio.as_completed([]):
        log("never")
    async for task in asyncio.as_completed([]):
        log("never")
    log("end")


@rules(180)
async def concurrent_consumers_take_one_each(log):
    async def consumer(name, awaitable):
        log.at(name, await awaitable)

    slots = list(asyncio.as_completed([after(2, "two"), after(1, "one"), after(3, "three")]))
    await asyncio.gather(*(consumer(name, slot) for name, slot in zip("abc", slots)))


@rules(180)
async def out_of_order(log):
    slots = list(asyncio.as_completed([after(2, "two"), after(1, "one")]))
    log(await slots[1])
    log(await slots[0])


@rules(175, 177)
async def cancelling_the_consumer_leaves_the_members_alone(log):
    member = asyncio.create_task(after(5, "member"))

    async def consumer():
        for next_one in asyncio.as_completed([member]):
            await next_one

    task = asyncio.create_task(consumer())
    await asyncio.sleep(1)
    task.cancel()
    log(await outcome(task), member.cancelling())
    log(await member)


@rules(175)
async def equal_times_keep_the_order_of_completion(log):
    futures = [log.loop.create_future() for _ in range(3)]
    iterator = asyncio.as_completed(futures)
    for n in (2, 0, 1):
        futures[n].set_result(n)
    for next_one in iterator:
        log(await next_one)
