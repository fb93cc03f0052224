"""Cancelling tasks: when it is delivered, what it interrupts, how it is counted."""
import asyncio

from trace import Turns, attempt, outcome, rules


@rules(73)
async def cancelling_a_done_task_does_nothing(log):
    async def body():
        return 1

    task = asyncio.create_task(body())
    await task
    log(task.cancel(), task.cancelling(), task.cancelled(), task.result())


@rules(73)
async def cancel_is_a_request(log):
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    log(task.cancel(), task.cancelling(), task.done(), task.cancelled())
    await outcome(task)
    log.at(task.done(), task.cancelled(), task.cancelling())


@rules(76)
async def cancelled_before_the_first_step(log):
    turns = Turns()

    async def body():
        log("never entered")

    task = asyncio.create_task(body())
    task.add_done_callback(lambda t: log("callback in turn", turns.count))
    log(task.cancel("early"))
    log(await outcome(task), "in turn", turns.count)
    turns.stop()


@rules(77)
async def cancelled_while_it_waits_on_a_future(log):
    turns = Turns()
    future = log.loop.create_future()

    async def body():
        log("body", await outcome(future), "in turn", turns.count)

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    before = turns.count
    task.cancel("m")
    log("future cancelled at once", future.cancelled(), "in turn", before)
    await task
    turns.stop()


@rules(78)
async def a_cancel_after_the_completion_wins(log):
    future = log.loop.create_future()

    async def body():
        return await future

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    future.set_result("lost to the task")
    log(task.cancel())
    log(await outcome(task))
    log(future.result())


@rules(79)
async def a_cancel_wins_over_a_failure_too(log):
    future = log.loop.create_future()

    async def body():
        return await outcome(future)

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    future.set_exception(ValueError("in the future"))
    task.cancel("wins")
    log(await task)
    log(future.exception())


@rules(78, 101)
async def a_done_callback_cancels_the_waiting_task(log):
    future = log.loop.create_future()

    async def body():
        return await outcome(future)

    future.add_done_callback(lambda f: log("callback cancels", task.cancel()))
    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    future.set_result("lost")
    log(await task)


@rules(101)
async def a_callback_behind_the_waiter_comes_too_late(log):
    future = log.loop.create_future()

    async def body():
        return await outcome(future)

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    future.add_done_callback(lambda f: log("callback cancels", task.cancel()))
    future.set_result("not lost")
    log(await task)


@rules(80)
async def a_cancel_goes_down_the_chain_and_comes_up_again(log):
    async def inner():
        try:
            await asyncio.sleep(100)
        finally:
            log.at("inner unwinds")

    async def middle():
        try:
            await inner_task
        finally:
            log.at("middle unwinds", inner_task.cancelled())

    async def outer():
        try:
            await middle_task
        finally:
            log.at("outer unwinds", middle_task.cancelled())

    inner_task = asyncio.create_task(inner())
    middle_task = asyncio.create_task(middle())
    outer_task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    outer_task.cancel("top")
    log([task.cancelling() for task in (inner_task, middle_task, outer_task)])
    log(await outcome(outer_task))
    log([task.cancelling() for task in (inner_task, middle_task, outer_task)])


@rules(80, 88)
async def the_outer_waits_for_the_cleanup_of_the_inner(log):
    async def inner():
        log("inner", await outcome(asyncio.sleep(100)))
        await asyncio.sleep(5)
        log.at("inner has cleaned up")
        raise asyncio.CancelledError

    async def outer():
        log("outer", await outcome(inner_task))
        log.at("outer")

    inner_task = asyncio.create_task(inner())
    outer_task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    outer_task.cancel()
    await outer_task


@rules(81)
async def an_inner_task_that_swallows(log):
    async def inner():
        await outcome(asyncio.sleep(100))
        return "swallowed"

    async def outer():
        value = await inner_task
        log("outer got", value, asyncio.current_task().cancelling())
        return value

    inner_task = asyncio.create_task(inner())
    outer_task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    outer_task.cancel()
    log(await outcome(outer_task), outer_task.cancelled(), inner_task.cancelling(), outer_task.cancelling())


