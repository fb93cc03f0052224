// What compilers get wrong with coroutines: control that passes from one to the next must not grow the stack, with
// optimisation or without, under sanitizers or not. Exits 0, or 1 with a text that says what went wrong.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/loop.hpp"
#include "scheduler/virtual_parker.hpp"
#include "sync/async_generator.hpp"
#include "sync/fork_join.hpp"
#include "sync/report.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"

namespace {

using namespace std::chrono_literals;
using weft::Coro;
using weft::scheduler::Loop;
using weft::scheduler::VirtualParker;

constexpr int kAwaits = 1'000'000;
constexpr int kDepth = 100'000;
// A generator is destroyed by the frame that it is a local of, which is what a nested destructor takes of the stack.
constexpr int kGenerators = 2'000;

int failures = 0;

void expect(bool good, const std::string& what) {
    if (good) return;
    std::fprintf(stderr, "awaits: %s\n", what.c_str());
    ++failures;
}

template <class T>
T run(Coro<T> coro) {
    Loop loop(std::make_unique<VirtualParker>());
    const auto task = weft::create_task(std::move(coro), {.loop = &loop});
    while (!task.done()) loop.step();
    return task.result();
}

Coro<int> one() { co_return 1; }

Coro<int> a_million_awaits() {
    int sum = 0;
    for (int i = 0; i < kAwaits; ++i) sum += co_await one();
    co_return sum;
}

enum class AtTheBottom : std::uint8_t { returns, throws, suspends };

int destroyed = 0;
struct CountsDestruction {
    CountsDestruction() = default;
    CountsDestruction(const CountsDestruction&) = delete;
    CountsDestruction& operator=(const CountsDestruction&) = delete;
    ~CountsDestruction() { ++destroyed; }
};

Coro<int> nested(int depth, AtTheBottom bottom) {
    const CountsDestruction local;
    if (depth == 0) {
        if (bottom == AtTheBottom::throws) throw std::runtime_error("from the bottom");
        if (bottom == AtTheBottom::suspends) co_await weft::sleep(1h);
        co_return 0;
    }
    co_return 1 + co_await nested(depth - 1, bottom);
}

// Left first, so that the chain of first branches is deep.
Coro<int> nested_branches(int depth) {
    if (depth == 0) co_return 0;
    const auto [deep, flat] = co_await weft::fork_join(nested_branches(depth - 1), one());
    co_return deep + flat;
}

weft::async_generator<int> ones() {
    for (;;) co_yield 1;
}

weft::async_generator<int> ones_awaited() {
    for (;;) co_yield co_await one();
}

Coro<int> a_million_yields(weft::async_generator<int> generator) {
    int sum = 0;
    for (int i = 0; i < kAwaits; ++i) sum += *co_await generator.next();
    co_return sum;
}

// Each gives what the one below it gives; asked from the top, control passes down and up again.
weft::async_generator<int> nested_generators(int depth) {
    const CountsDestruction local;
    if (depth == 0) {
        for (int i = 0; i < kAwaits; ++i) {
            co_yield 0;
            co_await weft::sleep(1s);
        }
        co_return;
    }
    auto below = nested_generators(depth - 1);
    while (const auto value = co_await below.next()) co_yield *value + 1;
}

Coro<int> ask_nested_generators() {
    auto generator = nested_generators(kGenerators);
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += *co_await generator.next();
    co_await generator.aclose();
    co_return sum;
}

Coro<> a_million_turns() {
    for (int i = 0; i < kAwaits; ++i) co_await weft::sleep(0s);
}

int reported = 0;
void count_report(const weft::ExceptionContext&) { ++reported; }

void awaits_in_a_loop() {
    const int sum = run(a_million_awaits());
    expect(sum == kAwaits, "a million awaits gave " + std::to_string(sum));
    run(a_million_turns());
}

void generators() {
    const int sum = run(a_million_yields(ones()));
    expect(sum == kAwaits, "a million values of a generator gave " + std::to_string(sum));
    const int awaited = run(a_million_yields(ones_awaited()));
    expect(awaited == kAwaits, "a million values that a generator awaited gave " + std::to_string(awaited));
    destroyed = 0;
    const int nested_sum = run(ask_nested_generators());
    expect(nested_sum == 3 * kGenerators, "2,000 nested generators gave " + std::to_string(nested_sum));
    expect(destroyed == kGenerators + 1, "their end destroyed " + std::to_string(destroyed) + " of 2,001 locals");
}

void nested_awaits() {
    const int depth = run(nested(kDepth, AtTheBottom::returns));
    expect(depth == kDepth, "100,000 nested awaits gave " + std::to_string(depth));
    const int woken = run(nested(kDepth, AtTheBottom::suspends));
    expect(woken == kDepth, "100,000 nested awaits, woken at the bottom, gave " + std::to_string(woken));
    const int branches = run(nested_branches(kDepth));
    expect(branches == kDepth, "100,000 nested branches gave " + std::to_string(branches));
}

void a_nested_exception() {
    destroyed = 0;
    std::string what = "nothing";
    try {
        (void)run(nested(kDepth, AtTheBottom::throws));
    } catch (const std::runtime_error& error) {
        what = error.what();
    }
    expect(what == "from the bottom", "an exception through 100,000 awaits came out as: " + what);
    expect(destroyed == kDepth + 1, "it destroyed " + std::to_string(destroyed) + " of 100,001 locals");
}

void a_nested_destruction() {
    destroyed = 0;
    weft::sync::set_report_sink(&count_report);
    {
        Loop loop(std::make_unique<VirtualParker>());
        const auto task = weft::create_task(nested(kDepth, AtTheBottom::suspends), {.loop = &loop});
        loop.step();
        expect(loop.armed_timers() == 1, "the innermost of 100,000 awaits did not suspend");
        expect(destroyed == 0, "locals were destroyed although their coroutines are suspended");
        loop.close();
        expect(task.cancelled(), "the task of a closed loop is not cancelled");
    }
    weft::sync::set_report_sink(nullptr);
    expect(destroyed == kDepth + 1, "closing the loop destroyed " + std::to_string(destroyed) + " of 100,001 locals");
    expect(reported == 1, "closing the loop reported " + std::to_string(reported) + " tasks, expected 1");
}

}  // namespace

int main() {
    try {
        awaits_in_a_loop();
        generators();
        nested_awaits();
        a_nested_exception();
        a_nested_destruction();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "awaits: unexpected exception: %s\n", error.what());
        return 1;
    }
    if (failures == 0) std::puts("awaits: all good");
    return failures == 0 ? 0 : 1;
}
