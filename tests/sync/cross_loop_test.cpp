// Real threads: futures, tasks, groups, scopes and combinators used from many loops at once.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/as_completed.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "sync/sleep.hpp"
#include "sync/task_group.hpp"
#include "sync/timeout.hpp"
#include "sync/wait.hpp"
#include "sync/wait_for.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/group.hpp"

using namespace std::chrono_literals;
using weft::any_loop;
using weft::AnyTask;
using weft::Coro;
using weft::create_future;
using weft::create_task;
using weft::current_task;
using weft::Future;
using weft::sleep;
using weft::Task;
using weft::test::eventually;
using weft::test::Group;

namespace {

constexpr std::size_t kLoops = 8;

// Repeats a round with seeds 1, 2, 3, ... for as long as the budget lasts, at least `least` times.
template <class Round>
void for_a_while(std::chrono::milliseconds budget, std::uint32_t least, Round round) {
    const auto end = std::chrono::steady_clock::now() + budget;
    for (std::uint32_t seed = 1; seed <= least || std::chrono::steady_clock::now() < end; ++seed) {
        CAPTURE(seed);
        round(seed);
    }
}

class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed * 2654435761U + 1) {}
    std::uint32_t operator()(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }

private:
    std::minstd_rand engine_;
};

enum class End : std::uint8_t { value, cancelled, error };

template <class A>
Coro<End> quietly(A awaitable) {
    try {
        (void)co_await std::move(awaitable);
        co_return End::value;
    } catch (const weft::CancelledError&) {
        co_return End::cancelled;
    } catch (const std::exception&) {
        co_return End::error;
    }
}

End end_of(const weft::sync::FutureState& state) {
    switch (state.outcome()) {
        case weft::sync::Outcome::cancelled: return End::cancelled;
        case weft::sync::Outcome::exception: return End::error;
        default: return End::value;
    }
}

// All parties begin together; each holds up its loop until then.
class Start {
public:
    explicit Start(int parties) : missing_(parties) {}
    void arrive_and_wait() {
        missing_.fetch_sub(1, std::memory_order_relaxed);
        while (missing_.load(std::memory_order_relaxed) > 0) std::this_thread::yield();
    }

private:
    std::atomic<int> missing_;
};

// --- every pair of verbs ------------------------------------------------------------------------------------------

struct Round {
    Future<int> future = create_future<int>();
    Start start{kLoops};
    std::atomic<int> winners{0};
    std::atomic<int> wrong{0};
    // One for each callback: called, and taken off.
    struct Registration {
        std::atomic<int> calls{0};
        bool removed = false;
    };
    std::array<std::deque<Registration>, kLoops> registrations;

    void won(bool won) { winners.fetch_add(won, std::memory_order_relaxed); }
    void check(bool good) { wrong.fetch_add(!good, std::memory_order_relaxed); }
    // A future's end as an awaiter saw it.
    void saw(End end) { check(future.done() && end == end_of(future.state())); }
};

using Verb = Coro<> (*)(Round& round, std::size_t who);