@rules(82)
async def an_inner_task_that_turns_the_cancel_into_a_failure(log):
    async def inner():
        await outcome(asyncio.sleep(100))
        raise ValueError("instead")

    async def outer():
        return await inner_task

    inner_task = asyncio.create_task(inner())
    outer_task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    outer_task.cancel()
    log(await outcome(outer_task), outer_task.cancelled())


@rules(83)
async def a_future_in_the_chain_has_no_count(log):
    future = log.loop.create_future()

    async def inner():
        await future

    async def outer():
        await inner_task

    inner_task = asyncio.create_task(inner())
    outer_task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer_task.cancel("x")
    log(future.cancelled(), inner_task.cancelling(), outer_task.cancelling())
    log(await outcome(outer_task), inner_task.cancelled())


@rules(84)
async def it_cancels_itself_and_returns(log):
    async def body():
        log(asyncio.current_task().cancel("self"))
        return "dropped"

    task = asyncio.create_task(body())
    log(await outcome(task), task.cancelled())


@rules(85)
async def it_cancels_itself_and_raises(log):
    async def body():
        asyncio.current_task().cancel()
        raise ValueError("wins")

    task = asyncio.create_task(body())
    log(await outcome(task), task.cancelled(), task.cancelling())


@rules(86)
async def it_cancels_itself_and_awaits_a_future(log):
    done, pending = log.loop.create_future(), log.loop.create_future()
    done.set_result("no suspension")

    async def body():
        asyncio.current_task().cancel("self")
        log(await outcome(done))
        log(await outcome(pending))
        log("pending cancelled", pending.cancelled())

    await asyncio.create_task(body())


@rules(86)
async def it_cancels_itself_and_sleeps_zero(log):
    turns = Turns()

    async def body():
        asyncio.current_task().cancel("self")
        before = turns.count
        log(await outcome(asyncio.sleep(0)), "after turns:", turns.count - before)
        log(await outcome(asyncio.sleep(0)))

    await asyncio.create_task(body())
    turns.stop()


@rules(86)
async def it_cancels_itself_and_awaits_a_task(log):
    async def child():
        log("child starts")
        await asyncio.sleep(10)

    async def body():
        child_task = asyncio.create_task(child())
        asyncio.current_task().cancel("self")
        log(await outcome(child_task))
        log("child", child_task.cancelled(), child_task.cancelling())

    await asyncio.create_task(body())


@rules(87)
async def two_cancels_before_the_delivery(log):
    async def body():
        log(await outcome(asyncio.sleep(10)))
        log(await outcome(asyncio.sleep(1)))
        return asyncio.current_task().cancelling()

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    log(task.cancel("first"), task.cancel("second"))
    log("count", await task)


@rules(88)
async def a_second_cancel_interrupts_the_cleanup(log):
    async def body():
        log("body", await outcome(asyncio.sleep(100)))
        log("cleanup", await outcome(asyncio.sleep(100)))
        log.at("cleaned up")

    task = asyncio.create_task(body())
    await asyncio.sleep(1)
    task.cancel("one")
    await asyncio.sleep(1)
    task.cancel("two")
    await task
    log.at("count", task.cancelling())


@rules(89, 91)
async def a_swallowed_cancel_is_not_redelivered(log):
    async def body():
        log(await outcome(asyncio.sleep(100)))
        log(await outcome(asyncio.sleep(1)), await outcome(asyncio.sleep(0)))
        return asyncio.current_task().cancelling()

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    log(await task, task.cancelled(), task.cancelling())


@rules(90)
async def uncancel_counts_down_to_zero(log):
    async def body():
        await outcome(asyncio.sleep(100))
        task = asyncio.current_task()
        log(task.cancelling(), task.uncancel(), task.uncancel(), task.uncancel(), task.cancelling())

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    await task


@rules(90)
async def uncancel_withdraws_an_undelivered_request(log):
    async def body():
        task = asyncio.current_task()
        task.cancel("withdrawn")
        log(task.uncancel())
        log(await outcome(asyncio.sleep(1)))
        return "not cancelled"

    log(await outcome(asyncio.create_task(body())))


