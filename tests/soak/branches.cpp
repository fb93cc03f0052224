// Branches: fork-join trees of which some leaves fail and some suspend, so that branches are stolen, become tasks and
// stay inline; parallel_for and parallel_reduce; and all of that cancelled. The first failure comes out, the sum is
// right if there is none, and no branch is left when the join is over.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "sync/errors.hpp"
#include "sync/fork_join.hpp"
#include "sync/parallel.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

namespace weft::soak {

namespace {

// Counts the branches that have begun and not ended.
class Inside {
public:
    explicit Inside(std::atomic<int>& inside) : inside_(inside) { inside_.fetch_add(1, std::memory_order_relaxed); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { inside_.fetch_sub(1, std::memory_order_relaxed); }

private:
    std::atomic<int>& inside_;
};

class Branches final : public Part {
public:
    Branches() : Part("branches") {}

    Coro<> round(Random random) override {
        switch (random.below(4)) {
            case 0: co_return co_await parallel(random);
            case 1: co_return co_await many(random);
            default: co_return co_await tree(random);
        }
    }

private:
    // A range of numbers to add up.
    struct Sum {
        std::uint32_t size;
        std::uint32_t bad;    // this leaf fails; none if it is not below size
        std::uint32_t waits;  // a leaf of so many suspends
        std::atomic<int> inside{0};

        [[nodiscard]] std::uint64_t expected() const { return std::uint64_t{size} * (size - 1) / 2; }
    };

    Coro<> tree(Random random) {
        Sum sum{.size = random.from_to(2, 600), .bad = random.below(1200), .waits = random.from_to(3, 100)};
        const auto task = create_task(add_up(sum, 0, sum.size), {.loop = somewhere(random)});
        const bool asks = random.one_in(3);
        if (asks) {
            co_await pause(random);
            if (task.cancel()) cancelled();
        }
        try {
            check(co_await task == sum.expected(), "a sum of branches is wrong");
            check(sum.bad >= sum.size, "a branch has failed and its join has not");
        } catch (const Intended& error) {
            check(sum.bad < sum.size, "a join has failed without a reason");
            failed(error);
        } catch (const CancelledError&) {
            check(asks, "a join was cancelled by nobody");
        }
        check(sum.inside.load(std::memory_order_relaxed) == 0, "a branch is left behind its join");
        did(sum.size);
    }

    Coro<std::uint64_t> add_up(Sum& sum, std::uint32_t first, std::uint32_t last) {
        const Inside inside(sum.inside);
        if (last - first == 1) {
            if (first % sum.waits == 0) co_await sleep(Duration::zero());
            if (first == sum.bad) throw Intended();
            co_return first;
        }
        const std::uint32_t middle = first + (last - first) / 2;
        const auto [left, right] = co_await fork_join(add_up(sum, first, middle), add_up(sum, middle, last));
        co_return left + right;
    }

    // A vector of branches, results in order.
    Coro<> many(Random random) {
        Sum sum{.size = random.from_to(1, 40), .bad = random.below(80), .waits = random.from_to(1, 10)};
        std::vector<Coro<std::uint64_t>> leaves;
        for (std::uint32_t i = 0; i < sum.size; ++i) leaves.push_back(add_up(sum, i, i + 1));
        try {
            const std::vector<std::uint64_t> results = co_await fork_join(std::move(leaves));
            bool in_order = results.size() == sum.size;
            for (std::size_t i = 0; i < results.size(); ++i) in_order = in_order && results[i] == i;
            check(in_order, "results of branches are not in the order of the arguments");
            check(sum.bad >= sum.size, "a branch has failed and its join has not");
        } catch (const Intended& error) {
            check(sum.bad < sum.size, "a join has failed without a reason");
            failed(error);
        }
        check(sum.inside.load(std::memory_order_relaxed) == 0, "a branch is left behind its join");
        did(sum.size);
    }

    Coro<> parallel(Random random) {
        std::vector<std::uint32_t> squares(random.from_to(1, 2000));
        const auto size = static_cast<std::uint32_t>(squares.size());
        const std::uint32_t grain = random.from_to(1, 64);
        auto square = [&squares](std::uint32_t i) { squares[i] = i * i; };
        co_await parallel_for(0U, size, grain, square);
        auto look_up = [&squares](std::uint32_t i) { return std::uint64_t{squares[i]}; };
        const std::uint64_t sum = co_await parallel_reduce(0U, size, grain, std::uint64_t{0}, look_up, std::plus<>());
        std::uint64_t expected = 0;
        for (std::uint32_t i = 0; i < size; ++i) expected += std::uint64_t{i} * i;
        check(sum == expected, "a parallel_reduce is wrong");
        did(2 * size);
    }
};

}  // namespace

std::unique_ptr<Part> make_branches() { return std::make_unique<Branches>(); }

}  // namespace weft::soak