Coro<> completes(Round& round, std::size_t who) {
    round.won(round.future.try_set_result(static_cast<int>(who)));
    co_return;
}
Coro<> fails(Round& round, std::size_t) {
    round.won(round.future.try_set_exception(std::runtime_error("planned")));
    co_return;
}
Coro<> cancels(Round& round, std::size_t) {
    round.won(round.future.cancel("cancelled"));
    co_return;
}
Coro<> awaits(Round& round, std::size_t) { round.saw(co_await quietly(round.future)); }
Coro<> awaits_in_tasks(Round& round, std::size_t) {
    const auto here = create_task(quietly(round.future));
    const auto anywhere = create_task(quietly(round.future), {.loop = any_loop, .eager_start = true});
    round.saw(co_await here);
    round.saw(co_await anywhere);
}
Coro<> calls_back(Round& round, std::size_t who) {
    for (int i = 0; i < 3; ++i) {
        auto& mine = round.registrations[who].emplace_back();
        round.future.add_done_callback([&mine](const Future<int>&) { mine.calls.fetch_add(1); });
    }
    co_return;
}
Coro<> takes_callbacks_off(Round& round, std::size_t who) {
    std::vector<weft::CallbackId> ids;
    for (int i = 0; i < 3; ++i) {
        auto& mine = round.registrations[who].emplace_back();
        ids.push_back(round.future.add_done_callback([&mine](const Future<int>&) { mine.calls.fetch_add(1); }));
    }
    for (const std::size_t i : {1U, 0U, 2U}) {
        const std::size_t removed = round.future.remove_done_callback(ids[i]);
        round.registrations[who][i].removed = removed == 1;
        round.check(round.future.remove_done_callback(ids[i]) == 0);
    }
    co_return;
}
Coro<> waits_in_vain(Round& round, std::size_t who) {
    const std::vector<Future<int>> one{round.future};
    for (int i = 0; i < 3; ++i) {
        const auto result = co_await weft::wait(one, {.timeout = (who % 3) * 5us});
        round.check(result.done.size() + result.pending.size() == 1);
        if (!result.done.empty()) round.check(round.future.done());
    }
}
Coro<> shields(Round& round, std::size_t) { round.saw(co_await quietly(weft::shield(round.future))); }
Coro<> cancels_shields(Round& round, std::size_t) {
    const auto outer = weft::shield(round.future);
    const auto waiter = create_task(quietly(outer), {.loop = any_loop, .eager_start = true});
    const bool cancelled = outer != round.future && outer.cancel();
    const End end = co_await waiter;
    if (cancelled) {
        round.check(end == End::cancelled);
    } else {
        round.saw(end);
    }
}
Coro<> waits_and_is_cancelled(Round& round, std::size_t) {
    const std::vector<Future<int>> one{round.future};
    const auto waiter = create_task(weft::wait(one, {.timeout = 1h}), {.loop = any_loop, .eager_start = true});
    waiter.cancel();
    const End end = co_await quietly(waiter);
    round.check(end == End::cancelled || (end == End::value && round.future.done()));
}
Coro<> takes_as_completed(Round& round, std::size_t) {
    const std::vector<Future<int>> one{round.future};
    auto completed = weft::as_completed(one, 20us);
    auto next = completed.next();
    const End end = co_await quietly(std::move(next));
    round.check(end == End::error || (end == End::value && round.future.done()));
}

const std::vector<Verb> kVerbs{
    completes,           fails,         cancels, awaits,          awaits_in_tasks,        calls_back,
    takes_callbacks_off, waits_in_vain, shields, cancels_shields, waits_and_is_cancelled, takes_as_completed};

Coro<> acts(Verb verb, Round& round, std::size_t who) {
    round.start.arrive_and_wait();
    co_await verb(round, who);
}

}  // namespace

TEST_CASE("cross_loop: every pair of verbs on one future, from eight threads") {
    const Group group(kLoops);
    int completed_by_a_verb = 0;
    const auto play = [&](Verb a, Verb b) {
        auto round = std::make_unique<Round>();
        std::vector<Task<>> actors;
        auto main = [&]() -> Coro<> {
            for (std::size_t i = 0; i < kLoops; ++i) {
                actors.push_back(create_task(acts(i % 2 == 0 ? a : b, *round, i), {.loop = &group.loop(i)}));
            }
            co_return;
        };
        group.run(main());
        // Unless one of them completes it.
        std::this_thread::yield();
        const bool late = round->future.try_set_result(-1);
        auto joins = [&]() -> Coro<> {
            for (const auto& actor : actors) co_await actor;
        };
        group.run(joins(), 1);
        completed_by_a_verb += !late;
        CHECK(round->winners.load() == (late ? 0 : 1));
        CHECK(round->wrong.load() == 0);
        CHECK_FALSE(round->future.state().has_waiters());
        // Once each, unless it was taken off.
        const bool called = eventually([&] {
            for (const auto& of_one : round->registrations) {
                for (const auto& registration : of_one) {
                    if (registration.calls.load() != (registration.removed ? 0 : 1)) return false;
                }
            }
            return true;
        });
        CHECK(called);
        (void)round->future.state().failure();  // looked at
    };
    for_a_while(2s, 1, [&](std::uint32_t) {
        for (std::size_t a = 0; a < kVerbs.size(); ++a) {
            for (std::size_t b = a; b < kVerbs.size(); ++b) {
                CAPTURE(a);
                CAPTURE(b);
                play(kVerbs[a], kVerbs[b]);
            }
        }
    });
    CHECK(completed_by_a_verb > 0);
    CHECK(group.rescues() == 0);
}

