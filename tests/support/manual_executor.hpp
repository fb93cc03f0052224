// ManualExecutor: an Executor whose jobs run when the test says so, on the thread that says it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "sync/executor.hpp"

namespace weft::test {

class ManualExecutor final : public Executor {
public:
    void submit(std::function<void()> job) override {
        if (refusing_) throw std::runtime_error("refused");
        jobs_.push_back(std::move(job));
    }

    void refuse() { refusing_ = true; }
    [[nodiscard]] std::size_t waiting() const { return jobs_.size(); }

    // Runs the oldest job.
    void run_one() {
        const std::function<void()> job = take();
        job();
    }
    // Forgets the oldest job.
    void drop_one() { (void)take(); }

private:
    std::function<void()> take() {
        std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        return job;
    }

    std::deque<std::function<void()>> jobs_;
    bool refusing_ = false;
};

}  // namespace weft::test
