// SpawnJoin: a million tasks are spawned one after the other, then all are joined and their results added up.
//
// It measures tasks, not branches: weft's have a handle, a result and a cancel count, and wait in a fair queue.
// oneTBB's have none of these, so its version writes each result to a slot; the sequential one does so by a plain call.
// Item: one task, spawned, run, joined and freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

#include <oneapi/tbb/task_group.h>
#include <weft/weft.hpp>

#include "bench/problem.hpp"

namespace bench {

// What each task does: as little as possible, but the compiler must not see that.
[[gnu::noinline]] inline std::uint64_t spawn_join_work(std::uint64_t number) {
    asm volatile("" : "+r"(number));
    return number;
}

inline weft::Coro<std::uint64_t> spawn_join_weft(std::uint64_t number) { co_return spawn_join_work(number); }

class SpawnJoin final : public Problem {
public:
    explicit SpawnJoin(bool quick) : results_(quick ? kQuickTasks : kTasks) {}

    [[nodiscard]] std::string_view name() const override { return "spawn_join"; }
    [[nodiscard]] std::string_view item() const override { return "task"; }
    [[nodiscard]] double items() const override { return static_cast<double>(results_.size()); }

    void reset() override {
        results_.assign(results_.size(), 0);
        answer_ = 0;
    }

    void run_sequential() override {
        for (std::size_t i = 0; i < results_.size(); ++i) results_[i] = spawn_join_work(i);
        answer_ = std::accumulate(results_.begin(), results_.end(), std::uint64_t{0});
    }

    void run_onetbb() override {
        tbb::task_group group;
        for (std::size_t i = 0; i < results_.size(); ++i) {
            group.run([&result = results_[i], i] { result = spawn_join_work(i); });
        }
        group.wait();
        answer_ = std::accumulate(results_.begin(), results_.end(), std::uint64_t{0});
    }

    weft::Coro<> run_weft() override {
        std::vector<weft::Task<std::uint64_t>> tasks;
        tasks.reserve(results_.size());
        for (std::size_t i = 0; i < results_.size(); ++i) tasks.push_back(weft::create_task(spawn_join_weft(i)));
        std::uint64_t sum = 0;
        for (weft::Task<std::uint64_t>& task : tasks) sum += co_await task;
        answer_ = sum;
    }

    [[nodiscard]] std::uint64_t answer() const override { return answer_; }
    [[nodiscard]] std::uint64_t expected() const override { return results_.size() * (results_.size() - 1) / 2; }

private:
    static constexpr std::size_t kTasks = 1'000'000;
    static constexpr std::size_t kQuickTasks = 200'000;

    std::vector<std::uint64_t> results_;
    std::uint64_t answer_ = 0;
};

}  // namespace bench