TEST_CASE("cross_loop: one task awaited from every loop, completing while it is cancelled") {
    const Group group(kLoops);
    int cancelled = 0;
    int values = 0;
    for_a_while(1s, 20, [&](std::uint32_t seed) {
        const auto gate = create_future<int>();
        auto work = [](Future<int> of) -> Coro<int> { co_return co_await of + 1; };
        std::vector<Task<End>> waiters;
        Task<int> task;
        auto main = [&]() -> Coro<> {
            task = create_task(work(gate), {.loop = any_loop});
            for (std::size_t i = 0; i < kLoops; ++i) {
                waiters.push_back(create_task(quietly(task), {.loop = &group.loop(i)}));
                waiters.push_back(create_task(quietly(weft::shield(task)), {.loop = any_loop}));
            }
            co_return;
        };
        group.run(main(), seed % kLoops);
        std::thread canceller([&] {
            for (std::uint32_t i = 0; i < seed % 5; ++i) std::this_thread::yield();
            task.cancel("racing");
        });
        for (std::uint32_t i = 0; i < seed % 3; ++i) std::this_thread::yield();
        (void)gate.try_set_result(1);
        auto joins = [&]() -> Coro<int> {
            int different = 0;
            for (const auto& waiter : waiters) {
                const End end = co_await waiter;
                different += end != end_of(task.state());
            }
            co_return different;
        };
        const int different = group.run(joins());
        canceller.join();
        CHECK(different == 0);
        (task.cancelled() ? cancelled : values) += 1;
    });
    CHECK(cancelled > 0);
    CHECK(values > 0);
    CHECK(group.rescues() == 0);
}

TEST_CASE("cross_loop: a chain of a thousand tasks is cancelled while it completes") {
    constexpr std::size_t kLength = 1000;
    const Group group(kLoops);
    int whole = 0;
    int broken = 0;
    for_a_while(1500ms, 6, [&](std::uint32_t seed) {
        const auto gate = create_future<int>();
        auto first = [](Future<int> of) -> Coro<int> { co_return co_await of; };
        auto link = [](Task<int> below) -> Coro<int> { co_return co_await below + 1; };
        std::vector<Task<int>> chain;
        auto main = [&]() -> Coro<> {
            chain.push_back(create_task(first(gate), {.loop = any_loop}));
            while (chain.size() < kLength) {
                if (seed % 2 == 0) {
                    chain.push_back(create_task(link(chain.back()), {.loop = any_loop}));
                } else {
                    chain.push_back(create_task(link(chain.back()), {.loop = &group.loop(chain.size() % kLoops)}));
                }
            }
            co_return;
        };
        group.run(main(), seed % kLoops);
        std::thread completer([&] {
            for (std::uint32_t i = 0; i < seed % 4; ++i) std::this_thread::yield();
            (void)gate.try_set_result(0);
        });
        std::thread canceller([&] {
            for (std::uint32_t i = 0; i < seed % 7; ++i) std::this_thread::yield();
            chain.back().cancel("outermost");
            chain[kLength / 2].cancel("middle");
        });
        auto joins = [&]() -> Coro<End> {
            const End end = co_await quietly(chain.back());
            for (const auto& task : chain) (void)co_await quietly(task);
            co_return end;
        };
        const End end = group.run(joins(), seed % kLoops);
        completer.join();
        canceller.join();
        // Above one that was cancelled all are; below, each has its number.
        int wrong = 0;
        bool above = false;
        for (std::size_t i = 0; i < kLength; ++i) {
            above = above || chain[i].cancelled();
            wrong += chain[i].cancelled() != above;
            wrong += !above && chain[i].result() != static_cast<int>(i);
        }
        CHECK(wrong == 0);
        CHECK(end == (above ? End::cancelled : End::value));
        (above ? broken : whole) += 1;
    });
    CHECK(broken > 0);
    CHECK(group.rescues() == 0);
    (void)whole;  // may be 0 on a slow machine
}

