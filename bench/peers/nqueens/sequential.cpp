#include <cstdint>

#include "bench/peers/nqueens/board.hpp"
#include "bench/peers/passes.hpp"

namespace {

[[gnu::noinline]] std::uint64_t nqueens(bench::Board board, int row, int size) {
    if (row == size) return 1;
    std::uint64_t found = 0;
    for (int column = 0; column < size; ++column) {
        if (!bench::is_safe(board, row, column)) continue;
        found += nqueens(bench::with_queen(board, row, column), row + 1, size);
    }
    return found;
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    while (passes.again()) passes.end(nqueens({}, 0, static_cast<int>(passes.size())));
    return passes.report();
}
