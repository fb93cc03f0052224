"""Runs programs of generator.py on CPython's asyncio, in virtual time: a program a line on standard input, its trace and
a line "." on standard output. Runs under oracle.mjs. interpreter.cpp is its twin: whoever changes one changes both.

Left out are two things that end in accidents of CPython's: cycles of tasks that await each other (a cancel recurses for
ever), and a task that awaits itself (rule 62; the next to await it gets "await wasn't used with future").

A line of the trace: milliseconds, who (body#run, @callback or the driver "."), what was observed.
"""

import asyncio
import gc
import json
import sys
import warnings

import shared_objects
from virtual_loop import VirtualLoop

COROUTINE = 100
SELF = -1
BODIES_AT_MOST = 60  # started in one program
GATHERS_AT_MOST = 12  # a cancel of gathers of the same gathers, again and again, takes 3 ** depth steps
MODES = (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED)
SETTLE = 10.0  # seconds after which what still waits, waits for ever
ROUNDS = 8  # of cancelling what is left


class AppError(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


def text_of(error):
    if isinstance(error, AppError):
        return f"E{error.number}"
    if isinstance(error, asyncio.CancelledError):
        return f"C:{error.args[0]}" if error.args and error.args[0] else "C"
    if isinstance(error, TimeoutError):
        return "Timeout"
    if isinstance(error, asyncio.InvalidStateError):
        return "Invalid"
    if isinstance(error, BaseExceptionGroup):
        return "G[" + ",".join(map(text_of, error.exceptions)) + "]"
    if isinstance(error, asyncio.BrokenBarrierError):
        return "BrokenBarrier"
    if isinstance(error, RuntimeError):
        return "Runtime"
    for kind in (ValueError, asyncio.QueueEmpty, asyncio.QueueFull, asyncio.QueueShutDown):
        if isinstance(error, kind):
            return kind.__name__.removesuffix("Error")
    return f"{type(error).__name__}({error})"


class Node:
    """What waits, for the search for cycles: a task, or a gather with its children."""

    __slots__ = ("waits_for", "children")

    def __init__(self):
        self.waits_for = None
        self.children = ()


def reaches(node, goal):
    if node is None:
        return False
    if node is goal:
        return True
    return reaches(node.waits_for, goal) or any(reaches(child, goal) for child in node.children)


class Slot:
    __slots__ = ("future", "kind", "value", "node")

    def __init__(self, future, kind, value, node):
        self.future = future
        self.kind = kind  # plain, task, gather, shield
        self.value = value  # what its result is: int, list, or opaque
        self.node = node


def value_text(value, kind):
    if kind == "int":
        return str(value)
    if kind == "list":
        return "[" + ",".join(f"!{text_of(v)}" if isinstance(v, BaseException) else str(v) for v in value) + "]"
    return "*"


class Context:
    """A running body."""

    __slots__ = ("who", "node", "error")

    def __init__(self, who, node):
        self.who = who
        self.node = node
        self.error = None


class Program:
    def __init__(self, program, out, loop):
        futures, self.bodies, self.callbacks, shared = program
        self.shared = shared_objects.make(shared)
        self.over = False
        self.out = out
        self.loop = loop
        self.slots = {i: Slot(loop.create_future(), "plain", "int", None) for i in range(futures)}
        self.futures = self.main_slot = futures
        self.handles = {}
        self.registrations = {}
        self.groups = {}
        self.scopes = {}
        self.tasks = {}
        self.runs = 0
        self.started = 0
        self.gathers = 0

    def log(self, who, what):
        if self.over:
            return  # a coroutine is closed with its loop
        self.out.append(f"{round(self.loop.time() * 1000)} {who} {what}")

    # --- driver ---

    async def drive(self):
        node = Node()
        self.started = 1
        main = asyncio.create_task(self.body(0, node), name="main")
        self.slots[self.main_slot] = Slot(main, "task", "int", node)
        await asyncio.sleep(SETTLE)
        for _ in range(ROUNDS):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                break
            self.log(".", f"left {len(left)}")
            for task in left:
                task.cancel("left")
            for number, shared in enumerate(self.shared):
                if shared_objects.free(shared):
                    self.log(".", f"freed {number}")
            await asyncio.sleep(SETTLE)
        for number in sorted(self.slots):
            self.log(".", f"slot {number} {self.state(self.slots[number])}")
        for number, shared in enumerate(self.shared):
            self.log(".", f"shared {number} {shared_objects.look(shared)}")
        self.log(".", "counts " + ",".join(str(task.cancelling()) for task in self.tasks))
        self.over = True

    def state(self, slot):
        future = slot.future
        if not future.done():
            return "pending"
        if future.cancelled():
            return "cancelled"
        error = future.exception()
        return f"!{text_of(error)}" if error is not None else "=" + value_text(future.result(), slot.value)

    # --- bodies, callbacks, blocks ---

    async def body(self, number, node):
        self.runs += 1
        context = Context(f"{number}#{self.runs}", node)
        task = asyncio.current_task()
        self.tasks.setdefault(task)
        self.log(context.who, f"begins {task.cancelling()}")
        try:
            value = await self.block(self.bodies[number], context)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.log(context.who, f"fails {text_of(error)}")
            raise
        value = 0 if value is None else value
        self.log(context.who, f"returns {value}")
        return value

    def callback(self, number, origin):
        context = Context(f"@{number}", None)
        self.log(context.who, f"called by {origin}")
        for statement in self.callbacks[number]:
            self.sync(statement, context)

    def sync(self, statement, context):
        if statement[0] == "ifdone":
            for inner in statement[self.branch(statement)]:
                self.sync(inner, context)
        else:
            SYNC[statement[0]](self, context, *statement[1:])

    def branch(self, statement):
        slot = self.slots.get(statement[1])
        return 2 if slot is not None and slot.future.done() else 3

    async def block(self, statements, context):
        """Returns the value of a "ret", or None."""
        for statement in statements:
            verb = statement[0]
            if verb in SYNC:
                SYNC[verb](self, context, *statement[1:])
            elif verb == "ret":
                return statement[1]
            else:
                value = await ASYNC[verb](self, context, *statement[1:])
                if value is not None:
                    return value
        return None

    def get(self, number):
        if number == SELF:
            task = asyncio.current_task()
            return None if task is None else Slot(task, "task", "int", None)
        return self.slots.get(number)

    def coroutine(self, ref, node):
        """A new coroutine, or None if the program has started enough of them."""
        if self.started >= BODIES_AT_MOST:
            return None
        self.started += 1
        return self.body(ref - COROUTINE, node)

    def resolve(self, context, what, ref):
        """Returns (awaitable, kind of its value, node to wait for), or None after saying why not."""
        if ref >= COROUTINE:
            coroutine = self.coroutine(ref, context.node)
            if coroutine is None:
                self.log(context.who, f"{what} full")
                return None
            return coroutine, "int", None
        slot = self.slots.get(ref)
        if slot is None:
            self.log(context.who, f"{what} none")
            return None
        if slot.future is asyncio.current_task() or reaches(slot.node, context.node):
            self.log(context.who, f"{what} cycle")
            return None
        return slot.future, slot.value, slot.node

    # --- statements that do not suspend ---

    def do_log(self, context, number):
        self.log(context.who, f"log {number}")

    def do_new(self, context, number, body, eager):
        node = Node()
        coroutine = self.coroutine(COROUTINE + body, node)
        if coroutine is None:
            return self.log(context.who, "new full")
        name = f"n{self.started}"
        task = asyncio.create_task(coroutine, name=name, eager_start=True) if eager else asyncio.create_task(
            coroutine, name=name)
        self.slots[number] = Slot(task, "task", "int", node)
        self.log(context.who, f"new {number} {task.get_name()}")

    def do_tgnew(self, context, group, number, body, eager):
        if self.groups.get(group) is None:
            return self.log(context.who, "tgnew none")
        node = Node()
        coroutine = self.coroutine(COROUTINE + body, node)
        if coroutine is None:
            return self.log(context.who, "tgnew full")
        name = f"n{self.started}"
        options = {"eager_start": True} if eager else {}
        try:
            task = self.groups[group].create_task(coroutine, name=name, **options)
        except RuntimeError as error:
            return self.log(context.who, f"tgnew {text_of(error)}")
        self.slots[number] = Slot(task, "task", "int", node)
        self.log(context.who, f"tgnew {number} {task.get_name()}")

    def do_setr(self, context, number, value):
        slot = self.slots[number]
        try:
            slot.future.set_result(value)
            self.log(context.who, f"setr {number}")
        except asyncio.InvalidStateError as error:
            self.log(context.who, f"setr {number} {text_of(error)}")

    def do_sete(self, context, number, error):
        slot = self.slots[number]
        try:
            slot.future.set_exception(asyncio.CancelledError("set") if error < 0 else AppError(error))
            self.log(context.who, f"sete {number}")
        except asyncio.InvalidStateError as invalid:
            self.log(context.who, f"sete {number} {text_of(invalid)}")

    def do_cancel(self, context, number, message):
        slot = self.get(number)
        if slot is None:
            return self.log(context.who, f"cancel {number} none")
        answer = slot.future.cancel(message) if message else slot.future.cancel()
        self.log(context.who, f"cancel {number} {int(answer)}")

    def do_uncancel(self, context, number):
        slot = self.get(number)
        if slot is None or slot.kind != "task":
            return self.log(context.who, f"uncancel {number} none")
        self.log(context.who, f"uncancel {number} {slot.future.uncancel()}")

    def do_count(self, context, number):
        slot = self.get(number)
        if slot is None or slot.kind != "task":
            return self.log(context.who, f"count {number} none")
        self.log(context.who, f"count {number} {slot.future.cancelling()}")

    def do_res(self, context, number):
        slot = self.get(number)
        if slot is None:
            return self.log(context.who, f"res {number} none")
        try:
            self.log(context.who, f"res {number} ={value_text(slot.future.result(), slot.value)}")
        except BaseException as error:
            self.log(context.who, f"res {number} !{text_of(error)}")

    def do_soon(self, context, callback, handle):
        self.handles[handle] = self.loop.call_soon(self.callback, callback, "soon")

    def do_later(self, context, delay, callback, handle):
        self.handles[handle] = self.loop.call_later(delay / 1000, self.callback, callback, "later")

    def do_hcancel(self, context, handle):
        if handle not in self.handles:
            return self.log(context.who, "hcancel none")
        self.handles[handle].cancel()
        self.log(context.who, "hcancel")

    def do_adc(self, context, number, callback, registration):
        slot = self.get(number)
        if slot is None:
            return self.log(context.who, f"adc {number} none")

        def call(future):
            self.callback(callback, f"{number} {self.state(slot)}")

        slot.future.add_done_callback(call)
        self.registrations[registration] = (slot.future, call)

    def do_rdc(self, context, registration):
        if registration not in self.registrations:
            return self.log(context.who, "rdc none")
        future, call = self.registrations[registration]
        self.log(context.who, f"rdc {future.remove_done_callback(call)}")

    def do_gather(self, context, number, return_exceptions, form, refs):
        if self.gathers >= GATHERS_AT_MOST:
            return self.log(context.who, "gather full")
        self.gathers += 1
        node = Node()
        members = []
        nodes = []
        value = "list"
        for ref in refs:
            if ref >= COROUTINE:
                child = Node()
                coroutine = self.coroutine(ref, child)
                if coroutine is not None:
                    members.append(coroutine)
                    nodes.append(child)
                continue
            slot = self.slots.get(ref)
            if slot is None:
                continue
            if slot.value != "int":
                value = "opaque"
            members.append(slot.future)
            nodes.append(slot.node)
        node.children = nodes
        future = asyncio.gather(*members, return_exceptions=bool(return_exceptions))
        self.slots[number] = Slot(future, "gather", value if members else "opaque", node)
        self.log(context.who, f"gather {number} of {len(members)} {self.state(self.slots[number])}")

    def do_shield(self, context, number, ref):
        if ref >= COROUTINE:
            coroutine = self.coroutine(ref, Node())
            if coroutine is None:
                return self.log(context.who, "shield full")
            self.slots[number] = Slot(asyncio.shield(coroutine), "shield", "int", None)
        else:
            slot = self.slots.get(ref)
            if slot is None:
                return self.log(context.who, "shield none")
            outer = asyncio.shield(slot.future)
            # A done future is returned as it is.
            same = outer is slot.future
            value = slot.value if slot.value == "int" else "opaque"
            self.slots[number] = Slot(outer, "shield", value, slot.node if same else None)
        self.log(context.who, f"shield {number} {self.state(self.slots[number])}")

    def do_resched(self, context, number, delay):
        scope = self.scopes.get(number)
        if scope is None:
            return self.log(context.who, "resched none")
        try:
            scope.reschedule(None if delay is None else self.loop.time() + delay / 1000)
            self.log(context.who, "resched")
        except RuntimeError as error:
            self.log(context.who, f"resched {text_of(error)}")

    def do_scope(self, context, number):
        scope = self.scopes.get(number)
        if scope is None:
            return self.log(context.who, "scope none")
        when = "none" if scope.when() is None else round(scope.when() * 1000)
        self.log(context.who, f"scope {int(scope.expired())} {when}")

    def do_ask(self, context, number, what, argument):
        try:
            answer = shared_objects.ask(self.shared[number], what, argument)
            self.log(context.who, f"{what} {number} ={answer}")
        except Exception as error:
            self.log(context.who, f"{what} {number} !{text_of(error)}")

    def do_raise(self, context, number):
        raise asyncio.CancelledError("raised") if number < 0 else AppError(number)

    def do_reraise(self, context):
        if context.error is not None:
            raise context.error

    # --- statements that may suspend ---

    async def do_sleep(self, context, delay):
        await asyncio.sleep(delay / 1000)
        self.log(context.who, "slept")

    async def do_await(self, context, ref):
        found = self.resolve(context, "await", ref)
        if found is None:
            return
        awaitable, kind, node = found
        context.node.waits_for, before = node, context.node.waits_for
        try:
            value = await awaitable
            self.log(context.who, f"await {ref} ={value_text(value, kind)}")
        except GeneratorExit:
            raise
        except BaseException as error:
            self.log(context.who, f"await {ref} !{text_of(error)}")
            raise
        finally:
            context.node.waits_for = before

    async def do_waitfor(self, context, ref, limit):
        found = self.resolve(context, "waitfor", ref)
        if found is None:
            return
        awaitable, kind, node = found
        context.node.waits_for, before = node, context.node.waits_for
        try:
            value = await asyncio.wait_for(awaitable, None if limit is None else limit / 1000)
            self.log(context.who, f"waitfor {ref} ={value_text(value, kind if kind == 'int' else 'opaque')}")
        except GeneratorExit:
            raise
        except BaseException as error:
            self.log(context.who, f"waitfor {ref} !{text_of(error)}")
            raise
        finally:
            context.node.waits_for = before

    async def do_wait(self, context, mode, limit, numbers):
        futures = [self.slots[number].future for number in numbers if number in self.slots]
        if not futures:
            return self.log(context.who, "wait none")
        try:
            done, pending = await asyncio.wait(
                futures, timeout=None if limit is None else limit / 1000, return_when=MODES[mode])
        except GeneratorExit:
            raise
        except BaseException as error:
            self.log(context.who, f"wait !{text_of(error)}")
            raise
        places = [",".join(str(futures.index(future)) for future in some) for some in (done, pending)]
        self.log(context.who, f"wait {places[0]}|{places[1]}")

    async def do_asc(self, context, form, limit, count, refs):
        members = []
        kind = "int"
        for ref in refs:
            if ref >= COROUTINE:
                coroutine = self.coroutine(ref, Node())
                if coroutine is not None:
                    members.append(coroutine)
            elif ref in self.slots:
                members.append(self.slots[ref].future)
                if self.slots[ref].value != "int":
                    kind = "opaque"
        if not members:
            return self.log(context.who, "asc none")
        handles = refs[0] < COROUTINE
        series = asyncio.as_completed(members, timeout=None if limit is None else limit / 1000)
        for _ in range(count):
            try:
                if form:
                    future = await anext(series, None)
                    if future is None:
                        self.log(context.who, "asc end")
                        break
                    place = members.index(future) if handles else "-"
                    self.log(context.who, f"asc {place} {self.state(Slot(future, '', kind, None))}")
                else:
                    following = next(series, None)
                    if following is None:
                        self.log(context.who, "asc end")
                        break
                    self.log(context.who, f"asc ={value_text(await following, kind)}")
            except Exception as error:
                self.log(context.who, f"asc !{text_of(error)}")
            except asyncio.CancelledError as error:
                self.log(context.who, f"asc !{text_of(error)}")
                raise

    async def do_want(self, context, number, what, argument, limited, limit):
        def predicate():
            done = sum(self.slots[i].future.done() for i in range(self.futures))
            self.log(context.who, f"counts {done}")
            return max(0, done - argument)

        try:
            wanted = shared_objects.want(self.shared[number], what, argument, predicate)
            if limited:
                wanted = asyncio.wait_for(wanted, None if limit is None else limit / 1000)
            value = await wanted
        except GeneratorExit:
            raise
        except BaseException as error:
            self.log(context.who, f"{what} {number} !{text_of(error)}")
            raise
        self.log(context.who, f"{what} {number} ={value}")

    async def do_hold(self, context, number, block):
        try:
            async with self.shared[number]:
                self.log(context.who, f"hold {number}")
                value = await self.block(block, context)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.log(context.who, f"hold {number} !{text_of(error)}")
            raise
        self.log(context.who, f"hold {number} left")
        return value

    async def do_timeout(self, context, number, limit, block):
        scope = asyncio.timeout(None if limit is None else limit / 1000)
        self.scopes[number] = scope
        try:
            async with scope:
                value = await self.block(block, context)
        finally:
            if self.scopes[number] is scope:  # another task may have entered the same one
                self.scopes[number] = None
            self.log(context.who, f"timeout {number} left {int(scope.expired())}")
        return value

    async def do_group(self, context, number, block):
        group = asyncio.TaskGroup()
        self.groups[number] = group
        try:
            async with group:
                value = await self.block(block, context)
                self.log(context.who, f"group {number} exits")
        finally:
            if self.groups[number] is group:  # another task may have entered the same one
                self.groups[number] = None
            self.log(context.who, f"group {number} left")
        return value

    async def do_repeat(self, context, times, block):
        for _ in range(times):
            value = await self.block(block, context)
            if value is not None:
                return value

    async def do_ifdone(self, context, *arguments):
        statement = ["ifdone", *arguments]
        return await self.block(statement[self.branch(statement)], context)

    async def do_try(self, context, block, handlers, final):
        error = None
        value = None
        try:
            value = await self.block(block, context)
        except GeneratorExit:
            raise
        except BaseException as caught:
            error = caught
        if error is not None:
            for kind, handler in handlers:
                if isinstance(error, CAUGHT[kind]):
                    self.log(context.who, f"caught {kind} {text_of(error)}")
                    outer = context.error
                    context.error = error
                    error = None
                    try:
                        value = await self.block(handler, context)
                    except GeneratorExit:
                        raise
                    except BaseException as caught:
                        error = caught
                    context.error = outer
                    break
        if final:
            self.log(context.who, "finally")
            last = await self.block(final, context)
            if last is not None:
                return last
        if error is not None:
            try:
                raise error
            finally:
                error = None
        return value


CAUGHT = {
    "C": asyncio.CancelledError,
    "T": TimeoutError,
    "G": ExceptionGroup,
    "E": AppError,
    "X": Exception,
}
SYNC_VERBS = ("log new tgnew setr sete cancel uncancel count res soon later hcancel adc rdc gather shield resched scope "
              "ask raise reraise").split()
SYNC = {verb: getattr(Program, "do_" + verb) for verb in SYNC_VERBS}
ASYNC = {verb: getattr(Program, "do_" + verb)
         for verb in "sleep await waitfor wait asc want hold timeout group repeat ifdone try".split()}


def run(line):
    """Returns the lines of the trace."""
    out = []
    loop = VirtualLoop()

    def report(_, context):
        if "callback" in context["message"]:
            out.append(f"report {context['message']} {context.get('exception')!r}")

    loop.set_exception_handler(report)
    program = Program(json.loads(line), out, loop)
    try:
        loop.run_until_complete(program.drive())
    except Exception as error:
        out.append(f"driver fails: {error!r}")
    loop.set_exception_handler(lambda *_: None)
    loop.close()
    return out


def main():
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # coroutines that are closed with their loop
    gc.disable()  # programs leave cycles behind; collecting between programs is cheaper
    for number, line in enumerate(sys.stdin):
        out = run(line)
        out.append(".\n")
        sys.stdout.write("\n".join(out))
        sys.stdout.flush()
        if number % 100 == 99:
            gc.collect()


if __name__ == "__main__":
    main()
