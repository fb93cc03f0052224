// The board of nqueens and its kernel: every version copies it into each branch and tests the rows above one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace bench {

inline constexpr std::size_t kMostQueens = 16;

// The column of the queen in each row so far.
using Board = std::array<std::int8_t, kMostQueens>;

inline bool is_safe(const Board& board, int row, int column) {
    for (int above = 0; above < row; ++above) {
        const int distance = std::abs(board[static_cast<std::size_t>(above)] - column);
        if (distance == 0 || distance == row - above) return false;
    }
    return true;
}

inline Board with_queen(Board board, int row, int column) {
    board[static_cast<std::size_t>(row)] = static_cast<std::int8_t>(column);
    return board;
}

}  // namespace bench
