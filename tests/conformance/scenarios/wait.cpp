// wait: which members are done, and when it returns.
#include <algorithm>

#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

Coro<std::string> after(Duration delay, std::string value) { co_return co_await sleep(delay, std::move(value)); }

Coro<std::string> fails(Duration delay, std::string text) {
    co_await sleep(delay);
    throw ValueError(text);
}

Task<std::string> start(const char* name, Duration delay) { return create_task(after(delay, name), {.name = name}); }
Task<std::string> start_failing(const char* name, Duration delay) {
    return create_task(fails(delay, name), {.name = name});
}

using Tasks = std::vector<Task<std::string>>;

std::vector<std::string> names(const Tasks& members) {
    std::vector<std::string> all;
    for (const auto& member : members) all.push_back(member.get_name());
    std::ranges::sort(all);
    return all;
}

template <class H>
bool is_in(const std::vector<H>& members, const H& member) {
    return std::ranges::find(members, member) != members.end();
}

}  // namespace

SCENARIO(an_empty_collection_is_refused, 124) {
    try {
        co_await wait(Tasks{});
    } catch (const ValueError&) {
        log("ValueError");
    }
}

SCENARIO(all_completed_is_the_default, 124, 125) {
    const Tasks tasks{start("a", 2s), start("b", 1s), start("c", 3s)};
    const auto [done, pending] = co_await wait(tasks);
    log.at(names(done), names(pending));
}

SCENARIO(duplicates_count_once, 125) {
    const auto a = start("a", 1s);
    const auto b = start("b", 2s);
    const Tasks tasks{a, b, a, a};
    const auto [done, pending] = co_await wait(tasks);
    log(names(done), names(pending), done.size());
}

SCENARIO(futures_and_tasks_together, 125) {
    const auto future = create_future<int>();
    const auto task = start("t", 1s);
    log.loop().call_later(2s, [&] { future.set_result(1); });
    const std::vector<AnyFuture> members{future, AnyTask(task)};
    const auto [done, pending] = co_await wait(members);
    log.at(done.size(), pending.size(), is_in(done, AnyFuture(future)), is_in(done, AnyFuture(AnyTask(task))));
}

SCENARIO(it_never_raises_a_members_failure, 126) {
    const auto bad = start_failing("bad", 1s);
    const auto gone = start("gone", 10s);
    log.loop().call_later(2s, [&] { gone.cancel(); });
    const Tasks tasks{bad, gone};
    const auto [done, pending] = co_await wait(tasks);
    log.at(names(done), names(pending));
    log(bad.exception(), gone.cancelled());
}

SCENARIO(a_cancelled_waiter_leaves_the_members_alone, 126) {
    const auto member = start("member", 5s);
    auto waiter = [&]() -> Coro<> {
        const Tasks tasks{member};
        co_await wait(tasks);
    };
    const auto task = create_task(waiter());
    co_await sleep(1s);
    task.cancel("waiter only");
    const auto got = co_await outcome(task);
    log(got);
    log.at(member.done(), member.cancelling());
    const auto value = co_await member;
    log(value);
}

SCENARIO(a_timeout_leaves_the_members_alone, 126, 130) {
    const auto a = start("a", 1s);
    const auto b = start("b", 5s);
    const Tasks tasks{a, b};
    const auto [done, pending] = co_await wait(tasks, {.timeout = 3s});
    log.at(names(done), names(pending), b.cancelling());
    const auto value = co_await b;
    log(value);
    log.at("end");
}

SCENARIO(first_completed, 127) {
    const Tasks tasks{start("a", 3s), start("b", 1s), start("c", 2s)};
    const auto first = co_await wait(tasks, {.return_when = FIRST_COMPLETED});
    log.at(names(first.done), names(first.pending));
    const auto second = co_await wait(first.pending, {.return_when = FIRST_COMPLETED});
    log.at(names(second.done), names(second.pending));
    co_await wait(tasks);
}

SCENARIO(first_completed_counts_a_cancelled_member, 127) {
    const auto gone = start("gone", 10s);
    const auto other = start("other", 5s);
    log.loop().call_later(1s, [&] { gone.cancel(); });
    const Tasks tasks{gone, other};
    const auto [done, pending] = co_await wait(tasks, {.return_when = FIRST_COMPLETED});
    log.at(names(done), names(pending));
    co_await other;
}

