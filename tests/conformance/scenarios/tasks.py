"""Tasks: starting, stepping, outcomes, names."""
import asyncio

from trace import Turns, attempt, outcome, refused, rules


@rules(54)
async def the_body_never_starts_inside_create_task(log):
    async def body(n):
        log("body", n)

    tasks = [asyncio.create_task(body(n)) for n in range(3)]
    log("created")
    await asyncio.gather(*tasks)


@rules(54)
async def tasks_made_by_a_task_start_behind_what_is_ready(log):
    async def child():
        log("child")

    async def parent():
        log("parent")
        return asyncio.create_task(child())

    parent_task = asyncio.create_task(parent())
    log.loop.call_soon(log, "callback behind the parent")
    await (await parent_task)


@rules(56)
async def a_step_is_not_interrupted(log):
    shared = []

    async def writer(name):
        for _ in range(2):
            shared.append(name + "1")
            shared.append(name + "2")
            await asyncio.sleep(0)

    await asyncio.gather(writer("a"), writer("b"))
    log(shared)


@rules(57)
async def the_outcomes_of_a_task(log):
    async def returns():
        return 1

    async def fails():
        raise ValueError("bad")

    async def says_cancelled():
        raise asyncio.CancelledError("by itself")

    for body in (returns, fails, says_cancelled):
        task = asyncio.create_task(body())
        log(await outcome(task), task.done(), task.cancelled(), task.cancelling())


@rules(57)
def system_exit_of_a_task_leaves_the_run(log):
    async def exits():
        raise SystemExit(5)

    async def other():
        log("other task")

    task = log.loop.create_task(exits())
    second = log.loop.create_task(other())
    log(attempt(log.loop.run_forever))
    log("stored too", task.done(), task.exception(), second.done())
    log.loop.run_until_complete(second)


@rules(58, 59)
async def done_callbacks_run_a_turn_after_the_end(log):
    turns = Turns()

    async def body():
        log("body ends in turn", turns.count)

    task = asyncio.create_task(body())
    task.add_done_callback(lambda t: log("callback in turn", turns.count, "done", t.done()))
    await task
    log("awaiter in turn", turns.count)
    turns.stop()


@rules(58)
async def callbacks_of_a_task_and_its_awaiters_keep_their_order(log):
    async def body():
        await asyncio.sleep(0)
        return "r"

    async def awaiter(name):
        log(name, await task)

    task = asyncio.create_task(body())
    task.add_done_callback(lambda t: log("callback 1"))
    a = asyncio.create_task(awaiter("awaiter"))
    await asyncio.sleep(0)
    task.add_done_callback(lambda t: log("callback 2"))
    await a


@rules(59)
async def the_completer_goes_on_before_the_waiter(log):
    future = log.loop.create_future()

    async def waiter():
        log("waiter", await future)

    async def completer():
        future.set_result(1)
        log("completer after set_result")
        await asyncio.sleep(0)
        log("completer a turn later")

    await asyncio.gather(waiter(), completer())


@rules(61)
async def a_task_cannot_be_completed_from_outside(log):
    async def body():
        await asyncio.sleep(1)
        return "its own"

    task = asyncio.create_task(body())
    log(refused(task.set_result, 1))
    log(refused(task.set_exception, ValueError("x")))
    log(await task)


@rules(62)
async def a_task_cannot_await_itself(log):
    async def body():
        return await outcome_kind(task)

    async def outcome_kind(awaitable):
        try:
            return await awaitable
        except RuntimeError:
            return "RuntimeError"

    task = asyncio.create_task(body())
    log(await task)


@rules(63)
async def sleep_zero_takes_exactly_one_turn(log):
    turns = Turns()
    for _ in range(3):
        before = turns.count
        await asyncio.sleep(0)
        log(turns.count - before)
    before = turns.count
    await asyncio.sleep(-1)
    log(turns.count - before)
    turns.stop()


@rules(64)
async def sleep_returns_its_value(log):
    log(await asyncio.sleep(1, "value"), await asyncio.sleep(0, 7))
    log.at("end")


