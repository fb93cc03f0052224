// OnLoop: what runs here while it lives is taken for code of that loop, without a turn of it.
#pragma once

#include <utility>

#include "scheduler/loop.hpp"

namespace weft::model {

class OnLoop {
public:
    explicit OnLoop(scheduler::Loop& loop) : outer_(std::exchange(scheduler::detail::current, &loop)) {}
    OnLoop(const OnLoop&) = delete;
    OnLoop& operator=(const OnLoop&) = delete;
    ~OnLoop() { scheduler::detail::current = outer_; }

private:
    scheduler::Loop* const outer_;
};

}  // namespace weft::model
