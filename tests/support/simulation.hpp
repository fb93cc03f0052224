// Simulation: N loops of one group, stepped by one thread in an order that a seed decides, under one virtual clock.
//
// Invariant: a loop is in at most one step. A loop that parks does not return: its Parker steps the others from within
// (nested, so it stays announced in Idle and must be woken), until it is unparked or its deadline has come. When every
// loop is parked, the clock jumps to the earliest deadline; without one that is a deadlock and is thrown.
//
//     run_until -> step 2 -> parks -> step 0 -> runs something, unparks 2 -> back in step 2
//                                 '-> step 1 -> parks, all are parked: the clock jumps, or Deadlock
//
// A Parker below another one returns early (which every Parker may) when one further up has to go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "scheduler/clock.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"
#include "scheduler/parker.hpp"
#include "scheduler/virtual_parker.hpp"

namespace weft::test {

class Simulation {
public:
    // In upper rooms the loop may have to be made in another way.
    using MakeLoop =
        std::function<std::unique_ptr<scheduler::Loop>(std::unique_ptr<scheduler::Parker>, scheduler::Neighbours&)>;

    Simulation(std::size_t loops, std::uint32_t seed, const MakeLoop& make_loop = make_plain_loop)
        : group_(loops, 1), random_(seed) {
        for (std::size_t i = 0; i < loops; ++i) {
            auto parker = std::make_unique<SharedClockParker>(*this);
            parkers_.push_back(parker.get());
            loops_.push_back(make_loop(std::move(parker), group_));
        }
    }
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    [[nodiscard]] std::size_t size() const { return loops_.size(); }
    [[nodiscard]] scheduler::Loop& loop(std::size_t i) { return *loops_.at(i); }
    [[nodiscard]] scheduler::Neighbours& group() { return group_; }
    [[nodiscard]] TimePoint now() const { return now_; }

    // A free choice of the test's own: 0 <= result < n.
    [[nodiscard]] std::size_t choose(std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
    }

    // Steps until done() says so. Throws Deadlock if nothing can happen any more; std::logic_error after so many
    // steps that something must be going round in circles.
    void run_until(const std::function<bool()>& done) {
        done_ = &done;
        steps_left_ = kMostSteps;
        struct Reset {
            Simulation& simulation;
            ~Reset() { simulation.done_ = nullptr; }
        } const reset{*this};
        while (!done()) step_one_of(size());
    }

private:
    class SharedClockParker final : public scheduler::Parker {
    public:
        explicit SharedClockParker(Simulation& simulation) : simulation_(simulation) {}

        std::size_t poll() override { return 0; }
        void park_until(std::optional<TimePoint> deadline) override {
            parked = true;
            until = deadline;
            struct Awake {
                SharedClockParker& parker;
                ~Awake() { parker.parked = parker.token = false; }
            } const awake{*this};
            if (!token) simulation_.step_others();
        }
        void unpark() override { token = true; }
        [[nodiscard]] TimePoint now() const override { return simulation_.now_; }

        [[nodiscard]] bool must_go_on() const { return token || (until && *until <= simulation_.now_); }

        bool in_step = false;
        bool parked = false;
        bool token = false;
        std::optional<TimePoint> until;

    private:
        Simulation& simulation_;
    };

    static constexpr std::uint64_t kMostSteps = 10'000'000;

    static std::unique_ptr<scheduler::Loop> make_plain_loop(std::unique_ptr<scheduler::Parker> parker,
                                                            scheduler::Neighbours& group) {
        return std::make_unique<scheduler::Loop>(std::move(parker), group);
    }

    // Some loop is parked: goes on with the others until it, or one that waits further up, has to go on.
    void step_others() {
        for (;;) {
            if (done_ == nullptr || (*done_)()) return;  // null: stepped by hand, and nobody to wait for
            std::size_t free = 0;
            for (const SharedClockParker* parker : parkers_) {
                if (parker->parked && parker->must_go_on()) return;
                free += !parker->in_step;
            }
            if (free != 0) {
                step_one_of(free);
            } else {
                jump_to_next_deadline();
            }
        }
    }

    // Every loop is parked.
    void jump_to_next_deadline() {
        std::optional<TimePoint> next;
        for (const SharedClockParker* parker : parkers_) {
            if (parker->until && (!next || *parker->until < *next)) next = parker->until;
        }
        if (!next) throw scheduler::Deadlock();
        if (*next > now_) now_ = *next;
    }

    // Steps one of the `free` loops that are in no step.
    void step_one_of(std::size_t free) {
        if (steps_left_-- == 0) throw std::logic_error("simulation: still not done after ten million steps");
        std::size_t skip = choose(free);
        for (std::size_t i = 0; i < size(); ++i) {
            SharedClockParker& parker = *parkers_[i];
            if (parker.in_step || skip-- != 0) continue;
            parker.in_step = true;
            struct Stepped {
                SharedClockParker& parker;
                ~Stepped() { parker.in_step = false; }
            } const stepped{parker};
            loops_[i]->step();
            return;
        }
    }

    scheduler::Neighbours group_;
    std::mt19937 random_;
    TimePoint now_{};
    std::vector<SharedClockParker*> parkers_;
    std::vector<std::unique_ptr<scheduler::Loop>> loops_;
    const std::function<bool()>* done_ = nullptr;
    std::uint64_t steps_left_ = kMostSteps;
};

}  // namespace weft::test
