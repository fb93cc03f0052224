"""Eager start: the first step runs inside create_task."""
import _asyncio
import asyncio

from trace import Turns, outcome, rules


@rules(211, 212)
async def a_body_without_suspension_is_done_on_return(log):
    async def body():
        log("body")
        return 5

    turns = Turns()
    task = asyncio.create_task(body(), eager_start=True)
    log("returned", task.done(), task.result())
    log(await task, turns.count)
    turns.stop()


@rules(211)
async def current_task_during_the_eager_step(log):
    asyncio.current_task().set_name("main")

    async def body():
        log("inside", asyncio.current_task())
        await asyncio.sleep(0)
        log("later", asyncio.current_task())

    task = asyncio.create_task(body(), eager_start=True, name="eager")
    log("outside", asyncio.current_task())
    await task


@rules(212)
async def failures_are_stored_not_raised(log):
    async def fails():
        raise ValueError("bad")

    async def says_cancelled():
        raise asyncio.CancelledError("by itself")

    task = asyncio.create_task(fails(), eager_start=True)
    log(task.done(), task.cancelled(), await outcome(task))
    task = asyncio.create_task(says_cancelled(), eager_start=True)
    log(task.done(), task.cancelled(), await outcome(task))


@rules(213)
async def at_its_first_suspension_it_is_an_ordinary_task(log):
    async def body(n):
        log("first step", n)
        await asyncio.sleep(0)
        log("second step", n)

    tasks = [asyncio.create_task(body(n), eager_start=True) for n in range(2)]
    log("created", [task.done() for task in tasks])
    await asyncio.gather(*tasks)


@rules(213)
async def the_second_step_is_in_the_next_turn(log):
    turns = Turns()
    future = log.loop.create_future()

    async def body():
        await future
        log("woken in turn", turns.count)

    task = asyncio.create_task(body(), eager_start=True)
    future.set_result(None)
    log("completed in turn", turns.count)
    await task
    log("awaited in turn", turns.count)
    turns.stop()


@rules(213)
def without_a_running_loop_it_is_queued(log):
    async def body():
        log("body")

    task = log.loop.create_task(body(), eager_start=True)
    log("not started", task.done())
    log.loop.run_until_complete(task)


@rules(214)
async def callbacks_of_a_done_eager_task_are_queued(log):
    async def body():
        return 1

    task = asyncio.create_task(body(), eager_start=True)
    task.add_done_callback(lambda t: log("callback", t.result()))
    log("registered")
    await asyncio.sleep(0)
    log("end")


@rules(211)
async def eager_and_queued_tasks(log):
    async def body(name):
        log(name)

    queued = asyncio.create_task(body("queued"))
    eager = asyncio.create_task(body("eager"), eager_start=True)
    log("created")
    await queued
    await eager


@rules(211)
async def eager_tasks_nest(log):
    async def body(depth):
        log("enter", depth, asyncio.current_task())
        if depth < 2:
            asyncio.create_task(body(depth + 1), eager_start=True, name=f"depth {depth + 1}")
        log("leave", depth, asyncio.current_task())

    asyncio.create_task(body(0), eager_start=True, name="depth 0")
    log("back")


@rules(213)
async def cancelling_a_parked_eager_task(log):
    async def body():
        log("starts")
        log(await outcome(asyncio.sleep(10)))
        raise asyncio.CancelledError

    task = asyncio.create_task(body(), eager_start=True)
    log(task.cancel("parked"), task.cancelling())
    log(await outcome(task), task.cancelled())


@rules(211)
async def cancelling_itself_in_the_eager_step(log):
    async def body():
        asyncio.current_task().cancel("self")
        log(await outcome(asyncio.sleep(0)))
        return "went on"

    task = asyncio.create_task(body(), eager_start=True)
    log(task.done(), task.cancelling())
    log(await outcome(task))


@rules(212)
async def cancelling_itself_and_returning_in_the_eager_step(log):
    async def body():
        asyncio.current_task().cancel("self")
        return "dropped"

    task = asyncio.create_task(body(), eager_start=True)
    log(task.done(), task.cancelled())
    log(await outcome(task))


@rules(212)
async def a_done_eager_task_in_gather(log):
    async def body(n):
        return n

    tasks = [asyncio.create_task(body(n), eager_start=True) for n in range(3)]
    gathered = asyncio.gather(*tasks)
    log(gathered.done(), await gathered)


@rules(211, 66)
async def all_tasks_during_and_after_the_eager_step(log):
    asyncio.current_task().set_name("main")

    def names():
        return sorted(task.get_name() for task in _asyncio.all_tasks(log.loop))

    async def body():
        log("inside", names())

    asyncio.create_task(body(), eager_start=True, name="eager")
    log("after", names())
