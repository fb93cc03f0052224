"""wait_for: a time limit around one awaitable."""
import asyncio

from trace import attempt, outcome, rules


async def after(delay, value):
    return await asyncio.sleep(delay, value)


@rules(133)
async def in_time(log):
    log(await asyncio.wait_for(after(1, "value"), 2))
    log.at("end")


@rules(133)
async def a_coroutine_runs_in_the_callers_task(log):
    async def body():
        return asyncio.current_task().get_name()

    asyncio.current_task().set_name("caller")
    before = len(asyncio.all_tasks())
    log(await asyncio.wait_for(body(), 1), len(asyncio.all_tasks()) - before)


@rules(134)
async def no_limit(log):
    log(await asyncio.wait_for(after(1000, "value"), None))
    log.at("end")


@rules(135)
async def a_limit_of_zero_and_a_done_future(log):
    done = log.loop.create_future()
    done.set_result("there")
    log(await asyncio.wait_for(done, 0), await asyncio.wait_for(done, -1))
    failed = log.loop.create_future()
    failed.set_exception(ValueError("bad"))
    log(await outcome(asyncio.wait_for(failed, 0)))


@rules(135)
async def a_limit_of_zero_and_a_coroutine(log):
    async def body():
        log("never starts")

    log(await outcome(asyncio.wait_for(body(), 0)))
    log(await outcome(asyncio.wait_for(body(), -1)))


@rules(135)
async def a_limit_of_zero_and_a_task_that_cleans_up(log):
    async def body():
        log(await outcome(asyncio.sleep(100)))
        await asyncio.sleep(3)
        log.at("cleaned up")
        raise asyncio.CancelledError

    task = asyncio.create_task(body())
    await asyncio.sleep(1)
    log(await outcome(asyncio.wait_for(task, 0)))
    log.at("end", task.cancelled())


@rules(135)
async def a_limit_of_zero_and_a_task_that_swallows(log):
    async def body():
        await outcome(asyncio.sleep(100))
        return "all the same"

    task = asyncio.create_task(body())
    await asyncio.sleep(1)
    log(await outcome(asyncio.wait_for(task, 0)))


@rules(135)
async def a_limit_of_zero_and_a_task_that_fails(log):
    async def body():
        await outcome(asyncio.sleep(100))
        raise ValueError("instead")

    task = asyncio.create_task(body())
    await asyncio.sleep(1)
    log(await outcome(asyncio.wait_for(task, 0)))


@rules(136)
async def the_cleanup_runs_to_its_end(log):
    async def body():
        log.at("body", await outcome(asyncio.sleep(100)))
        await asyncio.sleep(10)
        log.at("cleaned up")
        raise asyncio.CancelledError

    log(await outcome(asyncio.wait_for(body(), 1)))
    log.at("end", asyncio.current_task().cancelling())


@rules(136)
async def a_task_is_cancelled_on_expiry(log):
    task = asyncio.create_task(after(100, "x"))
    log(await outcome(asyncio.wait_for(task, 1)))
    log.at(task.cancelled(), task.cancelling())


@rules(137)
async def a_swallowed_expiry_gives_the_value(log):
    async def body():
        await outcome(asyncio.sleep(100))
        return "value"

    log(await outcome(asyncio.wait_for(body(), 1)))
    log.at("count", asyncio.current_task().cancelling())


@rules(137)
async def a_task_that_swallows_the_expiry(log):
    async def body():
        await outcome(asyncio.sleep(100))
        return "value"

    task = asyncio.create_task(body())
    log(await outcome(asyncio.wait_for(task, 1)), task.cancelling())


@rules(138)
async def another_error_of_the_cleanup(log):
    async def body():
        await outcome(asyncio.sleep(100))
        raise ValueError("from the cleanup")

    log(await outcome(asyncio.wait_for(body(), 1)))
    log(asyncio.current_task().cancelling())


@rules(139)
async def a_timeout_error_of_its_own(log):
    async def body():
        raise TimeoutError

    log(await outcome(asyncio.wait_for(body(), 1)))
    log.at("end")


