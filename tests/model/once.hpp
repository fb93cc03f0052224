// Once: a function that a loop runs.
#pragma once

#include <functional>
#include <utility>

#include "scheduler/loop.hpp"
#include "tests/model/explorer.hpp"

namespace weft::model {

class Once final : public scheduler::Runnable {
public:
    explicit Once(std::function<void()> what = [] {}) : what_(std::move(what)) {}
    void run() noexcept override { what_(); }
    void drop() noexcept override { require(false, "it is not dropped"); }

private:
    const std::function<void()> what_;
};

// Sends it to the loop, which is open.
inline void post(scheduler::Loop& loop, scheduler::Runnable& runnable) {
    require(loop.post(runnable) == scheduler::Sent::sent, "it is open");
}

}  // namespace weft::model
