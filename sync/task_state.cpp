#include "sync/task_state.hpp"

#include <memory>
#include <thread>
#include <utility>

#include "scheduler/schedule.hpp"
#include "sync/acquiring.hpp"
#include "sync/branch.hpp"
#include "sync/task_list.hpp"

namespace weft::sync {

namespace {

using scheduler::Loop;

// This thread is inside of something, perhaps several times.
template <class What>
struct Inside {
    Inside() { ++depth; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { --depth; }
    static inline thread_local constinit int depth = 0;
};
// A step inside another one: the tasks around it run as well, though Current does not say so.
using EagerStep = Inside<struct EagerStepTag>;
// A request to what a task awaits, which may be a program's own code.
using Request = Inside<struct RequestTag>;

bool request_cancel(Awaited& awaited, std::string_view message) noexcept {
    const Request request;
    return awaited.cancel(message);
}

}  // namespace

void TaskNumbers::take_block() noexcept {
    constexpr std::uint64_t kBlock = 1024;
    static scheduler::Atomic<std::uint64_t> blocks{0};
    next_ = blocks.fetch_add(kBlock, std::memory_order_relaxed) + 1;
    end_ = next_ + kBlock;
}

void TaskState::destroy(Details* details) noexcept { delete details; }

void TaskState::start() {
    enlist_owned();
    queue();
}

void TaskState::start_eagerly() {
    scheduler::Loop* here = scheduler::current_loop();
    if (here == nullptr || &here->shell() != home_) return start();
    enlist_owned();
    const EagerStep step;
    const Current outer = current();
    run();
    current() = outer;
}

bool TaskState::in_eager_step() noexcept { return EagerStep::depth != 0; }

bool TaskState::in_request() noexcept { return Request::depth != 0; }

void TaskState::enlist() {
    Loop* here = scheduler::current_loop();
    Loop& home = here != nullptr && &here->shell() == home_ ? *here : home_->loop();  // the own one may be closing
    scheduler::LoopLocal<TaskList>::of(home).add(*this);
}

// The runtime's reference comes first: once listed, the task is known to others.
void TaskState::enlist_owned() {
    if (sole_owner()) {  // its maker, alone: needs no read-modify-write
        references_.store(2, std::memory_order_relaxed);
    } else {
        retain();
    }
    try {
        enlist();
    } catch (...) {
        release();
        throw;
    }
}

void TaskState::run() noexcept {
    const std::uint64_t word = word_.load(std::memory_order_acquire);  // T2
    if ((word & kDone) != 0) return;                                   // dismantled while it was queued
    if (!entered_) {
        if ((word & kCancelRequested) != 0) {  // rule 76: the body is never entered
            destroy_body();
            adopt_message();
            return complete(Outcome::cancelled);
        }
        entered_ = true;
    }
    ContextEntry* const entered = current().entered;  // a thread's, outside of its loop
    current() = Current{.task = this};
    if constexpr (kProfiled) current().strand->begin_step(Branch::tally_around(*innermost_));
    drive(innermost_->handle());
    const bool ended = current().finished == this;
    current() = Current{.entered = entered};
    if (ended) complete(take_outcome());
}

void TaskState::publish(Outcome outcome) noexcept {
    outcome_ = outcome;
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
        // Rule 84: a request that nobody delivered turns a normal return into a cancellation. Rule 85: a failure wins.
        if ((word & kCancelRequested) != 0 && outcome_ == Outcome::value && !keeps_value_) {
            word = word_.load(std::memory_order_acquire);  // T5
            outcome_ = Outcome::cancelled;
            returned_ = true;
            adopt_message();
            overruled();
        }
    } while (!word_.compare_exchange_weak(word, done_word(word), std::memory_order_acq_rel,  // F1, F2
                                          std::memory_order_relaxed));
    slot_->clear(*this);
    if ((word & kEditing) == 0) [[likely]]
        wake_all(waiters_of(word));
}

// Something came before it could wait, or comes now.
void TaskState::suspend_disturbed() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((word & kWoken) != 0) {  // it is done already: stay active, take the next turn
            if (word_.compare_exchange_weak(word, word & ~kWoken, std::memory_order_acquire,  // T2
                                            std::memory_order_relaxed)) {
                return queue();
            }
        } else if ((word & kCancelRequested) != 0) {  // rule 86: the first real suspension is hit
            const std::uint64_t borrowed = (word | kWaiting | kBorrowed) & ~kCancelRequested;
            if (word_.compare_exchange_weak(word, borrowed, std::memory_order_acquire,  // T5; end_borrow releases
                                            std::memory_order_relaxed)) {
                return pass_request_on();
            }
        } else if (word_.compare_exchange_weak(word, word | kWaiting, std::memory_order_release,  // T1
                                               std::memory_order_relaxed)) {
            return;
        }
    }
}

