// Timers: sleeps are not too short; timeout and wait_for give the value or TimeoutError, whatever comes first, and leave
// nothing behind; a callback of call_later runs once, or never if it was cancelled, also from another loop.
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "api/loop.hpp"
#include "sync/errors.hpp"
#include "sync/event.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/timeout.hpp"
#include "sync/wait_for.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

class Timers final : public Part {
public:
    Timers() : Part("timers") {}

    Coro<> round(Random random) override {
        Crowd sleepers(random.split());
        for (int i = 0; i < 8; ++i) sleepers.add(sleeps(random.split()));
        for (int i = 0; i < 8; ++i) sleepers.add(races(random.split()));
        for (int i = 0; i < 6; ++i) sleepers.add(calls_later(random.split()));
        const Ends ends = co_await sleepers.disturbed(random.below(8));
        check(ends.values + ends.cancelled == sleepers.size(), "a sleeper has failed");
        check(ends.cancelled <= ends.hits, "a sleeper was cancelled by nobody");
        cancelled(ends.hits);
        did(sleepers.size());
    }

private:
    Coro<> sleeps(Random random) {
        const Duration length = random.up_to(2000us);
        const TimePoint begin = get_running_loop().time();
        const int value = co_await sleep(length, 7);
        check(value == 7, "a sleep has lost its value");
        check(get_running_loop().time() - begin >= length, "a sleep was too short");
    }

    // A time limit against something that ends at about the same time.
    Coro<> races(Random random) {
        const Duration length = random.up_to(600us);
        const Duration limit = random.up_to(600us);
        const TimePoint begin = get_running_loop().time();
        try {
            check(co_await limited(length, limit, random) == 7, "a value was lost on the way out of a time limit");
        } catch (const TimeoutError&) {
            check(get_running_loop().time() - begin >= limit, "a time limit came too early");
            failed();
        }
        co_await sleep(0s);  // a cancel by the limit that came too late would end this
    }

    static Coro<int> limited(Duration length, Duration limit, Random& random) {
        switch (random.below(4)) {
            case 0: return wait_for(sleeping(length), limit);
            case 1: return timeout(limit, sleeping(length));
            case 2: return wait_for(timeout(2 * limit, sleeping(length)), limit);
            default: return wait_for(create_task(sleeping(length), {.loop = somewhere(random)}), limit);
        }
    }
    static Coro<int> sleeping(Duration length) { co_return co_await sleep(length, 7); }

    // Shared with the callback, since a cancelled task does not wait for it.
    struct Call {
        Event made;
        std::atomic<int> times{0};
    };

    Coro<> calls_later(Random random) {
        const auto call = std::make_shared<Call>();
        const TimerHandle handle = get_running_loop().call_later(random.up_to(800us), [call] {
            call->times.fetch_add(1, std::memory_order_relaxed);
            call->made.set();
        });
        for (std::uint32_t pauses = random.below(6); pauses != 0; --pauses) co_await pause(random);
        if (random.one_in(2)) handle.cancel();  // perhaps from another loop than the timer's
        if (handle.cancelled()) {
            cancelled();
            co_await sleep(1ms);
            check(call->times.load(std::memory_order_relaxed) == 0, "a callback ran though it was cancelled");
        } else {
            co_await call->made.wait();
            check(call->times.load(std::memory_order_relaxed) == 1, "a callback ran more than once");
        }
    }
};

}  // namespace

std::unique_ptr<Part> make_timers() { return std::make_unique<Timers>(); }

}  // namespace weft::soak
