// TaskState: a coroutine driven by futures, itself a future. One atomic word says everything that races.
//
// Invariant: a task waits on exactly one Awaited, and only that one's completion wakes it. Each suspension has one
// winner who may queue the task again: the completer that finds `waiting` without `borrowed`, the canceller that ends
// its borrowing and finds `woken`, or the task itself that finds `woken` when it is about to wait.
//
//     active (queued or running) --suspend--> waiting --wake--> active ... --complete--> done
//        |  ^                                   |   ^
//        |  '-- woken before it could wait      |   '-- end_borrow, not woken
//        |                                      '--cancel--> waiting + borrowed: the canceller talks to what is awaited;
//        '--cancel--> + cancel_requested                     a wake leaves `woken`, and end_borrow queues the task
//
// A canceller on the task's own loop, by itself, sets `woken` together with `borrowed`: the task cannot run before the
// canceller is through, so a wake queues it at once, in its place among the other waiters (rule 46).
//
// Who asks where the task stands borrows it, too, and passes a cancellation on that came meanwhile (give_back).
//
// Queued and running are one state: nobody but the loop can tell them apart, and a step costs no read-modify-write.
//
// Orderings (the word is FutureState's)
//   T1 word: release in suspend, acquire in wake, cancel      the suspended frame reaches whoever resumes it (through the
//                                                             queue) and the awaited object the canceller that borrows it
//   T2 word: release in wake, acquire in suspend              what the completer wrote before the wake, and that it is
//                                                             through with the task's place in the list
//   T3 word: acq_rel in end_borrow, give_back, release where  as T1 and T2, for the canceller and for who looks; of two
//      no other thread resumes the task                       cancellers the second sees what the first has done
//   F1, F2 in complete, as for every future
//   T4 details: release CAS from null, acquire loads          who sees them sees them made
//   T5 word: release in cancel, acquire where a request is    the request's message is found: its details are seen
//      taken to be delivered
//   T6 message: release when it is put, acquire when taken    its text; who replaces one does both
//
// Deliberately not asyncio's: cancel may be called from any thread and is a request (rule 100); a started task is owned
// by the runtime (rule 67).
// Rejected: two words, one for the future and one for the task (an extra locked operation at each end of a task).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/loop.hpp"
#include "sync/context_state.hpp"
#include "sync/current.hpp"
#include "sync/failure_trace.hpp"
#include "sync/future_state.hpp"
#include "sync/promise.hpp"
#include "sync/standing.hpp"

namespace weft::sync {

class TaskList;
class TaskSlot;

// Default names count up process-wide. A thread takes a block at a time; a program on one loop sees 1, 2, 3, ...
class TaskNumbers {
public:
    // Thread: the running one's.
    [[nodiscard]] static std::uint64_t take() noexcept {
        TaskNumbers& own = own_;
        if (own.next_ == own.end_) [[unlikely]]
            own.take_block();
        return own.next_++;
    }

private:
    void take_block() noexcept;

    static thread_local constinit TaskNumbers own_;

    std::uint64_t next_ = 0;
    std::uint64_t end_ = 0;
};
inline thread_local constinit TaskNumbers TaskNumbers::own_{};

class TaskState : public Waiter, public FutureState {
public:
    using scheduler::PooledFrame::operator new;
    using scheduler::PooledFrame::operator delete;

    // --- the loop ----------------------------------------------------------------------------------------------

    // One step: resumes the innermost suspended coroutine until it suspends again or the task ends.
    void run() noexcept override;
    // The loop closes; its TaskList dismantles the task.
    void drop() noexcept override {}

    // "<Task name='fetch' created at ...>, last awaiting at ..."
    [[nodiscard]] std::string describe() const override;

    // Lists the task and queues the first step. From here the runtime owns a reference until the task is done.
    void start();
    // The same, but takes the first step now, inside the call, if this is the running loop's thread (rules 211 to 213).
    void start_eagerly();

    // --- the running task --------------------------------------------------------------------------------------

    // The next two calls are the last that a suspending coroutine makes: afterwards the task may run elsewhere.
    // `innermost` is the coroutine that suspends; `awaited` will wake this task once.
    void suspend(PromiseBase& innermost, Awaited& awaited) noexcept {
        innermost_ = &innermost;
        awaited_ = &awaited;
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        if ((word & (kWoken | kCancelRequested)) != 0 ||
            !word_.compare_exchange_strong(word, word | kWaiting, std::memory_order_release,  // T1
                                           std::memory_order_relaxed)) [[unlikely]] {
            suspend_disturbed();
        }
    }
    // Gives up the turn only.
    void yield(PromiseBase& innermost) noexcept;

