"""Async generators: values, suspension inside, closing, failures."""
import asyncio

from trace import Turns, outcome, rules


@rules(56)
async def values_in_order(log):
    async def numbers(n):
        for i in range(n):
            yield i

    async for value in numbers(3):
        log(value)
    log("end")


@rules(56)
async def it_runs_only_when_asked(log):
    async def numbers():
        log("starts")
        yield 1
        log("goes on")
        yield 2
        log("ends")

    generator = numbers()
    log("created")
    async for value in generator:
        log("got", value)


@rules(63)
async def it_suspends_inside(log):
    async def ticks():
        for n in range(3):
            await asyncio.sleep(1)
            yield n

    async for n in ticks():
        log.at("tick", n)


@rules(45)
async def values_without_suspension_take_no_turn(log):
    async def numbers():
        for n in range(100):
            yield n

    turns = Turns()
    await asyncio.sleep(0)
    before = turns.count
    total = 0
    async for n in numbers():
        total += n
    log(total, turns.count - before)
    turns.stop()


@rules(57)
async def a_failure_comes_out_of_the_loop(log):
    async def bad():
        yield 1
        raise ValueError("bad")

    async def consume():
        async for value in bad():
            log(value)

    log(await outcome(consume()))


@rules(77)
async def a_cancel_reaches_into_it(log):
    async def ticks():
        try:
            while True:
                await asyncio.sleep(1)
                yield "tick"
        finally:
            log.at("generator unwinds")

    async def consume():
        async for value in ticks():
            log.at(value)

    task = asyncio.create_task(consume())
    await asyncio.sleep(2.5)
    task.cancel()
    log(await outcome(task))


@rules(201)
async def aclose_unwinds_at_the_yield(log):
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            log("unwinds")

    generator = numbers()
    async for value in generator:
        log(value)
        break
    log("left early")
    await generator.aclose()
    log("closed")
    await generator.aclose()


@rules(201)
async def aclose_of_one_that_never_started(log):
    async def numbers():
        log("never")
        yield 1

    generator = numbers()
    await generator.aclose()
    async for value in generator:
        log("never")
    log("end")


@rules(201)
async def after_the_end_there_is_nothing(log):
    async def numbers():
        yield 1

    generator = numbers()
    async for value in generator:
        log(value)
    async for value in generator:
        log("never")
    await generator.aclose()
    log("end")


@rules(56)
async def two_consumers_of_two_generators(log):
    async def ticks(name, step):
        for n in range(2):
            await asyncio.sleep(step)
            yield f"{name}{n}"

    async def consume(name, step):
        async for value in ticks(name, step):
            log.at(value)

    await asyncio.gather(consume("a", 2), consume("b", 3))


@rules(56)
async def generators_in_generators(log):
    async def numbers(n):
        for i in range(n):
            yield i

    async def squares(n):
        async for i in numbers(n):
            yield i * i

    values = []
    async for value in squares(4):
        values.append(value)
    log(values)


@rules(160)
async def a_timeout_around_a_generator(log):
    async def ticks():
        n = 0
        while True:
            await asyncio.sleep(1)
            yield n
            n += 1

    async def consume():
        async with asyncio.timeout(2.5):
            async for n in ticks():
                log.at(n)

    log(await outcome(consume()))
    log.at("end")
