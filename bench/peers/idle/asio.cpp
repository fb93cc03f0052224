#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"
#include "bench/peers/watched.hpp"

namespace asio = boost::asio;

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    asio::io_context context(static_cast<int>(passes.loops()));
    auto work = asio::make_work_guard(context);
    std::thread watcher([&] {
        const double ns = bench::watch(passes);
        asio::post(context, [&passes, &work, ns] {
            passes.end_once(ns, 1);
            work.reset();
        });
    });
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < passes.loops(); ++i) threads.emplace_back([&context] { context.run(); });
    context.run();
    watcher.join();
    return passes.report();
}
