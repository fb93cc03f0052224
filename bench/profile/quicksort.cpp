#include "bench/profile/report.hpp"

#define main run_passes
#include "bench/peers/quicksort/weft.cpp"
#undef main

namespace {

weft::Coro<bench::ProfiledPass> pass(std::size_t size) {
    std::vector<std::uint64_t> numbers(size);
    const std::uint64_t sum = bench::fill(numbers);
    const auto sorted = co_await weft::profile(quicksort(numbers.data(), numbers.data() + numbers.size()));
    co_return bench::ProfiledPass{sorted.profile, bench::check(numbers, sum) ? 1U : 0U};
}

}  // namespace

int main(int argc, char** argv) { return bench::report_profile(argc, argv, pass); }
