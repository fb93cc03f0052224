// Nqueens: counts the ways to place n queens on a board of n by n so that none attacks another.
//
// It measures an irregular tree with some work in each node: a branch for every safe column of the next row. The board
// is copied into each branch, in the sequential version too, so that all three run the same search.
// Item: one queen placed, that is one node of the search tree below its root.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include <oneapi/tbb/task_group.h>
#include <weft/weft.hpp>

#include "bench/problem.hpp"

namespace bench {

inline constexpr std::size_t kNqueensMaxSize = 16;

// The column of the queen in each row so far.
using Board = std::array<std::int8_t, kNqueensMaxSize>;

inline bool nqueens_safe(const Board& board, int row, int column) {
    for (int above = 0; above < row; ++above) {
        const int distance = std::abs(board[static_cast<std::size_t>(above)] - column);
        if (distance == 0 || distance == row - above) return false;
    }
    return true;
}

inline Board nqueens_placed(Board board, int row, int column) {
    board[static_cast<std::size_t>(row)] = static_cast<std::int8_t>(column);
    return board;
}

[[gnu::noinline]] inline std::uint64_t nqueens_sequential(Board board, int row, int size) {
    if (row == size) return 1;
    std::uint64_t found = 0;
    for (int column = 0; column < size; ++column) {
        if (nqueens_safe(board, row, column)) {
            found += nqueens_sequential(nqueens_placed(board, row, column), row + 1, size);
        }
    }
    return found;
}

inline std::uint64_t nqueens_onetbb(Board board, int row, int size) {
    if (row == size) return 1;
    std::array<std::uint64_t, kNqueensMaxSize> parts{};
    tbb::task_group group;
    for (int column = 0; column < size; ++column) {
        if (nqueens_safe(board, row, column)) {
            group.run([&part = parts[static_cast<std::size_t>(column)], next = nqueens_placed(board, row, column), row,
                       size] { part = nqueens_onetbb(next, row + 1, size); });
        }
    }
    group.wait();
    std::uint64_t found = 0;
    for (const std::uint64_t part : parts) found += part;
    return found;
}

inline weft::Coro<std::uint64_t> nqueens_weft(Board board, int row, int size) {
    if (row == size) co_return 1;
    std::vector<weft::Coro<std::uint64_t>> branches;
    branches.reserve(static_cast<std::size_t>(size));
    for (int column = 0; column < size; ++column) {
        if (nqueens_safe(board, row, column)) {
            branches.push_back(nqueens_weft(nqueens_placed(board, row, column), row + 1, size));
        }
    }
    const std::vector<std::uint64_t> parts = co_await weft::fork_join(std::move(branches));
    std::uint64_t found = 0;
    for (const std::uint64_t part : parts) found += part;
    co_return found;
}

class Nqueens final : public Problem {
public:
    explicit Nqueens(bool quick)
        : size_(quick ? kQuickSize : kSize),
          expected_(quick ? kQuickSolutions : kSolutions),
          nodes_(quick ? kQuickNodes : kNodes) {}

    [[nodiscard]] std::string_view name() const override { return "nqueens"; }
    [[nodiscard]] std::string_view item() const override { return "queen placed"; }
    [[nodiscard]] double items() const override { return nodes_; }

    void reset() override { answer_ = 0; }
    void run_sequential() override { answer_ = nqueens_sequential(Board{}, 0, size_); }
    void run_onetbb() override { answer_ = nqueens_onetbb(Board{}, 0, size_); }
    weft::Coro<> run_weft() override {
        const Board empty{};
        answer_ = co_await nqueens_weft(empty, 0, size_);
    }

    [[nodiscard]] std::uint64_t answer() const override { return answer_; }
    [[nodiscard]] std::uint64_t expected() const override { return expected_; }

private:
    // Known solutions (OEIS A000170). The nodes only scale the times; a search with bit masks counted them.
    static constexpr int kSize = 12;
    static constexpr std::uint64_t kSolutions = 14'200;
    static constexpr double kNodes = 856'188;
    static constexpr int kQuickSize = 10;
    static constexpr std::uint64_t kQuickSolutions = 724;
    static constexpr double kQuickNodes = 35'538;

    int size_;
    std::uint64_t expected_;
    double nodes_;
    std::uint64_t answer_ = 0;
};

}  // namespace bench
