"""Events: set wakes all who wait."""
import asyncio

from trace import Turns, outcome, pause, rules


async def waits(log, event, name):
    log(name, await outcome(event.wait()), event.is_set())


@rules(226)
async def set_wakes_all_although_clear_follows(log):
    event = asyncio.Event()
    tasks = [asyncio.create_task(waits(log, event, name)) for name in ("a", "b", "c")]
    await pause(1)
    event.set()
    event.clear()
    log("cleared", event.is_set())
    late = asyncio.create_task(waits(log, event, "late"))
    await asyncio.wait(tasks)
    await pause(3)
    log(late.done())
    event.set()
    await late


@rules(226)
async def a_set_event_is_no_wait(log):
    event = asyncio.Event()
    event.set()
    event.set()
    turns = Turns()
    log(await event.wait(), turns.count)
    turns.stop()


@rules(226)
async def a_cancelled_waiter(log):
    event = asyncio.Event()
    tasks = [asyncio.create_task(waits(log, event, name)) for name in ("a", "b")]
    await pause(1)
    tasks[0].cancel("gone")
    await pause(2)
    event.set()
    tasks[1].cancel("late")
    await asyncio.wait(tasks)
    log(event.is_set())


@rules(226)
async def a_timeout(log):
    event = asyncio.Event()
    log(await outcome(asyncio.wait_for(event.wait(), 1)))
    log.loop.call_later(1, event.set)
    log(await outcome(asyncio.wait_for(event.wait(), 2)))
    log.at(event.is_set())
