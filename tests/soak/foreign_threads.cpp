// Foreign threads: plain threads that hand callbacks and coroutines to the loops, take them back, wait for them, complete
// futures, and use queues and events from outside; and tasks that await a thread's future. Callbacks of one thread keep
// their order, each runs once or was taken back, and each coroutine gives its value.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "api/loop.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/errors.hpp"
#include "sync/event.hpp"
#include "sync/future.hpp"
#include "sync/queue.hpp"
#include "sync/run_in_executor.hpp"
#include "sync/task.hpp"
#include "sync/wrap_future.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

constexpr std::uint32_t kCalls = 40;
constexpr auto kLongest = 30s;  // of what takes microseconds

class ForeignThreads final : public Part {
public:
    ForeignThreads() : Part("foreign threads") {}

    Coro<> round(Random random) override {
        switch (random.below(4)) {
            case 0: co_return co_await callbacks(random);
            case 1: co_return co_await coroutines(random);
            case 2: co_return co_await wrapped(random);
            default: co_return co_await completions(random);
        }
    }

private:
    // --- call_soon_threadsafe ----------------------------------------------------------------------------------

    struct Callbacks {
        std::vector<std::uint32_t> ran;  // the loop's: numbers in the order in which they came
        std::array<bool, kCalls> taken_back{};  // the thread's
    };

    Coro<> callbacks(Random random) {
        Callbacks calls;
        Loop& loop = some_loop(random);
        auto thread = [this, &calls, &loop, random] { hand_over(calls, loop, random); };
        co_await to_thread(std::move(thread));
        std::uint32_t next = 0;
        bool right = true;
        for (const std::uint32_t number : calls.ran) {
            while (next < number) right = right && calls.taken_back[next++];
            right = right && number == next && !calls.taken_back[next];
            ++next;
        }
        while (next < kCalls) right = right && calls.taken_back[next++];
        check(right, "callbacks from a thread have not run once each, in order");
        did(kCalls);
    }

    void hand_over(Callbacks& calls, Loop& loop, Random random) {
        for (std::uint32_t i = 0; i < kCalls; ++i) {
            const Handle handle = loop.call_soon_threadsafe([&calls, i] { calls.ran.push_back(i); });
            if (!random.one_in(8)) continue;
            handle.cancel();
            calls.taken_back[i] = handle.cancelled();
            if (handle.cancelled()) cancelled();
        }
        // Behind all of them.
        run_coroutine_threadsafe(nothing(), loop).result(kLongest);
    }
    static Coro<> nothing() { co_return; }

    // --- run_coroutine_threadsafe ------------------------------------------------------------------------------

    Coro<> coroutines(Random random) {
        const std::vector<Loop*> loops = get_loops();
        auto thread = [this, loops, random] { run_coroutines(loops, random); };
        co_await to_thread(std::move(thread));
        did(kCalls);
    }

    void run_coroutines(const std::vector<Loop*>& loops, Random random) {
        std::atomic<std::uint32_t> told{0};
        std::vector<ConcurrentFuture<std::uint32_t>> futures;
        for (std::uint32_t i = 0; i < kCalls; ++i) {
            Loop& loop = *loops[random.below(static_cast<std::uint32_t>(loops.size()))];
            futures.push_back(run_coroutine_threadsafe(answer(i, random.split()), loop));
            futures.back().add_done_callback(
                [&told](const ConcurrentFuture<std::uint32_t>&) { told.fetch_add(1, std::memory_order_release); });
            if (random.one_in(6) && futures[random.below(i + 1)].cancel()) cancelled();
        }
        for (std::uint32_t i = 0; i < kCalls; ++i) {
            try {
                check(futures[i].result(kLongest) == i, "a thread got another coroutine's value");
            } catch (const Intended& error) {
                check(i % 10 == 9, "a thread's coroutine has failed without a reason");
                failed(error);
            } catch (const CancelledError&) {
                check(futures[i].cancelled(), "a thread's coroutine was cancelled by nobody");
            } catch (const TimeoutError&) {
                check(false, "a thread's coroutine has not ended");
            }
        }
        while (told.load(std::memory_order_acquire) != kCalls) std::this_thread::yield();  // they run on the loops
    }

    static Coro<std::uint32_t> answer(std::uint32_t number, Random random) {
        co_await pause(random);
        if (number % 10 == 9) throw Intended();
        co_return number;
    }

    // --- wrap_future -------------------------------------------------------------------------------------------

    Coro<> wrapped(Random random) {
        Crowd crowd(random.split());
        for (std::uint32_t i = 0; i < 8; ++i) crowd.add(wraps(random.split()));
        const Ends ends = co_await crowd.disturbed(random.below(6));
        check(ends.values + ends.cancelled == crowd.size(), "a task that awaits a thread's future has failed");
        check(ends.cancelled <= ends.hits, "a task that awaits a thread's future was cancelled by nobody");
        cancelled(ends.hits);
        did(crowd.size());
    }

    Coro<> wraps(Random random) {
        const std::uint32_t number = random.below(8);
        const auto future = run_coroutine_threadsafe(answer(number, random.split()), some_loop(random));
        check(co_await wrap_future(future) == number, "a wrapped future gave another value");
    }

    // --- futures, events and queues from outside ---------------------------------------------------------------

    struct Outside {
        Event begin;
        Queue<std::uint32_t> queue{4};
        std::vector<Future<std::uint32_t>> futures;
        std::array<std::uint64_t, kCalls> written{};  // before each future is completed
    };

    Coro<> completions(Random random) {
        Outside outside;
        for (std::uint32_t i = 0; i < kCalls; ++i) outside.futures.push_back(create_future<std::uint32_t>());
        auto thread = [&outside, random] { complete(outside, random); };
        const auto job = to_thread(std::move(thread));
        const auto getter = create_task(gets(outside), {.loop = somewhere(random)});
        co_await outside.begin.wait();
        for (std::uint32_t i = 0; i < kCalls; ++i) {
            check(co_await outside.futures[i] == i, "a future gave another value");
            check(outside.written[i] == i, "what was written before a future's end is not seen after it");
        }
        co_await job;
        check(co_await getter == kCalls, "what a thread has put into a queue has not come out");
        did(2 * kCalls);
    }

    static void complete(Outside& outside, Random random) {
        outside.begin.set();
        for (std::uint32_t i = 0; i < kCalls; ++i) {
            outside.written[i] = i;
            outside.futures[i].set_result(i);
            while (!outside.queue.try_put(i)) std::this_thread::yield();
            if (random.one_in(8)) std::this_thread::yield();
        }
        outside.queue.shutdown();
    }

    Coro<std::uint32_t> gets(Outside& outside) {
        std::uint32_t next = 0;
        try {
            for (;; ++next) check(co_await outside.queue.get() == next, "items of one thread are out of order");
        } catch (const QueueShutDown&) {
            co_return next;
        }
    }
};

}  // namespace

std::unique_ptr<Part> make_foreign_threads() { return std::make_unique<ForeignThreads>(); }

}  // namespace weft::soak
