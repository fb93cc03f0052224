"""How many turns pass between a trigger and the resumption of the one that waited for it."""
import asyncio

from trace import Turns, pause, rules


async def latency(log, name, waiter, trigger):
    """Turns from `trigger` to the end of the task that runs `waiter`'s own code."""
    turns = Turns()

    async def body():
        await waiter
        seen.append(turns.count)

    seen = []
    task = asyncio.create_task(body())
    await pause(5)
    before = turns.count
    trigger()
    await task
    log(name, seen[0] - before)
    turns.stop()


@rules(102)
async def a_future_wakes_its_waiter_one_turn_later(log):
    future = log.loop.create_future()
    await latency(log, "future", future, lambda: future.set_result(None))


@rules(103)
async def a_task_adds_one_turn(log):
    future = log.loop.create_future()

    async def waits():
        await future

    await latency(log, "task", asyncio.create_task(waits()), lambda: future.set_result(None))


@rules(103)
async def gather_adds_one_turn(log):
    future = log.loop.create_future()
    await latency(log, "gather of futures", asyncio.gather(future), lambda: future.set_result(None))

    async def waits():
        await second

    second = log.loop.create_future()
    await latency(log, "gather of a task", asyncio.gather(waits()), lambda: second.set_result(None))


@rules(105)
async def awaiting_a_fresh_empty_task(log):
    async def empty():
        pass

    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    await asyncio.create_task(empty())
    log("task", turns.count - before)
    before = turns.count
    await asyncio.gather(empty())
    log("gather of one", turns.count - before)
    before = turns.count
    await asyncio.gather(empty(), empty(), empty())
    log("gather of three", turns.count - before)
    turns.stop()


@rules(106)
async def what_takes_no_turn(log):
    done = log.loop.create_future()
    done.set_result(None)

    async def empty():
        pass

    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    await done
    await empty()
    await asyncio.gather(done, done)
    await asyncio.gather()
    log(turns.count - before)
    turns.stop()


@rules(106)
async def what_takes_no_turn_either(log):
    done = log.loop.create_future()
    done.set_result(None)
    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    await asyncio.shield(done)
    await asyncio.wait_for(done, 1)
    async with asyncio.timeout(1):
        await done
    async with asyncio.TaskGroup():
        pass
    log(turns.count - before)
    turns.stop()


@rules(103)
async def wait_adds_one_turn(log):
    future = log.loop.create_future()
    await latency(log, "wait", asyncio.wait([future]), lambda: future.set_result(None))


@rules(103)
async def shield_adds_one_turn(log):
    future = log.loop.create_future()
    await latency(log, "shield", asyncio.shield(future), lambda: future.set_result(None))


@rules(103)
async def wait_for_adds_none(log):
    future = log.loop.create_future()
    await latency(log, "wait_for", asyncio.wait_for(future, 1000), lambda: future.set_result(None))


@rules(103)
async def as_completed_adds_one_turn(log):
    future = log.loop.create_future()

    async def first():
        for next_one in asyncio.as_completed([future]):
            await next_one

    await latency(log, "as_completed", first(), lambda: future.set_result(None))


@rules(104)
async def leaving_a_task_group_takes_three(log):
    future = log.loop.create_future()

    async def child():
        await future

    async def group():
        async with asyncio.TaskGroup() as tg:
            tg.create_task(child())

    await latency(log, "TaskGroup", group(), lambda: future.set_result(None))


@rules(105)
async def a_task_group_with_one_empty_child(log):
    async def empty():
        pass

    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    async with asyncio.TaskGroup() as tg:
        tg.create_task(empty())
    log(turns.count - before)
    turns.stop()


@rules(107)
async def wait_and_as_completed_of_what_is_done(log):
    done = log.loop.create_future()
    done.set_result(None)
    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    await asyncio.wait([done])
    log("wait", turns.count - before)
    before = turns.count
    for next_one in asyncio.as_completed([done]):
        await next_one
    log("as_completed", turns.count - before)
    turns.stop()
