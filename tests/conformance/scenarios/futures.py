"""Futures: states, callbacks, awaiting."""
import asyncio

from trace import Turns, attempt, outcome, pause, refused, rules


def state(future):
    return f"done={future.done()} cancelled={future.cancelled()}"


@rules(31, 36)
async def three_states(log):
    future = log.loop.create_future()
    log("pending", state(future))
    future.set_result(1)
    log("finished", state(future))
    future = log.loop.create_future()
    future.set_exception(ValueError("x"))
    log("failed", state(future), future.exception())
    future = log.loop.create_future()
    future.cancel()
    log("cancelled", state(future))


@rules(32)
async def a_future_changes_only_once(log):
    done = log.loop.create_future()
    done.set_result(1)
    log(attempt(done.set_result, 2))
    log(attempt(done.set_exception, ValueError("late")))
    log(done.cancel(), state(done), done.result())
    cancelled = log.loop.create_future()
    log(cancelled.cancel(), cancelled.cancel())
    log(attempt(cancelled.set_result, 2), attempt(cancelled.set_exception, ValueError("late")), state(cancelled))


@rules(33)
async def cancelling_a_future_is_immediate(log):
    future = log.loop.create_future()
    future.add_done_callback(lambda f: log("callback", state(f)))
    log(future.cancel("why"), state(future))
    await asyncio.sleep(0)
    log(attempt(future.result))


@rules(34, 35)
async def result_and_exception(log):
    pending, value, failed, cancelled = (log.loop.create_future() for _ in range(4))
    value.set_result(5)
    failed.set_exception(ValueError("bad"))
    cancelled.cancel("gone")
    for future in (pending, value, failed, cancelled):
        log(attempt(future.result), "|", attempt(future.exception))


@rules(34)
async def the_message_of_a_cancelled_future_stays(log):
    future = log.loop.create_future()
    future.cancel("first")
    future.cancel("second")
    log(attempt(future.result))
    log(attempt(future.result))
    log(await outcome(future))


@rules(36, 37)
async def a_cancelled_error_set_as_exception_is_a_failure(log):
    future = log.loop.create_future()
    future.set_exception(asyncio.CancelledError("as a failure"))
    log(state(future))
    log(await outcome(future))
    log(attempt(future.result))
    log("still", state(future), future.exception())


@rules(38)
async def callbacks_run_in_order_never_inline(log):
    future = log.loop.create_future()
    for n in range(3):
        future.add_done_callback(lambda f, n=n: log("callback", n, f.result()))
    log.loop.call_soon(log, "queued before the completion")
    future.set_result("r")
    log.loop.call_soon(log, "queued after the completion")
    log("completed")
    await asyncio.sleep(0)


@rules(39)
async def a_callback_for_a_done_future_is_queued_at_once(log):
    future = log.loop.create_future()
    future.set_result(1)
    log.loop.call_soon(log, "already there")
    future.add_done_callback(lambda f: log("callback"))
    log.loop.call_soon(log, "behind it")
    log("registered")
    await asyncio.sleep(0)


@rules(40)
async def one_callable_registered_three_times(log):
    future = log.loop.create_future()
    callback = lambda f: log("called", f.result())
    for _ in range(3):
        future.add_done_callback(callback)
    future.set_result(1)
    await asyncio.sleep(0)


@rules(41)
async def a_removed_callback_does_not_run(log):
    future = log.loop.create_future()
    removed = lambda f: log("removed")
    future.add_done_callback(lambda f: log("first"))
    future.add_done_callback(removed)
    future.add_done_callback(lambda f: log("last"))
    log(future.remove_done_callback(removed), future.remove_done_callback(removed))
    future.set_result(1)
    await asyncio.sleep(0)


@rules(41)
async def after_completion_there_is_nothing_to_remove(log):
    future = log.loop.create_future()
    callback = lambda f: log("runs all the same")
    future.add_done_callback(callback)
    future.set_result(1)
    log(future.remove_done_callback(callback))
    await asyncio.sleep(0)
    log(future.remove_done_callback(callback))


