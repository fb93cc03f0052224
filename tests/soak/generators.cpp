// Generators: asynchronous generators that wait between their values, are asked from task after task, are closed or dropped
// in the middle, fail, and are cancelled. Values come in order, each once, and what the body owns is gone at the end.
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "sync/async_generator.hpp"
#include "sync/errors.hpp"
#include "sync/task.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

namespace weft::soak {

namespace {

class Generators final : public Part {
public:
    Generators() : Part("generators") {}

    Coro<> round(Random random) override {
        Bodies bodies;
        Crowd crowd(random.split());
        for (std::uint32_t left = random.from_to(1, 6); left != 0; --left) crowd.add(reads(bodies, random.split()));
        const Ends ends = co_await crowd.disturbed(random.below(4));
        check(ends.values + ends.cancelled == crowd.size(), "a reader of a generator has failed");
        check(ends.cancelled <= ends.hits, "a reader of a generator was cancelled by nobody");
        check(bodies.open.load(std::memory_order_relaxed) == 0, "a generator is gone and its body is not");
        cancelled(ends.hits);
        did(bodies.values.load(std::memory_order_relaxed));
    }

private:
    struct Bodies {
        std::atomic<int> open{0};
        std::atomic<std::uint64_t> values{0};
    };
    class Open {
    public:
        explicit Open(Bodies& bodies) : bodies_(bodies) { bodies_.open.fetch_add(1, std::memory_order_relaxed); }
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;
        ~Open() { bodies_.open.fetch_sub(1, std::memory_order_relaxed); }

    private:
        Bodies& bodies_;
    };

    // Counts from 0; fails instead of giving `bad`.
    static async_generator<std::uint32_t> numbers(Bodies& bodies, std::uint32_t size, std::uint32_t bad,
                                                  Random random) {
        const Open open(bodies);
        for (std::uint32_t i = 0; i < size; ++i) {
            if (random.one_in(3)) co_await pause(random);
            if (i == bad) throw Intended();
            co_yield i;
        }
    }

    Coro<> reads(Bodies& bodies, Random random) {
        const std::uint32_t size = random.from_to(1, 30);
        const std::uint32_t bad = random.below(60);
        const std::uint32_t enough = random.one_in(3) ? random.below(size) : size + 1;  // values to ask for
        auto generator = numbers(bodies, size, bad, random.split());
        std::uint32_t next = 0;
        try {
            for (std::optional<std::uint32_t> number; next < enough; ++next) {
                number = co_await one_of(generator, random);
                if (!number) break;
                check(*number == next, "a generator gave another value than its next");
                bodies.values.fetch_add(1, std::memory_order_relaxed);
            }
            check(next <= bad, "a generator has not failed");
            check(next == size || next == enough, "a generator has ended too early");
        } catch (const Intended& error) {
            check(next == bad, "a generator has failed without a reason");
            failed(error);
        }
        if (random.one_in(2)) {
            co_await generator.aclose();
            const std::optional<std::uint32_t> more = co_await generator.next();
            check(!more, "a generator gave a value though it was closed");
        }
    }

    // Here, or in a task of its own, perhaps on another loop.
    static Coro<std::optional<std::uint32_t>> one_of(async_generator<std::uint32_t>& generator, Random& random) {
        if (random.one_in(3)) co_return co_await create_task(generator.next(), {.loop = any_loop});
        co_return co_await generator.next();
    }
};

}  // namespace

std::unique_ptr<Part> make_generators() { return std::make_unique<Generators>(); }

}  // namespace weft::soak
