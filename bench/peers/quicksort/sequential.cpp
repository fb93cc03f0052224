#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/peers/passes.hpp"
#include "bench/peers/quicksort/partition.hpp"

namespace {

void quicksort(std::uint64_t* first, std::uint64_t* last) {
    if (static_cast<std::size_t>(last - first) < bench::kFewNumbers) return std::sort(first, last);
    std::uint64_t* const middle = bench::partition(first, last);
    quicksort(first, middle);
    quicksort(middle, last);
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    std::vector<std::uint64_t> numbers(passes.size());
    while (passes.again()) {
        const std::uint64_t sum = bench::fill(numbers);
        passes.start();
        quicksort(numbers.data(), numbers.data() + numbers.size());
        passes.stop();
        passes.give(bench::check(numbers, sum) ? 1 : 0);
    }
    return passes.report();
}