TEST_CASE("cross_loop: TaskGroup.create_task from its own tasks on many loops while a child fails") {
    const Group group(kLoops);
    std::atomic<int> alive{0};
    struct Alive {
        explicit Alive(std::atomic<int>& living) : count(living) { count.fetch_add(1, std::memory_order_relaxed); }
        Alive(const Alive&) = delete;
        Alive& operator=(const Alive&) = delete;
        ~Alive() { count.fetch_sub(1, std::memory_order_relaxed); }
        std::atomic<int>& count;
    };
    int failed = 0;
    int cancelled_too = 0;
    for_a_while(2s, 20, [&](std::uint32_t seed) {
        std::atomic<int> born{0};
        std::atomic<int> refused{0};
        const int limit = 20 + static_cast<int>(seed % 40);
        weft::TaskGroup tasks;
        auto breeds = [&](auto& self, std::uint32_t mine) -> Coro<> {
            const Alive counted(alive);
            Random random(mine);
            if (random(3) == 0) co_await sleep(random(3) * 10us);
            const int number = born.fetch_add(1, std::memory_order_relaxed);
            if (number == limit) throw std::runtime_error("planned");
            for (std::uint32_t i = 0; i < 2; ++i) {
                try {
                    weft::TaskOptions options{.loop = any_loop};
                    if (random(3) == 0) options.loop = &group.loop(random(kLoops));
                    if (random(4) == 0) options.eager_start = true;
                    if (number < limit + 200) tasks.create_task(self(self, mine * 2 + i), options);
                } catch (const std::runtime_error&) {
                    refused.fetch_add(1, std::memory_order_relaxed);
                }
            }
            if (random(3) == 0) co_await sleep(random(3) * 10us);
        };
        auto starts = [&](weft::TaskGroup& same) -> Coro<> {
            same.create_task(breeds(breeds, seed), {.loop = any_loop});
            if (seed % 3 == 0) co_await sleep(1h);
        };
        // What the group ends with, the parent's count, and that nothing comes later.
        auto parent = [&](bool outside) -> Coro<std::string> {
            std::string how = "value";
            try {
                co_await tasks.run(starts);
            } catch (const weft::ExceptionGroup&) {
                how = "group";
            } catch (const weft::CancelledError&) {
                how = "cancelled";
            }
            if (alive.load(std::memory_order_relaxed) != 0) how += ", children alive";
            if (!outside && current_task().cancelling() != 0) how += ", count not restored";
            if (!outside) co_await sleep(0s);
            co_return how;
        };
        const bool outside = seed % 2 == 0;
        Task<std::string> task;
        auto main = [&]() -> Coro<> {
            task = create_task(parent(outside), {.loop = any_loop});
            co_return;
        };
        group.run(main(), seed % kLoops);
        if (outside) {
            for (std::uint32_t i = 0; i < seed % 11; ++i) std::this_thread::yield();
            task.cancel("outside");
        }
        auto joins = [&]() -> Coro<std::string> {
            try {
                co_return co_await task;
            } catch (const weft::CancelledError&) {
                co_return "task cancelled";  // before its first step, or by the request that was issued again
            }
        };
        const std::string how = group.run(joins(), (seed + 1) % kLoops);
        CAPTURE(how);
        if (outside) {
            CHECK((how == "group" || how == "cancelled" || how == "task cancelled"));
            cancelled_too += how != "group";
        } else {
            CHECK(how == "group");
            ++failed;
        }
        CHECK(alive.load() == 0);
    });
    CHECK(failed > 0);
    CHECK(cancelled_too > 0);
    CHECK(group.rescues() == 0);
}

