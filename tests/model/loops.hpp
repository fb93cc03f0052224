// Loops: a group of the tree's own Loops for a model: each is run by a virtual thread, and sleeps as one.
//
//     Loops loops(2);
//     together({[&] { loops.run(0); }, [&] { loops.run(1); }, [&] { ...; loops.stop(); }});
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"
#include "sync/task_list.hpp"
#include "tests/model/parker.hpp"

namespace weft::model {

// Time passes where a loop sleeps: a deadline comes, or something else before it.
class LoopParker final : public scheduler::Parker {
public:
    explicit LoopParker(std::uint32_t early_deadlines = kUnbounded) : parker_(early_deadlines) {}

    std::size_t poll() override { return 0; }
    void park_until(std::optional<TimePoint> deadline) override {
        if (!deadline) {
            parker_.park();
        } else if (parker_.park_until_some_time() == model::Parker::Woken::by_time && now_ < *deadline) {
            now_ = *deadline;
        }
    }
    void unpark() override { parker_.unpark(); }
    [[nodiscard]] TimePoint now() const override { return now_; }

private:
    model::Parker parker_;
    TimePoint now_{};
};

// Whoever parks goes on at once: for threads that make a few turns and end.
class SleeplessParker final : public scheduler::Parker {
public:
    std::size_t poll() override { return 0; }
    void park_until(std::optional<TimePoint>) override {}
    void unpark() override {}
    [[nodiscard]] TimePoint now() const override { return {}; }
};

class Loops {
public:
    // So many LoopParkers' deadlines may pass early.
    explicit Loops(std::size_t count, std::uint32_t early_deadlines = kUnbounded)
        : Loops(count, [=] { return std::make_unique<LoopParker>(early_deadlines); }) {}
    Loops(std::size_t count, const std::function<std::unique_ptr<scheduler::Parker>()>& make_parker)
        : group_(count, 1) {
        for (std::size_t i = 0; i < count; ++i) {
            loops_.push_back(std::make_unique<scheduler::Loop>(make_parker(), group_));
            (void)scheduler::LoopLocal<sync::TaskList>::of(*loops_.back());
        }
    }
    Loops(const Loops&) = delete;
    Loops& operator=(const Loops&) = delete;

    [[nodiscard]] scheduler::Loop& operator[](std::size_t i) const { return *loops_[i]; }

    // Until stop().
    void run(std::size_t i) const { loops_[i]->run(); }
    // One turn, that does not wait.
    void turn(std::size_t i) const {
        loops_[i]->stop();
        run(i);
    }
    void stop() const {
        for (const auto& loop : loops_) loop->stop();
    }
    void close() const {
        for (const auto& loop : loops_) loop->close();
    }

private:
    scheduler::Neighbours group_;
    std::vector<std::unique_ptr<scheduler::Loop>> loops_;
};

}  // namespace weft::model
