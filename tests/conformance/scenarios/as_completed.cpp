// as_completed: outcomes in the order of completion.
#include <algorithm>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<std::string> after(Duration delay, std::string value) { co_return co_await sleep(delay, std::move(value)); }

Coro<std::string> fails(Duration delay, const char* text) {
    co_await sleep(delay);
    throw ValueError(text);
}

using Coros = std::vector<Coro<std::string>>;
using Tasks = std::vector<Task<std::string>>;

// Coros are move-only: no initialiser list.
template <class... C>
Coros coros_of(C... coros) {
    Coros all;
    (all.push_back(std::move(coros)), ...);
    return all;
}

Tasks named_tasks(std::vector<int> delays) {
    Tasks tasks;
    for (const int delay : delays) {
        const std::string name = "task " + std::to_string(delay);
        tasks.push_back(create_task(after(delay * 1s, "value"), {.name = name}));
    }
    return tasks;
}

}  // namespace

SCENARIO(results_in_order_of_completion, 175) {
    for (auto next : as_completed(coros_of(after(3s, "c"), after(1s, "a"), after(2s, "b")))) {
        const auto got = co_await next;
        log.at(got);
    }
}

SCENARIO(failures_come_in_their_place, 175) {
    const auto gone = create_task(after(10s, "never"));
    log.loop().call_later(2s, [&] { gone.cancel(); });
    const Tasks tasks{create_task(after(3s, "c")), create_task(fails(1s, "bad")), gone};
    for (auto next : as_completed(tasks)) {
        const auto got = co_await outcome(std::move(next));
        log.at(got);
    }
}

SCENARIO(async_iteration_yields_the_tasks_themselves, 176) {
    const Tasks tasks = named_tasks({3, 1, 2});
    auto stream = as_completed(tasks);
    while (const auto task = co_await stream.next()) {
        log.at(*task, task->done(), task->result(), std::ranges::find(tasks, *task) != tasks.end());
    }
}

SCENARIO(all_start_at_the_call, 177) {
    auto child = [&](int n) -> Coro<std::string> {
        log("starts", n);
        co_return std::to_string(n);
    };
    auto stream = as_completed(coros_of(child(1), child(2)));
    co_await sleep(0s);
    log("before the first await");
    for (auto next : stream) {
        const auto got = co_await next;
        log(got);
    }
}

SCENARIO(leaving_early_cancels_nothing, 177) {
    const auto slow = create_task(after(5s, "slow"));
    const Tasks tasks{slow, create_task(after(1s, "fast"))};
    for (auto next : as_completed(tasks)) {
        const auto got = co_await next;
        log(got);
        break;
    }
    log(slow.done(), slow.cancelling());
    const auto value = co_await slow;
    log(value);
    log.at("end");
}

SCENARIO(the_timeout_counts_from_the_call, 178) {
    const auto slow = create_task(after(9s, "slow"));
    const Tasks tasks{create_task(after(1s, "fast")), slow, create_task(after(8s, "second"))};
    auto stream = as_completed(tasks, 3s);
    co_await sleep(1s);
    for (auto next : stream) {
        const auto got = co_await outcome(std::move(next));
        log.at(got);
    }
    log("the members run on", slow.done(), slow.cancelling());
    const auto value = co_await slow;
    log(value);
}

SCENARIO(outcomes_already_queued_are_still_delivered, 178) {
    auto stream = as_completed(coros_of(after(1s, "one"), after(2s, "two"), after(50s, "late")), 3s);
    co_await sleep(10s);
    for (auto next : stream) {
        const auto got = co_await outcome(std::move(next));
        log.at(got);
    }
}

SCENARIO(async_iteration_with_a_timeout, 178) {
    const Tasks tasks = named_tasks({1, 5});
    auto all_of_them = [&]() -> Coro<> {
        auto stream = as_completed(tasks, 3s);
        while (const auto task = co_await stream.next()) log.at(*task);
    };
    const auto got = co_await outcome(all_of_them());
    log(got);
    log.at("end");
    co_await tasks[1];
}

SCENARIO(duplicates_once, 179) {
    const auto task = create_task(after(1s, "once"));
    const Tasks tasks{task, task, task};
    for (auto next : as_completed(tasks)) {
        const auto got = co_await next;
        log(got);
    }
    log("end");
}

SCENARIO(nothing_to_wait_for, 179) {
    for (auto next : as_completed(Tasks{})) {
        co_await next;
        log("never");
    }
    auto stream = as_completed(Tasks{});
    while (const auto task = co_await stream.next()) log("never");
    log("end");
}

SCENARIO(concurrent_consumers_take_one_each, 180) {
    auto stream = as_completed(coros_of(after(2s, "two"), after(1s, "one"), after(3s, "three")));
    std::vector<Coro<>> consumers;
    char name = 'a';
    for (auto next : stream) {
        auto consumer = [](Trace& trace, std::string who, auto awaitable) -> Coro<> {
            const auto got = co_await std::move(awaitable);
            trace.at(who, got);
        };
        consumers.push_back(consumer(log, std::string(1, name++), std::move(next)));
    }
    co_await gather(std::move(consumers));
}

SCENARIO(out_of_order, 180) {
    auto stream = as_completed(coros_of(after(2s, "two"), after(1s, "one")));
    auto slot = stream.begin();
    auto first = *slot;
    ++slot;
    auto second = *slot;
    const auto one = co_await second;
    log(one);
    const auto two = co_await first;
    log(two);
}

SCENARIO(cancelling_the_consumer_leaves_the_members_alone, 175, 177) {
    const auto member = create_task(after(5s, "member"));
    auto consumer = [&]() -> Coro<> {
        const Tasks tasks{member};
        for (auto next : as_completed(tasks)) co_await next;
    };
    const auto task = create_task(consumer());
    co_await sleep(1s);
    task.cancel();
    const auto got = co_await outcome(task);
    log(got, member.cancelling());
    const auto value = co_await member;
    log(value);
}

SCENARIO(equal_times_keep_the_order_of_completion, 175) {
    std::vector<Future<int>> futures;
    for (int n = 0; n < 3; ++n) futures.push_back(create_future<int>());
    auto stream = as_completed(futures);
    for (const int n : {2, 0, 1}) futures[static_cast<std::size_t>(n)].set_result(n);
    for (auto next : stream) {
        const int got = co_await next;
        log(got);
    }
}
