"""asyncio on virtual time: CPython's own loop, tasks and futures, with the clock and the poll replaced.

install() makes it the loop of asyncio.run, asyncio.Runner and asyncio.new_event_loop. Time stands still while anything
is ready and jumps to the next deadline when the loop would block; a loop that would block for ever raises Deadlock and
names the tasks that wait. Time is kept in whole nanoseconds, so 0.1 + 0.2 and 0.3 are one deadline and nothing is
rounded away; time.sleep does not move this clock.

Normalised, because CPython leaves it open and weft promises more (everything else is CPython's code, untouched):
1. Timers with equal deadlines fire in the order of their creation (CPython: a heap by deadline only).
2. wait, as_completed and TaskGroup keep members in sets ordered by address; here the sets are ordered by insertion, so
   that what they start, cancel, return or queue happens in the order in which the members were given or created.
3. all_tasks(), hence the sweep at the end of asyncio.run, is in order of creation.
4. The loop keeps tasks that are not done alive (CPython: weak references, rule 67).
5. A loop numbers its default task names from 1 (CPython: one counter for the process).
6. A gather that was cancelled, although its last child swallowed the request and returned, ends with a CancelledError
   without a message (CPython: with the message of some earlier request to that child, if one was left over).
"""

import asyncio
import collections.abc
import itertools
from asyncio import base_events, events, runners, taskgroups, tasks, timeouts

NANOSECONDS = 1_000_000_000


class Deadlock(RuntimeError):
    """Nothing is ready, no timer is armed, and nobody can wake this loop."""


class OrderedSet(collections.abc.MutableSet):
    """A set that iterates in the order of insertion."""

    def __init__(self, items=()):
        self._items = dict.fromkeys(items)

    def __contains__(self, item):
        return item in self._items

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def add(self, item):
        self._items[item] = None

    def discard(self, item):
        self._items.pop(item, None)

    def clear(self):
        self._items.clear()

    def __repr__(self):
        return "{" + ", ".join(map(repr, self._items)) + "}" if self._items else "set()"


class _TimerHandle(events.TimerHandle):
    __slots__ = ("_created",)
    _count = itertools.count()

    def __init__(self, when, *args, **kwargs):
        super().__init__(when, *args, **kwargs)
        self._created = next(self._count)

    def __lt__(self, other):
        return (self._when, self._created) < (other._when, other._created)


class VirtualLoop(base_events.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._now = 0  # nanoseconds
        self._selector = self
        self._clock_resolution = 0.5 / NANOSECONDS
        self._created = itertools.count(1)
        self._names = itertools.count(1)
        self._tasks = {}  # not yet done, with the number of their creation

    def time(self):
        return self._now / NANOSECONDS

    def call_at(self, when, callback, *args, context=None):
        # The same nanosecond is the same float, by whatever additions it was reached.
        return super().call_at(round(when * NANOSECONDS) / NANOSECONDS, callback, *args, context=context)

    def create_task(self, coro, **kwargs):
        number = next(self._created)
        if kwargs.get("name") is None:
            kwargs["name"] = f"Task-{next(self._names)}"
        task = super().create_task(coro, **kwargs)
        self._tasks[task] = number
        return task

    def pending_tasks(self):
        return [task for task, number in sorted(self._tasks.items(), key=lambda item: item[1]) if not task.done()]

    # The selector's part of BaseEventLoop.
    def select(self, timeout):
        if self._tasks:
            self._tasks = {task: number for task, number in self._tasks.items() if not task.done()}
        if timeout is None:
            waiting = ", ".join(task.get_name() for task in self.pending_tasks()) or "none"
            raise Deadlock(f"deadlock: nothing is ready and no timer is armed; tasks that wait: {waiting}")
        if timeout > 0:
            self._now = round(self._scheduled[0]._when * NANOSECONDS)
        return []

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def close(self):
        super().close()
        self._tasks.clear()


def _as_completed_init(self, aws, timeout):
    # CPython 3.14.2's, except for the two sets.
    self._done = asyncio.Queue()
    self._timeout_handle = None
    loop = events.get_event_loop()
    todo = OrderedSet(tasks.ensure_future(aw, loop=loop) for aw in OrderedSet(aws))
    for f in todo:
        f.add_done_callback(self._handle_completion)
    if todo and timeout is not None:
        self._timeout_handle = loop.call_later(timeout, self._handle_timeout)
    self._todo = todo
    self._todo_left = len(todo)


def _gather():
    source = tasks.__loader__.get_source("asyncio.tasks")
    source = source[source.index("def gather(") : source.index("def _log_on_exception")]
    last = "exc = fut._make_cancelled_error()\n                outer.set_exception(exc)\n            else"
    assert last in source
    source = source.replace(last, last.replace("()", "() if fut.cancelled() else exceptions.CancelledError()", 1))
    exec(compile(source, tasks.__file__, "exec"), tasks.__dict__)
    return tasks.gather


def _all_tasks(loop=None):
    return OrderedSet((loop or events.get_running_loop()).pending_tasks())


def install():
    events._set_running_loop(None)  # pyodide's own
    asyncio.run = runners.run
    events.TimerHandle = _TimerHandle
    taskgroups.set = tasks.set = OrderedSet  # shadows the builtin in these two modules
    tasks._AsCompletedIterator.__init__ = _as_completed_init
    asyncio.all_tasks = tasks.all_tasks = _all_tasks
    asyncio.gather = _gather()
    events.new_event_loop = asyncio.new_event_loop = VirtualLoop
    assert base_events.events is events and runners.events is events and timeouts.tasks is tasks