    // Its own coroutine ends: it is what take_outcome() finds.
    void body_ended(PromiseBase& body) noexcept { innermost_ = &body; }

    // Its body, the running one, takes something: a normal return stands, whatever is requested meanwhile.
    void keep_value() noexcept { keeps_value_ = true; }
    [[nodiscard]] bool keeps_value() const noexcept { return keeps_value_; }

    // An exception leaves one of its coroutines.
    void trace_failure(const PromiseBase& promise, const std::exception_ptr& failure) noexcept;
    // The running task is about to get `failure`, which came out of `from`, a task that is done.
    static void carry_trace(const TaskState& from, const std::exception_ptr& failure) noexcept;

    // Throws CancelledError if a cancellation is to be delivered. Called by every awaiter that did suspend.
    void deliver_cancel() {
        if ((word_.load(std::memory_order_relaxed) & kCancelRequested) != 0) [[unlikely]]
            throw_cancelled();
    }
    // The same after `awaited` is done. If that ended with a CancelledError itself, this is the one that is thrown.
    void deliver_cancel(FutureState& awaited) {
        if ((word_.load(std::memory_order_relaxed) & kCancelRequested) != 0) [[unlikely]]
            throw_cancelled_after(awaited);
    }

    // What is awaited was cancelled on behalf of this task: throws its failure, or a blank CancelledError for null; a
    // request that came after it is taken as delivered.
    [[noreturn]] void throw_cancelled(const std::exception_ptr& failure);
    // Delivers a request: throws CancelledError with its message, even if it was withdrawn meanwhile.
    [[noreturn]] void throw_cancelled();

    // What was awaited ended well although it had accepted a cancellation: the request waits for the next suspension.
    void request_cancel_again() noexcept { word_.fetch_or(kCancelRequested, std::memory_order_relaxed); }

    // --- any thread --------------------------------------------------------------------------------------------

    void wake() noexcept final;
    void abandon() noexcept override { release(); }

    [[nodiscard]] scheduler::Shell* home_shell() const noexcept override { return home_; }

    // Returns false if done. Else counts the request and passes it to what the task waits on, or leaves it to the next
    // suspension.
    bool cancel(std::string_view message) noexcept override;

    // Requests minus uncancel(). Saturates at 8191.
    [[nodiscard]] std::size_t cancelling() const noexcept {
        return static_cast<std::size_t>((word_.load(std::memory_order_relaxed) & kCount) / kOneRequest);
    }
    // Returns what remains. An undelivered request is withdrawn at zero (rule 90), or at the `entry` count of a block
    // that takes its own request back.
    std::size_t uncancel(std::size_t entry = 0) noexcept;
    // A request waits for the next suspension.
    [[nodiscard]] bool cancel_pending() const noexcept {
        return (word_.load(std::memory_order_relaxed) & kCancelRequested) != 0;
    }

    [[nodiscard]] std::string name() const;
    void set_name(std::string_view name);

    // Where create_task was called; unknown for a task that the library made.
    [[nodiscard]] const std::source_location& created_at() const noexcept { return created_at_; }
    // Before start() only.
    void set_created_at(const std::source_location& where) noexcept { created_at_ = where; }
    // "<Task pending name='fetch' created at main.cpp:12, in int main()>"
    [[nodiscard]] std::string repr() const;

    // Where it stands and what it waits for. See Standing.
    [[nodiscard]] Standing standing();
    // Through which coroutines its failure left; null if it did not fail. Once it is done.
    [[nodiscard]] const FailureTrace* trace() const noexcept;

    [[nodiscard]] std::string in_words() const override { return "task '" + name() + "'"; }
    [[nodiscard]] TaskState* failed_task() noexcept override { return this; }

    [[nodiscard]] scheduler::Shell& home() const noexcept { return *home_; }
    [[nodiscard]] scheduler::Affinity affinity() const noexcept { return affinity_; }
    // To be replaced before start() only.
    [[nodiscard]] ContextSlot& context() noexcept { return context_; }

protected:
    // `innermost` is where the first step enters. Without a context: a copy of the running code's.
    TaskState(PromiseBase& innermost, scheduler::Loop& home, scheduler::Affinity affinity, std::uint32_t references)
        : TaskState(innermost, home, affinity, references, ContextSlot()) {
        if (ContextState::any_values()) [[unlikely]]
            context_ = copy_context_to_read();
    }
    TaskState(PromiseBase& innermost, scheduler::Loop& home, scheduler::Affinity affinity, std::uint32_t references,
              ContextSlot&& context)
        : FutureState(references),
          innermost_(&innermost),
          home_(&home.shell()),
          context_(std::move(context)),
          affinity_(affinity) {
        const std::uint64_t number = TaskNumbers::take();
        number_low_ = static_cast<std::uint32_t>(number);
        number_high_ = static_cast<std::uint16_t>(number >> 32);
    }
    ~TaskState() override {
        if (Details* details = details_.load(std::memory_order_relaxed)) [[unlikely]]
            destroy(details);
    }

