"""The exception handler: what is reported, and what becomes of a handler that fails."""
import asyncio

from trace import attempt, err, pause, rules


def fails(text="oops"):
    raise ValueError(text)


@rules(20, 22)
async def a_handler_hears_of_a_failed_callback(log):
    def handler(loop, context):
        log("heard", context["message"].startswith("Exception in callback"), err(context["exception"]),
            "handle" in context, "future" in context, "task" in context)

    log.loop.set_exception_handler(handler)
    log.loop.call_soon(fails)
    await asyncio.sleep(0)


@rules(20)
async def a_failed_timer_is_reported(log):
    log.loop.call_later(1, fails, "in a timer")
    await asyncio.sleep(2)
    log.at("end")


@rules(24)
async def a_failing_handler_does_not_hurt_the_loop(log):
    def handler(loop, context):
        log("handler called")
        raise RuntimeError("handler broken")

    log.loop.set_exception_handler(handler)
    log.loop.call_soon(fails)
    log.loop.call_soon(log, "next in the batch")
    await pause(2)
    log("alive")


@rules(25)
async def none_restores_the_default(log):
    def handler(loop, context):
        log("custom", err(context["exception"]))

    log.loop.set_exception_handler(handler)
    log(log.loop.get_exception_handler() is not None)
    log.loop.set_exception_handler(None)
    log(log.loop.get_exception_handler() is not None)
    log.loop.set_exception_handler(handler)
    log.loop.call_soon(fails)
    await asyncio.sleep(0)


@rules(22)
async def call_exception_handler_hands_the_context_over(log):
    def handler(loop, context):
        log(context["message"], err(context.get("exception")), "future" in context, loop is log.loop)

    log.loop.set_exception_handler(handler)
    log.loop.call_exception_handler({"message": "only text"})
    log.loop.call_exception_handler({"message": "more", "exception": ValueError("v"),
                                     "future": log.loop.create_future()})


@rules(44)
async def a_raising_done_callback_leaves_the_others_alone(log):
    future = log.loop.create_future()
    future.add_done_callback(lambda f: log("first"))
    future.add_done_callback(lambda f: fails("in a done callback"))
    future.add_done_callback(lambda f: log("third", f.result()))
    future.set_result(1)
    await asyncio.sleep(0)


@rules(48)
async def a_failure_that_nobody_looked_at(log):
    future = log.loop.create_future()
    future.set_exception(ValueError("unseen"))
    log("dropping it")
    del future
    log.collect()
    log("dropped")


@rules(48)
async def looking_at_a_failure_is_enough(log):
    futures = [log.loop.create_future() for _ in range(4)]
    for n, future in enumerate(futures):
        future.set_exception(ValueError(n))
    log(futures[0].exception())
    log(attempt(futures[1].result))
    gathered = asyncio.gather(futures[2], return_exceptions=True)
    log(await gathered)
    try:
        await futures[3]
    except ValueError as error:
        log("awaited", error)
    del futures, future, gathered
    log.collect()
    log("nothing reported")


@rules(49)
async def cancelling_a_failed_future_suppresses_the_report(log):
    future = log.loop.create_future()
    future.set_exception(ValueError("unseen"))
    log(future.cancel(), future.cancelled())
    del future
    log.collect()
    log("nothing reported")


@rules(69)
async def a_failed_task_that_nobody_awaited(log):
    async def body():
        raise ValueError("unseen")

    task = asyncio.create_task(body())
    await pause(2)
    log("done", task.done())
    del task
    log.collect()
    log("dropped")


@rules(69)
async def a_cancelled_task_is_no_news(log):
    async def body():
        await asyncio.sleep(10)

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    await pause(2)
    log(task.cancelled())
    del task
    log.collect()
    log("nothing reported")


@rules(23)
async def the_handler_hears_of_tasks(log):
    def handler(loop, context):
        who = context.get("task") or context.get("future")
        log(context["message"], err(context["exception"]), who)

    async def body():
        raise ValueError("unseen")

    log.loop.set_exception_handler(handler)
    task = asyncio.create_task(body(), name="unhappy")
    await pause(2)
    del task
    log.collect()


@rules(24)
async def the_default_handler_comes_back(log):
    def handler(loop, context):
        log("custom first", context["message"])

    log.loop.set_exception_handler(handler)
    log.loop.call_exception_handler({"message": "one"})
    log.loop.set_exception_handler(None)
    log.loop.call_exception_handler({"message": "two"})


@rules(20, 25)
async def reports_come_in_the_order_of_the_failures(log):
    for n in range(3):
        log.loop.call_soon(fails, n)
        log.loop.call_soon(log, "between", n)
    await asyncio.sleep(0)


@rules(24, 25)
async def a_handler_may_call_the_default_handler(log):
    def handler(loop, context):
        log("custom first")
        loop.default_exception_handler(context)

    log.loop.set_exception_handler(handler)
    log.loop.call_soon(fails)
    await asyncio.sleep(0)
