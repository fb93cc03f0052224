// Runtimes: made and stopped again and again, while plain threads hand callbacks and coroutines to them. Each of those gets
// a value, a cancellation or "Event loop is closed"; nothing hangs, and no coroutine outlives its Runtime.
#include "api/runtime.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "sync/concurrent_future.hpp"
#include "sync/errors.hpp"
#include "sync/future.hpp"
#include "sync/run_in_executor.hpp"
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
        {
            Runtime runtime({.loops = random.from_to(1, 4), .bounds_parks = true});
            std::vector<std::jthread> threads;
            for (std::uint32_t left = random.from_to(1, 3); left != 0; --left)
                threads.emplace_back([this, &runtime, &ends, random = random.split()] { post(runtime, ends, random); });
            for (std::uint32_t left = random.below(4); left != 0; --left) {
                check(runtime.run(quick(ends, random.split())) == 7, "a Runtime gave another value");
                did();
            }
            runtime.stop();
            for (std::jthread& thread : threads) thread.join();
            for (std::size_t i = 0; i < runtime.loops(); ++i)
                check(runtime.loop(i).rescues() == 0, "a Runtime's loop has lost a wake-up");
        }
        check(ends.begun.load(std::memory_order_relaxed) == ends.over.load(std::memory_order_relaxed),
              "a coroutine has outlived its Runtime");
        did();
    }

    // Until the loops refuse.
    void post(Runtime& runtime, Ends& ends, Random random) {
        for (;;) {
            Loop& loop = runtime.loop(random.below(static_cast<std::uint32_t>(runtime.loops())));
            try {
                loop.call_soon_threadsafe([] {});
                const auto future = run_coroutine_threadsafe(answer(ends, random.split()), loop);
                if (random.one_in(8)) future.cancel();
                check(future.result(kLongest) == 7, "a Runtime gave another value");
                did();
            } catch (const CancelledError&) {
                cancelled();
            } catch (const TimeoutError&) {
                return complain("a coroutine has not ended with its Runtime");
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

    static Coro<int> answer(Ends& ends, Random random) {
        const Over over(ends);
        if (random.one_in(8)) co_await create_future<>();  // until the Runtime stops, or somebody cancels
        co_await pause(random);
        co_return 7;
    }
};

}  // namespace

std::unique_ptr<Part> make_runtimes() { return std::make_unique<Runtimes>(); }

}  // namespace weft::soak