@rules(90)
async def uncancel_before_the_first_step(log):
    async def body():
        return "entered"

    task = asyncio.create_task(body())
    task.cancel()
    log(task.uncancel())
    log(await outcome(task))


@rules(90)
async def one_uncancel_of_two_withdraws_nothing(log):
    async def body():
        task = asyncio.current_task()
        task.cancel("one")
        task.cancel("two")
        log(task.uncancel())
        log(await outcome(asyncio.sleep(1)))

    await asyncio.create_task(body())


@rules(93)
async def the_last_message_before_the_delivery_wins(log):
    async def body():
        pass

    task = asyncio.create_task(body())
    task.cancel("one")
    task.cancel("two")
    log(await outcome(task))


@rules(93)
async def a_forwarded_cancel_carries_its_message(log):
    async def inner():
        log("inner", await outcome(asyncio.sleep(100)))
        raise asyncio.CancelledError("changed")

    async def outer():
        await inner_task

    inner_task = asyncio.create_task(inner())
    outer_task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    outer_task.cancel("original")
    log("outer", await outcome(outer_task))


@rules(94)
async def the_first_reader_gets_the_message(log):
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel("told once")
    log(await outcome(task))
    log(await outcome(task))
    log(attempt(task.result))


@rules(95)
async def a_handler_for_ordinary_errors_does_not_catch_it(log):
    async def body():
        try:
            await asyncio.sleep(10)
        except Exception:
            log("caught as an ordinary error")
        log("not reached")

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    log(await outcome(task))


@rules(96)
async def a_cancelled_child_is_told_from_a_cancelled_self(log):
    child = asyncio.create_task(asyncio.sleep(10))

    async def parent():
        log(await outcome(child), "count", asyncio.current_task().cancelling())

    task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    child.cancel()
    await task


@rules(97)
async def a_childs_cancel_that_escapes_cancels_the_parent(log):
    child = asyncio.create_task(asyncio.sleep(10))

    async def parent():
        await child

    task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    child.cancel("child's")
    log(await outcome(task), task.cancelled(), task.cancelling())


@rules(98)
async def an_exception_in_the_cleanup_replaces_the_cancel(log):
    async def body():
        try:
            await asyncio.sleep(10)
        finally:
            raise ValueError("in the cleanup")

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    log(await outcome(task), task.cancelled(), task.cancelling())


@rules(99)
async def code_that_never_suspends_is_not_cancelled_before_its_end(log):
    done = log.loop.create_future()
    done.set_result(None)

    async def body():
        asyncio.current_task().cancel()
        for n in range(3):
            await done
            log("step", n)

    task = asyncio.create_task(body())
    log(await outcome(task))


@rules(74, 75)
async def a_cancel_that_the_awaited_future_refuses_is_marked(log):
    future = log.loop.create_future()

    async def body():
        log(await outcome(future))
        log(await outcome(asyncio.sleep(1)))

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    future.cancel("by another")
    log(task.cancel("by me"), task.cancelling())
    await task


@rules(73, 80)
async def a_task_cancels_its_own_parent(log):
    async def child():
        log("child cancels", parent_task.cancel("from the child"), child_task.cancelling())
        log("child", await outcome(asyncio.sleep(1)))

    async def parent():
        await child_task

    child_task = asyncio.create_task(child())
    parent_task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    log(await outcome(parent_task))
    log(child_task.done(), child_task.cancelled())


@rules(77)
async def cancelled_between_two_sleeps(log):
    async def body():
        for n in range(10):
            log.at("step", n)
            await asyncio.sleep(1)

    task = asyncio.create_task(body())
    log.loop.call_at(2.5, task.cancel, "enough")
    log(await outcome(task))
    log.at("end")


@rules(77, 86)
async def cancelled_in_sleep_zero(log):
    turns = Turns()

    async def body():
        log(await outcome(asyncio.sleep(0)), "in turn", turns.count)

    task = asyncio.create_task(body())
    log.loop.call_soon(task.cancel, "yielding")
    await task
    turns.stop()
