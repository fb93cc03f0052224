"""Semaphores: so many permits, in order of arrival."""
import asyncio

from trace import Turns, outcome, pause, refused, rules


async def takes(log, semaphore, name):
    log(name, await outcome(semaphore.acquire()), semaphore.locked())


def takers(log, semaphore, names):
    return [asyncio.create_task(takes(log, semaphore, name)) for name in names]


@rules(232)
async def so_many_at_once(log):
    semaphore = asyncio.Semaphore(2)
    turns = Turns()
    log(await semaphore.acquire(), semaphore.locked(), turns.count)
    log(await semaphore.acquire(), semaphore.locked(), turns.count)
    turns.stop()
    tasks = takers(log, semaphore, ("a", "b"))
    await pause(2)
    semaphore.release()
    semaphore.release()
    await asyncio.wait(tasks)


@rules(232)
async def a_released_permit_goes_to_the_first(log):
    semaphore = asyncio.Semaphore(1)
    await semaphore.acquire()
    tasks = takers(log, semaphore, ("first", "second"))
    await pause(1)
    semaphore.release()
    log("given away", semaphore.locked())
    newcomer = asyncio.create_task(takes(log, semaphore, "newcomer"))
    await pause(3)
    semaphore.release()
    semaphore.release()
    await asyncio.wait([*tasks, newcomer])
    log(semaphore.locked())


@rules(232)
async def locked_while_somebody_is_on_the_way(log):
    semaphore = asyncio.Semaphore(0)
    first = asyncio.create_task(takes(log, semaphore, "first"))
    await pause(1)
    semaphore.release()
    semaphore.release()
    log("one is left", semaphore.locked())
    await takes(log, semaphore, "newcomer")
    await first


@rules(232)
async def a_scope_gives_it_back(log):
    semaphore = asyncio.Semaphore(1)
    async with semaphore:
        log(semaphore.locked())
    log(semaphore.locked())


@rules(233)
async def a_cancelled_waiter_leaves(log):
    semaphore = asyncio.Semaphore(0)
    tasks = takers(log, semaphore, ("a", "b"))
    await pause(1)
    tasks[0].cancel("gone")
    await pause(2)
    semaphore.release()
    await asyncio.wait(tasks)
    log(semaphore.locked())


@rules(233)
async def cancelled_with_a_permit_on_the_way(log):
    semaphore = asyncio.Semaphore(0)
    tasks = takers(log, semaphore, ("a", "b"))
    await pause(1)
    semaphore.release()
    log(tasks[0].cancel("late"))
    await asyncio.wait(tasks)
    log(semaphore.locked())


@rules(233)
async def all_are_cancelled_with_a_permit_on_the_way(log):
    semaphore = asyncio.Semaphore(0)
    tasks = takers(log, semaphore, ("a", "b"))
    await pause(1)
    semaphore.release()
    for task in tasks:
        task.cancel()
    log("free, but for those who leave", semaphore.locked())
    await asyncio.wait(tasks)
    log(semaphore.locked(), await outcome(semaphore.acquire()), semaphore.locked())


@rules(233)
async def several_releases_wake_several(log):
    semaphore = asyncio.Semaphore(0)
    tasks = takers(log, semaphore, ("a", "b", "c", "d"))
    await pause(1)
    for _ in range(3):
        semaphore.release()
    await pause(3)
    log([task.done() for task in tasks])
    semaphore.release()
    await asyncio.wait(tasks)


@rules(232, 233)
async def one_release_wakes_one_although_more_are_free(log):
    semaphore = asyncio.Semaphore(0)
    tasks = takers(log, semaphore, "a")
    await pause(1)
    tasks += takers(log, semaphore, ("b", "c"))

    def release():
        semaphore.release()
        log.loop.call_soon(log, "c is woken by a")

    log.loop.call_soon(release)
    for _ in range(3):
        semaphore.release()
    await asyncio.wait(tasks)
    log(semaphore.locked())


@rules(232, 233)
async def who_resumes_wakes_all_that_there_are_permits_for(log):
    semaphore = asyncio.Semaphore(0)
    tasks = takers(log, semaphore, "a")
    await pause(1)
    tasks += takers(log, semaphore, ("b", "c", "d"))
    for _ in range(3):
        semaphore.release()
    await pause(2)
    log("those that have one", [task.done() for task in tasks])
    semaphore.release()
    await asyncio.wait(tasks)


@rules(233)
async def a_timeout_takes_nothing(log):
    semaphore = asyncio.Semaphore(0)
    log(await outcome(asyncio.wait_for(semaphore.acquire(), 1)))
    log.at()
    semaphore.release()
    log(await outcome(asyncio.wait_for(semaphore.acquire(), 1)), semaphore.locked())


@rules(234)
async def wrong_numbers(log):
    log(refused(lambda: asyncio.Semaphore(-1)), refused(lambda: asyncio.BoundedSemaphore(-1)))
    bounded = asyncio.BoundedSemaphore(2)
    log(refused(bounded.release))
    await bounded.acquire()
    log(refused(bounded.release), refused(bounded.release))
    log(await bounded.acquire(), await bounded.acquire(), bounded.locked())


@rules(234)
async def one_without_a_bound_grows(log):
    semaphore = asyncio.Semaphore(0)
    semaphore.release()
    semaphore.release()
    log(await semaphore.acquire(), await semaphore.acquire(), semaphore.locked())


@rules(234)
async def a_bound_and_those_who_wait(log):
    bounded = asyncio.BoundedSemaphore(1)
    await bounded.acquire()
    tasks = takers(log, bounded, ("a", "b"))
    await pause(1)
    bounded.release()
    log("a is on the way", refused(bounded.release))
    await asyncio.wait(tasks)
    log(refused(bounded.release), refused(bounded.release))