// The borrowed task's request, taken out of its word, goes to what it awaits; a newer one may come meanwhile, and stays.
void TaskState::pass_request_on() noexcept {
    std::unique_ptr<std::string> message = take_message();
    if (!request_cancel(*awaited_, message ? *message : std::string_view())) {  // it is done: see cancel
        if (std::string* const given = message.release()) {
            std::string* none = nullptr;
            Details& details = *details_.load(std::memory_order_relaxed);  // it had the message
            if (!details.message.compare_exchange_strong(none, given, std::memory_order_release,  // T6
                                                         std::memory_order_relaxed)) {
                message.reset(given);
            }
        }
        word_.fetch_or(kCancelRequested, std::memory_order_relaxed);
    }
    end_borrow();
}

void TaskState::yield(PromiseBase& innermost) noexcept {
    innermost_ = &innermost;
    queue();
}

void TaskState::wake() noexcept {
    // Copied first: after the exchange a closing loop may dismantle the task.
    scheduler::Shell& home = *home_;
    const std::uint32_t generation = home.generation();
    const scheduler::Affinity affinity = affinity_;
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    if ((word & (kDone | kWaiting | kBorrowed)) != kWaiting ||
        !word_.compare_exchange_strong(word, word & ~kWaiting, std::memory_order_acq_rel,  // T1 acquire, T2 release
                                       std::memory_order_relaxed)) [[unlikely]] {
        return wake_disturbed();
    }
    // A closed home dismantles the task: nothing is left to do here.
    (void)scheduler::schedule(*this, home, affinity, generation);
}

// The task does not just wait.
void TaskState::wake_disturbed() noexcept {
    scheduler::Shell& home = *home_;
    const std::uint32_t generation = home.generation();
    const scheduler::Affinity affinity = affinity_;
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((word & kDone) != 0) {  // dismantled: the registration owns a reference, perhaps the last one
            (void)word_.load(std::memory_order_acquire);  // F1: or an old count of references would say so, too
            return release();
        }
        const bool resumes = (word & kWaiting) != 0 && ((word & kBorrowed) == 0 || (word & kWoken) != 0);
        const std::uint64_t next = resumes ? word & ~(kWaiting | kWoken) : word | kWoken;
        if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,  // T1 acquire, T2 release
                                        std::memory_order_relaxed)) {
            if (resumes) (void)scheduler::schedule(*this, home, affinity, generation);
            return;
        }
    }
}

void TaskState::queue() noexcept { (void)scheduler::schedule(*this, *home_, affinity_); }

bool TaskState::cancel(std::string_view message) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    std::string* text = (word & kDone) == 0 ? set_message(message) : nullptr;
    const std::uint64_t borrowed = runs_here_only() ? kBorrowed | kWoken : kBorrowed;
    bool borrows = false;
    std::uint64_t next = 0;
    do {
        if ((word & kDone) != 0) {
            mark_retrieved();  // rule 49
            return false;
        }
        next = (word & kCount) == kCount ? word : word + kOneRequest;
        borrows = (word & (kWaiting | kBorrowed)) == kWaiting;
        next |= borrows ? borrowed : kCancelRequested;
    } while (!word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,  // T1 acquire, T5 release
                                          std::memory_order_relaxed));
    if (!borrows) return true;
    if (request_cancel(*awaited_, message)) {
        take_back(text);  // what is awaited carries it now
    } else {  // it is done: the wake is under way, and the request goes before its result (rule 78)
        word_.fetch_or(kCancelRequested, std::memory_order_relaxed);
    }
    if ((borrowed & kWoken) != 0) {
        word_.fetch_and(~borrowed, std::memory_order_release);  // T3: no other thread resumes it
    } else {
        end_borrow();
    }
    return true;
}

bool TaskState::runs_here_only() const noexcept {
    const Loop* here = scheduler::current_loop();
    return here != nullptr && here->alone() && &here->shell() == home_;
}

// The borrower is through with what the task awaits.
void TaskState::end_borrow() noexcept {
    scheduler::Shell& home = *home_;
    const std::uint32_t generation = home.generation();
    const scheduler::Affinity affinity = affinity_;
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        next = word & ~kBorrowed;
        if ((word & kWoken) != 0) next &= ~(kWoken | kWaiting);
    } while (!word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,  // T3
                                          std::memory_order_relaxed));
    if ((word & kWoken) != 0) (void)scheduler::schedule(*this, home, affinity, generation);
}

std::size_t TaskState::uncancel(std::size_t entry) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        if ((word & kCount) == 0) return 0;
        next = word - kOneRequest;
        if ((next & kCount) / kOneRequest <= entry) next &= ~kCancelRequested;
    } while (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed, std::memory_order_relaxed));
    return static_cast<std::size_t>((next & kCount) / kOneRequest);
}