@rules(140)
async def cancelling_the_caller(log):
    async def body():
        log("body", await outcome(asyncio.sleep(100)))
        await asyncio.sleep(2)
        log.at("cleaned up")
        raise asyncio.CancelledError

    async def caller():
        await asyncio.wait_for(body(), 50)

    task = asyncio.create_task(caller())
    await asyncio.sleep(1)
    task.cancel("outside")
    log(await outcome(task))
    log.at(task.cancelled())


@rules(141)
async def somebody_else_cancels_the_inner_task(log):
    inner = asyncio.create_task(after(100, "x"))
    log.loop.call_later(1, inner.cancel)
    log(await outcome(asyncio.wait_for(inner, 10)), asyncio.current_task().cancelling())
    log.at("end")


@rules(142)
async def cancelled_in_the_turn_of_the_completion(log):
    future = log.loop.create_future()

    async def caller():
        return await asyncio.wait_for(future, 10)

    task = asyncio.create_task(caller())
    await asyncio.sleep(1)
    future.set_result("lost")
    task.cancel()
    log(await outcome(task), future.result())


@rules(143)
async def the_result_and_the_deadline_in_one_turn(log):
    future = log.loop.create_future()
    log.loop.call_at(1, future.set_result, "held by the future")
    log(await outcome(asyncio.wait_for(future, 1)), future.result())
    log.at("count", asyncio.current_task().cancelling())


@rules(143)
async def the_deadline_before_the_result_in_one_turn(log):
    future = log.loop.create_future()

    async def caller():
        return await asyncio.wait_for(future, 1)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    log.loop.call_at(1, lambda: log("set", attempt(future.set_result, 1)))
    log(await outcome(task), future.cancelled())


@rules(144)
async def a_future_is_cancelled_on_expiry(log):
    future = log.loop.create_future()
    log(await outcome(asyncio.wait_for(future, 1)), future.cancelled())
    protected = log.loop.create_future()
    log(await outcome(asyncio.wait_for(asyncio.shield(protected), 1)), protected.done())
    log.at("end")


@rules(145)
async def expiry_and_an_outside_cancel_together(log):
    async def body():
        await asyncio.sleep(100)

    async def caller():
        await asyncio.wait_for(body(), 1)

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    log.loop.call_at(1, task.cancel, "outside")
    log(await outcome(task), task.cancelling())
    log.at("end")


@rules(106, 135)
async def a_done_future_is_given_without_a_suspension(log):
    done = log.loop.create_future()
    done.set_result("there")
    log.loop.call_soon(log, "other work")
    log(await asyncio.wait_for(done, 1), await asyncio.wait_for(done, None))
    await asyncio.sleep(0)


@rules(136, 167)
async def nested_the_inner_expires_first(log):
    async def inner():
        return await outcome(asyncio.wait_for(asyncio.sleep(100), 1))

    log(await outcome(asyncio.wait_for(inner(), 10)))
    log.at("end")


@rules(136, 168)
async def nested_the_outer_expires_first(log):
    async def inner():
        result = await outcome(asyncio.wait_for(asyncio.sleep(100), 10))
        log("inner", result)
        raise asyncio.CancelledError

    log(await outcome(asyncio.wait_for(inner(), 1)))
    log.at("end")


@rules(133, 136)
async def a_gather_with_a_limit(log):
    async def child(n):
        try:
            return await asyncio.sleep(n, n)
        finally:
            log.at("child", n, "ends")

    log(await outcome(asyncio.wait_for(asyncio.gather(child(1), child(50)), 3)))
    log.at("end")


@rules(140, 144)
async def cancelling_the_caller_cancels_the_inner_task(log):
    inner = asyncio.create_task(after(100, "x"))

    async def caller():
        await asyncio.wait_for(inner, 50)

    task = asyncio.create_task(caller())
    await asyncio.sleep(1)
    task.cancel()
    log(await outcome(task), inner.cancelled(), inner.cancelling(), task.cancelling())
