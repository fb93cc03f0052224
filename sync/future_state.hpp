// FutureState: a one-shot state machine that any thread may complete, cancel or await, in one atomic word.
//
// Invariant: the word leaves `pending` by one claim, which belongs to one completer; the outcome is written between
// claim and finish and never changes afterwards. `finish` takes all waiters in one exchange and wakes each of them
// once, in the order in which they were added. A wake schedules; it runs nothing.
//
//     pending(waiters) --claim--> claimed(waiters) --finish--> done
//
// A waiter that gives up (wait with a timeout, shield, remove_done_callback) is taken out of the list by an *editor*:
// one at a time, it alone changes links below the newest waiter, while others go on pushing in front. A completer that
// meets an editor marks the future done and leaves the list to it: the editor wakes the rest when it is through. So an
// edit holds up other edits only, never a completer, a canceller or an awaiter.
//
//     pending --remove_waiter--> pending + editing --> pending       done + editing --editor wakes the rest--> done
//
// A task is a FutureState too; the flags of TaskState live in the same word, so that ending a task is one
// compare-exchange (see task_state.hpp).
//
//     63     62        61       60 ... 48         47 ... 4        3         2        1        0
//     woken  cancel    editing  count of cancel   newest waiter   borrowed  waiting  claimed  done
//            requested          requests
//
// Orderings
//   F1 word: release in finish, acquire in done and add_waiter    the outcome reaches whoever sees done
//   F2 word: release in add_waiter, acquire in finish             the waiter's contents reach the completer
//   F3 word: relaxed CAS in claim                                 one winner: what it writes finish publishes, and nobody
//                                                                 writes to the outcome before it
//   F4 references: relaxed in retain, acq_rel in release          the last owner sees everything before it destroys
//   F5 word: acquire CAS that sets editing, release when it ends  links changed by one editor reach the next, and F2's
//                                                                 waiters the editor; an ending edit publishes to finish
// All changes are read-modify-writes: who acquires one of them has acquired what all before it released.
//
// Nothing touches a FutureState after finish has walked its waiters, unless it holds a reference.
// Rejected: a mutex per future (12 ns, and a canceller would run under it); completing inline (law 3); dead waiters that
// a later push sweeps (the list of a long-lived future would never be empty).
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "scheduler/atomic.hpp"
#include "scheduler/frame_memory.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/runnable.hpp"
#include "sync/errors.hpp"

namespace weft::sync {

class TaskState;
class RemovableWaiter;

// Something that waits for a FutureState: a node in its list. Aligned so that flags fit below its address.
class alignas(16) Waiter : public scheduler::Runnable {
public:
    // The future is done: schedules whatever waits. Thread: the completer's. Must not run user code.
    virtual void wake() noexcept = 0;

    // The future was destroyed without ever being done.
    virtual void abandon() noexcept = 0;

    // Itself, if it can be taken out of the list again.
    [[nodiscard]] virtual RemovableWaiter* removable() noexcept { return nullptr; }

protected:
    ~Waiter() = default;
};

// A waiter that may leave before the future is done. Thread: as FutureState's.
class RemovableWaiter : public Waiter {
public:
    [[nodiscard]] RemovableWaiter* removable() noexcept final { return this; }

protected:
    ~RemovableWaiter() = default;

private:
    friend class FutureState;
    // The next newer waiter, once an editor has come by; null before. An editor's.
    Waiter* newer_ = nullptr;
};

// What a task can wait on, seen by whoever cancels the task.
class Awaited {
public:
    // Returns true if the request was accepted: then what is awaited will end and its waiter be woken.
    virtual bool cancel(std::string_view message) noexcept = 0;

    // Says what it is, for a report: "a future". Thread: any, while the waiting task is borrowed.
    [[nodiscard]] virtual std::string in_words() const = 0;
    // Something that no loop of this group has a hand in will end it: I/O, another thread.
    [[nodiscard]] virtual bool ends_from_outside() const noexcept { return false; }

