#include <chrono>
#include <cstdint>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

weft::Coro<> measure(bench::Passes& passes) {
    while (passes.again()) {
        std::uint64_t in_time = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            co_await weft::timeout(std::chrono::hours(1), weft::sleep(std::chrono::seconds(0)));
            ++in_time;
        }
        passes.end(in_time);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
