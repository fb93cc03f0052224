"""Running a loop by hand: run_until_complete, run_forever, close."""
import asyncio

from trace import attempt, refused, rules


@rules(15)
def run_until_complete_returns_the_result(log):
    async def main():
        await asyncio.sleep(1)
        log.at("in main")
        return 42

    log(log.loop.run_until_complete(main()))
    log.at("after")


@rules(15)
def run_until_complete_raises_what_it_failed_with(log):
    async def main():
        await asyncio.sleep(0)
        raise ValueError("bad")

    async def cancelled():
        raise asyncio.CancelledError("stop it")

    log(attempt(log.loop.run_until_complete, main()))
    log(attempt(log.loop.run_until_complete, cancelled()))
    log("runs on:", log.loop.is_running())


@rules(15)
def run_until_complete_ends_with_the_batch_of_the_stop_callback(log):
    loop = log.loop
    future = loop.create_future()
    future.add_done_callback(lambda f: (log("early callback"), loop.call_soon(log, "queued by it")))
    loop.call_soon(future.set_result, 1)
    loop.call_soon(loop.call_soon, log, "same batch as the callbacks")
    log(loop.run_until_complete(future))
    log("now the rest")
    loop.stop()
    loop.run_forever()


@rules(15)
def callbacks_added_late_run_after_the_stop_callback(log):
    loop = log.loop
    future = loop.create_future()

    def complete():
        future.add_done_callback(lambda f: log("callback registered after run_until_complete's own"))
        future.set_result("done")

    loop.call_soon(complete)
    log(loop.run_until_complete(future))


@rules(16)
def stopped_before_the_end(log):
    loop = log.loop
    future = loop.create_future()
    loop.call_soon(loop.stop)
    log(attempt(loop.run_until_complete, future))
    log("done", future.done())
    loop.call_soon(future.set_result, 7)
    loop.call_later(1, loop.stop)
    loop.run_forever()
    log.at("a later completion did not stop the run", future.result())


@rules(16)
def a_task_goes_on_in_the_next_run(log):
    loop = log.loop

    async def main():
        log("start")
        loop.stop()
        await asyncio.sleep(1)
        log.at("went on")
        return "end"

    task = loop.create_task(main())
    log(attempt(loop.run_until_complete, task))
    log(loop.run_until_complete(task))


@rules(17)
def a_finished_future_still_costs_a_turn(log):
    loop = log.loop
    future = loop.create_future()
    future.set_result("old")
    loop.call_soon(lambda: (log("turn one"), loop.call_soon(log, "turn two")))
    log(loop.run_until_complete(future))


@rules(18)
def a_running_loop_refuses(log):
    loop = log.loop
    other = asyncio.new_event_loop()

    def inside():
        log(refused(loop.run_forever))
        log(refused(loop.run_until_complete, loop.create_future()))
        log(refused(loop.close))
        log(refused(other.run_forever))
        log(refused(other.run_until_complete, other.create_future()))
        log(loop.is_running(), other.is_running(), loop.is_closed())

    loop.call_soon(inside)
    loop.call_soon(loop.stop)
    loop.run_forever()
    other.call_soon(log, "the other one still works")
    other.stop()
    other.run_forever()
    other.close()


@rules(19)
def a_closed_loop_refuses(log):
    loop = log.loop
    loop.call_soon(log, "never runs")
    loop.close()
    loop.close()
    log(loop.is_closed(), loop.is_running())
    log(attempt(loop.call_soon, log, "x"))
    log(attempt(loop.call_soon_threadsafe, log, "x"))
    log(attempt(loop.call_later, 1, log, "x"))
    log(attempt(loop.call_at, 1, log, "x"))
    log(attempt(loop.run_forever))
    future = asyncio.Future(loop=loop)
    log(attempt(loop.run_until_complete, future))


@rules(21)
def system_exit_leaves_the_loop_at_once(log):
    loop = log.loop

    def exits():
        log("exits")
        raise SystemExit(3)

    loop.call_soon(exits)
    loop.call_soon(log, "the rest of the batch waits")
    log(attempt(loop.run_forever))
    log("running", loop.is_running())
    loop.stop()
    loop.run_forever()


@rules(21)
def keyboard_interrupt_leaves_run_until_complete(log):
    loop = log.loop

    def interrupts():
        raise KeyboardInterrupt

    async def main():
        loop.call_soon(interrupts)
        await asyncio.sleep(1)
        return "finished"

    task = loop.create_task(main())
    log(attempt(loop.run_until_complete, task))
    log("done", task.done())
    log(attempt(loop.run_until_complete, task))


@rules(29)
def no_running_loop(log):
    log(attempt(asyncio.get_running_loop))
    log.loop.call_soon(lambda: log(asyncio.get_running_loop() is log.loop))
    log.loop.stop()
    log.loop.run_forever()
    log(attempt(asyncio.get_running_loop))


@rules(29)
def get_event_loop_knows_the_set_loop(log):
    asyncio.set_event_loop(None)
    log(refused(asyncio.get_event_loop))
    asyncio.set_event_loop(log.loop)
    log(asyncio.get_event_loop() is log.loop)
    other = asyncio.new_event_loop()
    other.call_soon(lambda: log(asyncio.get_event_loop() is other))
    other.stop()
    other.run_forever()
    other.close()
    asyncio.set_event_loop(None)


@rules(14, 18)
def a_loop_can_be_run_again_and_again(log):
    async def main(n):
        await asyncio.sleep(n)
        log.at("run", n)

    for n in (1, 2, 3):
        log.loop.run_until_complete(main(n))
    log.at("end")


@rules(14)
def what_is_pending_is_frozen_between_runs(log):
    loop = log.loop

    async def background():
        for n in range(3):
            log("background", n)
            await asyncio.sleep(0)

    async def main(n):
        log("main", n)
        await asyncio.sleep(0)

    task = loop.create_task(background())
    loop.run_until_complete(main(1))
    log("between")
    loop.run_until_complete(main(2))
    log("done", task.done())


@rules(68)
def closing_with_a_pending_task_is_reported(log):
    loop = log.loop

    async def waits():
        await asyncio.sleep(1000)

    task = loop.create_task(waits())
    loop.stop()
    loop.run_forever()
    loop.close()
    del task
    log.collect()
    log("closed")
