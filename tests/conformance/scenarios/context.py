"""Context variables: what tasks and callbacks see and keep."""
import asyncio
import contextvars

from trace import attempt, rules

var = contextvars.ContextVar("var", default="default")
other = contextvars.ContextVar("other")


@rules(55)
async def a_task_sees_what_was_set_at_its_creation(log):
    async def body():
        log(var.get())

    var.set("at creation")
    task = asyncio.create_task(body())
    var.set("later")
    await task
    log(var.get())


@rules(55)
async def what_a_task_sets_stays_in_it(log):
    async def body():
        var.set("inner")
        await asyncio.sleep(0)
        log("in the task", var.get())

    var.set("outer")
    await asyncio.create_task(body())
    log("outside", var.get())


@rules(55)
async def an_awaited_coroutine_shares_the_context(log):
    async def body():
        var.set("set by the coroutine")

    var.set("before")
    await body()
    log(var.get())


@rules(55)
async def values_survive_suspensions(log):
    async def worker(name):
        var.set(name)
        for _ in range(3):
            await asyncio.sleep(1)
            log.at(name, var.get())

    await asyncio.gather(worker("a"), worker("b"))


@rules(55)
async def a_given_context_is_used_itself(log):
    context = contextvars.copy_context()

    async def body():
        log("task sees", var.get())
        var.set("changed by the task")

    var.set("not in the copy")
    await asyncio.create_task(body(), context=context)
    log("in the context", context.get(var), "here", var.get())


@rules(55)
async def two_tasks_share_a_given_context(log):
    context = contextvars.copy_context()

    async def writer():
        var.set("written")

    async def reader():
        log(var.get())

    first = asyncio.create_task(writer(), context=context)
    second = asyncio.create_task(reader(), context=context)
    await asyncio.gather(first, second)


@rules(26)
async def a_callback_has_the_context_of_its_registration(log):
    var.set("registered")
    log.loop.call_soon(lambda: log("soon", var.get()))
    log.loop.call_later(1, lambda: log("later", var.get()))
    var.set("changed")
    await asyncio.sleep(2)


@rules(26)
async def call_soon_with_a_context(log):
    context = contextvars.copy_context()
    context.run(var.set, "in the context")
    log.loop.call_soon(lambda: (log(var.get()), var.set("set by the callback")), context=context)
    await asyncio.sleep(0)
    log(context.get(var), var.get())


@rules(38)
async def done_callbacks_have_the_context_of_their_registration(log):
    future = log.loop.create_future()
    var.set("first")
    future.add_done_callback(lambda f: log("one", var.get()))
    var.set("second")
    future.add_done_callback(lambda f: log("two", var.get()))
    var.set("third")
    future.set_result(None)
    await asyncio.sleep(0)


@rules(38)
async def a_done_callback_with_a_context(log):
    context = contextvars.copy_context()
    context.run(var.set, "given")
    future = log.loop.create_future()
    future.add_done_callback(lambda f: log(var.get()), context=context)
    future.set_result(None)
    await asyncio.sleep(0)
    log(var.get())


@rules(55)
async def set_reset_and_default(log):
    log(var.get())
    token = var.set("one")
    second = var.set("two")
    log(var.get())
    var.reset(second)
    log(var.get())
    var.reset(token)
    log(var.get())
    log(attempt(other.get))


@rules(55)
async def running_in_a_copy(log):
    context = contextvars.copy_context()

    def change():
        var.set("inside")
        return var.get()

    log(context.run(change), var.get(), context.get(var))


@rules(55, 133)
async def wait_for_runs_in_the_callers_context(log):
    async def body():
        var.set("set under wait_for")

    await asyncio.wait_for(body(), 1)
    log(var.get())


@rules(55, 108)
async def children_of_gather_have_copies(log):
    async def child(n):
        var.set(n)
        await asyncio.sleep(0)
        return var.get()

    var.set("parent")
    log(await asyncio.gather(child(1), child(2)), var.get())


@rules(55, 199)
async def children_of_a_group_have_copies(log):
    async def child():
        log("child", var.get())
        var.set("child's")

    var.set("parent's")
    async with asyncio.TaskGroup() as tg:
        tg.create_task(child())
    log(var.get())


@rules(211)
async def an_eager_task_steps_in_its_own_context(log):
    async def body():
        var.set("eager's")
        log(var.get())

    var.set("creator's")
    asyncio.create_task(body(), eager_start=True)
    log(var.get())


@rules(23)
async def the_exception_handler_runs_in_the_context_of_the_callback(log):
    def fails():
        var.set("callback's")
        raise ValueError("x")

    log.loop.set_exception_handler(lambda loop, context: log("handler sees", var.get()))
    var.set("registered")
    log.loop.call_soon(fails)
    var.set("changed")
    await asyncio.sleep(0)