    // The waiting task is dismantled. What is awaited may still reach for it: then it takes a reference.
    virtual void keep(TaskState& waiter) noexcept = 0;

protected:
    ~Awaited() = default;
};

enum class Outcome : std::uint8_t { none, value, exception, cancelled };

class FutureState : public Awaited, public scheduler::PooledFrame {
public:
    FutureState(const FutureState&) = delete;
    FutureState& operator=(const FutureState&) = delete;

    // --- any thread --------------------------------------------------------------------------------------------

    [[nodiscard]] bool done() const noexcept { return (word_.load(std::memory_order_acquire) & kDone) != 0; }  // F1

    enum class [[nodiscard]] Claim : std::uint8_t { won, lost };

    // The right to complete. The winner writes the outcome and calls finish.
    Claim claim() noexcept {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        do {
            if ((word & (kDone | kClaimed)) != 0) return Claim::lost;
        } while (!word_.compare_exchange_weak(word, word | kClaimed, std::memory_order_relaxed,  // F3
                                              std::memory_order_relaxed));
        return Claim::won;
    }

    // Publishes the outcome and wakes the waiters. Only after claim.
    void finish(Outcome outcome) noexcept {
        outcome_ = outcome;
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        while (!word_.compare_exchange_weak(word, done_word(word), std::memory_order_acq_rel,  // F1 release, F2 acquire
                                            std::memory_order_relaxed)) {
        }
        if ((word & kEditing) == 0) [[likely]]
            wake_all(waiters_of(word));
    }

    enum class [[nodiscard]] Add : std::uint8_t { added, already_done };

    // On `added` the waiter will be woken once, perhaps already has been.
    Add add_waiter(Waiter& waiter) noexcept {
        std::uint64_t word = word_.load(std::memory_order_acquire);  // F1
        do {
            if ((word & kDone) != 0) return Add::already_done;
            waiter.next_ = waiters_of(word);
        } while (!word_.compare_exchange_weak(word, (word & ~kWaiters) | reinterpret_cast<std::uintptr_t>(&waiter),
                                              std::memory_order_release,  // F2
                                              std::memory_order_acquire));
        return Add::added;
    }

    // Takes a waiter out that was added. Returns false if it was woken, or is about to be. The caller holds a reference.
    // Cost: O(1) amortised over the waiters that were added.
    [[nodiscard]] bool remove_waiter(RemovableWaiter& waiter) noexcept;

    [[nodiscard]] bool has_waiters() const noexcept {
        return waiters_of(word_.load(std::memory_order_relaxed)) != nullptr;
    }

    // Ends a pending future as cancelled, at once. Returns false if it was done or being completed.
    bool cancel(std::string_view message) noexcept override {
        if (claim_to_cancel(message) == Claim::lost) return false;
        finish(Outcome::cancelled);
        return true;
    }
    // Its first half. The winner calls finish(Outcome::cancelled).
    Claim claim_to_cancel(std::string_view message) noexcept;
    void keep(TaskState& waiter) noexcept override;
    [[nodiscard]] std::string in_words() const override { return "a future"; }

    // Complete, unless another completer was first: then false.
    bool try_set_exception(std::exception_ptr failure) noexcept;

    // --- after done() ------------------------------------------------------------------------------------------

    [[nodiscard]] Outcome outcome() const noexcept { return outcome_; }

    // Throws what the future ended with, if not with a value; marks the failure as seen.
    void check() {
        if (outcome_ != Outcome::value) [[unlikely]]
            rethrow();
    }

    // The task whose failure it is, because it was passed on. Null if there is none.
    [[nodiscard]] virtual TaskState* failed_task() noexcept { return nullptr; }

    // Returns the failure (a CancelledError for a cancelled one), null for a value; marks it as seen.
    [[nodiscard]] std::exception_ptr failure() noexcept;

    // Returns the failure without having looked at it: who passes it on marks it as seen when it has arrived.
    [[nodiscard]] const std::exception_ptr& unseen_failure() const noexcept { return failure_; }

    // Returns the CancelledError of a cancelled future for one that collects it beside others' results: a task keeps its
    // message for its first reader.
    [[nodiscard]] std::exception_ptr cancellation() const noexcept;

