"""What a scenario in Python says, and how: trace.hpp says the same of C++.

A scenario is `async def name(log)`, run by a loop in virtual time, or `def name(log)`, which drives `log.loop` itself.
Both forms of a scenario have the same name, and `@rules` gives the numbers of the rules that it shows. One call of
`log` is one line of the trace; what the loop's exception handler hears becomes a line, too.
"""
import asyncio
import gc
import inspect

SCENARIOS = []  # in the order of their texts


def rules(*numbers):
    def register(scenario):
        scenario.rules = numbers
        SCENARIOS.append(scenario)
        return scenario
    return register


def err(error):
    """An exception in the words of both languages: texts that only one of them has are left out."""
    if error is None:
        return "None"
    if isinstance(error, BaseExceptionGroup):
        return f"ExceptionGroup({error.message}: {', '.join(map(err, error.exceptions))})"
    name = type(error).__name__
    if isinstance(error, (asyncio.InvalidStateError, TimeoutError, LookupError)) or not str(error):
        return name
    return f"{name}({error})"


def kind(error):
    """For errors whose text is the library's own business."""
    return "None" if error is None else type(error).__name__


def show(value):
    if isinstance(value, BaseException):
        return err(value)
    if isinstance(value, asyncio.Task):
        return value.get_name()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(show, value))}]"
    return str(value)


async def outcome(awaitable):
    """Awaits in the caller's own task and says how it ended."""
    try:
        return show(await awaitable)
    except BaseException as error:
        return err(error)


def attempt(function, *args):
    try:
        return show(function(*args))
    except BaseException as error:
        return err(error)


def refused(function, *args):
    """Like attempt, but only the type: the texts differ."""
    try:
        return show(function(*args))
    except BaseException as error:
        return kind(error)


async def pause(turns):
    for _ in range(turns):
        await asyncio.sleep(0)


class Turns:
    """Counts turns: a callback that queues itself again. Virtual time stands still while it lives."""

    def __init__(self):
        self.count = 0
        self.loop = asyncio.get_running_loop()
        self.handle = self.loop.call_soon(self.tick)

    def tick(self):
        self.count += 1
        self.handle = self.loop.call_soon(self.tick)

    def stop(self):
        self.handle.cancel()


class Trace:
    def __init__(self, loop, write=print):
        self.loop = loop
        self.silent = False
        self.write = write

    def __call__(self, *parts):
        if not self.silent:
            self.write(" ".join(map(show, parts)))

    def at(self, *parts):
        """A line that begins with the virtual time."""
        self(f"{self.loop.time():g}:", *parts)

    def collect(self):
        """Destroys what is not referred to any more, cycles included; C++ has nothing to do."""
        gc.collect()

    def hear(self, context):
        """The words that both languages have of what would be logged."""
        message = context["message"].replace("asyncio.run()", "run()")
        error = [context["exception"]] if "exception" in context else []
        for words in ("Exception in callback", "exception in shielded future"):
            if words in message:
                message = words
        if message == "Unhandled error in exception handler":
            error = []  # Python's is the handler's failure, weft's what was to be handled
        self("report:", message, *error)


def run_scenario(scenario, write=print):
    loop = asyncio.new_event_loop()
    log = Trace(loop, write)
    loop.default_exception_handler = log.hear  # instead of the log
    write(f"== {scenario.__name__}")
    try:
        if inspect.iscoroutinefunction(scenario):
            loop.run_until_complete(scenario(log))
        else:
            scenario(log)
    except BaseException as error:
        log("ended with", error)
        error = None
    gc.collect()
    log.silent = True
    if not loop.is_closed():
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
            for task in left:
                task.cancelled() or task.exception()
        del left
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    gc.collect()