@rules(65)
async def current_task_is_the_one_that_steps(log):
    async def body():
        log(asyncio.current_task())
        await asyncio.sleep(0)
        log(asyncio.current_task())

    asyncio.current_task().set_name("main")
    task = asyncio.create_task(body(), name="child")
    log(asyncio.current_task())
    log.loop.call_soon(lambda: log("in a callback", asyncio.current_task() is None))
    await task
    log(asyncio.current_task(), asyncio.current_task() is not task)


@rules(66)
async def all_tasks_are_those_not_done(log):
    def names():
        return sorted(task.get_name() for task in asyncio.all_tasks())

    async def body():
        await asyncio.sleep(0)

    asyncio.current_task().set_name("main")
    a = asyncio.create_task(body(), name="a")
    b = asyncio.create_task(body(), name="b")
    log("never started ones too", names())
    await a
    log(names())
    await b
    log(names())


@rules(66)
async def a_task_that_is_cancelled_before_its_start_counts_until_it_is_done(log):
    async def body():
        log("never")

    asyncio.current_task().set_name("main")
    task = asyncio.create_task(body(), name="t")
    task.cancel()
    log(sorted(t.get_name() for t in asyncio.all_tasks()))
    await outcome(task)
    log(sorted(t.get_name() for t in asyncio.all_tasks()))


@rules(70)
async def names(log):
    async def body():
        return asyncio.current_task().get_name()

    task = asyncio.create_task(body(), name="given")
    log(task.get_name())
    task.set_name("changed")
    log(task.get_name(), await task)
    task.set_name("after the end")
    log(task.get_name())


@rules(70)
async def default_names_count_upwards(log):
    async def body():
        pass

    first, second, third = (asyncio.create_task(body()) for _ in range(3))
    numbers = [int(task.get_name().removeprefix("Task-")) for task in (first, second, third)]
    log(numbers[1] - numbers[0], numbers[2] - numbers[1])
    await asyncio.gather(first, second, third)


@rules(72)
async def a_task_may_be_awaited_many_times(log):
    async def body():
        return 4

    task = asyncio.create_task(body())
    log(await task, await task, await task)


@rules(72)
async def a_coroutine_may_be_awaited_once(log):
    async def body():
        return 4

    async def again(coro):
        try:
            return await coro
        except RuntimeError:
            return "refused"

    coro = body()
    log(await coro)
    log(await again(coro))


@rules(56, 59)
async def awaiting_a_coroutine_costs_no_turn(log):
    turns = Turns()

    async def deep(n):
        return n if n == 0 else 1 + await deep(n - 1)

    await asyncio.sleep(0)
    before = turns.count
    log(await deep(50), turns.count - before)
    turns.stop()


@rules(60)
async def the_wake_up_brings_the_outcome_of_that_moment(log):
    future = log.loop.create_future()

    async def waiter():
        return await future

    task = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    future.set_exception(ValueError("at the wake-up"))
    log("done at once", future.done(), task.done())
    log(await outcome(task))


@rules(57, 72)
async def a_failed_task_raises_for_every_awaiter(log):
    async def body():
        raise ValueError("same")

    task = asyncio.create_task(body())
    log(await outcome(task))
    log(await outcome(task))
    log(task.exception())


@rules(58)
async def a_chain_of_tasks_ends_one_turn_after_the_other(log):
    turns = Turns()

    async def link(n):
        if n:
            await asyncio.create_task(link(n - 1))
        log("link", n, "ends in turn", turns.count)

    await link(3)
    turns.stop()


@rules(59, 63)
async def ping_pong(log):
    async def player(name, own, other):
        for n in range(3):
            await own[n]
            log(name, n)
            other[n].set_result(None)

    pings = [log.loop.create_future() for _ in range(3)]
    pongs = [log.loop.create_future() for _ in range(4)]
    log.loop.call_soon(pings[0].set_result, None)
    pongs_into_pings = pings[1:] + [log.loop.create_future()]
    await asyncio.gather(player("ping", pings, pongs), player("pong", pongs, pongs_into_pings))
