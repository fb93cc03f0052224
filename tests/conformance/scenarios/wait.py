"""wait: which members are done, and when it returns."""
import asyncio

from trace import Turns, outcome, rules


async def after(delay, value):
    return await asyncio.sleep(delay, value)


async def fails(delay, text):
    await asyncio.sleep(delay)
    raise ValueError(text)


def start(name, delay, body=after):
    return asyncio.create_task(body(delay, name), name=name)


def names(members):
    return sorted(member.get_name() for member in members)


@rules(124)
async def an_empty_collection_is_refused(log):
    try:
        await asyncio.wait([])
    except ValueError:
        log("ValueError")


@rules(124, 125)
async def all_completed_is_the_default(log):
    done, pending = await asyncio.wait([start("a", 2), start("b", 1), start("c", 3)])
    log.at(names(done), names(pending))


@rules(125)
async def duplicates_count_once(log):
    a, b = start("a", 1), start("b", 2)
    done, pending = await asyncio.wait([a, b, a, a])
    log(names(done), names(pending), len(done))


@rules(125)
async def futures_and_tasks_together(log):
    future = log.loop.create_future()
    task = start("t", 1)
    log.loop.call_later(2, future.set_result, 1)
    done, pending = await asyncio.wait([future, task])
    log.at(len(done), len(pending), future in done, task in done)


@rules(126)
async def it_never_raises_a_members_failure(log):
    bad = start("bad", 1, fails)
    gone = start("gone", 10)
    log.loop.call_later(2, gone.cancel)
    done, pending = await asyncio.wait([bad, gone])
    log.at(names(done), names(pending))
    log(bad.exception(), gone.cancelled())


@rules(126)
async def a_cancelled_waiter_leaves_the_members_alone(log):
    member = start("member", 5)

    async def waiter():
        await asyncio.wait([member])

    task = asyncio.create_task(waiter())
    await asyncio.sleep(1)
    task.cancel("waiter only")
    log(await outcome(task))
    log.at(member.done(), member.cancelling())
    log(await member)


@rules(126, 130)
async def a_timeout_leaves_the_members_alone(log):
    a, b = start("a", 1), start("b", 5)
    done, pending = await asyncio.wait([a, b], timeout=3)
    log.at(names(done), names(pending), b.cancelling())
    log(await b)
    log.at("end")


@rules(127)
async def first_completed(log):
    tasks = [start("a", 3), start("b", 1), start("c", 2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    log.at(names(done), names(pending))
    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    log.at(names(done), names(pending))
    await asyncio.wait(tasks)


@rules(127)
async def first_completed_counts_a_cancelled_member(log):
    gone, other = start("gone", 10), start("other", 5)
    log.loop.call_later(1, gone.cancel)
    done, pending = await asyncio.wait([gone, other], return_when=asyncio.FIRST_COMPLETED)
    log.at(names(done), names(pending))
    await other


@rules(128)
async def first_exception(log):
    tasks = [start("a", 1), start("bad", 2, fails), start("c", 3)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    log.at(names(done), names(pending), tasks[1].exception())
    await tasks[2]


@rules(128)
async def first_exception_does_not_count_a_cancelled_member(log):
    gone, other = start("gone", 10), start("other", 5)
    log.loop.call_later(1, gone.cancel)
    done, pending = await asyncio.wait([gone, other], return_when=asyncio.FIRST_EXCEPTION)
    log.at(names(done), names(pending))


@rules(128)
async def first_exception_without_a_failure_waits_for_all(log):
    done, pending = await asyncio.wait([start("a", 1), start("b", 2)], return_when=asyncio.FIRST_EXCEPTION)
    log.at(names(done), names(pending))


@rules(129)
async def done_is_computed_when_the_waiter_resumes(log):
    first, second = log.loop.create_future(), log.loop.create_future()

    def complete():
        first.set_result(1)
        log.loop.call_soon(second.set_result, 2)

    log.loop.call_soon(complete)
    done, pending = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    log(first in done, second in done, len(pending))


@rules(130)
async def timeout_zero_is_a_poll(log):
    ready = log.loop.create_future()
    ready.set_result(1)
    never = log.loop.create_future()
    done, pending = await asyncio.wait([ready, never], timeout=0)
    log.at(ready in done, never in pending, len(done))


@rules(130)
async def the_timeout_is_not_reached(log):
    done, pending = await asyncio.wait([start("a", 1)], timeout=100)
    log.at(names(done), names(pending))
    await asyncio.sleep(1)
    log.at("end")


@rules(131)
async def a_done_member_still_costs_a_suspension(log):
    done_one, never = log.loop.create_future(), log.loop.create_future()
    done_one.set_result(1)
    log.loop.call_soon(log, "other work")
    done, pending = await asyncio.wait([done_one, never], return_when=asyncio.FIRST_COMPLETED)
    log(len(done), len(pending))


@rules(131)
async def all_members_done(log):
    futures = [log.loop.create_future() for _ in range(3)]
    for future in futures:
        future.set_result(1)
    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    done, pending = await asyncio.wait(futures)
    log(len(done), len(pending), turns.count - before)
    turns.stop()


@rules(132)
async def the_timer_is_disarmed(log):
    future = log.loop.create_future()
    log.loop.call_later(1, future.set_result, 1)
    await asyncio.wait([future], timeout=1000)
    log.at("done")
    await asyncio.sleep(1)
    log.at("the timer does not wake anybody")


@rules(129, 130)
async def the_deadline_and_a_member_in_one_turn(log):
    a = start("a", 2)
    b = start("b", 5)
    await asyncio.sleep(0)
    done, pending = await asyncio.wait([a, b], timeout=2)
    log.at(names(done), names(pending))
    await b


@rules(126)
async def two_waiters_on_the_same_members(log):
    tasks = [start("a", 1), start("b", 2)]

    async def waiter(name, mode):
        done, pending = await asyncio.wait(tasks, return_when=mode)
        log.at(name, names(done), names(pending))

    await asyncio.gather(waiter("first", asyncio.FIRST_COMPLETED), waiter("all", asyncio.ALL_COMPLETED))


@rules(126, 130)
async def cancelled_with_a_timeout(log):
    future = log.loop.create_future()

    async def waiter():
        await asyncio.wait([future], timeout=10)

    task = asyncio.create_task(waiter())
    await asyncio.sleep(1)
    task.cancel()
    log(await outcome(task), future.cancelled())
    log.at("end")
