#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "bench/peers/nqueens/board.hpp"
#include "bench/peers/passes.hpp"

namespace {

std::uint64_t nqueens(bench::Board board, int row, int size) {
    if (row == size) return 1;
    std::array<std::uint64_t, bench::kMostQueens> parts{};
    tbb::task_group group;
    for (int column = 0; column < size; ++column) {
        if (!bench::is_safe(board, row, column)) continue;
        group.run([&part = parts[static_cast<std::size_t>(column)], next = bench::with_queen(board, row, column), row,
                   size] { part = nqueens(next, row + 1, size); });
    }
    group.wait();
    return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    arena.execute([&] {
        while (passes.again()) passes.end(nqueens({}, 0, static_cast<int>(passes.size())));
    });
    return passes.report();
}
