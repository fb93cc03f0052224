// Fib: the naive Fibonacci recursion, two branches per call and next to no work in them.
//
// It measures the price of a branch and nothing else. Item: one call of fib; fib(n) makes 2 * F(n + 1) - 1 of them.
// The oneTBB version forks one half and calls the other, its cheapest form.
#pragma once

#include <cstdint>
#include <string_view>

#include <oneapi/tbb/task_group.h>
#include <weft/weft.hpp>

#include "bench/problem.hpp"

namespace bench {

[[gnu::noinline]] inline std::uint64_t fib_sequential(unsigned n) {
    if (n < 2) return n;
    return fib_sequential(n - 1) + fib_sequential(n - 2);
}

inline std::uint64_t fib_onetbb(unsigned n) {
    if (n < 2) return n;
    std::uint64_t a = 0;
    tbb::task_group group;
    group.run([&a, n] { a = fib_onetbb(n - 1); });
    const std::uint64_t b = fib_onetbb(n - 2);
    group.wait();
    return a + b;
}

inline weft::Coro<std::uint64_t> fib_weft(unsigned n) {
    if (n < 2) co_return n;
    auto [a, b] = co_await weft::fork_join(fib_weft(n - 1), fib_weft(n - 2));
    co_return a + b;
}

class Fib final : public Problem {
public:
    explicit Fib(bool quick) : n_(quick ? kQuickN : kN) {}

    [[nodiscard]] std::string_view name() const override { return "fib"; }
    [[nodiscard]] std::string_view item() const override { return "call"; }
    [[nodiscard]] double items() const override { return static_cast<double>(2 * number(n_ + 1) - 1); }

    void reset() override { answer_ = 0; }
    void run_sequential() override { answer_ = fib_sequential(n_); }
    void run_onetbb() override { answer_ = fib_onetbb(n_); }
    weft::Coro<> run_weft() override { answer_ = co_await fib_weft(n_); }

    [[nodiscard]] std::uint64_t answer() const override { return answer_; }
    [[nodiscard]] std::uint64_t expected() const override { return number(n_); }

private:
    static constexpr unsigned kN = 36;
    static constexpr unsigned kQuickN = 30;

    // By iteration, so that the check does not rest on the recursion it checks.
    static std::uint64_t number(unsigned n) {
        std::uint64_t current = 0;
        std::uint64_t next = 1;
        for (; n > 0; --n) {
            const std::uint64_t sum = current + next;
            current = next;
            next = sum;
        }
        return current;
    }

    unsigned n_;
    std::uint64_t answer_ = 0;
};

}  // namespace bench
