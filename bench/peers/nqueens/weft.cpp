#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/nqueens/board.hpp"
#include "bench/peers/passes.hpp"

namespace {

// Writes the safe columns of `row` to `safe` and returns how many there are.
std::size_t find_safe(const bench::Board& board, int row, int size, bench::Board& safe) {
    std::size_t count = 0;
    for (int column = 0; column < size; ++column) {
        if (bench::is_safe(board, row, column)) safe[count++] = static_cast<std::int8_t>(column);
    }
    return count;
}

weft::Coro<std::uint64_t> nqueens(bench::Board board, int row, int size) {
    if (row == size) co_return 1;
    bench::Board safe;
    const std::size_t count = find_safe(board, row, size, safe);
    if (count == 0) co_return 0;
    std::vector<weft::Coro<std::uint64_t>> branches;
    branches.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        branches.push_back(nqueens(bench::with_queen(board, row, safe[i]), row + 1, size));
    }
    const std::vector<std::uint64_t> parts = co_await weft::fork_join(std::move(branches));
    co_return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
}

weft::Coro<> measure(bench::Passes& passes) {
    const bench::Board empty{};
    while (passes.again()) {
        const std::uint64_t answer = co_await nqueens(empty, 0, static_cast<int>(passes.size()));
        passes.end(answer);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
