// Scripted: a Runnable that does what the test says, and counts.
#pragma once

#include <functional>
#include <utility>

#include "scheduler/runnable.hpp"

namespace weft::test {

class Scripted final : public scheduler::Runnable {
public:
    explicit Scripted(std::function<void()> on_run, std::function<void()> on_drop = {})
        : on_run_(std::move(on_run)), on_drop_(std::move(on_drop)) {}

    void run() noexcept override {
        ++runs_;
        if (on_run_) on_run_();
    }
    void drop() noexcept override {
        ++drops_;
        if (on_drop_) on_drop_();
    }

    [[nodiscard]] int runs() const { return runs_; }
    [[nodiscard]] int drops() const { return drops_; }

private:
    std::function<void()> on_run_;
    std::function<void()> on_drop_;
    int runs_ = 0;
    int drops_ = 0;
};

}  // namespace weft::test
