"""Locks: in order of arrival, and never lost."""
import asyncio

from trace import Turns, outcome, pause, refused, rules


async def takes(log, lock, name, turns=0):
    """Takes the lock, keeps it for some turns and releases it."""
    how = await outcome(lock.acquire())
    log(name, how, lock.locked())
    if how == "True":
        await pause(turns)
        lock.release()


@rules(223)
async def in_order_of_arrival(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name, 2)) for name in ("a", "b", "c")]
    await pause(1)
    lock.release()
    log("released", lock.locked())
    await asyncio.wait(tasks)
    log(lock.locked())


@rules(223)
async def a_newcomer_cannot_pass_the_one_that_was_woken(log):
    lock = asyncio.Lock()
    await lock.acquire()
    first = asyncio.create_task(takes(log, lock, "first"))
    await pause(1)
    lock.release()
    log("free", lock.locked())
    await takes(log, lock, "newcomer")
    await first


@rules(223)
async def it_is_free_if_all_in_line_are_cancelled(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b")]
    await pause(1)
    for task in tasks:
        task.cancel()
    lock.release()
    turns = Turns()
    await lock.acquire()
    log("taken after turns:", turns.count)
    turns.stop()
    await asyncio.wait(tasks)
    lock.release()
    log(lock.locked())


@rules(223)
async def it_is_not_free_if_one_in_line_is_not_cancelled(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b", "c")]
    await pause(1)
    tasks[0].cancel()
    tasks[2].cancel()
    lock.release()
    await takes(log, lock, "newcomer")
    await asyncio.wait(tasks)


@rules(224)
async def a_release_of_a_free_lock_is_refused(log):
    lock = asyncio.Lock()
    log(refused(lock.release))
    await lock.acquire()
    lock.release()
    log(refused(lock.release), lock.locked())


@rules(224)
async def anybody_may_release(log):
    lock = asyncio.Lock()
    await lock.acquire()
    log.loop.call_soon(lock.release)
    log(await outcome(lock.acquire()))
    log(lock.locked())


@rules(224)
async def a_release_skips_nobody_but_the_cancelled(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b", "c")]
    await pause(1)
    tasks[0].cancel("gone")
    await pause(1)
    lock.release()
    await asyncio.wait(tasks)


@rules(224, 225)
async def a_release_leaves_it_to_the_cancelled_one_in_front(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b")]
    await pause(1)
    tasks[0].cancel()
    lock.release()

    def turn():
        log("b is woken by a")
        log.loop.call_soon(log, "b has it")

    log.loop.call_soon(turn)
    await asyncio.wait(tasks)


@rules(223, 224)
async def a_scope_releases_what_it_took(log):
    lock = asyncio.Lock()

    async def fails():
        async with lock:
            log("inside", lock.locked())
            raise ValueError("inside")

    log(await outcome(fails()), lock.locked())
    async with lock:
        waiter = asyncio.create_task(takes(log, lock, "waiter"))
        await pause(2)
        log("still inside")
    await waiter


@rules(225)
async def a_cancelled_waiter_leaves(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b", "c")]
    await pause(1)
    tasks[1].cancel("b leaves")
    await pause(2)
    lock.release()
    await asyncio.wait(tasks)
    log(lock.locked())


@rules(225)
async def cancelled_after_it_was_woken(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b")]
    await pause(1)
    lock.release()
    log(tasks[0].cancel("late"))
    await asyncio.wait(tasks)
    log(lock.locked())


@rules(225)
async def all_are_cancelled_after_one_was_woken(log):
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(takes(log, lock, name)) for name in ("a", "b")]
    await pause(1)
    lock.release()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    log(lock.locked(), await outcome(lock.acquire()))


@rules(223, 225)
async def a_timeout_leaves_the_line(log):
    lock = asyncio.Lock()
    await lock.acquire()
    log(await outcome(asyncio.wait_for(lock.acquire(), 1)))
    log.at(lock.locked())
    lock.release()
    log(await outcome(asyncio.wait_for(lock.acquire(), 1)))
    log.at(lock.locked())
