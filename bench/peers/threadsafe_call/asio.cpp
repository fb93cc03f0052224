#include <cstddef>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

std::uint64_t call(asio::io_context& context, std::uint64_t number) {
    std::promise<std::uint64_t> promise;
    std::future<std::uint64_t> result = promise.get_future();
    asio::post(context, [promise = std::move(promise), number]() mutable { promise.set_value(number); });
    return result.get();
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    asio::io_context context(static_cast<int>(passes.loops()));
    auto work = asio::make_work_guard(context);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < passes.loops(); ++i) threads.emplace_back([&context] { context.run(); });
    while (passes.again()) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) sum += call(context, i);
        passes.end(sum);
    }
    work.reset();
    return passes.report();
}
