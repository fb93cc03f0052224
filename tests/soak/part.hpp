// Part: one kind of load. A round makes something whose outcome is known, disturbs it, waits for every task that it has
// started, and checks what came of it. Several workers run rounds of one part at the same time, on any loops.
//
// The counters are relaxed: anything stronger would order the loops at each step and hide their races from
// ThreadSanitizer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sync/coro.hpp"
#include "tests/soak/random.hpp"

namespace weft::soak {

// What fails on purpose. What it says is read wherever it is caught, on any thread.
class Intended : public std::runtime_error {
public:
    Intended() : std::runtime_error(kText) {}
    [[nodiscard]] bool whole() const noexcept { return std::string_view(what()) == kText; }

private:
    static constexpr const char* kText = "made to fail, by a text that is too long for a string to keep it inside";
};

// So many of each.
struct Counts {
    std::uint64_t operations = 0;
    std::uint64_t cancels = 0;  // that hit something
    std::uint64_t failures = 0;  // Intended, timeouts and refusals, where they were expected
};

class Part {
public:
    explicit Part(std::string_view name) : name_(name) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    virtual ~Part() = default;

    [[nodiscard]] virtual Coro<> round(Random random) = 0;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] Counts counts() const {
        return {operations_.load(std::memory_order_relaxed), cancels_.load(std::memory_order_relaxed),
                failures_.load(std::memory_order_relaxed)};
    }
    // Checks that failed.
    [[nodiscard]] std::uint64_t wrong() const { return wrong_.load(std::memory_order_relaxed); }

    // How many workers are in the middle of a round.
    [[nodiscard]] std::uint32_t in_rounds() const { return in_rounds_.load(std::memory_order_relaxed); }
    void enter_round() { in_rounds_.fetch_add(1, std::memory_order_relaxed); }
    void leave_round() { in_rounds_.fetch_sub(1, std::memory_order_relaxed); }

    // Says what is wrong, unless it has often enough. Thread: any.
    void complain(std::string_view what);

protected:
    void did(std::uint64_t count = 1) { operations_.fetch_add(count, std::memory_order_relaxed); }
    void cancelled(std::uint64_t count = 1) { cancels_.fetch_add(count, std::memory_order_relaxed); }
    void failed(std::uint64_t count = 1) { failures_.fetch_add(count, std::memory_order_relaxed); }
    void failed(const Intended& error) {
        check_text(error);
        failed();
    }
    void check_text(const Intended& error) {
        check(error.whole(), "a failure does not say what it did when it was thrown");
    }
    // It goes on if it does not hold: others still use what this round has made.
    void check(bool holds, std::string_view what) {
        if (!holds) complain(what);
    }

private:
    const std::string name_;
    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::uint64_t> cancels_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uint64_t> wrong_{0};
    std::atomic<std::uint32_t> in_rounds_{0};
};

// All parts of the load, a file for each.
[[nodiscard]] std::unique_ptr<Part> make_trees();
[[nodiscard]] std::unique_ptr<Part> make_branches();
[[nodiscard]] std::unique_ptr<Part> make_timers();
[[nodiscard]] std::unique_ptr<Part> make_cancels();
[[nodiscard]] std::unique_ptr<Part> make_locks();
[[nodiscard]] std::unique_ptr<Part> make_queues();
[[nodiscard]] std::unique_ptr<Part> make_channels();
[[nodiscard]] std::unique_ptr<Part> make_gatherings();
[[nodiscard]] std::unique_ptr<Part> make_generators();
[[nodiscard]] std::unique_ptr<Part> make_executors();
[[nodiscard]] std::unique_ptr<Part> make_foreign_threads();
[[nodiscard]] std::unique_ptr<Part> make_runtimes();
[[nodiscard]] std::unique_ptr<Part> make_sockets();

[[nodiscard]] std::vector<std::unique_ptr<Part>> make_parts();

}  // namespace weft::soak
