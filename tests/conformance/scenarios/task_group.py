"""TaskGroup: children, failures, cancellation in both directions."""
import asyncio

from trace import attempt, outcome, pause, refused, rules


async def group(body):
    """A group as an awaitable: the body gets it."""
    async with asyncio.TaskGroup() as tg:
        return await body(tg)


async def after(delay, value):
    return await asyncio.sleep(delay, value)


async def fails(delay, text):
    await asyncio.sleep(delay)
    raise ValueError(text)


def clean_up(log):
    async def child(name, delay=100, cleanup=0):
        try:
            await asyncio.sleep(delay)
        except asyncio.CancelledError:
            await asyncio.sleep(cleanup)
            log.at(name, "cleaned up")
            raise
    return child


@rules(183)
async def it_waits_for_its_children(log):
    async def child(n):
        await asyncio.sleep(n)
        log.at("child", n)

    async def body(tg):
        for n in (2, 1, 3):
            tg.create_task(child(n))
        log.at("end of the body")

    await group(body)
    log.at("after the group")


@rules(183)
async def results_are_in_the_tasks(log):
    tasks = []

    async def body(tg):
        tasks.append(tg.create_task(after(1, "a")))
        tasks.append(tg.create_task(after(2, "b")))
        return "the body's value"

    log(await group(body), [task.result() for task in tasks])


@rules(182, 183)
async def children_may_start_siblings(log):
    async def child(tg, n):
        log.at("child", n)
        await asyncio.sleep(1)
        if n < 3:
            tg.create_task(child(tg, n + 1))

    async def body(tg):
        tg.create_task(child(tg, 1))

    await group(body)
    log.at("after the group")


@rules(181)
async def it_is_usable_once(log):
    tg = asyncio.TaskGroup()

    async def run():
        async with tg:
            tg.create_task(asyncio.sleep(0))

    await run()
    try:
        await run()
    except RuntimeError:
        log("RuntimeError")


@rules(182)
async def create_task_outside_the_block(log):
    async def child():
        log("never")

    tg = asyncio.TaskGroup()
    log(refused(lambda: tg.create_task(child())))

    async def run():
        async with tg:
            pass

    await run()
    log(refused(lambda: tg.create_task(child())))


@rules(182, 184)
async def create_task_while_it_aborts(log):
    async def child():
        log("never")

    async def body(tg):
        tg.create_task(fails(1, "first"))
        log(await outcome(asyncio.sleep(100)))
        log(refused(lambda: tg.create_task(child())))

    log(await outcome(group(body)))


@rules(184, 187)
async def a_failing_child_cancels_the_others(log):
    child = clean_up(log)

    async def body(tg):
        tg.create_task(child("a"))
        tg.create_task(fails(1, "bad"))
        tg.create_task(child("b", cleanup=2))

    log(await outcome(group(body)))
    log.at("end", asyncio.current_task().cancelling())


@rules(184, 198)
async def a_failing_child_interrupts_the_body(log):
    async def body(tg):
        tg.create_task(fails(1, "bad"))
        try:
            await asyncio.sleep(100)
        finally:
            log.at("body interrupted", asyncio.current_task().cancelling())

    log(await outcome(group(body)))
    log.at("end", asyncio.current_task().cancelling())


@rules(185)
async def a_cancelled_child_is_no_error(log):
    tasks = []

    async def body(tg):
        tasks.append(tg.create_task(after(100, "x")))
        tasks.append(tg.create_task(after(2, "y")))
        await asyncio.sleep(1)
        tasks[0].cancel()
        return "value"

    log(await group(body), tasks[0].cancelled(), tasks[1].result())
    log.at("end")


@rules(186)
async def failures_during_the_abort_are_recorded(log):
    async def sour(text, delay):
        await outcome(asyncio.sleep(100))
        await asyncio.sleep(delay)
        raise RuntimeError(text)

    async def body(tg):
        tg.create_task(sour("slow", 3))
        tg.create_task(sour("quick", 1))
        tg.create_task(fails(1, "first"))

    log(await outcome(group(body)))
    log.at("end")


@rules(186)
async def the_bodys_own_failure_comes_last(log):
    async def sour():
        await outcome(asyncio.sleep(100))
        raise RuntimeError("child")

    async def body(tg):
        tg.create_task(sour())
        await asyncio.sleep(1)
        raise ValueError("body")

    log(await outcome(group(body)))


@rules(187)
async def a_single_error_is_wrapped(log):
    async def body(tg):
        raise ValueError("alone")

    log(await outcome(group(body)))


@rules(186, 187)
async def two_children_fail_in_one_turn(log):
    async def body(tg):
        tg.create_task(fails(1, "a"))
        tg.create_task(fails(1, "b"))
        tg.create_task(fails(2, "too late: cancelled"))

    log(await outcome(group(body)))
    log.at("end")


