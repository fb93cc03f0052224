"""timeout and timeout_at: a deadline for a block in the task's own code."""
import asyncio

from trace import Turns, outcome, refused, rules


async def limited(delay, body):
    """What a block with a limit does, as an awaitable: the scope is handed to the body."""
    async with asyncio.timeout(delay) as scope:
        return await body(scope)


async def sleeps(scope):
    await asyncio.sleep(100)


@rules(157, 164)
async def in_time(log):
    async def body(scope):
        await asyncio.sleep(1)
        return "value"

    log(await limited(2, body))
    log.at("end", asyncio.current_task().cancelling())


@rules(159, 160)
async def too_late(log):
    log(await outcome(limited(1, sleeps)))
    log.at("end", asyncio.current_task().cancelling())


@rules(157)
async def a_scope_is_used_once(log):
    scope = asyncio.timeout(1)

    async def run():
        async with scope:
            await asyncio.sleep(0)

    await run()
    try:
        await run()
    except RuntimeError:
        log("RuntimeError")


@rules(158)
async def a_deadline_in_the_past_expires_at_the_first_suspension(log):
    async def body(scope):
        log("starts", scope.expired())
        log(await outcome(asyncio.sleep(100)))
        log(scope.expired())
        raise asyncio.CancelledError

    log(await outcome(limited(-1, body)))
    log(await outcome(limited(0, body)))
    log.at("end")


@rules(158, 164)
async def a_deadline_in_the_past_and_no_suspension(log):
    async def body(scope):
        return "value"

    log(await limited(-1, body))
    await asyncio.sleep(0)
    log("count", asyncio.current_task().cancelling())


@rules(158)
async def expiry_of_a_past_deadline_takes_a_turn(log):
    async def body(scope):
        for n in range(3):
            log(n, await outcome(asyncio.sleep(0)), scope.expired())

    turns = Turns()
    await limited(0, body)
    turns.stop()


@rules(161)
async def an_outside_cancel_as_well(log):
    scopes = []

    async def body(scope):
        scopes.append(scope)
        await asyncio.sleep(100)

    task = asyncio.create_task(limited(1, body))
    await asyncio.sleep(0)
    log.loop.call_at(1, task.cancel, "outside")
    log(await outcome(task), scopes[0].expired(), task.cancelling())


@rules(162)
async def a_swallowed_expiry(log):
    async def body(scope):
        log(await outcome(asyncio.sleep(100)), scope.expired(), asyncio.current_task().cancelling())
        return "value"

    log(await outcome(limited(1, body)), asyncio.current_task().cancelling())


@rules(163)
async def another_exception_after_expiry(log):
    async def body(scope):
        await outcome(asyncio.sleep(100))
        raise ValueError("other")

    log(await outcome(limited(1, body)), asyncio.current_task().cancelling())


@rules(164)
async def no_expiry_after_the_end(log):
    async def body(scope):
        await asyncio.sleep(1)

    await limited(2, body)
    await asyncio.sleep(10)
    log.at("end", asyncio.current_task().cancelling())


@rules(165)
async def when_and_expired(log):
    async def body(scope):
        log(scope.when(), scope.expired())
        log(await outcome(asyncio.sleep(100)))
        log.at(scope.when(), scope.expired())

    await asyncio.sleep(1)
    await limited(2, body)

    async def unlimited(scope):
        log(scope.when(), scope.expired())

    await limited(None, unlimited)


@rules(166)
async def a_later_deadline(log):
    async def body(scope):
        scope.reschedule(log.loop.time() + 5)
        await asyncio.sleep(3)
        log.at("still in time")
        await asyncio.sleep(100)

    log(await outcome(limited(1, body)))
    log.at("end")


@rules(166)
async def no_deadline_any_more(log):
    async def body(scope):
        scope.reschedule(None)
        await asyncio.sleep(100)
        return "value"

    log(await outcome(limited(1, body)))
    log.at("end")


@rules(166)
async def an_earlier_deadline(log):
    async def body(scope):
        await asyncio.sleep(1)
        scope.reschedule(log.loop.time())
        await asyncio.sleep(100)

    log(await outcome(limited(50, body)))
    log.at("end")


@rules(166)
async def a_deadline_given_late(log):
    async def body(scope):
        await asyncio.sleep(10)
        scope.reschedule(12)
        await asyncio.sleep(100)

    log(await outcome(limited(None, body)))
    log.at("end")


@rules(166)
async def reschedule_is_for_active_scopes(log):
    scope = asyncio.timeout(1)
    log(refused(scope.reschedule, 5))

    async def body():
        async with scope:
            log(await outcome(asyncio.sleep(100)))
            log(refused(scope.reschedule, 5))
            raise asyncio.CancelledError

    log(await outcome(body()))
    log(refused(scope.reschedule, 5))


