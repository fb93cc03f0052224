"""How many turns the synchronisation primitives and queues take."""
import asyncio

from trace import Turns, pause, rules


async def latency(log, name, waiter, trigger):
    """Turns from `trigger` to the end of the task that runs `waiter`'s own code."""
    turns = Turns()

    async def body():
        await waiter
        seen.append(turns.count)

    seen = []
    task = asyncio.create_task(body())
    await pause(5)
    before = turns.count
    trigger()
    await task
    log(name, seen[0] - before)
    turns.stop()


@rules(102)
async def an_event_wakes_its_waiter_one_turn_later(log):
    event = asyncio.Event()
    await latency(log, "event", event.wait(), event.set)


@rules(102)
async def a_lock_passes_on_in_one_turn(log):
    lock = asyncio.Lock()
    await lock.acquire()
    await latency(log, "lock", lock.acquire(), lock.release)


@rules(102)
async def a_semaphore_passes_on_in_one_turn(log):
    semaphore = asyncio.Semaphore(0)
    await latency(log, "semaphore", semaphore.acquire(), semaphore.release)


@rules(102)
async def a_queue_wakes_its_getter_one_turn_later(log):
    queue = asyncio.Queue()
    await latency(log, "queue get", queue.get(), lambda: queue.put_nowait(1))


@rules(103)
async def the_other_party_of_a_barrier(log):
    barrier = asyncio.Barrier(2)

    async def arrives():
        await barrier.wait()

    tasks = []
    await latency(log, "barrier", barrier.wait(), lambda: tasks.append(asyncio.create_task(arrives())))


@rules(106)
async def uncontended_primitives_take_no_turn(log):
    lock, semaphore, queue, event = asyncio.Lock(), asyncio.Semaphore(1), asyncio.Queue(), asyncio.Event()
    event.set()
    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    await lock.acquire()
    await semaphore.acquire()
    await queue.put(1)
    await queue.get()
    await event.wait()
    log(turns.count - before)
    turns.stop()
