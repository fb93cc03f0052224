// Semaphore: so many permits, given in order of arrival, from any loop. BoundedSemaphore: refuses more releases than
// acquires. Rules 232 to 234.
//
//     auto permit = co_await semaphore.scoped();
//
// Invariant: permits free + permits granted to tasks that have not resumed + permits held is constant but for release()
// and acquire(). A released permit goes to the first in line at once; whoever is granted one and does not take it gives
// it back, and it goes to the next.
//
// The word is the number of free permits, and `in_line` while tasks are in line or have not resumed with their permit:
// then nothing goes past the mutex, newcomers queue even if a permit is free, and who has the mutex changes the word by
// plain stores.
//
// Orderings
//   M1 word: release in release_past_line and open,    what the releaser wrote reaches who acquires;
//      acquire in try_take and close                     read-modify-writes between them keep that
//   the mutex: the same from a releaser to the one that it grants the permit to
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "scheduler/spin_lock.hpp"
#include "sync/acquiring.hpp"
#include "sync/parking_lot.hpp"

namespace weft {

class Semaphore {
public:
    // Throws std::invalid_argument if `permits` is negative. `name` is for reports.
    explicit Semaphore(std::ptrdiff_t permits = 1, std::string_view name = {})
        : Semaphore(permits, Bound::none, name) {}

    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;
    ~Semaphore() {
        if (granted_ != 0) [[unlikely]]
            lot_.tell_of_granted();
    }

    // Returns, when awaited, true. Cancel: the task leaves the line; a permit that it was granted goes to the next.
    // Thread: a task's. Cost: one read-modify-write if a permit is free; a wait allocates nothing.
    [[nodiscard]] sync::Acquiring<Semaphore> acquire() { return sync::Acquiring<Semaphore>(*this); }

    // Returns, when awaited, a guard. Otherwise as acquire().
    [[nodiscard]] sync::AcquiringScoped<Semaphore> scoped() { return sync::AcquiringScoped<Semaphore>(*this); }

    // Returns false if no permit is free, or somebody is in line. Thread: any.
    [[nodiscard]] bool try_acquire();

    // Throws std::invalid_argument if it is a BoundedSemaphore with all its permits. Thread: any.
    void release();

    // True if acquire() would have to wait. Thread: any.
    [[nodiscard]] bool locked() const noexcept;

    // "semaphore 'uploads'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

protected:
    enum class Bound : std::uint8_t { none, initial };
    Semaphore(std::ptrdiff_t permits, Bound bound, std::string_view name);

private:
    friend class Held<Semaphore>;
    friend class sync::Acquiring<Semaphore>;

    static constexpr std::uint64_t kInLine = 1;
    static constexpr std::uint64_t kPermit = 2;

    [[nodiscard]] bool try_take() noexcept {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        while (word >= kPermit && (word & kInLine) == 0) {
            if (word_.compare_exchange_weak(word, word - kPermit, std::memory_order_acquire,  // M1
                                            std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    static void before_wait() noexcept {}
    static void taken() noexcept {}
    [[nodiscard]] bool take_in_turn() noexcept;
    void resume(sync::Parked& parked);
    void give_up(sync::Parked& parked) noexcept;
    [[nodiscard]] bool release_past_line() noexcept {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        while ((word & kInLine) == 0 && word / kPermit < bound_) {
            if (word_.compare_exchange_weak(word, word + kPermit, std::memory_order_release,  // M1
                                            std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] bool release_in_turn() noexcept;
    void end_of_scope() noexcept {
        if (!release_past_line()) end_of_scope_in_turn();
    }
    void end_of_scope_in_turn() noexcept;
    std::uint64_t close() noexcept;
    void open(std::uint64_t word) noexcept;
    [[nodiscard]] std::uint64_t hand_out(std::uint64_t word, sync::Wakes& wakes) noexcept;
    void settle(sync::Parked& parked, sync::Wakes& wakes, bool takes) noexcept;

    scheduler::LoneAtomic<std::uint64_t> word_;
    const std::uint64_t bound_;
    mutable scheduler::SpinLock mutex_;
    std::uint32_t granted_ = 0;  // to tasks that have not resumed; under the mutex
    sync::ParkingLot lot_;
};

class BoundedSemaphore final : public Semaphore {
public:
    // Throws std::invalid_argument if `permits` is negative.
    explicit BoundedSemaphore(std::ptrdiff_t permits = 1, std::string_view name = {})
        : Semaphore(permits, Bound::initial, name) {}
};

using SemaphorePermit = Held<Semaphore>;

}  // namespace weft