namespace {

// Spins over a point in time without suspending.
void spin_until(std::chrono::steady_clock::time_point when) {
    while (std::chrono::steady_clock::now() < when) {
    }
}

struct Tally {
    int expired = 0;
    int in_time = 0;
    int wrong_count = 0;
    int stray = 0;
    int expired_quietly = 0;
};

// One scope whose body hops to another loop and is there when its time runs out.
Coro<> one_scope(const Group& group, Random& random, Tally& tally) {
    const auto before = current_task().cancelling();
    const auto time = std::chrono::microseconds(20 + random(60));
    const auto deadline = std::chrono::steady_clock::now() + time;
    const std::uint32_t kind = random(4);
    const std::uint32_t where = random(kLoops);
    auto body = [&]() -> Coro<> {
        const auto hop = create_future<int>();
        auto completes_there = [](Future<int> of) -> Coro<> {
            of.set_result(1);
            co_return;
        };
        auto shielded = create_task(completes_there(hop), {.loop = &group.loop(where)});
        (void)co_await weft::shield(hop);  // resumes where it was woken
        switch (kind) {
            case 0: break;
            case 1: spin_until(deadline + 30us); break;  // the request is not delivered
            case 2:
                spin_until(deadline - 5us);
                co_await sleep(0s);
                break;
            default: co_await sleep(1h); break;
        }
    };
    weft::Timeout scope(time);
    End end = End::value;
    try {
        co_await scope.run(body);
    } catch (const weft::TimeoutError&) {
        end = End::error;
    } catch (const weft::CancelledError&) {
        end = End::cancelled;
    }
    tally.expired += end == End::error;
    tally.in_time += end == End::value;
    tally.expired_quietly += end == End::value && scope.expired();
    tally.wrong_count += current_task().cancelling() != before;
    tally.stray += end == End::cancelled;
    for (int i = 0; i < 2; ++i) {
        const End later = co_await quietly(sleep(0s));
        tally.stray += later != End::value;
    }
}

}  // namespace

TEST_CASE("cross_loop: scopes whose task hops between loops: the count is restored, nothing comes later") {
    const Group group(kLoops);
    Tally sum;
    for_a_while(2s, 3, [&](std::uint32_t seed) {
        auto many = [&](std::uint32_t mine, bool old_request) -> Coro<Tally> {
            Random random(mine);
            Tally tally;
            if (old_request) {
                current_task().cancel("old");
                (void)co_await quietly(sleep(1h));
            }
            for (int i = 0; i < 40; ++i) co_await one_scope(group, random, tally);
            co_return tally;
        };
        auto main = [&]() -> Coro<Tally> {
            std::vector<Task<Tally>> tasks;
            for (std::uint32_t i = 0; i < 6; ++i) {
                tasks.push_back(create_task(many(seed * 10 + i, i % 2 == 1), {.loop = any_loop}));
            }
            Tally all;
            for (const auto& task : tasks) {
                const Tally one = co_await task;
                all.expired += one.expired;
                all.in_time += one.in_time;
                all.wrong_count += one.wrong_count;
                all.stray += one.stray;
                all.expired_quietly += one.expired_quietly;
            }
            co_return all;
        };
        const Tally all = group.run(main(), seed % kLoops);
        CHECK(all.wrong_count == 0);
        CHECK(all.stray == 0);
        sum.expired += all.expired;
        sum.in_time += all.in_time;
        sum.expired_quietly += all.expired_quietly;
    });
    CHECK(sum.expired > 0);
    CHECK(sum.in_time > 0);
    MESSAGE("expired while the body did not suspend: " << sum.expired_quietly);
    CHECK(group.rescues() == 0);
}

