// Barriers: tasks wait for each other, round after round.
#include <memory>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<> arrives(Trace& log, Barrier& barrier, std::string name) {
    const std::string how = co_await outcome(barrier.wait());
    log(name, how, barrier.n_waiting(), barrier.broken());
}

std::vector<Task<>> arrivals(Trace& log, Barrier& barrier, const std::vector<std::string>& names) {
    std::vector<Task<>> tasks;
    for (const std::string& name : names) tasks.push_back(create_task(arrives(log, barrier, name)));
    return tasks;
}

// Waits for those that have arrived and for others that do.
Coro<> together(Trace& log, Barrier& barrier, std::vector<Task<>> tasks, std::vector<std::string> names) {
    for (const Task<>& task : arrivals(log, barrier, names)) tasks.push_back(task);
    co_await wait(tasks);
}

}  // namespace

SCENARIO(the_last_one_opens_it, 235) {
    Barrier barrier(3);
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await pause(3);
    log(barrier.parties(), barrier.n_waiting(), barrier.broken());
    const std::vector<std::string> last{"c"};
    co_await together(log, barrier, tasks, last);
    log(barrier.n_waiting());
}

SCENARIO(a_newcomer_waits_for_the_next_round, 235) {
    Barrier barrier(2);
    const auto tasks = arrivals(log, barrier, {"a", "b", "c", "d", "e"});
    const std::vector<Task<>> four(tasks.begin(), tasks.begin() + 4);
    co_await wait(four);
    co_await pause(5);
    log(tasks[4].done(), barrier.n_waiting());
    co_await arrives(log, barrier, "f");
    co_await tasks[4];
}

SCENARIO(of_one, 235) {
    Barrier barrier(1);
    co_await arrives(log, barrier, "a");
    co_await arrives(log, barrier, "b");
}

SCENARIO(round_after_round, 235) {
    Barrier barrier(2);
    const auto worker = [&](const char* name) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
            const std::size_t index = co_await barrier.wait();
            log(name, i, index);
        }
    };
    co_await gather(worker("a"), worker("b"));
}

SCENARIO(of_nobody, 235) {
    log(refused([] { return std::make_unique<Barrier>(0); }), refused([] { return std::make_unique<Barrier>(-1); }));
    co_return;
}

SCENARIO(a_cancelled_one_is_not_counted, 236) {
    Barrier barrier(3);
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await pause(2);
    tasks[0].cancel("gone");
    co_await pause(5);
    log(barrier.n_waiting(), barrier.broken());
    const std::vector<std::string> others{"c", "d"};
    co_await together(log, barrier, tasks, others);
}

SCENARIO(cancelled_while_it_opens, 236) {
    Barrier barrier(2);
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await pause(1);
    log(tasks[0].cancel("late"));
    co_await wait(tasks);
    log(barrier.n_waiting(), barrier.broken());
    const auto others = arrivals(log, barrier, {"c", "d"});
    co_await wait(others);
}

SCENARIO(reset_breaks_the_round, 236) {
    Barrier barrier(3);
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await pause(2);
    co_await barrier.reset();
    log("reset", barrier.n_waiting(), barrier.broken());
    co_await wait(tasks);
    const auto others = arrivals(log, barrier, {"c", "d", "e"});
    co_await wait(others);
}

SCENARIO(reset_of_an_empty_one, 236) {
    Barrier barrier(2);
    co_await barrier.reset();
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await wait(tasks);
}

SCENARIO(who_comes_during_a_reset_waits, 236) {
    Barrier barrier(2);
    const auto first = arrivals(log, barrier, {"a"});
    co_await pause(2);
    co_await barrier.reset();
    const std::vector<std::string> second{"b", "c"};
    co_await together(log, barrier, first, second);
}

SCENARIO(abort_breaks_it_until_reset, 236) {
    Barrier barrier(3);
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await pause(2);
    co_await barrier.abort();
    log("aborted", barrier.n_waiting(), barrier.broken());
    co_await wait(tasks);
    co_await arrives(log, barrier, "c");
    co_await barrier.reset();
    log("reset", barrier.broken());
    const auto others = arrivals(log, barrier, {"d", "e", "f"});
    co_await wait(others);
}

SCENARIO(a_timeout, 236, 237) {
    Barrier barrier(2);
    const auto late = co_await outcome(wait_for(barrier.wait(), 1s));
    log(late);
    log.at(barrier.n_waiting(), barrier.broken());
    const auto tasks = arrivals(log, barrier, {"a", "b"});
    co_await wait(tasks);
}

SCENARIO(how_many_wait, 237) {
    Barrier barrier(3);
    log(barrier.n_waiting());
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b"}) {
        tasks.push_back(create_task(arrives(log, barrier, name)));
        co_await pause(1);
        log(barrier.n_waiting());
    }
    tasks.push_back(create_task(arrives(log, barrier, "c")));
    for (int i = 0; i < 4; ++i) {
        co_await pause(1);
        log("draining", barrier.n_waiting());
    }
    co_await wait(tasks);
}