@rules(167)
async def nested_the_inner_expires_first(log):
    async def inner(scope):
        result = await outcome(limited(1, sleeps))
        log.at("between the blocks", result)
        await asyncio.sleep(1)
        return "value"

    log(await outcome(limited(5, inner)))
    log.at("end")


@rules(168)
async def nested_the_outer_expires_first(log):
    async def outer(scope):
        try:
            return await limited(5, sleeps)
        except TimeoutError:
            log("not this one")
        except asyncio.CancelledError:
            log("passes the inner")
            raise

    log(await outcome(limited(1, outer)))
    log.at("end", asyncio.current_task().cancelling())


@rules(169)
async def both_expire_before_the_body_runs_again(log):
    scopes = []

    async def inner(scope):
        scopes.append(scope)
        await asyncio.sleep(100)

    async def outer(scope):
        scopes.append(scope)
        result = await outcome(limited(1, inner))
        log("inner block", result)
        raise asyncio.CancelledError

    log(await outcome(limited(1, outer)))
    log([scope.expired() for scope in scopes], asyncio.current_task().cancelling())


@rules(92, 170)
async def a_task_with_an_old_request_can_use_timeouts(log):
    async def body():
        log(await outcome(asyncio.sleep(100)))
        log(await outcome(limited(1, sleeps)), asyncio.current_task().cancelling())

    task = asyncio.create_task(body())
    await asyncio.sleep(1)
    task.cancel("old")
    await task
    log.at("end")


@rules(171)
async def expiry_while_it_unwinds_from_an_outside_cancel(log):
    async def body(scope):
        log.at("outside", await outcome(asyncio.sleep(100)))
        log.at("cleanup", await outcome(asyncio.sleep(100)))
        raise asyncio.CancelledError("from the body")

    task = asyncio.create_task(limited(2, body))
    await asyncio.sleep(1)
    task.cancel("by hand")
    log(await outcome(task))
    log.at("end", task.cancelled())


@rules(172)
async def a_timeout_in_a_group_body(log):
    async def group():
        async with asyncio.TaskGroup() as tg:
            tg.create_task(asyncio.sleep(50))
            await limited(1, sleeps)

    log(await outcome(group()))
    log.at("end")


@rules(172)
async def a_group_in_a_timeout(log):
    async def child(n):
        try:
            await asyncio.sleep(50)
        finally:
            log.at("child", n)

    async def group(scope):
        async with asyncio.TaskGroup() as tg:
            tg.create_task(child(1))
            tg.create_task(child(2))

    log(await outcome(limited(1, group)))
    log.at("end", asyncio.current_task().cancelling())


@rules(173)
async def a_child_task_is_not_timed_out(log):
    children = []

    async def body(scope):
        children.append(asyncio.create_task(asyncio.sleep(5, "child")))
        await asyncio.sleep(100)

    log(await outcome(limited(1, body)))
    log.at(children[0].done())
    log(await children[0])


@rules(173)
async def an_awaited_child_task_is(log):
    children = []

    async def body(scope):
        children.append(asyncio.create_task(asyncio.sleep(5, "child")))
        await children[0]

    log(await outcome(limited(1, body)))
    log.at(children[0].cancelled(), children[0].cancelling())


@rules(174)
async def timeout_counts_from_the_call(log):
    scope = asyncio.timeout(2)
    await asyncio.sleep(1)

    async def run():
        async with scope:
            await asyncio.sleep(100)

    log(await outcome(run()))
    log.at("end")


@rules(174)
async def timeout_at_takes_loop_time(log):
    await asyncio.sleep(1)

    async def run():
        async with asyncio.timeout_at(3) as scope:
            log(scope.when())
            await asyncio.sleep(100)

    log(await outcome(run()))
    log.at("end")


@rules(160, 96)
async def a_cancelled_error_of_another_task_is_not_converted(log):
    child = asyncio.create_task(asyncio.sleep(50))
    log.loop.call_later(1, child.cancel, "child")

    async def body(scope):
        await child

    log(await outcome(limited(5, body)))
    log.at("end", asyncio.current_task().cancelling())


@rules(159)
async def the_expired_body_cleans_up(log):
    async def body(scope):
        try:
            await asyncio.sleep(100)
        finally:
            log.at("unwinds", scope.expired(), asyncio.current_task().cancelling())

    log(await outcome(limited(1, body)))


@rules(158, 160)
async def one_task_many_limits(log):
    for n in range(1, 4):
        log(n, await outcome(limited(n, sleeps)))
        log.at("count", asyncio.current_task().cancelling())
