#include <cstdint>
#include <thread>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<std::uint64_t> work(std::uint64_t number) { co_return number; }

weft::Coro<> measure(bench::Passes& passes) {
    weft::Loop& loop = weft::get_running_loop();
    const auto ended = weft::create_future<>();
    std::thread caller([&] {
        while (passes.again()) {
            std::uint64_t sum = 0;
            for (std::uint64_t i = 0; i < passes.size(); ++i) {
                sum += weft::run_coroutine_threadsafe(work(i), loop).result();
            }
            passes.end(sum);
        }
        ended.set_result();
    });
    co_await ended;
    caller.join();
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
