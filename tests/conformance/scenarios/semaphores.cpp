// Semaphores: so many permits, in order of arrival.
#include <memory>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> takes(Trace& log, Semaphore& semaphore, std::string name) {
    const std::string how = co_await outcome(semaphore.acquire());
    log(name, how, semaphore.locked());
}

std::vector<Task<>> takers(Trace& log, Semaphore& semaphore, const std::vector<std::string>& names) {
    std::vector<Task<>> tasks;
    for (const std::string& name : names) tasks.push_back(create_task(takes(log, semaphore, name)));
    return tasks;
}

}  // namespace

SCENARIO(so_many_at_once, 232) {
    Semaphore semaphore(2);
    const Turns turns;
    for (int i = 0; i < 2; ++i) {
        const bool acquired = co_await semaphore.acquire();
        log(acquired, semaphore.locked(), turns.count);
    }
    turns.stop();
    const auto tasks = takers(log, semaphore, {"a", "b"});
    co_await pause(2);
    semaphore.release();
    semaphore.release();
    co_await wait(tasks);
}

SCENARIO(a_released_permit_goes_to_the_first, 232) {
    Semaphore semaphore(1);
    co_await semaphore.acquire();
    auto tasks = takers(log, semaphore, {"first", "second"});
    co_await pause(1);
    semaphore.release();
    log("given away", semaphore.locked());
    tasks.push_back(create_task(takes(log, semaphore, "newcomer")));
    co_await pause(3);
    semaphore.release();
    semaphore.release();
    co_await wait(tasks);
    log(semaphore.locked());
}

SCENARIO(locked_while_somebody_is_on_the_way, 232) {
    Semaphore semaphore(0);
    const auto first = create_task(takes(log, semaphore, "first"));
    co_await pause(1);
    semaphore.release();
    semaphore.release();
    log("one is left", semaphore.locked());
    co_await takes(log, semaphore, "newcomer");
    co_await first;
}

SCENARIO(a_scope_gives_it_back, 232) {
    Semaphore semaphore(1);
    {
        const auto permit = co_await semaphore.scoped();
        log(semaphore.locked());
    }
    log(semaphore.locked());
}

SCENARIO(a_cancelled_waiter_leaves, 233) {
    Semaphore semaphore(0);
    const auto tasks = takers(log, semaphore, {"a", "b"});
    co_await pause(1);
    tasks[0].cancel("gone");
    co_await pause(2);
    semaphore.release();
    co_await wait(tasks);
    log(semaphore.locked());
}

SCENARIO(cancelled_with_a_permit_on_the_way, 233) {
    Semaphore semaphore(0);
    const auto tasks = takers(log, semaphore, {"a", "b"});
    co_await pause(1);
    semaphore.release();
    log(tasks[0].cancel("late"));
    co_await wait(tasks);
    log(semaphore.locked());
}

SCENARIO(all_are_cancelled_with_a_permit_on_the_way, 233) {
    Semaphore semaphore(0);
    const auto tasks = takers(log, semaphore, {"a", "b"});
    co_await pause(1);
    semaphore.release();
    for (const auto& task : tasks) task.cancel();
    log("free, but for those who leave", semaphore.locked());
    co_await wait(tasks);
    const bool before = semaphore.locked();
    const auto got = co_await outcome(semaphore.acquire());
    log(before, got, semaphore.locked());
}

SCENARIO(several_releases_wake_several, 233) {
    Semaphore semaphore(0);
    const auto tasks = takers(log, semaphore, {"a", "b", "c", "d"});
    co_await pause(1);
    for (int i = 0; i < 3; ++i) semaphore.release();
    co_await pause(3);
    std::vector<bool> done;
    for (const auto& task : tasks) done.push_back(task.done());
    log(done);
    semaphore.release();
    co_await wait(tasks);
}

SCENARIO(one_release_wakes_one_although_more_are_free, 232, 233) {
    Semaphore semaphore(0);
    std::vector<Task<>> tasks = takers(log, semaphore, {"a"});
    co_await pause(1);
    for (const Task<>& task : takers(log, semaphore, {"b", "c"})) tasks.push_back(task);
    log.loop().call_soon([&] {
        semaphore.release();
        log.loop().call_soon([&] { log("c is woken by a"); });
    });
    for (int i = 0; i < 3; ++i) semaphore.release();
    co_await wait(tasks);
    log(semaphore.locked());
}

SCENARIO(who_resumes_wakes_all_that_there_are_permits_for, 232, 233) {
    Semaphore semaphore(0);
    std::vector<Task<>> tasks = takers(log, semaphore, {"a"});
    co_await pause(1);
    for (const Task<>& task : takers(log, semaphore, {"b", "c", "d"})) tasks.push_back(task);
    for (int i = 0; i < 3; ++i) semaphore.release();
    co_await pause(2);
    std::vector<bool> done;
    for (const Task<>& task : tasks) done.push_back(task.done());
    log("those that have one", done);
    semaphore.release();
    co_await wait(tasks);
}

SCENARIO(a_timeout_takes_nothing, 233) {
    Semaphore semaphore(0);
    const auto late = co_await outcome(wait_for(semaphore.acquire(), 1s));
    log(late);
    log.at();
    semaphore.release();
    const auto got = co_await outcome(wait_for(semaphore.acquire(), 1s));
    log(got, semaphore.locked());
}

SCENARIO(wrong_numbers, 234) {
    log(refused([] { return std::make_unique<Semaphore>(-1); }),
        refused([] { return std::make_unique<BoundedSemaphore>(-1); }));
    BoundedSemaphore bounded(2);
    const auto release = [&] { bounded.release(); };
    log(refused(release));
    co_await bounded.acquire();
    const std::string first = refused(release);
    log(first, refused(release));
    const bool one = co_await bounded.acquire();
    const bool two = co_await bounded.acquire();
    log(one, two, bounded.locked());
}

SCENARIO(one_without_a_bound_grows, 234) {
    Semaphore semaphore(0);
    semaphore.release();
    semaphore.release();
    const bool one = co_await semaphore.acquire();
    const bool two = co_await semaphore.acquire();
    log(one, two, semaphore.locked());
}

SCENARIO(a_bound_and_those_who_wait, 234) {
    BoundedSemaphore bounded(1);
    const auto release = [&] { bounded.release(); };
    co_await bounded.acquire();
    const auto tasks = takers(log, bounded, {"a", "b"});
    co_await pause(1);
    bounded.release();
    log("a is on the way", refused(release));
    co_await wait(tasks);
    const std::string first = refused(release);
    log(first, refused(release));
}
