// TwoFutures: members of a gather, a wait, an iteration or a shield; each with what its completer did before.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "sync/future.hpp"
#include "tests/model/cell.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"

namespace weft::model {

class TwoFutures {
public:
    // On the first of so many loops. A loop by itself is told of the ends in its turn, a group of loops at once.
    explicit TwoFutures(std::size_t loop_count) : loops(loop_count) {
        const OnLoop here(loops[0]);
        for (auto& member : members_) member = create_future<int>();
    }

    const Future<int>& operator[](std::size_t i) const { return members_[i]; }
    [[nodiscard]] std::vector<sync::FutureState*> states() const {
        return {&members_[0].state(), &members_[1].state()};
    }
    bool complete(std::size_t i) {
        handed_over_[i].set(1);
        return members_[i].try_set_result(static_cast<int>(i));
    }
    [[nodiscard]] bool handed_over(std::size_t i) const { return handed_over_[i].get() == 1; }
    void turn() const { loops.turn(0); }
    // Both have ended, by nobody but their completers.
    void check_left_alone() const {
        for (std::size_t i = 0; i < 2; ++i) {
            require(members_[i].result() == static_cast<int>(i) && handed_over(i), "its value");
        }
    }

    const Loops loops;

private:
    std::array<Future<int>, 2> members_;
    std::array<Cell<int>, 2> handed_over_;
};

}  // namespace weft::model
