// Async generators: values, suspension inside, closing, failures.
#include "tests/conformance/scenarios/trace.hpp"

using namespace weft;
using namespace weft::conformance;

namespace {

async_generator<int> numbers(int n) {
    for (int i = 0; i < n; ++i) co_yield i;
}

// Says when it is destroyed: a generator's `finally`.
struct Unwinds {
    Trace& log;
    const char* text;
    bool with_time = false;
    ~Unwinds() { with_time ? log.at(text) : log(text); }
};

}  // namespace

SCENARIO(values_in_order, 56) {
    auto generator = numbers(3);
    while (const auto value = co_await generator.next()) log(*value);
    log("end");
}

SCENARIO(it_runs_only_when_asked, 56) {
    auto body = [&]() -> async_generator<int> {
        log("starts");
        co_yield 1;
        log("goes on");
        co_yield 2;
        log("ends");
    };
    auto generator = body();
    log("created");
    while (const auto value = co_await generator.next()) log("got", *value);
}

SCENARIO(it_suspends_inside, 63) {
    auto ticks = []() -> async_generator<int> {
        for (int n = 0; n < 3; ++n) {
            co_await sleep(1s);
            co_yield n;
        }
    };
    auto generator = ticks();
    while (const auto n = co_await generator.next()) log.at("tick", *n);
}

SCENARIO(values_without_suspension_take_no_turn, 45) {
    auto generator = numbers(100);
    Turns turns;
    co_await sleep(0s);
    const int before = turns.count;
    int total = 0;
    while (const auto n = co_await generator.next()) total += *n;
    log(total, turns.count - before);
    turns.stop();
}

SCENARIO(a_failure_comes_out_of_the_loop, 57) {
    auto bad = []() -> async_generator<int> {
        co_yield 1;
        throw ValueError("bad");
    };
    auto consume = [&]() -> Coro<> {
        auto generator = bad();
        while (const auto value = co_await generator.next()) log(*value);
    };
    const auto got = co_await outcome(consume());
    log(got);
}

SCENARIO(a_cancel_reaches_into_it, 77) {
    auto ticks = [&]() -> async_generator<std::string> {
        const Unwinds unwinds{log, "generator unwinds", true};
        for (;;) {
            co_await sleep(1s);
            co_yield "tick";
        }
    };
    auto consume = [&]() -> Coro<> {
        auto generator = ticks();
        while (const auto value = co_await generator.next()) log.at(*value);
    };
    const auto task = create_task(consume());
    co_await sleep(2500ms);
    task.cancel();
    const auto got = co_await outcome(task);
    log(got);
}

SCENARIO(aclose_unwinds_at_the_yield, 201) {
    auto body = [&]() -> async_generator<int> {
        const Unwinds unwinds{log, "unwinds"};
        co_yield 1;
        co_yield 2;
    };
    auto generator = body();
    const auto first = co_await generator.next();
    log(first);
    log("left early");
    co_await generator.aclose();
    log("closed");
    co_await generator.aclose();
}

SCENARIO(aclose_of_one_that_never_started, 201) {
    auto body = [&]() -> async_generator<int> {
        log("never");
        co_yield 1;
    };
    auto generator = body();
    co_await generator.aclose();
    while (const auto value = co_await generator.next()) log("never");
    log("end");
}

SCENARIO(after_the_end_there_is_nothing, 201) {
    auto body = []() -> async_generator<int> { co_yield 1; };
    auto generator = body();
    while (const auto value = co_await generator.next()) log(*value);
    while (const auto value = co_await generator.next()) log("never");
    co_await generator.aclose();
    log("end");
}

SCENARIO(two_consumers_of_two_generators, 56) {
    auto ticks = [](std::string name, Duration step) -> async_generator<std::string> {
        for (int n = 0; n < 2; ++n) {
            co_await sleep(step);
            co_yield name + std::to_string(n);
        }
    };
    auto consume = [&](std::string name, Duration step) -> Coro<> {
        auto generator = ticks(name, step);
        while (const auto value = co_await generator.next()) log.at(*value);
    };
    co_await gather(consume("a", 2s), consume("b", 3s));
}

SCENARIO(generators_in_generators, 56) {
    auto squares = [](int n) -> async_generator<int> {
        auto inner = numbers(n);
        while (const auto i = co_await inner.next()) co_yield *i** i;
    };
    std::vector<int> values;
    auto generator = squares(4);
    while (const auto value = co_await generator.next()) values.push_back(*value);
    log(values);
}

SCENARIO(a_timeout_around_a_generator, 160) {
    auto ticks = []() -> async_generator<int> {
        for (int n = 0;; ++n) {
            co_await sleep(1s);
            co_yield n;
        }
    };
    auto consume = [&]() -> Coro<> {
        auto generator = ticks();
        while (const auto n = co_await generator.next()) log.at(*n);
    };
    const auto got = co_await outcome(timeout(2500ms, consume()));
    log(got);
    log.at("end");
}