@rules(42)
async def a_callback_registered_by_a_callback_runs_a_turn_later(log):
    turns = Turns()
    future = log.loop.create_future()

    def first(f):
        log("first in turn", turns.count)
        f.add_done_callback(lambda f: log("registered by the first, in turn", turns.count))

    future.add_done_callback(first)
    future.add_done_callback(lambda f: log("second in turn", turns.count))
    future.set_result(1)
    await pause(3)
    turns.stop()


@rules(43)
async def one_callback_cannot_stop_another_after_completion(log):
    future = log.loop.create_future()
    second = lambda f: log("second")
    future.add_done_callback(lambda f: log("removed", f.remove_done_callback(second)))
    future.add_done_callback(second)
    future.set_result(1)
    await asyncio.sleep(0)


@rules(45)
async def awaiting_a_done_future_does_not_suspend(log):
    future = log.loop.create_future()
    future.set_result("value")
    log.loop.call_soon(log, "other work")
    log(await future, await future)
    failed = log.loop.create_future()
    failed.set_exception(ValueError("bad"))
    log(await outcome(failed))
    log("no other work yet")
    await asyncio.sleep(0)


@rules(46)
async def waiters_wake_in_the_order_of_their_awaits(log):
    future = log.loop.create_future()

    async def waiter(name):
        log(name, "got", await future)

    tasks = [asyncio.create_task(waiter("a")), asyncio.create_task(waiter("b"))]
    await asyncio.sleep(0)
    future.add_done_callback(lambda f: log("callback between"))
    tasks.append(asyncio.create_task(waiter("c")))
    await asyncio.sleep(0)
    future.add_done_callback(lambda f: log("callback behind"))
    future.set_result(1)
    await asyncio.gather(*tasks)


@rules(46)
async def all_waiters_get_the_same_exception(log):
    future = log.loop.create_future()
    seen = []

    async def waiter():
        try:
            await future
        except ValueError as error:
            seen.append(error)

    tasks = [asyncio.create_task(waiter()) for _ in range(3)]
    await asyncio.sleep(0)
    failure = ValueError("shared")
    future.set_exception(failure)
    await asyncio.gather(*tasks)
    log(seen, [error is failure for error in seen])


@rules(47)
async def cancelling_one_waiter_cancels_the_future_for_all(log):
    future = log.loop.create_future()

    async def waiter(name):
        log(name, await outcome(future))

    tasks = [asyncio.create_task(waiter(name)) for name in "abc"]
    await asyncio.sleep(0)
    log(tasks[1].cancel("from b"), state(future))
    await asyncio.gather(*tasks)
    log([task.cancelling() for task in tasks])


@rules(38, 46)
async def a_callback_sees_the_done_future_before_the_waiter_runs(log):
    future = log.loop.create_future()

    async def waiter():
        log("waiter", await future)

    future.add_done_callback(lambda f: log("callback", f.result()))
    task = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    future.set_result(3)
    log("set")
    await task


@rules(39, 45)
async def a_future_completed_by_a_timer(log):
    future = log.loop.create_future()
    log.loop.call_later(2, future.set_result, "from the timer")
    log.at(await future)


@rules(32)
async def two_timers_race_for_one_future(log):
    future = log.loop.create_future()
    log.loop.call_later(1, future.set_result, "first")
    log.loop.call_later(2, lambda: log(refused(future.set_result, "second")))
    log.at(await future)
    await asyncio.sleep(2)
    log.at(future.result())


@rules(50)
async def get_loop_is_the_loop_of_creation(log):
    future = log.loop.create_future()
    log(future.get_loop() is log.loop)
    task = asyncio.create_task(asyncio.sleep(0))
    log(task.get_loop() is log.loop)
    await task


@rules(44)
async def a_callback_may_complete_another_future(log):
    futures = [log.loop.create_future() for _ in range(4)]
    turns = Turns()
    for before, after in zip(futures, futures[1:]):
        before.add_done_callback(lambda f, after=after: after.set_result(f.result() + 1))
    futures[0].set_result(10)
    log(await futures[-1], "in turn", turns.count)
    turns.stop()
