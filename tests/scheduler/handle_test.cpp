#include "scheduler/handle.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/virtual_parker.hpp"

using namespace std::chrono_literals;
using weft::Handle;
using weft::TimePoint;
using weft::TimerHandle;
using weft::scheduler::Callback;
using weft::scheduler::CallbackOf;
using weft::scheduler::Loop;
using weft::scheduler::PooledCallbackOf;
using weft::scheduler::VirtualParker;

namespace {

// As call_soon and call_at will do it, one room further up.
template <class F>
Handle call_soon(Loop& loop, F callable) {
    auto* callback = new CallbackOf<F>(std::move(callable));
    loop.push_pinned(*callback);
    return Handle(*callback);
}

template <class F>
TimerHandle call_at(Loop& loop, TimePoint when, F callable) {
    auto* callback = new CallbackOf<F>(std::move(callable));
    callback->arm(loop, when);
    return TimerHandle(*callback);
}

// A callable that owns something: one can see when it is destroyed.
struct Owning {
    std::shared_ptr<int> calls;
    void operator()() const { ++*calls; }
};

std::unique_ptr<Loop> make_loop() { return std::make_unique<Loop>(std::make_unique<VirtualParker>()); }

}  // namespace

TEST_CASE("rule 9: a callback runs once and is destroyed after it ran") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    const Handle handle = call_soon(*loop, Owning{calls});
    CHECK(calls.use_count() == 2);
    loop->step();
    CHECK(*calls == 1);
    CHECK(calls.use_count() == 1);  // although the Handle lives
    CHECK_FALSE(handle.cancelled());
}

TEST_CASE("rule 9: cancel destroys the callable at once, and it does not run") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    const Handle handle = call_soon(*loop, Owning{calls});
    handle.cancel();
    CHECK(handle.cancelled());
    CHECK(calls.use_count() == 1);
    handle.cancel();  // idempotent
    loop->step();
    CHECK(*calls == 0);
    CHECK(handle.cancelled());
}

TEST_CASE("handle: to cancel what has run changes nothing") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    const Handle handle = call_soon(*loop, Owning{calls});
    loop->step();
    handle.cancel();
    CHECK_FALSE(handle.cancelled());
    CHECK(*calls == 1);
}

TEST_CASE("handle: a callback that cancels itself runs to its end") {
    const auto loop = make_loop();
    Handle handle;
    const auto owned = std::make_shared<int>(0);
    handle = call_soon(*loop, [&handle, owned] {
        handle.cancel();
        CHECK_FALSE(handle.cancelled());
        ++*owned;  // AddressSanitizer looks at it
    });
    loop->step();
    CHECK(*owned == 1);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("rule 10: a callback may cancel the next of its own batch") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    Handle next;
    const Handle first = call_soon(*loop, [&next] { next.cancel(); });
    next = call_soon(*loop, Owning{calls});
    loop->step();
    CHECK(*calls == 0);
    CHECK(calls.use_count() == 1);
}

TEST_CASE("handle: nobody needs to keep one") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    (void)call_soon(*loop, Owning{calls});
    loop->step();
    CHECK(*calls == 1);
    CHECK(calls.use_count() == 1);
}

TEST_CASE("handle: closing the loop destroys the callable and runs nothing") {
    auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    const Handle queued = call_soon(*loop, Owning{calls});
    const TimerHandle timed = call_at(*loop, loop->now() + 1s, Owning{calls});
    const Handle cancelled = call_soon(*loop, Owning{calls});
    cancelled.cancel();
    CHECK(calls.use_count() == 3);
    loop.reset();
    CHECK(*calls == 0);
    CHECK(calls.use_count() == 1);
    CHECK_FALSE(queued.cancelled());  // handles outlive the loop
    CHECK(cancelled.cancelled());
    queued.cancel();
    CHECK_FALSE(queued.cancelled());
}

TEST_CASE("rule 11: a timer handle knows its time for ever, and a cancelled timer does not run") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    const TimePoint start = loop->now();
    const TimerHandle kept = call_at(*loop, start + 1s, Owning{calls});
    const TimerHandle cancelled = call_at(*loop, start + 2s, Owning{calls});
    const TimerHandle stopper = call_at(*loop, start + 3s, [&loop] { loop->stop(); });
    cancelled.cancel();
    CHECK(calls.use_count() == 2);
    loop->run();
    CHECK(*calls == 1);
    CHECK(loop->now() == start + 3s);
    CHECK(kept.when() == start + 1s);
    CHECK(cancelled.when() == start + 2s);
}

TEST_CASE("rule 12: a timer cancelled off its loop leaves the heap and not only when due") {
    const auto loop = make_loop();
    for (int i = 0; i < 1000; ++i) {
        const TimerHandle timer = call_at(*loop, loop->now() + 1h, [] {});
        timer.cancel();  // no loop runs here: as from another thread
        CHECK(timer.cancelled());
    }
    CHECK(loop->armed_timers() == 1000);
    loop->step();
    CHECK(loop->armed_timers() == 0);
}

