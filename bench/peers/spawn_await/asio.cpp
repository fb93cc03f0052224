#include <cstdint>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

bench::Awaitable<std::uint64_t> work(std::uint64_t number) { co_return number; }

bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    while (passes.again()) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            sum += co_await asio::co_spawn(executor, work(i), bench::use_awaitable);
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
