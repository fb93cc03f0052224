// Runtimes and Runners: made and stopped again and again, while plain threads hand callbacks and coroutines to them, which
// wait in every kind of place when the end comes. Each of those gets a value, a cancellation or "Event loop is closed";
// nothing hangs, and no coroutine outlives its loops.
#include "api/runtime.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "api/runner.hpp"
#include "scheduler/neighbours.hpp"
#include "sync/async_generator.hpp"
#include "sync/concurrent_future.hpp"
#include "sync/errors.hpp"
#include "sync/fork_join.hpp"
#include "sync/future.hpp"
#include "sync/gather.hpp"
#include "sync/run_in_executor.hpp"
#include "sync/shield.hpp"
#include "sync/wait_for.hpp"
#include "sync/wrap_future.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

constexpr auto kLongest = 60s;

class Runtimes final : public Part {
public:
    Runtimes() : Part("runtimes") {}

    Coro<> round(Random random) override {
        auto live = [this, random] { make_and_stop(random); };
        co_await to_thread(std::move(live));
    }

private:
    struct Ends {
        std::atomic<std::uint32_t> begun{0};
        std::atomic<std::uint32_t> over{0};
    };

    void make_and_stop(Random random) {
        Ends ends;
        if (random.one_in(2)) {
            Runtime runtime({.loops = random.from_to(1, 4), .bounds_parks = true});
            stop_under_fire(runtime.loop(0), ends, random, [&runtime] { runtime.stop(); }, runtime);
        } else {
            Runner runner({.loops = random.from_to(1, 4), .bounds_parks = true});
            stop_under_fire(runner.get_loop(), ends, random, [&runner] { runner.close(); }, runner);
        }
        check(ends.begun.load(std::memory_order_relaxed) == ends.over.load(std::memory_order_relaxed),
              "a coroutine has outlived its loops");
        did();
    }

    // `loops` has run(), and `stop` ends it while threads post to it.
    void stop_under_fire(Loop& first, Ends& ends, Random& random, const std::function<void()>& stop, auto& loops) {
        const std::vector<scheduler::Loop*>& all = first.group().loops();
        std::vector<std::jthread> threads;
        for (std::uint32_t left = random.from_to(1, 3); left != 0; --left)
            threads.emplace_back([this, &all, &ends, random = random.split()] { post(all, ends, random); });
        for (std::uint32_t left = random.below(4); left != 0; --left) {
            check(loops.run(quick(ends, random.split())) == 7, "a run gave another value");
            did();
        }
        stop();
        for (std::jthread& thread : threads) thread.join();
        for (const scheduler::Loop* loop : all) check(loop->rescues() == 0, "a Runtime's loop has lost a wake-up");
    }

    // Until the loops refuse.
    void post(const std::vector<scheduler::Loop*>& loops, Ends& ends, Random random) {
        for (;;) {
            Loop& loop = static_cast<Loop&>(*loops[random.below(static_cast<std::uint32_t>(loops.size()))]);
            try {
                loop.call_soon_threadsafe([] {});
                const auto future = run_coroutine_threadsafe(answer(ends, random.split()), loop);
                if (random.one_in(8)) future.cancel();
                check(future.result(kLongest) == 7, "a thread's coroutine gave another value");
                did();
            } catch (const CancelledError&) {
                cancelled();
            } catch (const TimeoutError&) {
                return complain("a coroutine has not ended with its loops");
            } catch (const std::runtime_error&) {  // "Event loop is closed"
                return failed();
            }
        }
    }

    class Over {
    public:
        explicit Over(Ends& ends) : ends_(ends) { ends_.begun.fetch_add(1, std::memory_order_relaxed); }
        Over(const Over&) = delete;
        Over& operator=(const Over&) = delete;
        ~Over() { ends_.over.fetch_add(1, std::memory_order_relaxed); }

    private:
        Ends& ends_;
    };

    static Coro<int> quick(Ends& ends, Random random) {
        const Over over(ends);
        co_await pause(random);
        co_return 7;
    }

    // Waits in some place, of which the first lets it go only when its loops stop or somebody cancels.
    static Coro<int> answer(Ends& ends, Random random) {
        const Over over(ends);
        switch (random.below(12)) {
            case 0: co_await create_future<>(); break;
            case 1: co_await to_thread([] {}); break;
            case 2: co_await fork_join(leaf(ends, random.split()), leaf(ends, random.split())); break;
            case 3: co_await gather(leaf(ends, random.split()), leaf(ends, random.split())); break;
            case 4: co_await shield(leaf(ends, random.split())); break;
            case 5: co_await wait_for(leaf(ends, random.split()), 1h); break;
            case 6: co_await leaves_open(ends, random); break;
            case 7: co_await wraps(ends, random); break;
            default: co_await pause(random); break;
        }
        co_return 7;
    }

    static Coro<> leaf(Ends& ends, Random random) {
        const Over over(ends);
        co_await pause(random);
    }

    static Coro<> wraps(Ends& ends, Random& random) {
        const auto future = run_coroutine_threadsafe(leaf(ends, random.split()), some_loop(random));
        co_await wrap_future(future);
    }

    // A generator that is not finished when its loops stop, unless its task is dismantled before.
    static Coro<> leaves_open(Ends& ends, Random& random) {
        auto generator = numbers(ends, random.split());
        (void)co_await generator.next();
        co_await pause(random);
    }
    static async_generator<int> numbers(Ends& ends, Random random) {
        const Over over(ends);
        for (int i = 0;; ++i) {
            co_await pause(random);
            co_yield i;
        }
    }
};

}  // namespace

std::unique_ptr<Part> make_runtimes() { return std::make_unique<Runtimes>(); }

}  // namespace weft::soak
