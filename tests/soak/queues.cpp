// Queues: Queue, PriorityQueue and LifoQueue, bounded and not, between producers and consumers on all loops, by put and
// get, by select over two of them, and by try_put and try_get; with cancels and time limits. Every item that was put comes
// out once, also those that are left when producers and consumers are gone.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "sync/errors.hpp"
#include "sync/queue.hpp"
#include "sync/select.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

// Items that went past a place.
class Toll {
public:
    void pass(std::uint32_t item) {
        count_.fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(item, std::memory_order_relaxed);
        mixed_.fetch_xor(item * 2654435761U, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    friend bool operator==(const Toll& a, const Toll& b) {
        return a.count() == b.count() &&
               a.sum_.load(std::memory_order_relaxed) == b.sum_.load(std::memory_order_relaxed) &&
               a.mixed_.load(std::memory_order_relaxed) == b.mixed_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> sum_{0};
    std::atomic<std::uint32_t> mixed_{0};
};

// Its value is plain: a queue that orders nothing between producer and consumer is a data race.
using Item = std::unique_ptr<std::uint32_t>;

struct LessByValue {
    bool operator()(const Item& a, const Item& b) const { return *a < *b; }
};

class Queues final : public Part {
public:
    Queues() : Part("queues") {}

    Coro<> round(Random random) override {
        switch (random.below(3)) {
            case 0: co_return co_await passing<Queue<Item>>(random);
            case 1: co_return co_await passing<PriorityQueue<Item, LessByValue>>(random);
            default: co_return co_await passing<LifoQueue<Item>>(random);
        }
    }

private:
    template <class Q>
    struct Passage {
        explicit Passage(Random& random) : left(random.below(4)), right(random.below(4)) {}

        Q left;  // 0: unbounded
        Q right;
        Toll in;
        Toll out;
        std::atomic<std::uint32_t> next{0};
    };

    template <class Q>
    Coro<> passing(Random random) {
        Passage<Q> passage(random);
        Crowd producers(random.split());
        Crowd consumers(random.split());
        for (std::uint32_t left = random.from_to(1, 5); left != 0; --left)
            producers.add(produces(passage, random.split()));
        consumers.add(consumes(passage, Random(0)));  // by select, from both; not to be cancelled
        for (std::uint32_t left = random.from_to(0, 4); left != 0; --left)
            consumers.add(consumes(passage, random.split()));
        const auto closing = create_task(closes(passage, producers, random.below(6)), {.loop = somewhere(random)});
        const Ends ends = co_await consumers.disturbed(consumers.size() > 1 ? random.below(4) : 0, 1);
        const Ends ended = co_await closing;
        check(ends.failed + ended.failed == 0, "somebody at a queue has failed");
        check(ends.cancelled <= ends.hits && ended.cancelled <= ended.hits,
              "somebody at a queue was cancelled by nobody");
        check(passage.in == passage.out, "what was put has not come out, or twice");
        cancelled(ends.hits + ended.hits);
        did(passage.in.count());
    }

    // When the last producer is gone the queues are shut down; consumers take what is left.
    template <class Q>
    static Coro<Ends> closes(Passage<Q>& passage, Crowd& producers, std::uint32_t cancels) {
        const Ends ends = co_await producers.disturbed(cancels);
        passage.left.shutdown();
        passage.right.shutdown();
        co_return ends;
    }

    template <class Q>
    Coro<> produces(Passage<Q>& passage, Random random) {
        for (int i = 0; i < 30; ++i) {
            if (random.one_in(4)) co_await pause(random);
            const std::uint32_t number = passage.next.fetch_add(1, std::memory_order_relaxed);
            Item item = std::make_unique<std::uint32_t>(number);
            Q& queue = random.one_in(2) ? passage.left : passage.right;
            const std::uint32_t kind = random.below(8);
            if (kind == 0) {
                if (!queue.try_put(std::move(item))) continue;
            } else if (kind == 1) {
                try {
                    co_await wait_for(queue.put(std::move(item)), random.up_to(100us));
                } catch (const TimeoutError&) {
                    failed();
                    continue;
                }
            } else if (kind == 2) {
                Item other =
                    std::make_unique<std::uint32_t>(number);  // one of them is put, the other ends with the select
                co_await select(passage.left.put(std::move(item)), passage.right.put(std::move(other)));
            } else {
                co_await queue.put(std::move(item));
            }
            passage.in.pass(number);
        }
    }

    template <class Q>
    Coro<> consumes(Passage<Q>& passage, Random random) {
        const std::uint32_t kind = random.below(4);
        try {
            while (kind == 0) co_await takes_one(passage, passage.left, random);
            while (kind == 1) co_await takes_one(passage, passage.right, random);
            for (;;) co_await takes_of_either(passage);
        } catch (const QueueShutDown&) {
        }
        // Shut down and empty: but perhaps one of them only.
        while (co_await takes_rest(passage, passage.left)) continue;
        while (co_await takes_rest(passage, passage.right)) continue;
    }

    template <class Q>
    Coro<> takes_one(Passage<Q>& passage, Q& queue, Random& random) {
        if (random.one_in(4)) {
            try {
                const Item item = co_await wait_for(queue.get(), random.up_to(100us));
                passage.out.pass(*item);
            } catch (const TimeoutError&) {
                failed();
            }
        } else {
            const Item item = co_await queue.get();
            passage.out.pass(*item);
        }
    }

    template <class Q>
    static Coro<> takes_of_either(Passage<Q>& passage) {
        const auto first = co_await select(passage.left.get(), passage.right.get());
        passage.out.pass(first.index() == 0 ? *std::get<0>(first) : *std::get<1>(first));
    }

    // Returns false once the queue is shut down and empty.
    template <class Q>
    static Coro<bool> takes_rest(Passage<Q>& passage, Q& queue) {
        try {
            const Item item = co_await queue.get();
            passage.out.pass(*item);
            co_return true;
        } catch (const QueueShutDown&) {
            co_return false;
        }
    }
};

}  // namespace

std::unique_ptr<Part> make_queues() { return std::make_unique<Queues>(); }

}  // namespace weft::soak