    // Takes the outcome out of the ended coroutine. Never throws: a failing move is an outcome too.
    virtual Outcome take_outcome() noexcept = 0;
    // The body was never entered, or never will be again.
    virtual void destroy_body() noexcept = 0;
    // The outcome is published, and nothing touches the task any more: drops the runtime's reference.
    virtual void let_go() noexcept { release(); }
    // The same for a task that was dismantled.
    virtual void orphan() noexcept { release(); }
    // The outcome has become `cancelled` although the body returned normally.
    virtual void overruled() noexcept {}

    // A cancelled body raised its CancelledError to one reader (rule 94); one that returned raised none (rule 84).
    [[nodiscard]] bool gives_message_once() const noexcept override { return !returned_; }

    // Makes the task known to its loop's list. Only when it is complete: others may cancel it from then on.
    // Throws std::bad_alloc.
    void enlist();

    [[nodiscard]] PromiseBase& innermost() const noexcept { return *innermost_; }
    // It has a coroutine that is not destroyed.
    [[nodiscard]] bool has_body() const noexcept { return innermost_ != nullptr; }
    // The coroutine that suspended, to be destroyed: from here on nobody looks for it.
    [[nodiscard]] PromiseBase& take_body() noexcept { return *std::exchange(innermost_, nullptr); }
    void publish(Outcome outcome) noexcept;
    void complete(Outcome outcome) noexcept {
        publish(outcome);
        let_go();
    }
    // Unlists and dismantles. Only when no step of it runs or ever will: its loop, or what it belongs to, is closing.
    void dismantle() noexcept;

    friend class TaskList;
    friend class Branch;
    friend class BranchTask;

    static constexpr std::uint64_t kWaiting = 4;
    static constexpr std::uint64_t kBorrowed = 8;
    static constexpr std::uint64_t kCancelRequested = std::uint64_t{1} << 62;
    static constexpr std::uint64_t kWoken = std::uint64_t{1} << 63;

private:
    // What most tasks do not have.
    struct Details {
        std::string name;  // under the mutex of all names
        bool has_default = true;
        FailureTrace trace;  // the running task's, then unchanging
        scheduler::LoneAtomic<std::string*> message{
            nullptr};  // owned; of a request to cancel that is not delivered yet

        Details() = default;
        Details(const Details&) = delete;
        Details& operator=(const Details&) = delete;
        ~Details() { delete message.load(std::memory_order_relaxed); }
    };

    static void destroy(Details* details) noexcept;
    void enlist_owned();
    void queue() noexcept;
    void suspend_disturbed() noexcept;
    void wake_disturbed() noexcept;
    void end_borrow() noexcept;
    void pass_request_on() noexcept;
    // True if only this thread can resume the task.
    [[nodiscard]] bool runs_here_only() const noexcept;
    [[nodiscard]] bool borrow() noexcept;
    void give_back() noexcept;
    [[nodiscard]] bool queued_here() const noexcept;
    [[nodiscard]] static bool in_eager_step() noexcept;
    [[nodiscard]] static bool in_request() noexcept;
    [[nodiscard]] std::vector<std::source_location> sites() const;
    [[nodiscard]] Details& details();
    [[noreturn]] void throw_cancelled_after(FutureState& awaited);
    std::string* set_message(std::string_view message) noexcept;
    [[nodiscard]] bool has_message() const noexcept;
    [[nodiscard]] std::unique_ptr<std::string> take_message() noexcept;
    void take_back(std::string* message) noexcept;
    void adopt_message() noexcept;

    PromiseBase* innermost_;
    Awaited* awaited_ = nullptr;
    scheduler::Shell* home_;
    TaskSlot* slot_ = nullptr;
    scheduler::Atomic<Details*> details_{nullptr};
    ContextSlot context_;
    std::source_location created_at_;
    // 48 bits: names of tasks do not repeat, and a task without a value fills its block.
    std::uint32_t number_low_;
    std::uint16_t number_high_;
    const scheduler::Affinity affinity_;  // beside the next: others read it
    bool entered_ : 1 = false;
    bool returned_ : 1 = false;  // normally, and was cancelled all the same
    bool keeps_value_ : 1 = false;
    bool traced_ : 1 = false;  // by the running task: published by F1

protected:
    bool holds_value_ : 1 = false;
};

}  // namespace weft::sync
