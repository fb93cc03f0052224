"""Barriers: tasks wait for each other, round after round."""
import asyncio

from trace import outcome, pause, refused, rules


async def arrives(log, barrier, name):
    log(name, await outcome(barrier.wait()), barrier.n_waiting, barrier.broken)


def arrivals(log, barrier, names):
    return [asyncio.create_task(arrives(log, barrier, name)) for name in names]


@rules(235)
async def the_last_one_opens_it(log):
    barrier = asyncio.Barrier(3)
    tasks = arrivals(log, barrier, ("a", "b"))
    await pause(3)
    log(barrier.parties, barrier.n_waiting, barrier.broken)
    await asyncio.wait([*tasks, *arrivals(log, barrier, "c")])
    log(barrier.n_waiting)


@rules(235)
async def a_newcomer_waits_for_the_next_round(log):
    barrier = asyncio.Barrier(2)
    tasks = arrivals(log, barrier, ("a", "b", "c", "d", "e"))
    await asyncio.wait(tasks[:4])
    await pause(5)
    log(tasks[4].done(), barrier.n_waiting)
    await arrives(log, barrier, "f")
    await tasks[4]


@rules(235)
async def of_one(log):
    barrier = asyncio.Barrier(1)
    await arrives(log, barrier, "a")
    await arrives(log, barrier, "b")


@rules(235)
async def round_after_round(log):
    barrier = asyncio.Barrier(2)

    async def worker(name):
        for i in range(3):
            log(name, i, await barrier.wait())

    await asyncio.gather(worker("a"), worker("b"))


@rules(235)
async def of_nobody(log):
    log(refused(lambda: asyncio.Barrier(0)), refused(lambda: asyncio.Barrier(-1)))


@rules(236)
async def a_cancelled_one_is_not_counted(log):
    barrier = asyncio.Barrier(3)
    tasks = arrivals(log, barrier, ("a", "b"))
    await pause(2)
    tasks[0].cancel("gone")
    await pause(5)
    log(barrier.n_waiting, barrier.broken)
    await asyncio.wait([*tasks, *arrivals(log, barrier, ("c", "d"))])


@rules(236)
async def cancelled_while_it_opens(log):
    barrier = asyncio.Barrier(2)
    tasks = arrivals(log, barrier, ("a", "b"))
    await pause(1)
    log(tasks[0].cancel("late"))
    await asyncio.wait(tasks)
    log(barrier.n_waiting, barrier.broken)
    await asyncio.wait(arrivals(log, barrier, ("c", "d")))


@rules(236)
async def reset_breaks_the_round(log):
    barrier = asyncio.Barrier(3)
    tasks = arrivals(log, barrier, ("a", "b"))
    await pause(2)
    await barrier.reset()
    log("reset", barrier.n_waiting, barrier.broken)
    await asyncio.wait(tasks)
    await asyncio.wait(arrivals(log, barrier, ("c", "d", "e")))


@rules(236)
async def reset_of_an_empty_one(log):
    barrier = asyncio.Barrier(2)
    await barrier.reset()
    await asyncio.wait(arrivals(log, barrier, ("a", "b")))


@rules(236)
async def who_comes_during_a_reset_waits(log):
    barrier = asyncio.Barrier(2)
    first = arrivals(log, barrier, "a")
    await pause(2)
    await barrier.reset()
    second = arrivals(log, barrier, "bc")
    await asyncio.wait([*first, *second])


@rules(236)
async def abort_breaks_it_until_reset(log):
    barrier = asyncio.Barrier(3)
    tasks = arrivals(log, barrier, ("a", "b"))
    await pause(2)
    await barrier.abort()
    log("aborted", barrier.n_waiting, barrier.broken)
    await asyncio.wait(tasks)
    await arrives(log, barrier, "c")
    await barrier.reset()
    log("reset", barrier.broken)
    await asyncio.wait(arrivals(log, barrier, ("d", "e", "f")))


@rules(236, 237)
async def a_timeout(log):
    barrier = asyncio.Barrier(2)
    log(await outcome(asyncio.wait_for(barrier.wait(), 1)))
    log.at(barrier.n_waiting, barrier.broken)
    await asyncio.wait(arrivals(log, barrier, ("a", "b")))


@rules(237)
async def how_many_wait(log):
    barrier = asyncio.Barrier(3)
    log(barrier.n_waiting)
    tasks = []
    for name in ("a", "b"):
        tasks += arrivals(log, barrier, name)
        await pause(1)
        log(barrier.n_waiting)
    tasks += arrivals(log, barrier, "c")
    for _ in range(4):
        await pause(1)
        log("draining", barrier.n_waiting)
    await asyncio.wait(tasks)