SCENARIO(first_exception, 128) {
    const Tasks tasks{start("a", 1s), start_failing("bad", 2s), start("c", 3s)};
    const auto [done, pending] = co_await wait(tasks, {.return_when = FIRST_EXCEPTION});
    log.at(names(done), names(pending), tasks[1].exception());
    co_await tasks[2];
}

SCENARIO(first_exception_does_not_count_a_cancelled_member, 128) {
    const auto gone = start("gone", 10s);
    const auto other = start("other", 5s);
    log.loop().call_later(1s, [&] { gone.cancel(); });
    const Tasks tasks{gone, other};
    const auto [done, pending] = co_await wait(tasks, {.return_when = FIRST_EXCEPTION});
    log.at(names(done), names(pending));
}

SCENARIO(first_exception_without_a_failure_waits_for_all, 128) {
    const Tasks tasks{start("a", 1s), start("b", 2s)};
    const auto [done, pending] = co_await wait(tasks, {.return_when = FIRST_EXCEPTION});
    log.at(names(done), names(pending));
}

SCENARIO(done_is_computed_when_the_waiter_resumes, 129) {
    const auto first = create_future<int>();
    const auto second = create_future<int>();
    log.loop().call_soon([&] {
        first.set_result(1);
        log.loop().call_soon([&] { second.set_result(2); });
    });
    const std::vector members{first, second};
    const auto [done, pending] = co_await wait(members, {.return_when = FIRST_COMPLETED});
    log(is_in(done, first), is_in(done, second), pending.size());
}

SCENARIO(timeout_zero_is_a_poll, 130) {
    const auto ready = create_future<int>();
    ready.set_result(1);
    const auto never = create_future<int>();
    const std::vector members{ready, never};
    const auto [done, pending] = co_await wait(members, {.timeout = 0s});
    log.at(is_in(done, ready), is_in(pending, never), done.size());
}

SCENARIO(the_timeout_is_not_reached, 130) {
    const Tasks tasks{start("a", 1s)};
    const auto [done, pending] = co_await wait(tasks, {.timeout = 100s});
    log.at(names(done), names(pending));
    co_await sleep(1s);
    log.at("end");
}

SCENARIO(a_done_member_still_costs_a_suspension, 131) {
    const auto done_one = create_future<int>();
    const auto never = create_future<int>();
    done_one.set_result(1);
    log.loop().call_soon([&] { log("other work"); });
    const std::vector members{done_one, never};
    const auto [done, pending] = co_await wait(members, {.return_when = FIRST_COMPLETED});
    log(done.size(), pending.size());
}

SCENARIO(all_members_done, 131) {
    std::vector<Future<int>> futures;
    for (int n = 0; n < 3; ++n) {
        futures.push_back(create_future<int>());
        futures.back().set_result(1);
    }
    Turns turns;
    co_await sleep(0s);
    const int before = turns.count;
    const auto [done, pending] = co_await wait(futures);
    log(done.size(), pending.size(), turns.count - before);
    turns.stop();
}

SCENARIO(the_timer_is_disarmed, 132) {
    const auto future = create_future<int>();
    log.loop().call_later(1s, [&] { future.set_result(1); });
    const std::vector members{future};
    co_await wait(members, {.timeout = 1000s});
    log.at("done");
    co_await sleep(1s);
    log.at("the timer does not wake anybody");
}

SCENARIO(the_deadline_and_a_member_in_one_turn, 129, 130) {
    const auto a = start("a", 2s);
    const auto b = start("b", 5s);
    co_await sleep(0s);
    const Tasks tasks{a, b};
    const auto [done, pending] = co_await wait(tasks, {.timeout = 2s});
    log.at(names(done), names(pending));
    co_await b;
}

SCENARIO(two_waiters_on_the_same_members, 126) {
    const Tasks tasks{start("a", 1s), start("b", 2s)};
    auto waiter = [&](const char* name, ReturnWhen mode) -> Coro<> {
        const auto [done, pending] = co_await wait(tasks, {.return_when = mode});
        log.at(name, names(done), names(pending));
    };
    co_await gather(waiter("first", FIRST_COMPLETED), waiter("all", ALL_COMPLETED));
}

SCENARIO(cancelled_with_a_timeout, 126, 130) {
    const auto future = create_future<int>();
    auto waiter = [&]() -> Coro<> {
        const std::vector members{future};
        co_await wait(members, {.timeout = 10s});
    };
    const auto task = create_task(waiter());
    co_await sleep(1s);
    task.cancel();
    const auto got = co_await outcome(task);
    log(got, future.cancelled());
    log.at("end");
}
