"""Timers: order, due times, handles, purging. Virtual time stands still while anything is ready."""
import asyncio

from trace import pause, rules


@rules(6)
async def timers_run_in_order_of_deadline(log):
    for delay in (3, 1, 2, 0.5):
        log.loop.call_later(delay, log.at, "after", delay)
    await asyncio.sleep(5)
    log.at("end")


@rules(5)
async def a_delay_of_zero_goes_through_the_timers(log):
    log.loop.call_later(0, log, "timer first")
    log.loop.call_soon(log, "soon second")
    await asyncio.sleep(0)
    log("one turn")
    await asyncio.sleep(0)
    log("two turns")


@rules(5)
async def a_deadline_in_the_past_runs_behind_what_is_ready(log):
    await asyncio.sleep(10)
    log.loop.call_at(3, log, "due at 3")
    log.loop.call_at(1, log, "due at 1")
    log.loop.call_soon(log, "soon")
    await pause(2)
    log.at("end")


@rules(8)
async def a_negative_delay_is_none(log):
    handle = log.loop.call_later(-5, log.at, "fired")
    log.loop.call_soon(log, "soon")
    await pause(2)
    log("cancelled", handle.cancelled())


@rules(2, 5)
async def a_timer_due_now_and_its_successors(log):
    def again(n):
        log("timer", n)
        if n < 2:
            log.loop.call_later(0, again, n + 1)
        log.loop.call_soon(log, "soon", n)

    log.loop.call_later(0, again, 0)
    await pause(5)


@rules(11)
async def when_stays_readable(log):
    fired = log.loop.call_later(2, log, "fires")
    cancelled = log.loop.call_at(7, log, "never")
    cancelled.cancel()
    log(fired.when(), fired.cancelled(), cancelled.when(), cancelled.cancelled())
    await asyncio.sleep(3)
    log(fired.when(), fired.cancelled())


@rules(9, 11)
async def cancelling_a_fired_timer_changes_nothing_that_ran(log):
    handle = log.loop.call_later(1, log, "fires")
    await asyncio.sleep(2)
    log.at("cancelled", handle.cancelled())


@rules(10)
async def a_timer_cancels_one_that_is_due_in_the_same_turn(log):
    log.loop.call_at(1, lambda: (log.at("first"), second.cancel()))
    second = log.loop.call_at(1.5, log.at, "second")
    third = log.loop.call_at(2, log.at, "third")
    await asyncio.sleep(3)
    log(second.cancelled(), third.cancelled())


@rules(4)
async def ready_entries_run_before_due_timers(log):
    def at_one():
        log.at("timer one")
        log.loop.call_soon(log.at, "soon")
        log.loop.call_at(1, log.at, "due at once")

    log.loop.call_at(1, at_one)
    log.loop.call_at(2, log.at, "timer two")
    await asyncio.sleep(3)


@rules(12)
async def a_cancelled_timer_does_not_move_the_clock(log):
    handle = log.loop.call_later(100, log, "never")
    log.loop.call_later(1, log.at, "one")
    handle.cancel()
    await asyncio.sleep(2)
    log.at("end")


@rules(12)
async def many_cancelled_timers(log):
    kept = []
    for n in range(300):
        handle = log.loop.call_later(1 + n, log.at, "timer", n)
        if n % 100:
            handle.cancel()
        else:
            kept.append(handle)
    await asyncio.sleep(250)
    log.at("kept", len(kept))


@rules(30)
async def time_stands_still_within_a_step(log):
    before = log.loop.time()
    await pause(10)
    log(log.loop.time() == before)
    await asyncio.sleep(0.25)
    log(log.loop.time() - before)


@rules(64)
async def sleeps_wake_in_order_of_time(log):
    async def sleeper(name, delay):
        result = await asyncio.sleep(delay, name)
        log.at(result)

    await asyncio.gather(sleeper("c", 3), sleeper("a", 1), sleeper("b", 2), sleeper("z", 0), sleeper("y", -1))


@rules(64)
async def a_cancelled_sleep_leaves_no_timer(log):
    task = asyncio.create_task(asyncio.sleep(1000))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.sleep(0)
    log.at(task.cancelled())


@rules(63)
async def sleep_zero_costs_one_turn_and_no_time(log):
    log.loop.call_soon(lambda: (log("turn 1"), log.loop.call_soon(log, "turn 2")))
    await asyncio.sleep(0)
    log("slept")
    log(await asyncio.sleep(0, "result"))
    log.at("end")