void TaskState::throw_cancelled() {
    word_.fetch_and(~kCancelRequested, std::memory_order_acquire);  // T5
    if (!has_message()) throw CancelledError();  // many at a time: without anything to be unwound here
    const std::unique_ptr<std::string> message = take_message();
    throw CancelledError(message != nullptr ? *message : std::string());
}

void TaskState::throw_cancelled_after(FutureState& awaited) {
    const Outcome outcome = awaited.outcome();
    // Looked at, whatever is thrown (rule 48).
    const std::exception_ptr failure = outcome == Outcome::cancelled || outcome == Outcome::exception  //
                                           ? awaited.failure()
                                           : nullptr;
    if (failure == nullptr || (outcome == Outcome::exception && !is_cancellation(failure))) throw_cancelled();
    throw_cancelled(failure);
}

void TaskState::throw_cancelled(const std::exception_ptr& failure) {
    word_.fetch_and(~kCancelRequested, std::memory_order_relaxed);
    (void)take_message();
    if (failure == nullptr) throw CancelledError();
    std::rethrow_exception(failure);
}

std::string* TaskState::set_message(std::string_view message) noexcept {
    if (message.empty()) {
        (void)take_message();
        return nullptr;
    }
    try {
        auto text = std::make_unique<std::string>(message);
        std::string* const own = text.get();
        delete details().message.exchange(text.release(), std::memory_order_acq_rel);  // T6
        return own;
    } catch (const std::bad_alloc&) {  // the request matters more than its text
        (void)take_message();
        return nullptr;
    }
}

bool TaskState::has_message() const noexcept {
    const Details* const details = details_.load(std::memory_order_acquire);  // T4
    return details != nullptr && details->message.load(std::memory_order_relaxed) != nullptr;
}

std::unique_ptr<std::string> TaskState::take_message() noexcept {
    if (!has_message()) return nullptr;
    return std::unique_ptr<std::string>(
        details_.load(std::memory_order_relaxed)->message.exchange(nullptr, std::memory_order_acquire));  // T6
}

// Unless a newer one is there.
void TaskState::take_back(std::string* message) noexcept {
    if (message == nullptr) return;
    std::string* expected = message;
    Details& details = *details_.load(std::memory_order_relaxed);  // set_message had them
    if (details.message.compare_exchange_strong(expected, nullptr, std::memory_order_acquire,  // T6: it may be one that
                                                std::memory_order_relaxed)) {  // has come to its place
        delete message;
    }
}

// The undelivered request's message becomes the outcome's.
void TaskState::adopt_message() noexcept {
    const std::unique_ptr<std::string> message = take_message();
    if (message) failure_ = std::make_exception_ptr(CancelledError(*message));
}

namespace {
// Names are read and set rarely: one lock for all of them.
scheduler::Mutex& names_mutex() {
    static scheduler::Mutex mutex;
    return mutex;
}
}  // namespace

std::string TaskState::name() const {
    const std::lock_guard lock(names_mutex());
    const Details* details = details_.load(std::memory_order_acquire);  // T4
    if (details != nullptr && !details->has_default) return details->name;
    return "Task-" + std::to_string(number_low_ | std::uint64_t{number_high_} << 32);
}

void TaskState::set_name(std::string_view name) {
    std::string text(name);
    Details& own = details();
    const std::lock_guard lock(names_mutex());
    own.name.swap(text);
    own.has_default = false;
}

TaskState::Details& TaskState::details() {
    Details* details = details_.load(std::memory_order_acquire);  // T4
    if (details != nullptr) return *details;
    auto made = std::make_unique<Details>();
    if (!details_.compare_exchange_strong(details, made.get(), std::memory_order_release,  // T4
                                          std::memory_order_acquire)) {
        return *details;
    }
    return *made.release();
}

void TaskState::dismantle() noexcept {
    retain();  // a late wake of what is done already drops a reference, perhaps before keep() has taken it
    slot_->clear(*this);
    outcome_ = Outcome::cancelled;
    // A canceller on a plain thread may still talk to what the task awaits; it is about to give the task back.
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
        if ((word & kBorrowed) != 0) {
            std::this_thread::yield();
            word = word_.load(std::memory_order_relaxed);
        } else if (word_.compare_exchange_weak(word, done_word(word), std::memory_order_acq_rel,  // F1, F2; T3 acquire
                                               std::memory_order_relaxed)) {
            break;
        }
    }
    if ((word & kWaiting) != 0) awaited_->keep(*this);
    destroy_body();
    lock_not_held = {};
    if ((word & kEditing) == 0) wake_all(waiters_of(word));
    orphan();
    release();
}

}  // namespace weft::sync
