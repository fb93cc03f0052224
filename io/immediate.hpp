// Immediate: completions of operations whose system call succeeded at once. A handler must not run before its
// initiating function has returned, and must run soon after: it waits here for exactly that long, instead of going
// round through Asio's queue and a turn of the loop.
//
// Invariant: handlers run only while an Initiation ends, on the loop's thread, one after the other and never nested;
// at most kBudget of them between two looks at the Parker. What exceeds the budget waits for its turn like anything
// else, so that a socket that is always ready does not starve the loop.
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "scheduler/fifo.hpp"
#include "scheduler/frame_memory.hpp"
#include "scheduler/loop.hpp"

namespace weft::io {

class Immediate {
public:
    static constexpr std::uint32_t kBudget = 64;

    Immediate() = default;
    Immediate(const Immediate&) = delete;
    Immediate& operator=(const Immediate&) = delete;

    // Around the call of an initiating function.
    class Initiation {
    public:
        explicit Initiation(Immediate& immediate) : immediate_(immediate), outermost_(!immediate.open_) {
            immediate_.open_ = true;
        }
        Initiation(const Initiation&) = delete;
        Initiation& operator=(const Initiation&) = delete;
        ~Initiation() {
            if (outermost_) immediate_.run_pending();
        }

    private:
        Immediate& immediate_;
        const bool outermost_;
    };

    // Calls handler(values...) when the initiation has ended. Thread: the loop's.
    template <class Handler, class... Values>
    void complete(Handler&& handler, Values... values) {
        auto* completion = new Completion<std::decay_t<Handler>, Values...>(std::forward<Handler>(handler), values...);
        if (open_) {
            pending_.push(*completion);
        } else {
            scheduler::current_loop()->push_pinned(*completion);
        }
    }

    // For what needs no handler: returns false if the loop is to look at its Parker first.
    [[nodiscard]] bool spend() {
        if (budget_ == 0) return false;
        --budget_;
        return true;
    }

    // The loop has looked at its Parker.
    void refill() { budget_ = kBudget; }

private:
    template <class Handler, class... Values>
    class Completion final : public scheduler::Runnable, public scheduler::PooledFrame {
    public:
        template <class H>
        explicit Completion(H&& handler, Values... values) : handler_(std::forward<H>(handler)), values_(values...) {}

        void run() noexcept override {
            std::apply(std::move(handler_), values_);  // in place: a composed operation costs 70 instructions to move
            delete this;
        }
        void drop() noexcept override { delete this; }

    private:
        Handler handler_;
        std::tuple<Values...> values_;
    };

    void run_pending() noexcept {
        while (scheduler::Runnable* completion = pending_.pop()) {
            if (budget_ == 0) {
                scheduler::current_loop()->push_pinned(*completion);
                continue;
            }
            --budget_;
            completion->run();
        }
        open_ = false;
    }

    scheduler::Fifo pending_;
    std::uint32_t budget_ = kBudget;
    bool open_ = false;
};

}  // namespace weft::io
