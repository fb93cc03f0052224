#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"
#include "bench/peers/quicksort/partition.hpp"

namespace {

weft::Coro<> quicksort(std::uint64_t* first, std::uint64_t* last) {
    if (static_cast<std::size_t>(last - first) < bench::kFewNumbers) {
        std::sort(first, last);
        co_return;
    }
    std::uint64_t* const middle = bench::partition(first, last);
    co_await weft::fork_join(quicksort(first, middle), quicksort(middle, last));
}

weft::Coro<> measure(bench::Passes& passes) {
    std::vector<std::uint64_t> numbers(passes.size());
    while (passes.again()) {
        const std::uint64_t sum = bench::fill(numbers);
        passes.start();
        co_await quicksort(numbers.data(), numbers.data() + numbers.size());
        passes.stop();
        passes.give(bench::check(numbers, sum) ? 1 : 0);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
