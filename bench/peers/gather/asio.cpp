// Counts completions: make_parallel_group(...).async_wait(wait_for_all()) does the same, but takes longer.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

constexpr std::size_t kChildren = 1000;

bench::Awaitable<std::uint64_t> work(std::uint64_t number) { co_return number; }

bench::Awaitable<std::vector<std::uint64_t>> gather() {
    const bench::Executor executor = co_await asio::this_coro::executor;
    std::vector<std::uint64_t> results(kChildren);
    bench::Latch latch(kChildren);
    for (std::size_t i = 0; i < kChildren; ++i) {
        asio::co_spawn(executor, work(i), [&result = results[i], &latch](std::exception_ptr, std::uint64_t number) {
            result = number;
            latch.count_down();
        });
    }
    co_await latch.wait();
    co_return results;
}

bench::Awaitable<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::uint64_t sum = 0;
        for (std::size_t round = 0; round < passes.size(); ++round) {
            const std::vector<std::uint64_t> results = co_await gather();
            for (const std::uint64_t result : results) sum += result;
        }
        passes.end(sum);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), measure(passes));
    return passes.report();
}
