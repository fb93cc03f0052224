// Cancels: tasks that wait in every kind of place, and cancels from all loops at any moment. Each task ends once, as it
// should; what it owned is gone; one that swallows its cancellation goes on; one that is cancelled before it began never
// begins; requests are counted and taken back.
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "sync/errors.hpp"
#include "sync/event.hpp"
#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

// What a task owns, counted.
class Belongings {
public:
    explicit Belongings(std::atomic<int>& count) : count_(count) { count_.fetch_add(1, std::memory_order_relaxed); }
    Belongings(const Belongings&) = delete;
    Belongings& operator=(const Belongings&) = delete;
    ~Belongings() { count_.fetch_sub(1, std::memory_order_relaxed); }

private:
    std::atomic<int>& count_;
};

class Cancels final : public Part {
public:
    Cancels() : Part("cancels") {}

    Coro<> round(Random random) override {
        if (random.one_in(4)) {
            co_await unbegun(random);
        } else {
            co_await in_all_places(random);
        }
    }

private:
    struct Places {
        std::atomic<int> owned{0};
        Event opened;
        Future<> future = create_future<>();
    };

    // They end by cancellation or because the event is set and the future completed in the end.
    Coro<> in_all_places(Random random) {
        Places places;
        Crowd crowd(random.split());
        crowd.add(open_at_last(places, random.split()));
        for (std::uint32_t left = random.from_to(4, 20); left != 0; --left) crowd.add(member(places, random.split()));
        const Ends ends = co_await crowd.disturbed(random.from_to(1, 24), 1);
        check(ends.values + ends.cancelled == crowd.size(), "a task has failed instead of being cancelled");
        check(ends.cancelled <= ends.hits, "a task was cancelled by nobody");
        check(places.owned.load(std::memory_order_relaxed) == 0, "a task is over and what it owned is not");
        cancelled(ends.hits);
        did(crowd.size());
    }

    static Coro<> open_at_last(Places& places, Random random) {
        for (int i = 0; i < 6; ++i) co_await pause(random);
        places.opened.set();
        places.future.set_result();
    }

    Coro<> member(Places& places, Random random) {
        const Belongings belongings(places.owned);
        switch (random.below(8)) {
            case 0: co_await places.opened.wait(); break;
            case 1: co_await shield(places.future); break;
            case 2: co_await sleep(random.up_to(500us)); break;
            case 3: co_await gather(return_exceptions, leaf(places), leaf(places)); break;
            case 4: co_await fork_join(leaf(places), leaf(places), leaf(places)); break;
            case 5: co_await in_group(places); break;
            case 6: co_await stubborn(places); break;
            default: co_await create_task(leaf(places)); break;
        }
    }

    static Coro<> leaf(Places& places) {
        const Belongings belongings(places.owned);
        co_await places.opened.wait();
    }

    static Coro<> in_group(Places& places) {
        auto body = [&places](TaskGroup& group) -> Coro<> {
            group.create_task(leaf(places));
            group.create_task(leaf(places));
            co_return;
        };
        co_await task_group(body);
    }

    // Swallows each cancellation, takes the request back and waits again.
    Coro<> stubborn(Places& places) {
        const AnyTask self = current_task();
        for (bool waits = true; waits;) {
            try {
                co_await places.opened.wait();
                waits = false;
            } catch (const CancelledError&) {
                check(self.cancelling() >= 1, "a cancelled task counts no request");
                self.uncancel();
            }
        }
    }

    // Tasks of one loop, cancelled in the step that made them.
    Coro<> unbegun(Random random) {
        std::atomic<std::uint32_t> begun{0};
        const std::uint32_t count = random.from_to(1, 16);
        const auto creator = create_task(makes_and_cancels(begun, count), {.loop = &some_loop(random)});
        check(co_await creator == count, "a task that was cancelled before it began has not ended so");
        check(begun.load(std::memory_order_relaxed) == 0, "a task has begun though it was cancelled before");
        cancelled(count);
        did(count);
    }

    // Returns how many ended cancelled.
    static Coro<std::uint32_t> makes_and_cancels(std::atomic<std::uint32_t>& begun, std::uint32_t count) {
        std::vector<Task<>> tasks;
        for (std::uint32_t i = 0; i < count; ++i) tasks.push_back(create_task(begins(begun)));
        for (const Task<>& task : tasks) task.cancel();
        std::uint32_t ended = 0;
        for (const Task<>& task : tasks) {
            try {
                co_await task;
            } catch (const CancelledError&) {
                ++ended;
            }
        }
        co_return ended;
    }

    static Coro<> begins(std::atomic<std::uint32_t>& begun) {
        begun.fetch_add(1, std::memory_order_relaxed);
        co_return;
    }
};

}  // namespace

std::unique_ptr<Part> make_cancels() { return std::make_unique<Cancels>(); }

}  // namespace weft::soak