TEST_CASE("timer handle: cancelled between firing and running, it does not run") {
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    TimerHandle second;
    const TimerHandle first = call_at(*loop, loop->now() + 1s, [&second] { second.cancel(); });
    second = call_at(*loop, loop->now() + 1s, Owning{calls});
    loop->step();  // both are due and queued
    CHECK(*calls == 0);
    CHECK(second.cancelled());
}

TEST_CASE("handle: copies are the same callback, an empty one says so") {
    const auto loop = make_loop();
    Handle handle = call_soon(*loop, [] {});
    Handle copy = handle;
    CHECK(copy == handle);
    const Handle other = call_soon(*loop, [] {});
    CHECK_FALSE(other == handle);
    const Handle moved = std::move(copy);
    CHECK(moved == handle);
    handle = Handle();
    CHECK_FALSE(static_cast<bool>(handle));
    CHECK_THROWS_AS(handle.cancel(), std::logic_error);
    CHECK_THROWS_AS((void)handle.cancelled(), std::logic_error);
    moved.cancel();
    CHECK(moved.cancelled());
}

TEST_CASE("handle: a callable that asks for a stricter alignment gets it, on the loop and off it") {
    struct alignas(64) Aligned {
        std::shared_ptr<int> calls;
        std::shared_ptr<int> unaligned;
        void operator()() const {
            ++*calls;
            const volatile std::uintptr_t address = reinterpret_cast<std::uintptr_t>(this);  // or the compiler knows it
            *unaligned += address % 64 != 0;
        }
    };
    const auto loop = make_loop();
    const auto calls = std::make_shared<int>(0);
    const auto unaligned = std::make_shared<int>(0);
    std::vector<Handle> handles;
    const auto make = [&] {
        for (int i = 0; i < 5; ++i) {
            auto* callback = new PooledCallbackOf<Aligned>(Aligned{calls, unaligned});
            loop->push_pinned(*callback);
            handles.emplace_back(*callback);
        }
    };
    const auto check = [&] {
        *unaligned = 0;
        loop->step();
        CHECK(*calls == 5);
        CHECK(*unaligned == 0);
        *calls = 0;
        handles.clear();
    };
    SUBCASE("made off it") {
        make();
        check();
    }
    SUBCASE("made on it, in memory that was used before") {
        for (int round = 0; round < 2; ++round) {
            const Handle maker = call_soon(*loop, make);
            loop->step();
            check();
        }
    }
}

TEST_CASE("handle: an exception goes to the reporter, the callable is destroyed, the loop goes on") {
    static std::string reported;
    reported.clear();
    struct Restore {
        weft::scheduler::CallbackExceptionHook before = weft::scheduler::callback_exception_hook;
        ~Restore() { weft::scheduler::callback_exception_hook = before; }
    } const restore;
    weft::scheduler::callback_exception_hook = [](std::exception_ptr exception, weft::scheduler::Callback*) noexcept {
        try {
            std::rethrow_exception(exception);
        } catch (const std::exception& error) {
            reported = error.what();
        }
    };
    const auto loop = make_loop();
    const auto owned = std::make_shared<int>(0);
    const auto calls = std::make_shared<int>(0);
    const Handle throwing = call_soon(*loop, [owned] { throw std::runtime_error("broken"); });
    const Handle next = call_soon(*loop, Owning{calls});
    loop->step();
    CHECK(reported == "broken");
    CHECK(owned.use_count() == 1);
    CHECK(*calls == 1);
}

TEST_CASE("rule 9: cancel from another thread and run have exactly one winner") {
    constexpr int kRounds = 3'000;
    const auto loop = make_loop();
    int ran = 0;
    int cancelled = 0;
    bool wrong = false;
    for (int round = 0; round < kRounds; ++round) {
        // The callable belongs to the winner: ThreadSanitizer sees who reads and who destroys it.
        bool called = false;
        auto* callback = new CallbackOf([owned = std::make_shared<int>(1), &called] { called = *owned == 1; });
        const Handle handle(*callback);
        loop->push_pinned(*callback);
        std::atomic<int> ready{0};
        bool won = false;
        const auto meet = [&ready] {
            ready.fetch_add(1, std::memory_order_relaxed);
            while (ready.load(std::memory_order_relaxed) != 2) std::this_thread::yield();
        };
        std::thread canceller([&] {
            meet();
            won = callback->cancel();
        });
        meet();
        loop->step();
        canceller.join();
        ran += called;
        cancelled += won;
        wrong |= called == won || handle.cancelled() != won;
    }
    CHECK_FALSE(wrong);
    CHECK(ran + cancelled == kRounds);
}