TEST_CASE(
    "cross_loop: members that end on other loops: wait, gather, shield and as_completed lose and double nothing") {
    constexpr std::size_t kMembers = 24;
    const Group group(kLoops);
    for_a_while(2s, 10, [&](std::uint32_t seed) {
        auto member = [](std::uint32_t mine, int number) -> Coro<int> {
            Random random(mine);
            if (random(3) != 0) co_await sleep(random(4) * 10us);
            co_return number;
        };
        auto main = [&]() -> Coro<int> {
            int wrong = 0;
            std::vector<Task<int>> members;
            for (std::size_t i = 0; i < kMembers; ++i) {
                members.push_back(create_task(member(seed * 100 + static_cast<std::uint32_t>(i), static_cast<int>(i)),
                                              {.loop = &group.loop(i % kLoops)}));
            }
            // Several consumers, on many loops, of one iteration; one of them is cancelled.
            std::array<std::atomic<int>, kMembers> seen{};
            auto completed = weft::as_completed(members);
            auto consumes = [&](Coro<int> next) -> Coro<> {
                const int number = co_await std::move(next);
                seen[static_cast<std::size_t>(number)].fetch_add(1, std::memory_order_relaxed);
            };
            std::vector<Task<>> consumers;
            for (auto next : completed) {
                consumers.push_back(create_task(consumes(std::move(next)), {.loop = any_loop}));
            }
            wrong += consumers.size() != kMembers;
            consumers[seed % kMembers].cancel();

            auto first_of = [&](std::size_t from) -> Coro<bool> {
                const std::vector<Task<int>> some(members.begin() + static_cast<std::ptrdiff_t>(from), members.end());
                const auto result = co_await weft::wait(some, {.return_when = weft::FIRST_COMPLETED});
                co_return !result.done.empty() && result.done.size() + result.pending.size() == some.size();
            };
            std::vector<Task<bool>> firsts;
            for (std::size_t i = 0; i < 6; ++i) firsts.push_back(create_task(first_of(i * 3), {.loop = any_loop}));
            std::vector<Future<int>> shielded;
            for (const auto& task : members) shielded.push_back(weft::shield(task));
            const auto everything = weft::gather(members);

            const auto all = co_await weft::wait(members, {.timeout = 30s});
            wrong += all.done.size() != kMembers;
            for (std::size_t i = 0; i < kMembers; ++i) wrong += co_await shielded[i] != static_cast<int>(i);
            const std::vector<int> gathered = co_await everything;
            for (std::size_t i = 0; i < kMembers; ++i) wrong += gathered[i] != static_cast<int>(i);
            for (const auto& first : firsts) wrong += !co_await first;
            int delivered = 0;
            int ended = 0;
            for (const auto& consumer : consumers) ended += co_await quietly(consumer) == End::value;
            for (const auto& count : seen) {
                wrong += count.load() > 1;
                delivered += count.load();
            }
            // A cancel that comes in the last step of a consumer, after its delivery, still cancels it (rule 84).
            const int cut_off = static_cast<int>(kMembers) - ended;
            wrong += cut_off > 1 || delivered < ended || delivered > ended + cut_off;
            for (const auto& task : members) wrong += task.state().has_waiters();
            co_return wrong;
        };
        CHECK(group.run(main(), seed % kLoops) == 0);
    });
    CHECK(group.rescues() == 0);
}

