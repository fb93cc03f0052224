"""gather: order, failures, cancellation."""
import asyncio

from trace import attempt, err, outcome, rules


async def after(delay, value):
    return await asyncio.sleep(delay, value)


async def fails(delay, text):
    await asyncio.sleep(delay)
    raise ValueError(text)


async def stubborn(value):
    """Swallows one cancellation."""
    await outcome(asyncio.sleep(100))
    return value


@rules(108)
async def results_are_in_argument_order(log):
    log(await asyncio.gather(after(3, "a"), after(1, "b"), after(2, "c")))
    log.at("end")


@rules(108)
async def children_start_in_argument_order(log):
    async def child(n):
        log("starts", n)

    first = asyncio.create_task(child(1))
    await asyncio.gather(child(2), first, child(3))


@rules(109)
async def equal_arguments_are_one_child(log):
    calls = []

    async def child():
        calls.append("called")
        return len(calls)

    task = asyncio.create_task(child())
    future = log.loop.create_future()
    future.set_result("f")
    log(await asyncio.gather(task, future, task, future))
    log(calls)


@rules(110)
async def gather_of_nothing(log):
    empty = asyncio.gather()
    log(empty.done(), empty.result())
    log(await empty)


@rules(111)
async def children_run_although_nobody_awaits(log):
    async def child(n):
        await asyncio.sleep(n)
        log.at("child", n)

    gathered = asyncio.gather(child(1), child(2))
    await asyncio.sleep(3)
    log(gathered.done())


@rules(112)
async def the_first_failure_comes_out_at_once(log):
    slow = asyncio.create_task(after(5, "slow"))
    log(await outcome(asyncio.gather(slow, fails(2, "second"), fails(1, "first"))))
    log.at("slow", slow.done(), slow.cancelling())
    log(await slow)


@rules(112)
async def it_is_the_same_exception(log):
    failure = ValueError("the one")

    async def child():
        raise failure

    try:
        await asyncio.gather(child(), after(1, "x"))
    except ValueError as error:
        log(error is failure)
    await asyncio.sleep(2)


@rules(113)
async def later_failures_are_not_reported(log):
    log(await outcome(asyncio.gather(fails(1, "one"), fails(2, "two"), fails(3, "three"))))
    await asyncio.sleep(5)
    log.collect()
    log.at("nothing reported")


@rules(114)
async def a_cancelled_child_is_a_failure(log):
    child = asyncio.create_task(after(5, "x"))
    outer = asyncio.gather(child, after(1, "y"))
    await asyncio.sleep(0)
    child.cancel("child only")
    log(await outcome(outer))
    log(outer.cancelled(), outer.done())


@rules(115)
async def with_return_exceptions_failures_are_results(log):
    child = asyncio.create_task(after(5, "never"))
    log.loop.call_later(2, child.cancel, "msg")
    log(await asyncio.gather(fails(1, "bad"), after(3, "good"), child, return_exceptions=True))
    log.at("end")


@rules(115)
async def with_return_exceptions_all_are_waited_for(log):
    outer = asyncio.gather(fails(1, "bad"), after(4, "good"), return_exceptions=True)
    await asyncio.sleep(2)
    log(outer.done())
    log(await outer)
    log.at("end")


@rules(116)
async def cancelling_the_outer_asks_every_child(log):
    async def child(n):
        try:
            await asyncio.sleep(100)
        finally:
            log("child", n, asyncio.current_task().cancelling())

    outer = asyncio.gather(child(1), child(2))
    await asyncio.sleep(1)
    log(outer.cancel(), outer.done(), outer.cancelled())
    log(await outcome(outer))
    log(outer.cancelled())


@rules(116)
async def cancelling_the_awaiting_task(log):
    async def child(n):
        log("child", n, await outcome(asyncio.sleep(100)))
        raise asyncio.CancelledError

    async def parent():
        await asyncio.gather(child(1), child(2))

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel("parent")
    log(await outcome(task))
    log.at(task.cancelled())


@rules(117)
async def cancelled_with_return_exceptions_it_raises_whatever_they_did(log):
    outer = asyncio.gather(stubborn(1), stubborn(2), return_exceptions=True)
    await asyncio.sleep(1)
    log(outer.cancel("why"), outer.done())
    log(await outcome(outer))
    log(outer.cancelled())


