"""Queues: no item and no slot is lost."""
import asyncio

from trace import Turns, outcome, pause, refused, rules


async def gets(log, queue, name):
    log(name, "got", await outcome(queue.get()), queue.qsize())


async def puts(log, queue, item):
    log(item, "put", await outcome(queue.put(item)), queue.qsize())


async def joins(log, queue):
    log("joined", await outcome(queue.join()))


def getters(log, queue, names):
    return [asyncio.create_task(gets(log, queue, name)) for name in names]


def putters(log, queue, items):
    return [asyncio.create_task(puts(log, queue, item)) for item in items]


@rules(239)
async def with_and_without_a_bound(log):
    for size in (-1, 0, 1):
        queue = asyncio.Queue(size)
        log(queue.maxsize, queue.qsize(), queue.empty(), queue.full())
        await queue.put(1)
        log(queue.qsize(), queue.empty(), queue.full())


@rules(239)
async def put_waits_while_it_is_full(log):
    queue = asyncio.Queue(1)
    tasks = putters(log, queue, (1, 2, 3))
    await pause(3)
    for _ in range(3):
        log(await queue.get(), queue.qsize())
        await pause(2)
    await asyncio.wait(tasks)


@rules(239)
async def get_waits_while_it_is_empty(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b"))
    await pause(1)
    await queue.put(1)
    await queue.put(2)
    log("put", queue.qsize())
    await asyncio.wait(tasks)


@rules(239)
async def no_turn_if_there_is_no_wait(log):
    queue = asyncio.Queue(2)
    turns = Turns()
    await queue.put(1)
    await queue.put(2)
    log(await queue.get(), await queue.get(), turns.count)
    turns.stop()


@rules(239)
async def somebody_else_may_take_the_item(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b"))
    await pause(1)
    queue.put_nowait(1)
    log("taken", queue.get_nowait())
    await pause(2)
    log([task.done() for task in tasks])
    queue.put_nowait(2)
    queue.put_nowait(3)
    await asyncio.wait(tasks)


@rules(239)
async def somebody_else_may_take_the_room(log):
    queue = asyncio.Queue(1)
    queue.put_nowait(0)
    tasks = putters(log, queue, (1, 2))
    await pause(1)
    log(queue.get_nowait())
    queue.put_nowait(9)
    await pause(2)
    log([task.done() for task in tasks])
    for _ in range(3):
        log(await queue.get())
    await asyncio.wait(tasks)


@rules(240)
async def without_waiting(log):
    queue = asyncio.Queue(1)
    log(refused(queue.get_nowait))
    queue.put_nowait(1)
    log(refused(lambda: queue.put_nowait(2)), queue.full())
    log(queue.get_nowait(), refused(queue.get_nowait))


@rules(240)
async def one_item_wakes_one_getter_that_is_not_cancelled(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b", "c"))
    await pause(1)
    tasks[0].cancel("gone")
    queue.put_nowait(1)
    await pause(2)
    log([task.done() for task in tasks])
    queue.put_nowait(2)
    await asyncio.wait(tasks)


@rules(240)
async def one_slot_wakes_one_putter_that_is_not_cancelled(log):
    queue = asyncio.Queue(1)
    queue.put_nowait(0)
    tasks = putters(log, queue, (1, 2, 3))
    await pause(1)
    tasks[0].cancel("gone")
    log(queue.get_nowait())
    await pause(2)
    log([task.done() for task in tasks])
    log(queue.get_nowait())
    await asyncio.wait(tasks)


@rules(241)
async def a_getter_cancelled_after_its_wake_up(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b"))
    await pause(1)
    queue.put_nowait(1)
    log(tasks[0].cancel("late"))
    await asyncio.wait(tasks)


@rules(241)
async def a_getter_cancelled_after_its_item_was_taken(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b", "c"))
    await pause(1)
    queue.put_nowait(1)
    tasks[0].cancel("late")
    log("taken", queue.get_nowait())
    await pause(2)
    queue.put_nowait(2)
    queue.put_nowait(3)
    await asyncio.wait(tasks)


@rules(241)
async def a_putter_cancelled_after_its_wake_up(log):
    queue = asyncio.Queue(1)
    queue.put_nowait(0)
    tasks = putters(log, queue, (1, 2))
    await pause(1)
    log(queue.get_nowait())
    log(tasks[0].cancel("late"))
    await asyncio.wait(tasks)
    log(queue.get_nowait(), queue.empty())


@rules(241)
async def a_cancelled_put_stores_nothing(log):
    queue = asyncio.Queue(1)
    queue.put_nowait(0)
    log(await outcome(asyncio.wait_for(queue.put(1), 1)))
    log.at(queue.qsize())
    log(await queue.get(), await outcome(asyncio.wait_for(queue.get(), 1)))
    log.at(queue.qsize())


@rules(242)
async def a_woken_getter_takes_the_best(log):
    queue = asyncio.PriorityQueue()
    task = asyncio.create_task(gets(log, queue, "getter"))
    await pause(1)
    queue.put_nowait(5)
    queue.put_nowait(3)
    queue.put_nowait(4)
    await task
    log(queue.get_nowait(), queue.get_nowait())


@rules(242)
async def orders(log):
    for kind in (asyncio.Queue, asyncio.PriorityQueue, asyncio.LifoQueue):
        queue = kind()
        for item in (2, 3, 1, 2):
            queue.put_nowait(item)
        log([queue.get_nowait() for _ in range(4)])


@rules(243)
async def join_waits_for_task_done(log):
    queue = asyncio.Queue()
    log(await outcome(queue.join()))
    queue.put_nowait(1)
    queue.put_nowait(2)
    task = asyncio.create_task(joins(log, queue))
    for _ in range(2):
        log(await queue.get())
        await pause(2)
        log("not yet", task.done())
        queue.task_done()
    await task
    log(refused(queue.task_done))


@rules(243)
async def putting_again_arms_join(log):
    queue = asyncio.Queue()
    queue.put_nowait(1)
    first = asyncio.create_task(joins(log, queue))
    await pause(1)
    queue.get_nowait()
    queue.task_done()
    queue.put_nowait(2)
    second = asyncio.create_task(joins(log, queue))
    await first
    await pause(3)
    log(second.done())
    queue.task_done()
    await second


@rules(243)
async def a_join_that_is_cancelled(log):
    queue = asyncio.Queue()
    queue.put_nowait(1)
    log(await outcome(asyncio.wait_for(queue.join(), 1)))
    queue.task_done()
    log(await outcome(queue.join()))


@rules(244)
async def shutdown_refuses_puts_and_drains(log):
    queue = asyncio.Queue(2)
    queue.put_nowait(1)
    queue.put_nowait(2)
    tasks = putters(log, queue, (3, 4))
    await pause(1)
    queue.shutdown()
    await asyncio.wait(tasks)
    log(await outcome(queue.put(5)), refused(lambda: queue.put_nowait(5)))
    log(await outcome(queue.get()), queue.get_nowait())
    log(await outcome(queue.get()), refused(queue.get_nowait))


@rules(244)
async def shutdown_wakes_getters_of_an_empty_queue(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b"))
    await pause(1)
    queue.shutdown()
    await asyncio.wait(tasks)


@rules(244)
async def shutdown_with_an_item_on_the_way(log):
    queue = asyncio.Queue()
    tasks = getters(log, queue, ("a", "b"))
    await pause(1)
    queue.put_nowait(1)
    queue.shutdown()
    await asyncio.wait(tasks)


@rules(244)
async def an_immediate_shutdown_discards(log):
    queue = asyncio.Queue()
    for item in range(3):
        queue.put_nowait(item)
    log(queue.get_nowait())
    task = asyncio.create_task(joins(log, queue))
    await pause(1)
    queue.shutdown(immediate=True)
    log(queue.qsize(), await outcome(queue.get()))
    await pause(2)
    log("one was taken before", task.done())
    queue.task_done()
    await task
    log(refused(queue.task_done))


@rules(244)
async def an_immediate_shutdown_ends_join(log):
    queue = asyncio.Queue()
    queue.put_nowait(1)
    task = asyncio.create_task(joins(log, queue))
    await pause(1)
    queue.shutdown()
    queue.shutdown()
    await pause(2)
    log(task.done(), queue.qsize())
    queue.shutdown(immediate=True)
    await task
    log(queue.qsize(), refused(queue.get_nowait))