@rules(188, 191)
async def an_old_request_is_delivered_again_after_an_error(log):
    async def inner():
        async def body(tg):
            tg.create_task(fails(1, "bad"))
            await asyncio.sleep(100)

        await outcome(asyncio.sleep(100))
        before = asyncio.current_task().cancelling()
        log(await outcome(group(body)), before, asyncio.current_task().cancelling())

    task = asyncio.create_task(inner())
    await asyncio.sleep(1)
    task.cancel("old")
    log(await outcome(task))


@rules(189)
async def a_body_that_swallows_the_groups_cancel(log):
    async def body(tg):
        tg.create_task(fails(1, "bad"))
        log(await outcome(asyncio.sleep(100)))
        await asyncio.sleep(1)
        log.at("goes on")
        return "dropped"

    log(await outcome(group(body)))
    log.at("end")


@rules(190)
async def an_outside_cancel_in_the_body(log):
    child = clean_up(log)

    async def body(tg):
        tg.create_task(child("child", cleanup=1))
        await asyncio.sleep(100)

    task = asyncio.create_task(group(body))
    await asyncio.sleep(1)
    task.cancel("outside")
    log(await outcome(task), task.cancelled())
    log.at("end")


@rules(190)
async def an_outside_cancel_while_it_waits(log):
    child = clean_up(log)

    async def body(tg):
        tg.create_task(child("a"))
        tg.create_task(child("b", cleanup=2))

    task = asyncio.create_task(group(body))
    await asyncio.sleep(1)
    task.cancel("outside")
    log(await outcome(task), task.cancelled(), task.cancelling())
    log.at("end")


@rules(190)
async def an_outside_cancel_that_a_child_answers_with_a_failure(log):
    async def sour():
        await outcome(asyncio.sleep(100))
        raise ValueError("sour")

    async def body(tg):
        tg.create_task(sour())
        await asyncio.sleep(100)

    task = asyncio.create_task(group(body))
    await asyncio.sleep(1)
    task.cancel("outside")
    log(await outcome(task), task.cancelled(), task.cancelling())


@rules(191)
async def the_outside_request_is_delivered_again(log):
    async def sour():
        await outcome(asyncio.sleep(100))
        raise ValueError("sour")

    async def body(tg):
        tg.create_task(sour())
        await asyncio.sleep(100)

    async def caller():
        log(await outcome(group(body)), asyncio.current_task().cancelling())
        log("next suspension:", await outcome(asyncio.sleep(1)))
        log("and then:", await outcome(asyncio.sleep(1)))

    task = asyncio.create_task(caller())
    await asyncio.sleep(1)
    task.cancel("outside")
    await task
    log.at("end", task.cancelling())


@rules(192)
async def more_outside_cancels_while_it_waits(log):
    child = clean_up(log)

    async def body(tg):
        tg.create_task(child("child", cleanup=5))

    task = asyncio.create_task(group(body))
    await asyncio.sleep(1)
    task.cancel("one")
    await asyncio.sleep(1)
    task.cancel("two")
    await asyncio.sleep(1)
    log.at(task.done(), task.cancelling())
    log(await outcome(task))
    log.at("end")


@rules(193)
def system_exit_of_the_body(log):
    child = clean_up(log)

    async def body(tg):
        tg.create_task(child("child", cleanup=1))
        await asyncio.sleep(1)
        raise SystemExit(2)

    task = log.loop.create_task(group(body))
    log(attempt(log.loop.run_until_complete, task))
    log.at("end", task.exception())


@rules(193)
def system_exit_of_a_child(log):
    child = clean_up(log)

    async def exits():
        await asyncio.sleep(1)
        raise SystemExit(3)

    async def body(tg):
        tg.create_task(child("child", cleanup=1))
        tg.create_task(exits())

    task = log.loop.create_task(group(body))
    log("first out of the run", attempt(log.loop.run_until_complete, task), task.done())
    log("then out of the group", attempt(log.loop.run_until_complete, task))
    log.at("end", task.done())


@rules(193)
def system_exit_drops_other_errors(log):
    async def exits():
        await asyncio.sleep(1)
        raise SystemExit(4)

    async def body(tg):
        tg.create_task(fails(1, "dropped"))
        tg.create_task(exits())

    task = log.loop.create_task(group(body))
    log(attempt(log.loop.run_until_complete, task))
    log(attempt(log.loop.run_until_complete, task))


@rules(194)
async def the_body_fails_before_the_children_start(log):
    async def child():
        log("never")

    async def body(tg):
        tg.create_task(child())
        tg.create_task(child())
        raise ValueError("body")

    log(await outcome(group(body)))