@rules(117)
async def cancelled_with_return_exceptions_it_waits_for_all(log):
    async def slow_cleanup():
        await outcome(asyncio.sleep(100))
        await asyncio.sleep(5)
        return "cleaned"

    outer = asyncio.gather(after(100, "x"), slow_cleanup(), return_exceptions=True)
    await asyncio.sleep(1)
    outer.cancel()
    log(await outcome(outer))
    log.at("end")


@rules(118)
async def cancelled_without_return_exceptions_the_first_to_end_ends_it(log):
    async def slow_cleanup():
        await outcome(asyncio.sleep(100))
        await asyncio.sleep(5)
        log.at("cleaned up")

    outer = asyncio.gather(slow_cleanup(), after(100, "x"))
    await asyncio.sleep(1)
    outer.cancel()
    log(await outcome(outer))
    log.at("end")
    await asyncio.sleep(10)


@rules(118)
async def if_all_swallow_it_still_raises_at_the_end(log):
    outer = asyncio.gather(stubborn(1), stubborn(2))
    await asyncio.sleep(1)
    outer.cancel("msg")
    log(await outcome(outer))
    log(outer.cancelled())


@rules(118)
async def a_child_that_answers_the_cancel_with_a_failure(log):
    async def sour():
        await outcome(asyncio.sleep(100))
        raise ValueError("sour")

    outer = asyncio.gather(stubborn(1), sour())
    await asyncio.sleep(1)
    outer.cancel()
    log(await outcome(outer), outer.cancelled())


@rules(119)
async def cancelling_a_done_gather_does_nothing(log):
    slow = asyncio.create_task(after(5, "slow"))
    outer = asyncio.gather(slow, fails(1, "bad"))
    log(await outcome(outer))
    log(outer.cancel(), slow.cancelling())
    log(await slow)


@rules(120)
async def children_done_but_not_looked_at(log):
    async def empty():
        return "r"

    outer = asyncio.gather(empty(), empty())
    log.loop.call_soon(lambda: log("cancel", outer.cancel(), outer.done()))
    log(await outcome(outer))


@rules(120)
async def a_task_that_awaits_it_then_is_cancelled(log):
    async def empty():
        return "r"

    async def parent():
        return await asyncio.gather(empty(), empty())

    task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    log.loop.call_soon(lambda: log("cancel", task.cancel()))
    log(await outcome(task))


@rules(121)
async def children_that_are_done_are_collected_at_once(log):
    done = log.loop.create_future()
    done.set_result(1)
    outer = asyncio.gather(done, done)
    log(outer.done(), outer.result())
    mixed = asyncio.gather(done, after(1, 2))
    log(mixed.done())
    log(await mixed)


@rules(122)
async def a_nested_gather_is_cancelled_to_the_leaves(log):
    async def leaf(n):
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            log("leaf", n)
            raise

    async def pair(n):
        await asyncio.gather(leaf(n), leaf(n + 1))

    outer = asyncio.gather(pair(1), asyncio.gather(leaf(3), leaf(4)))
    await asyncio.sleep(1)
    log(outer.cancel())
    log(await outcome(outer))


@rules(123)
async def a_failed_future_makes_it_done_on_return(log):
    failed = log.loop.create_future()
    failed.set_exception(ValueError("old"))
    later = asyncio.create_task(after(1, "later"))
    outer = asyncio.gather(failed, later)
    log(outer.done(), err(outer.exception()))
    log(await later)


@rules(103, 108)
async def gathers_end_in_the_order_of_their_last_children(log):
    async def group(name, *delays):
        result = await asyncio.gather(*(after(delay, name) for delay in delays))
        log.at(result)

    await asyncio.gather(group("a", 1, 4), group("b", 2, 3), group("c", 0, 0))


@rules(113)
async def a_later_result_is_dropped(log):
    outer = asyncio.gather(fails(1, "bad"), after(2, "dropped"))
    log(await outcome(outer))
    await asyncio.sleep(2)
    log(attempt(outer.result))


@rules(115)
async def an_outcome_of_each_kind(log):
    gone = log.loop.create_future()
    gone.cancel("gone")
    bad = log.loop.create_future()
    bad.set_exception(ValueError("bad"))
    good = log.loop.create_future()
    good.set_result("good")
    outer = asyncio.gather(gone, bad, good, return_exceptions=True)
    log(outer.done())
    log(await outer)
