"""Thread futures, on the loop's own thread: chaining in both directions. What other threads do is tested elsewhere."""
import asyncio

from trace import attempt, outcome, pause, refused, rules


def show_cf(future):
    return f"done={future.done()} cancelled={future.cancelled()}"


@rules(216)
async def a_thread_future_gets_the_result(log):
    async def body():
        await asyncio.sleep(1)
        return 5

    future = asyncio.run_coroutine_threadsafe(body(), log.loop)
    log(show_cf(future))
    await asyncio.sleep(2)
    log(show_cf(future), future.result())


@rules(216)
async def a_thread_future_gets_the_failure(log):
    async def body():
        raise ValueError("bad")

    future = asyncio.run_coroutine_threadsafe(body(), log.loop)
    await pause(5)
    log(show_cf(future), attempt(future.result), future.exception())


@rules(216)
async def callbacks_of_a_thread_future(log):
    async def body():
        return 5

    future = asyncio.run_coroutine_threadsafe(body(), log.loop)
    future.add_done_callback(lambda f: log("callback", f.result()))
    await pause(5)
    future.add_done_callback(lambda f: log("at once when done"))
    log("end")


@rules(217)
async def cancelling_a_thread_future_cancels_the_task(log):
    async def body():
        try:
            await asyncio.sleep(100)
        finally:
            log.at("task unwinds")

    future = asyncio.run_coroutine_threadsafe(body(), log.loop)
    await asyncio.sleep(1)
    log(future.cancel(), show_cf(future))
    await asyncio.sleep(1)
    log.at("end")


@rules(217)
async def a_cancelled_task_cancels_the_thread_future(log):
    tasks = []

    async def body():
        tasks.append(asyncio.current_task())
        await asyncio.sleep(100)

    future = asyncio.run_coroutine_threadsafe(body(), log.loop)
    await asyncio.sleep(1)
    tasks[0].cancel()
    await asyncio.sleep(1)
    log.at(show_cf(future))


@rules(52)
async def wrap_future_gives_a_loop_future(log):
    async def body():
        await asyncio.sleep(1)
        return "value"

    wrapped = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(body(), log.loop))
    log(wrapped.done())
    log(await wrapped)
    log.at("end")


@rules(52)
async def wrap_future_passes_the_failure_on(log):
    async def body():
        await asyncio.sleep(1)
        raise ValueError("bad")

    log(await outcome(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(body(), log.loop))))


@rules(52)
async def cancelling_a_wrapped_future_goes_all_the_way(log):
    async def body():
        try:
            await asyncio.sleep(100)
        finally:
            log.at("task unwinds")

    future = asyncio.run_coroutine_threadsafe(body(), log.loop)
    wrapped = asyncio.wrap_future(future)
    await asyncio.sleep(1)
    log(wrapped.cancel())
    log(await outcome(wrapped))
    await asyncio.sleep(1)
    log.at(show_cf(future))


@rules(219)
def a_closed_loop_refuses_thread_work(log):
    async def body():
        log("never")

    log.loop.close()
    log(refused(lambda: asyncio.run_coroutine_threadsafe(body(), log.loop)))