@rules(195)
async def nested_groups(log):
    async def inner(tg):
        tg.create_task(fails(1, "inner"))
        tg.create_task(fails(1, "inner too"))

    async def body(tg):
        tg.create_task(group(inner), name="inner group")
        tg.create_task(fails(1, "outer"))

    log(await outcome(group(body)))
    log.at("end")


@rules(195)
async def a_group_in_the_body_of_a_group(log):
    async def inner(tg):
        tg.create_task(fails(1, "inner"))
        await asyncio.sleep(100)

    async def body(tg):
        tg.create_task(after(50, "x"))
        await group(inner)

    log(await outcome(group(body)))
    log.at("end", asyncio.current_task().cancelling())


@rules(195, 188)
async def an_outer_child_fails_while_the_inner_group_waits(log):
    child = clean_up(log)

    async def inner(tg):
        tg.create_task(child("inner child"))

    async def body(tg):
        tg.create_task(fails(1, "outer child"))
        await group(inner)

    log(await outcome(group(body)))
    log.at("end", asyncio.current_task().cancelling())


@rules(196)
async def an_empty_group_does_not_suspend(log):
    async def body(tg):
        return "value"

    log.loop.call_soon(log, "other work")
    log(await group(body))
    await asyncio.sleep(0)


@rules(196)
async def a_group_whose_children_are_done_does_not_suspend(log):
    async def child():
        return 1

    async def body(tg):
        tasks.append(tg.create_task(child()))
        await pause(3)
        log.loop.call_soon(log, "other work")

    tasks = []
    await group(body)
    log("left", tasks[0].result())
    await asyncio.sleep(0)


@rules(92, 188)
async def the_groups_cancel_does_not_leak(log):
    async def body(tg):
        tg.create_task(fails(0, "bad"))
        await asyncio.sleep(100)

    log(await outcome(group(body)))
    log(await outcome(asyncio.sleep(1)), asyncio.current_task().cancelling())
    log.at("end")


@rules(199)
async def names_of_children(log):
    async def child():
        log(asyncio.current_task())

    async def body(tg):
        tg.create_task(child(), name="a child's name")

    await group(body)


@rules(200)
async def a_child_fails_in_the_turn_of_an_outside_cancel(log):
    future = log.loop.create_future()

    async def child():
        await future

    async def body(tg):
        tg.create_task(child())
        await asyncio.sleep(100)

    task = asyncio.create_task(group(body))
    await asyncio.sleep(1)
    future.set_exception(ValueError("child"))
    task.cancel("outside")
    log(await outcome(task), task.cancelling())


@rules(200)
async def an_outside_cancel_just_after_the_groups_own(log):
    async def body(tg):
        tg.create_task(fails(1, "bad"))
        await asyncio.sleep(100)

    async def caller():
        log(await outcome(group(body)), asyncio.current_task().cancelling())
        log("next suspension:", await outcome(asyncio.sleep(1)))

    task = asyncio.create_task(caller())
    await asyncio.sleep(1)
    await pause(2)
    log.loop.call_soon(lambda: task.cancel("outside"))
    await task


@rules(184)
async def a_done_child_keeps_its_result_when_the_group_fails(log):
    tasks = []

    async def body(tg):
        tasks.append(tg.create_task(after(1, "early")))
        tasks.append(tg.create_task(fails(2, "bad")))
        tasks.append(tg.create_task(after(3, "late")))

    log(await outcome(group(body)))
    log(tasks[0].result(), tasks[1].exception(), tasks[2].cancelled())


@rules(190, 185)
async def a_child_cancelled_error_of_the_body_itself(log):
    other = asyncio.create_task(after(100, "x"))
    log.loop.call_later(1, other.cancel, "other")
    child = clean_up(log)

    async def body(tg):
        tg.create_task(child("child"))
        await other

    log(await outcome(group(body)), asyncio.current_task().cancelling())
    log.at("end")


@rules(197)
async def an_eager_child_that_fails_in_create_task(log):
    async def bad():
        raise ValueError("eager")

    async def body(tg):
        task = tg.create_task(bad(), eager_start=True)
        log("body goes on", task.done())
        log(await outcome(asyncio.sleep(100)))

    log(await outcome(group(body)))
    log.at("end")


@rules(197)
async def an_eager_child_that_succeeds(log):
    async def good():
        log("runs inside create_task")
        return 1

    async def body(tg):
        log(tg.create_task(good(), eager_start=True).result())

    await group(body)
    log("end")


@rules(197, 182)
async def a_sibling_after_an_eager_failure(log):
    async def bad():
        raise ValueError("eager")

    async def sibling():
        log("sibling runs")

    async def body(tg):
        tg.create_task(bad(), eager_start=True)
        tg.create_task(sibling(), name="sibling")
        log("two children")

    log(await outcome(group(body)))
