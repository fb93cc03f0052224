#include <thread>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"
#include "bench/peers/watched.hpp"

namespace {

weft::Coro<> measure(bench::Passes& passes) {
    const auto ended = weft::create_future<double>();
    std::thread watcher([&] { ended.set_result(bench::watch(passes)); });
    passes.end_once(co_await ended, 1);
    watcher.join();
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