    // True for the first caller: a value that can only be moved has one taker.
    [[nodiscard]] bool take_once() noexcept { return !taken_.exchange(true, std::memory_order_relaxed); }

    // Returns the loop to which the future belongs. Throws std::runtime_error if there is none, or none any more.
    [[nodiscard]] scheduler::Loop& loop() const;

    // True for the first shield of this future that is cancelled.
    [[nodiscard]] bool first_shield_cancelled() noexcept {
        return !shield_cancelled_.exchange(true, std::memory_order_relaxed);
    }

    // A program may complete it: it is a ValueFutureState of its handle's type.
    [[nodiscard]] virtual bool settable() const noexcept { return false; }

    // Null if the future belongs to no loop.
    [[nodiscard]] virtual scheduler::Shell* home_shell() const noexcept { return nullptr; }

    void mark_retrieved() noexcept { retrieved_.store(true, std::memory_order_relaxed); }

    // The typed value's address; meaningless for void.
    [[nodiscard]] virtual void* value() noexcept = 0;

    // --- ownership ---------------------------------------------------------------------------------------------

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // F4
    void release() noexcept {
        // The only owner needs no read-modify-write: nobody else can take a reference any more.
        if (references_.load(std::memory_order_acquire) == 1 ||  // F4
            references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {  // F4
            if (outcome_ == Outcome::exception && !retrieved_.load(std::memory_order_relaxed)) [[unlikely]]
                return report_unseen();
            delete this;
        }
    }
    [[nodiscard]] bool sole_owner() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

protected:
    explicit FutureState(std::uint32_t references = 1) : references_(references) {}
    virtual ~FutureState() {
        if (has_waiters()) [[unlikely]]
            abandon_waiters();
    }

    [[noreturn]] void rethrow();

    // Rule 94: a cancelled task gives its CancelledError to the first reader, later ones get a blank one.
    [[nodiscard]] virtual bool gives_message_once() const noexcept { return false; }

    static constexpr std::uint64_t kDone = 1;
    static constexpr std::uint64_t kClaimed = 2;
    static constexpr std::uint64_t kWaiters = 0x0000'FFFF'FFFF'FFF0;
    static constexpr std::uint64_t kOneRequest = std::uint64_t{1} << 48;
    static constexpr std::uint64_t kCount = 0x1FFF * kOneRequest;
    static constexpr std::uint64_t kEditing = std::uint64_t{1} << 61;

    // What the word becomes when the future is done. A task keeps its count; an editor the list that it works on.
    static constexpr std::uint64_t done_word(std::uint64_t word) noexcept {
        return (word & kCount) | kDone | ((word & kEditing) != 0 ? word & (kEditing | kWaiters) : 0);
    }
    static Waiter* waiters_of(std::uint64_t word) noexcept {
        return reinterpret_cast<Waiter*>(static_cast<std::uintptr_t>(word & kWaiters));
    }
    void abandon_waiters() noexcept;
    static void wake_all(Waiter* newest) noexcept {
        if (newest == nullptr) return;
        if (newest->next_ == nullptr) [[likely]]
            return newest->wake();
        wake_many(newest);
    }
    static void wake_many(Waiter* newest) noexcept;
    static void link_down(Waiter* newest, const Waiter& wanted) noexcept;
    void unlink(RemovableWaiter& waiter) noexcept;
    // The last reference is gone and nobody looked at the failure (rules 48 and 69): the exception handler gets a new one.
    void report_unseen() noexcept;

    scheduler::LoneAtomic<std::uint64_t> word_{0};
    scheduler::LoneAtomic<std::uint32_t> references_;
    Outcome outcome_ = Outcome::none;
    scheduler::Atomic<bool> retrieved_{false};
    scheduler::LoneAtomic<bool> taken_{false};
    scheduler::LoneAtomic<bool> shield_cancelled_{false};
    std::exception_ptr failure_;  // also the CancelledError of a cancellation that has a message
};

static_assert(sizeof(void*) == 8, "the word keeps a 48-bit address beside its flags");

}  // namespace weft::sync
