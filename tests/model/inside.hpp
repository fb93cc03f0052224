// Inside: while one lives, the explorer itself runs, whose accesses to memory are nobody's business. Where a thread stops
// inside and another goes on inside, both leave in their turn.
#pragma once

#include <utility>

#include "tests/model/execution.hpp"

namespace weft::model {

class Execution::Inside {
public:
    explicit Inside(Execution& execution) : execution_(execution), before_(std::exchange(execution.inside_, true)) {
        watches_ = false;
    }
    ~Inside() {
        execution_.inside_ = before_;
        watches_ = !before_ && execution_.running_ != 0;
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    Execution& execution_;
    const bool before_;
};

}  // namespace weft::model
