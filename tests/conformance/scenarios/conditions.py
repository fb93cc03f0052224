"""Conditions: waits for a change of what a lock protects."""
import asyncio

from trace import kind, outcome, pause, refused, rules


async def waits(log, condition, name):
    async with condition:
        log(name, "waits")
        how = await outcome(condition.wait())
        log(name, how, condition.locked())


async def how_it_ends(awaitable):
    """Only the kind of an error: the texts differ."""
    try:
        await awaitable
        return "None"
    except Exception as error:
        return kind(error)


@rules(227)
async def without_the_lock(log):
    condition = asyncio.Condition()
    log(await how_it_ends(condition.wait()))
    log(await how_it_ends(condition.wait_for(lambda: False)))
    log(await condition.wait_for(lambda: 7))
    log(refused(condition.notify), refused(condition.notify_all), refused(condition.release))
    log(condition.locked())


@rules(227)
async def anybody_may_hold_it(log):
    condition = asyncio.Condition()
    waiter = asyncio.create_task(waits(log, condition, "waiter"))
    await pause(1)
    await condition.acquire()

    async def other():
        condition.notify()
        condition.release()

    await asyncio.create_task(other())
    await waiter


@rules(227)
async def with_a_lock_that_is_given(log):
    lock = asyncio.Lock()
    first, second = asyncio.Condition(lock), asyncio.Condition(lock)
    log(await first.acquire(), lock.locked(), second.locked())
    second.notify()
    second.release()
    log(first.locked())
    waiters = [asyncio.create_task(waits(log, first, "first")), asyncio.create_task(waits(log, second, "second"))]
    await pause(2)
    async with lock:
        second.notify_all()
    await pause(3)
    log(waiters[0].done(), waiters[1].done())
    async with second:
        first.notify()
    await asyncio.wait(waiters)


@rules(228)
async def it_returns_with_the_lock_held(log):
    condition = asyncio.Condition()
    waiter = asyncio.create_task(waits(log, condition, "waiter"))
    await pause(1)
    log("released by the wait", condition.locked())
    async with condition:
        condition.notify()
        await pause(3)
        log("notified, but not on its way", waiter.done())
    await waiter


@rules(228)
async def it_raises_with_the_lock_held(log):
    condition = asyncio.Condition()
    waiter = asyncio.create_task(waits(log, condition, "waiter"))
    await pause(1)
    await condition.acquire()
    waiter.cancel("first")
    await pause(3)
    log(waiter.done())
    waiter.cancel("second")
    await pause(3)
    waiter.cancel("third")
    await pause(3)
    log(waiter.done(), waiter.cancelling())
    condition.release()
    await waiter
    log(condition.locked())


@rules(228)
async def cancelled_while_it_takes_the_lock_again(log):
    condition = asyncio.Condition()
    waiter = asyncio.create_task(waits(log, condition, "waiter"))
    await pause(1)
    await condition.acquire()
    condition.notify()
    await pause(2)
    waiter.cancel("late")
    await pause(3)
    log(waiter.done())
    condition.release()
    await waiter


@rules(229)
async def notify_wakes_the_oldest(log):
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(waits(log, condition, name)) for name in ("a", "b", "c", "d", "e")]
    await pause(1)
    async with condition:
        condition.notify(2)
        log("two notified")
    await pause(9)
    async with condition:
        condition.notify(0)
        condition.notify()
        condition.notify()
        log("two more")
    await pause(9)
    async with condition:
        condition.notify_all()
        condition.notify_all()
    await asyncio.wait(tasks)


@rules(229)
async def who_comes_after_the_notification_waits(log):
    condition = asyncio.Condition()
    async with condition:
        condition.notify_all()
    waiter = asyncio.create_task(waits(log, condition, "waiter"))
    await pause(5)
    log(waiter.done())
    async with condition:
        condition.notify()
    await waiter


@rules(230)
async def a_notification_goes_on_to_the_next(log):
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(waits(log, condition, name)) for name in ("a", "b", "c")]
    await pause(1)
    await condition.acquire()
    condition.notify()
    tasks[0].cancel("after the notification")
    condition.release()
    await asyncio.wait(tasks[:2])
    log(tasks[2].done())
    await pause(3)
    log(tasks[2].done())
    tasks[2].cancel("enough")
    await asyncio.wait(tasks)


@rules(230)
async def a_wake_up_for_nothing(log):
    condition = asyncio.Condition()
    tasks = [asyncio.create_task(waits(log, condition, name)) for name in ("a", "b")]
    await pause(1)
    tasks[0].cancel("without a notification")
    await asyncio.wait(tasks)


@rules(231)
async def wait_for_checks_again(log):
    condition = asyncio.Condition()
    value = 0

    def predicate():
        log("asked", value)
        return value if value >= 2 else 0

    async def waiter():
        async with condition:
            log("got", await condition.wait_for(predicate), condition.locked())
            log("again", await condition.wait_for(predicate))

    task = asyncio.create_task(waiter())
    await pause(1)
    for value in (1, 2):
        async with condition:
            condition.notify_all()
        await pause(3)
    await task


@rules(231)
async def a_predicate_that_fails(log):
    condition = asyncio.Condition()
    armed = False

    def predicate():
        if armed:
            raise ValueError("predicate")
        return False

    async def waiter():
        async with condition:
            how = await outcome(condition.wait_for(predicate))
            log(how, condition.locked())

    task = asyncio.create_task(waiter())
    await pause(1)
    armed = True
    async with condition:
        condition.notify()
    await task
    log(condition.locked())


@rules(228, 231)
async def wait_for_with_a_limit(log):
    condition = asyncio.Condition()
    async with condition:
        log(await outcome(asyncio.wait_for(condition.wait(), 1)), condition.locked())
        log.at()
        log(await outcome(asyncio.wait_for(condition.wait_for(lambda: False), 1)), condition.locked())
        log.at()
    log(condition.locked())
