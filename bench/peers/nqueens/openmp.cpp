#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "bench/peers/nqueens/board.hpp"
#include "bench/peers/passes.hpp"

namespace {

std::uint64_t nqueens(bench::Board board, int row, int size) {
    if (row == size) return 1;
    std::array<std::uint64_t, bench::kMostQueens> parts{};
    for (int column = 0; column < size; ++column) {
        if (!bench::is_safe(board, row, column)) continue;
        const bench::Board next = bench::with_queen(board, row, column);
#pragma omp task shared(parts) firstprivate(column, next, row, size)
        parts[static_cast<std::size_t>(column)] = nqueens(next, row + 1, size);
    }
#pragma omp taskwait
    return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
#pragma omp parallel num_threads(static_cast<int>(passes.loops()))
#pragma omp single
    while (passes.again()) passes.end(nqueens({}, 0, static_cast<int>(passes.size())));
    return passes.report();
}
