"""shield: the waiter may be cancelled, the work goes on."""
import asyncio

from trace import outcome, rules


async def after(delay, value):
    return await asyncio.sleep(delay, value)


async def fails(delay, text):
    await asyncio.sleep(delay)
    raise ValueError(text)


@rules(147)
async def of_a_done_future(log):
    done = log.loop.create_future()
    done.set_result("there")
    log(asyncio.shield(done) is done)
    log(await asyncio.shield(done))


@rules(147)
async def of_a_coroutine(log):
    outer = asyncio.shield(after(1, "value"))
    log(outer.done())
    log(await outer)
    log.at("end")


@rules(148)
async def the_outcome_is_copied(log):
    log(await outcome(asyncio.shield(after(1, "value"))))
    log(await outcome(asyncio.shield(fails(1, "bad"))))
    inner = asyncio.create_task(after(100, "x"))
    outer = asyncio.shield(inner)
    log.loop.call_later(1, inner.cancel, "inner")
    log(await outcome(outer), outer.cancelled(), inner.cancelled())
    log.at("end")


@rules(149)
async def cancelling_the_waiter_leaves_the_work_alone(log):
    inner = asyncio.create_task(after(5, "work"))

    async def waiter():
        return await asyncio.shield(inner)

    task = asyncio.create_task(waiter())
    await asyncio.sleep(1)
    task.cancel("waiter")
    log(await outcome(task), inner.done(), inner.cancelling())
    log.at("the waiter did not wait for it")
    log(await inner)
    log.at("end")


@rules(149)
async def cancelling_the_outer_future(log):
    inner = asyncio.create_task(after(5, "work"))
    outer = asyncio.shield(inner)
    log(outer.cancel("outer"), outer.cancelled(), inner.cancelling())
    log(await inner)
    log(await outcome(outer))


@rules(150)
async def a_failure_after_the_outer_was_cancelled(log):
    outer = asyncio.shield(fails(2, "late"))
    await asyncio.sleep(1)
    outer.cancel()
    await asyncio.sleep(3)
    log.collect()
    log.at("end")


@rules(150)
async def a_late_failure_that_somebody_reads(log):
    inner = asyncio.create_task(fails(2, "late"))
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    outer.cancel()
    log(await outcome(inner))
    log.at("end")


@rules(150)
async def a_late_cancellation_is_silent(log):
    inner = asyncio.create_task(after(5, "x"))
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    outer.cancel()
    inner.cancel()
    log(await outcome(inner))
    log.at("end")


@rules(152)
async def two_shields_over_one_task(log):
    inner = asyncio.create_task(after(3, "work"))
    first, second = asyncio.shield(inner), asyncio.shield(inner)
    await asyncio.sleep(1)
    first.cancel()
    log(await outcome(first), second.done(), inner.done())
    log(await second)
    log.at("end")


@rules(153)
async def the_end_and_the_cancel_in_one_turn(log):
    inner = log.loop.create_future()
    outer = asyncio.shield(inner)

    async def waiter():
        return await outcome(outer)

    task = asyncio.create_task(waiter())
    await asyncio.sleep(0)
    inner.set_result("kept")
    outer.cancel()
    log(await task, inner.result())


@rules(155)
async def a_cancelled_gather_stops_at_the_shield(log):
    inner = asyncio.create_task(after(5, "work"))
    outer = asyncio.gather(asyncio.shield(inner), after(50, "y"))
    await asyncio.sleep(1)
    outer.cancel()
    log(await outcome(outer), inner.done(), inner.cancelling())
    log(await inner)
    log.at("end")


@rules(155)
async def wait_for_stops_at_the_shield(log):
    inner = asyncio.create_task(after(5, "work"))
    log(await outcome(asyncio.wait_for(asyncio.shield(inner), 1)))
    log.at(inner.done(), inner.cancelling())
    log(await inner)
    log.at("end")


@rules(156)
async def waiting_again_after_the_cancel(log):
    async def waiter():
        inner = asyncio.create_task(after(5, "work"))
        log(await outcome(asyncio.shield(inner)))
        log.at("again", await inner)

    task = asyncio.create_task(waiter())
    await asyncio.sleep(1)
    task.cancel("first")
    await task
    log("count", task.cancelling())


@rules(149, 154)
async def the_inner_itself_can_be_cancelled(log):
    inner = asyncio.create_task(after(5, "work"))
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    log(inner.cancel())
    log(await outcome(outer), outer.cancelled())
    log.at("end")


@rules(148, 153)
async def a_failed_inner_is_retrieved_by_the_shield(log):
    outer = asyncio.shield(fails(1, "bad"))
    log(await outcome(outer))
    log.collect()
    log("nothing reported")


@rules(149, 152)
async def a_shield_of_a_shield(log):
    inner = asyncio.create_task(after(3, "work"))
    middle = asyncio.shield(inner)
    outer = asyncio.shield(middle)
    await asyncio.sleep(1)
    outer.cancel()
    log(middle.done(), inner.done())
    log(await middle)
    log.at("end")
