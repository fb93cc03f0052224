// Executors: functions on the default executor's threads and on oneTBB's, with failures, cancels and limits of time. What a
// function gives comes back to the loop that asked; one that was never called gave nothing.
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "api/loop.hpp"
#include "sync/cpu_executor.hpp"
#include "sync/errors.hpp"
#include "sync/future.hpp"
#include "sync/run_in_executor.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

class Executors final : public Part {
public:
    Executors() : Part("executors") {}

    Coro<> round(Random random) override {
        const auto calls = std::make_shared<Calls>();
        Crowd crowd(random.split());
        for (std::uint32_t left = random.from_to(2, 10); left != 0; --left) crowd.add(asks(calls, random.split()));
        const Ends ends = co_await crowd.disturbed(random.below(4));
        check(ends.values + ends.cancelled + ends.failed == crowd.size(), "a function in an executor was lost");
        check(ends.cancelled <= ends.hits, "a function in an executor was cancelled by nobody");
        const std::uint32_t made = calls->made.load(std::memory_order_relaxed);
        check(calls->answered.load(std::memory_order_relaxed) + ends.failed <= made, "an answer came without a call");
        check(made <= crowd.size(), "a function was called twice");
        cancelled(ends.hits);
        failed(ends.failed);
        did(crowd.size());
    }

private:
    // Shared with the calls: one whose future is cancelled goes on.
    struct Calls {
        std::atomic<std::uint32_t> made{0};
        std::atomic<std::uint32_t> answered{0};
    };

    Coro<> asks(std::shared_ptr<Calls> calls, Random random) {
        const std::uint64_t question = random.next();
        // What it was given and what it gives is plain: an executor that orders nothing is a data race.
        auto call = [calls, question = std::make_unique<std::uint64_t>(question)] {
            calls->made.fetch_add(1, std::memory_order_relaxed);
            if (*question % 8 == 0) throw Intended();
            return std::make_shared<std::uint64_t>(*question + 1);
        };
        if (random.one_in(3)) co_await pause(random);  // not later: a failure that nobody awaits is reported
        Future<std::shared_ptr<std::uint64_t>> asked;
        switch (random.below(3)) {
            case 0: asked = to_thread(std::move(call)); break;
            case 1: asked = get_running_loop().run_in_executor(nullptr, std::move(call)); break;
            default: asked = get_running_loop().run_in_executor(cpu_executor(), std::move(call)); break;
        }
        std::shared_ptr<std::uint64_t> answer;
        if (random.one_in(4)) {
            try {
                answer = co_await wait_for(asked, random.up_to(500us));
            } catch (const TimeoutError&) {
                failed();
                co_return;
            }
        } else {
            answer = co_await asked;
        }
        check(*answer == question + 1, "a function in an executor gave another answer");
        calls->answered.fetch_add(1, std::memory_order_relaxed);
    }
};

}  // namespace

std::unique_ptr<Part> make_executors() { return std::make_unique<Executors>(); }

}  // namespace weft::soak