TEST_CASE("cross_loop: iterations that time out while their members end on other loops") {
    const Group group(kLoops);
    int late = 0;
    int in_time = 0;
    for_a_while(1s, 10, [&](std::uint32_t seed) {
        auto member = [](std::uint32_t mine) -> Coro<int> {
            Random random(mine);
            co_await sleep(random(60) * 1us);
            co_return 1;
        };
        struct Counts {
            int values = 0;
            int timeouts = 0;
        };
        auto main = [&]() -> Coro<Counts> {
            std::vector<Task<int>> members;
            for (std::uint32_t i = 0; i < kLoops; ++i) {
                members.push_back(create_task(member(seed * 100 + i), {.loop = &group.loop(i)}));
            }
            Counts counts;
            for (auto next : weft::as_completed(members, 40us)) {
                const End end = co_await quietly(std::move(next));
                counts.values += end == End::value;
                counts.timeouts += end == End::error;
            }
            (void)co_await weft::wait(members);
            for (const auto& task : members) counts.values += task.state().has_waiters() ? 1000 : 0;
            co_return counts;
        };
        const Counts counts = group.run(main(), seed % kLoops);
        CHECK(counts.values + counts.timeouts == static_cast<int>(kLoops));
        late += counts.timeouts;
        in_time += counts.values;
    });
    CHECK(late > 0);
    CHECK(in_time > 0);
    CHECK(group.rescues() == 0);
}

TEST_CASE("cross_loop: wait_for and shield around work elsewhere, with deadlines that race with its end") {
    const Group group(kLoops);
    int timed_out = 0;
    int values = 0;
    for_a_while(1s, 10, [&](std::uint32_t seed) {
        auto work = [](std::uint32_t mine) -> Coro<int> {
            Random random(mine);
            co_await sleep(random(60) * 1us);
            co_return 1;
        };
        struct Counts {
            int values = 0;
            int timeouts = 0;
            int wrong = 0;
        };
        auto limits = [&](std::uint32_t mine) -> Coro<Counts> {
            Counts counts;
            for (std::uint32_t i = 0; i < 10; ++i) {
                const Task<int> task = create_task(work(mine * 10 + i), {.loop = &group.loop((mine + i) % kLoops)});
                const bool protect = i % 2 == 0;
                End end = End::value;
                if (protect) {
                    end = co_await quietly(weft::wait_for(weft::shield(task), 30us));
                } else {
                    end = co_await quietly(weft::wait_for(task, 30us));
                }
                counts.values += end == End::value;
                counts.timeouts += end == End::error;
                counts.wrong += end == End::cancelled;
                counts.wrong += current_task().cancelling() != 0;
                if (!protect) counts.wrong += !task.done();
                const End of_task = co_await quietly(task);
                counts.wrong += protect && of_task != End::value;
            }
            co_return counts;
        };
        auto main = [&]() -> Coro<Counts> {
            std::vector<Task<Counts>> tasks;
            for (std::uint32_t i = 0; i < 6; ++i) {
                tasks.push_back(create_task(limits(seed * 10 + i), {.loop = any_loop}));
            }
            Counts all;
            for (const auto& task : tasks) {
                const Counts one = co_await task;
                all.values += one.values;
                all.timeouts += one.timeouts;
                all.wrong += one.wrong;
            }
            co_return all;
        };
        const Counts all = group.run(main(), seed % kLoops);
        CHECK(all.wrong == 0);
        timed_out += all.timeouts;
        values += all.values;
    });
    CHECK(timed_out > 0);
    CHECK(values > 0);
    CHECK(group.rescues() == 0);
}

TEST_CASE("rule 135: no time at all, and a coroutine never starts, though other loops look for work") {
    const Group group(kLoops);
    std::atomic<int> started{0};
    auto starts = [&]() -> Coro<> {
        started.fetch_add(1, std::memory_order_relaxed);
        co_return;
    };
    auto waits = [&]() -> Coro<int> {
        int timeouts = 0;
        for (int i = 0; i < 1000; ++i) {
            try {
                co_await weft::wait_for(starts(), 0s);
            } catch (const weft::TimeoutError&) {
                ++timeouts;
            }
        }
        co_return timeouts;
    };
    auto body = [&]() -> Coro<> {
        std::vector<Task<int>> tasks;
        for (std::size_t i = 0; i < kLoops; ++i) tasks.push_back(create_task(waits(), {.loop = any_loop}));
        for (const Task<int>& task : tasks) CHECK(co_await task == 1000);
    };
    group.run(body());
    CHECK(started == 0);
}
