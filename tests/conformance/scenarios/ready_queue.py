"""The ready queue: order, batches, handles, stop."""
import asyncio

from trace import Turns, pause, rules


@rules(1)
async def call_soon_is_first_in_first_out(log):
    for n in range(5):
        log.loop.call_soon(log, "callback", n)
    log("queued")
    await asyncio.sleep(0)
    log("after them")


@rules(2)
async def what_a_batch_queues_waits_for_the_next_turn(log):
    turns = Turns()

    def chain(n):
        log("link", n, "in turn", turns.count)
        if n < 3:
            log.loop.call_soon(chain, n + 1)

    log.loop.call_soon(chain, 0)
    log.loop.call_soon(log, "beside the first link")
    await pause(6)
    turns.stop()


@rules(2)
async def two_chains_interleave(log):
    def chain(name, n):
        log(name, n)
        if n:
            log.loop.call_soon(chain, name, n - 1)

    log.loop.call_soon(chain, "a", 2)
    log.loop.call_soon(chain, "b", 2)
    await pause(4)


@rules(1, 54)
async def tasks_and_callbacks_share_the_queue(log):
    async def body(n):
        log("task", n)

    log.loop.call_soon(log, "callback 0")
    first = asyncio.create_task(body(1))
    log.loop.call_soon(log, "callback 2")
    second = asyncio.create_task(body(3))
    log.loop.call_soon(log, "callback 4")
    await first
    await second


@rules(1, 28)
async def threadsafe_entries_queue_like_the_others(log):
    log.loop.call_soon(log, "one")
    log.loop.call_soon_threadsafe(log, "two")
    log.loop.call_soon(log, "three")
    await asyncio.sleep(0)
    log("four")


@rules(10)
async def an_earlier_entry_cancels_a_later_one(log):
    log.loop.call_soon(lambda: (log("first"), second.cancel()))
    second = log.loop.call_soon(log, "second")
    log.loop.call_soon(log, "third")
    await asyncio.sleep(0)
    log("cancelled", second.cancelled())


@rules(9)
async def a_handle_is_cancelled_any_number_of_times(log):
    handle = log.loop.call_soon(log, "never")
    log(handle.cancelled())
    handle.cancel()
    handle.cancel()
    log(handle.cancelled())
    await asyncio.sleep(0)
    ran = log.loop.call_soon(log, "ran")
    await asyncio.sleep(0)
    log("after its run", ran.cancelled())


@rules(9)
async def cancelling_drops_the_callable_at_once(log):
    class Noisy:
        def __del__(self):
            log("dropped")

        def __call__(self):
            log("called")

    handle = log.loop.call_soon(Noisy())
    later = log.loop.call_later(10, Noisy())
    log("cancel the queued one")
    handle.cancel()
    log("cancel the timer")
    later.cancel()
    log("both cancelled")
    await asyncio.sleep(0)


@rules(9)
async def a_callable_is_dropped_after_its_run(log):
    class Noisy:
        def __del__(self):
            log("dropped")

        def __call__(self):
            log("called")

    log.loop.call_soon(Noisy())
    log.loop.call_soon(log, "next entry")
    await asyncio.sleep(0)


@rules(13, 14)
def stop_lets_the_batch_finish(log):
    loop = log.loop
    loop.call_soon(loop.stop)
    loop.call_soon(lambda: (log("same batch"), loop.call_soon(log, "queued in the last batch")))
    loop.run_forever()
    log("stopped")
    loop.call_soon(loop.stop)
    loop.run_forever()
    log("stopped again")


@rules(13)
def stop_before_the_run_makes_one_turn(log):
    loop = log.loop
    loop.call_soon(lambda: (log("turn one"), loop.call_soon(log, "turn two")))
    loop.call_later(1, log, "no time passes")
    loop.stop()
    loop.run_forever()
    log.at("after one turn")
    loop.stop()
    loop.run_forever()
    log.at("after two turns")


@rules(13)
def stop_twice_is_one_stop(log):
    loop = log.loop
    loop.call_soon(lambda: (log("a"), loop.stop(), loop.stop()))
    loop.run_forever()
    loop.call_soon(log, "b")
    loop.call_soon(loop.stop)
    loop.run_forever()
    log("end")


@rules(20)
async def an_exception_in_a_callback_does_not_stop_the_batch(log):
    def fails():
        raise ValueError("oops")

    log.loop.call_soon(log, "before")
    log.loop.call_soon(fails)
    log.loop.call_soon(log, "after")
    await asyncio.sleep(0)


@rules(1, 63)
async def sleepers_take_turns(log):
    async def walker(name, steps):
        for step in range(steps):
            log(name, step)
            await asyncio.sleep(0)

    await asyncio.gather(walker("a", 3), walker("b", 2), walker("c", 1))
