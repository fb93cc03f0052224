"""run and Runner. In C++ on a loop in real time: nothing here lets time pass."""
import asyncio

from trace import attempt, outcome, pause, refused, rules


@rules(201)
def run_gives_the_value(log):
    async def main():
        await asyncio.sleep(0)
        return 5

    log(asyncio.run(main()))
    log(asyncio.run(main()))


@rules(204)
def run_raises_what_main_failed_with(log):
    async def main():
        await asyncio.sleep(0)
        raise ValueError("main")

    log(attempt(asyncio.run, main()))


@rules(205)
def a_main_that_ends_cancelled(log):
    async def main():
        asyncio.current_task().cancel("self")
        await asyncio.sleep(0)

    log(attempt(asyncio.run, main()))


@rules(201)
def run_inside_a_running_loop_is_refused(log):
    async def nothing():
        pass

    async def main():
        coro = nothing()
        log(refused(asyncio.run, coro))
        coro.close()

    asyncio.run(main())


@rules(202)
def leftover_tasks_are_cancelled(log):
    async def leftover(name, forever):
        try:
            await forever
        finally:
            log(name, "unwinds")

    async def main():
        forever = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(leftover(name, forever)) for name in "ab"]
        await asyncio.sleep(0)
        log("main ends")
        return len(tasks)

    log(asyncio.run(main()))


@rules(202)
def a_leftover_that_swallows_is_waited_for(log):
    async def leftover():
        log(await outcome(asyncio.get_running_loop().create_future()))
        await pause(5)
        log("ends in its own time")

    async def main():
        task = asyncio.create_task(leftover())
        await asyncio.sleep(0)
        log("main ends", task.done())

    asyncio.run(main())


@rules(202)
def a_failing_leftover_does_not_change_the_outcome(log):
    async def leftover():
        await outcome(asyncio.get_running_loop().create_future())
        raise ValueError("leftover")

    async def main():
        asyncio.get_running_loop().default_exception_handler = log.hear
        asyncio.current_task().left = asyncio.create_task(leftover())
        await asyncio.sleep(0)
        return "main's value"

    log(asyncio.run(main()))


@rules(204)
def leftovers_are_cancelled_also_if_main_failed(log):
    async def leftover():
        log(await outcome(asyncio.get_running_loop().create_future()))

    async def main():
        asyncio.current_task().left = asyncio.create_task(leftover())
        await asyncio.sleep(0)
        raise ValueError("main")

    log(attempt(asyncio.run, main()))


@rules(202)
def a_task_made_in_the_last_step_still_starts(log):
    async def leftover():
        log("starts")
        log(await outcome(asyncio.get_running_loop().create_future()))

    async def main():
        asyncio.current_task().left = asyncio.create_task(leftover())
        log("main ends")

    asyncio.run(main())


@rules(206)
def a_runner_shares_one_loop(log):
    async def main():
        return asyncio.get_running_loop()

    with asyncio.Runner() as runner:
        first = runner.run(main())
        second = runner.run(main())
        log(first is second, first is runner.get_loop())
    log(first.is_closed())


@rules(206)
def background_tasks_are_frozen_between_runs(log):
    async def background():
        for n in range(4):
            log("background", n)
            await asyncio.sleep(0)

    async def start():
        return asyncio.create_task(background())

    async def main(n):
        log("main", n)
        await asyncio.sleep(0)

    with asyncio.Runner() as runner:
        task = runner.run(start())
        log("between")
        runner.run(main(1))
        log("between")
        runner.run(main(2))
        log(task.done())
        runner.close()


@rules(207)
def a_closed_runner_refuses(log):
    async def main():
        return 1

    runner = asyncio.Runner()
    log(runner.run(main()))
    runner.close()
    runner.close()
    coro = main()
    log(refused(runner.run, coro))
    coro.close()
    log(refused(runner.get_loop))


@rules(207)
def closing_a_runner_that_never_ran(log):
    asyncio.Runner().close()
    log("closed")


@rules(204, 206)
def a_runner_goes_on_after_a_failure(log):
    async def bad():
        raise ValueError("bad")

    async def good():
        return "good"

    with asyncio.Runner() as runner:
        log(attempt(runner.run, bad()))
        log(runner.run(good()))


@rules(202, 206)
def closing_a_runner_cancels_what_is_left(log):
    async def leftover():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            log("leftover unwinds")

    async def start():
        task = asyncio.create_task(leftover())
        await asyncio.sleep(0)
        return task

    runner = asyncio.Runner()
    task = runner.run(start())
    log("before close", task.done())
    runner.close()
    log("after close", task.cancelled())
