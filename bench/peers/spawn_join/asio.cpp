// Callbacks are posted: coroutines would have no handle either, and cost more.
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    while (passes.again()) {
        std::vector<std::uint64_t> results(passes.size());
        bench::Latch latch(passes.size());
        for (std::size_t i = 0; i < passes.size(); ++i) {
            asio::post(executor, [&results, &latch, i] {
                results[i] = i;
                latch.count_down();
            });
        }
        co_await latch.wait();
        passes.end(std::accumulate(results.begin(), results.end(), std::uint64_t{0}));
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::run(passes.loops(), measure(passes));
    return passes.report();
}
