"""The locks, events, conditions, semaphores, barriers and queues that the tasks of a program share. shared_objects.cpp is
its twin: whoever changes one changes both.

Every function takes the object, what is asked of it and a number (of notifications, an item, a flag), and returns what
goes into the trace.
"""

import asyncio


def make(descriptions):
    """The objects of a program: [["lock", 0], ["condition", place of its lock or -1], ["queue", maxsize], ...]."""
    objects = []
    for kind, number in descriptions:
        if kind == "condition":
            objects.append(asyncio.Condition(objects[number] if number >= 0 else None))
        else:
            objects.append(MAKERS[kind](number))
    return objects


MAKERS = {
    "lock": lambda _: asyncio.Lock(),
    "event": lambda _: asyncio.Event(),
    "semaphore": asyncio.Semaphore,
    "bounded": asyncio.BoundedSemaphore,
    "barrier": asyncio.Barrier,
    "queue": asyncio.Queue,
    "priority": asyncio.PriorityQueue,
    "lifo": asyncio.LifoQueue,
}


def look(shared):
    if isinstance(shared, asyncio.Event):
        return str(int(shared.is_set()))
    if isinstance(shared, asyncio.Barrier):
        return f"{shared.n_waiting} of {shared.parties} {int(shared.broken)}"
    if isinstance(shared, asyncio.Queue):
        return f"{shared.qsize()} {int(shared.empty())}{int(shared.full())}"
    return str(int(shared.locked()))


def ask(shared, what, number):
    """What does not suspend."""
    if what == "look":
        return look(shared)
    if what == "notify":
        shared.notify(number)
    elif what == "put_nowait":
        shared.put_nowait(number)
    elif what == "get_nowait":
        return str(shared.get_nowait())
    elif what == "shutdown":
        shared.shutdown(bool(number))
    else:  # release, set, clear, notify_all, task_done
        getattr(shared, what)()
    return "-"


async def want(shared, what, number, predicate):
    """What may suspend."""
    if what == "put":
        value = await shared.put(number)
    elif what == "wait_for":
        value = await shared.wait_for(predicate)
    else:  # acquire, wait, reset, abort, get, join
        value = await getattr(shared, what)()
    return "-" if value is None else str(int(value))


def free(shared):
    """Releases a lock that is held, for those that wait for it. Returns whether it was."""
    if not isinstance(shared, (asyncio.Lock, asyncio.Condition)) or not shared.locked():
        return False
    shared.release()
    return True
