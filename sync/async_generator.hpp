// async_generator<T>: a coroutine that gives many values, and may await between them.
//
//     async_generator<int> count(int n) { for (int i = 0; i < n; ++i) { co_await sleep(1s); co_yield i; } }
//     auto numbers = count(3);
//     while (auto number = co_await numbers.next()) use(*number);
//
// Lazy and move-only. The body runs inside the task that awaits next(), by transfer of control, as a Coro's does; each
// value is given to the one next() that it was asked by. An exception that leaves the body ends the generator and comes
// out of that next(). After the end next() gives std::nullopt.
//
// aclose() makes the co_yield at which the body stands throw GeneratorExit; the body may catch it, await what its end
// needs, and return. C++ cannot await in a destructor, so this is the place for such work.
//
//     waiting --next, aclose--> running --co_yield--> waiting ...    running --body ends, or its task is dismantled--> finished
//
// Deliberately not asyncio's: a generator that is dropped while it is suspended has its frame destroyed, there and
// then: destructors run, but nothing is thrown and nothing awaited. asyncio's finalizer hook schedules aclose() instead,
// which needs an object that outlives its owner. Who needs it awaits aclose(), or leaves the generator alive until
// run() ends: loops know the generators that were started and not finished, and shutdown_asyncgens() closes them.
//
// GeneratorState is what handles, awaits under way and the shutdown share; the frame goes when the body ends, or with
// the last of them, or before them with the task that stood in the middle of it (closing a loop dismantles its tasks).
//
// Invariant: `running` belongs to one await, from its begin() until it has taken the value; the frame and all plain
// members are its own, whichever loop it is on.
//
// Orderings
//   A1 status: acquire CAS in begin, release store when the await ends   the next one finds what this one left
//   A2 references: relaxed in retain, acq_rel in release                 the last owner sees everything before it destroys
//   A3 references: relaxed CAS in retain_if_alive, under the list's mutex, which unlinking takes before it destroys
//
// Rejected: state in the frame alone (a task that is dismantled takes the frame with it, and the handle would dangle).
// Source: CPython's Objects/genobject.c (async_gen_*), whose errors have these texts.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "scheduler/atomic.hpp"
#include "scheduler/frame_memory.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/loop_local.hpp"
#include "sync/branch.hpp"
#include "sync/coro.hpp"
#include "sync/errors.hpp"
#include "sync/promise.hpp"
#include "sync/transfer.hpp"

namespace weft {

// What aclose() throws into a generator's body. Derives from nothing: whoever catches it means it.
class GeneratorExit {};

namespace sync {

class GeneratorRef;
class GeneratorState;

// The generators that were started on one loop and are not finished.
class GeneratorList {
public:
    void add(GeneratorState& state);
    void remove(GeneratorState& state) noexcept;

    // Appends a reference to each that is alive. From now on those that start are reported: nobody closes them.
    void take_all(std::vector<GeneratorRef>& into);

private:
    scheduler::Mutex mutex_;
    GeneratorState* newest_ = nullptr;
    bool shut_down_ = false;
};

// The list outlives its loop as long as a generator that is in it does.
struct LoopsGenerators {
    explicit LoopsGenerators(scheduler::Loop&);
    const std::shared_ptr<GeneratorList> list;
};

class GeneratorState final : public scheduler::PooledFrame {
public:
    // One reference: the handle's.
    explicit GeneratorState(PromiseBase& body) noexcept : body_(&body) {}
    GeneratorState(const GeneratorState&) = delete;
    GeneratorState& operator=(const GeneratorState&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // A2
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();  // A2
    }

    enum class [[nodiscard]] Begin : std::uint8_t { began, finished, busy };

    // The right to run the body. On `began` it is followed by end(), unless the frame goes before.
    Begin begin() noexcept {
        Status status = status_.load(std::memory_order_acquire);  // A1
        do {
            if (status == Status::finished) return Begin::finished;
            if (status == Status::running) return Begin::busy;
        } while (!status_.compare_exchange_weak(status, Status::running, std::memory_order_acquire,  // A1
                                                std::memory_order_acquire));
        return Begin::began;
    }
    void end() noexcept {
        status_.store(body_ != nullptr ? Status::waiting : Status::finished, std::memory_order_release);  // A1
    }

    // --- between begin and end ---------------------------------------------------------------------------------

    // The body is about to be entered, perhaps for the first time: then it is listed.
    void enter(const std::shared_ptr<GeneratorList>& list) noexcept {
        if (list_ != nullptr) return;
        list_ = list;
        list_->add(*this);
    }
    [[nodiscard]] bool entered() const noexcept { return list_ != nullptr; }

    [[nodiscard]] PromiseBase& body() const noexcept { return *body_; }
    void destroy_body() noexcept { body_->handle().destroy(); }
    // By the frame's destructor, whoever destroys it.
    void body_gone() noexcept;

    // aclose: the body's co_yield is to throw.
    void ask_to_exit() noexcept { exit_asked_ = true; }
    [[nodiscard]] bool asked_to_exit() noexcept { return std::exchange(exit_asked_, false); }
    // True for the first aclose.
    [[nodiscard]] bool close_once() noexcept { return !std::exchange(closed_, true); }

private:
    friend class GeneratorList;

    enum class Status : std::uint8_t { waiting, running, finished };

    ~GeneratorState() = default;
    void destroy() noexcept;
    [[nodiscard]] bool retain_if_alive() noexcept;

    PromiseBase* body_;  // owned; null once the frame is gone
    std::shared_ptr<GeneratorList> list_;
    GeneratorState* newer_ = nullptr;  // under the list's mutex
    GeneratorState* older_ = nullptr;
    scheduler::LoneAtomic<std::uint32_t> references_{1};
    scheduler::LoneAtomic<Status> status_{Status::waiting};
    bool exit_asked_ = false;
    bool closed_ = false;
};

class GeneratorRef {
public:
    GeneratorRef() = default;
    // Takes over a reference.
    explicit GeneratorRef(GeneratorState* state) noexcept : state_(state) {}
    GeneratorRef(const GeneratorRef& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->retain();
    }
    GeneratorRef(GeneratorRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    GeneratorRef& operator=(GeneratorRef other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~GeneratorRef() {
        if (state_ != nullptr) state_->release();
    }

    explicit operator bool() const noexcept { return state_ != nullptr; }
    [[nodiscard]] GeneratorState& operator*() const noexcept { return *state_; }
    [[nodiscard]] GeneratorState* operator->() const noexcept { return state_; }

private:
    GeneratorState* state_ = nullptr;
};

// The part of a generator's promise that does not depend on its type.
class GeneratorPromise : public PromiseBase {
public:
    GeneratorPromise() : state_(new GeneratorState(*this)) {}
    ~GeneratorPromise() { state_->body_gone(); }

    void return_void() noexcept {}

    [[nodiscard]] GeneratorState& state() const noexcept { return *state_; }

    // At a co_yield: back to who asked; with the next request the body goes on.
    class Yield {
    public:
        explicit Yield(GeneratorPromise& promise) noexcept : promise_(promise) {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        Transfer await_suspend(std::coroutine_handle<>) const noexcept {
            return transfer_to(promise_.call().caller_->handle());
        }
        void await_resume() const {
            if (promise_.state_->asked_to_exit()) throw GeneratorExit();
        }

    private:
        GeneratorPromise& promise_;
    };

private:
    GeneratorState* state_;  // outlives the frame
};

// One run of the body, up to its next co_yield or its end, seen from the coroutine that awaits it.
class GeneratorRun {
public:
    GeneratorRun(const GeneratorRun&) = delete;
    GeneratorRun& operator=(const GeneratorRun&) = delete;

    template <class Promise>
    Transfer await_suspend(std::coroutine_handle<Promise> caller) noexcept {
        PromiseBase& body = state_->body();
        call_.caller_ = &caller.promise();
        call_.callee_ = &body;  // if the awaiting frame is destroyed now, so is the body
        body.return_to(call_);
        return transfer_to(body.handle());
    }

protected:
    explicit GeneratorRun(GeneratorRef state) noexcept : state_(std::move(state)) {}
    ~GeneratorRun() = default;

    // Returns false if the generator is finished. Throws std::runtime_error with `busy` while another await runs it.
    [[nodiscard]] bool begin(const char* busy);

    enum class [[nodiscard]] Stop : std::uint8_t { at_yield, at_end };
    // In the resumed caller. An ended body is destroyed; what it failed with is in failure_.
    Stop stop() noexcept;

    GeneratorRef state_;
    std::exception_ptr failure_;

private:
    Call call_{nullptr};
};

class CloseRun final : public GeneratorRun {
public:
    explicit CloseRun(GeneratorRef state) noexcept : GeneratorRun(std::move(state)) {}

    [[nodiscard]] bool await_ready();
    void await_resume();

private:
    bool ran_ = false;
};

template <class T>
class NextRun;

// What next() and aclose() give: awaited once. Keeps the generator alive.
template <class Run>
class [[nodiscard]] GeneratorRequest {
public:
    explicit GeneratorRequest(GeneratorRef state) noexcept : state_(std::move(state)) {}
    GeneratorRequest(GeneratorRequest&&) noexcept = default;
    GeneratorRequest& operator=(GeneratorRequest&&) noexcept = default;

    // Throw std::runtime_error the second time.
    Run operator co_await() && { return Run(take()); }
    Run operator co_await() & { return Run(take()); }

private:
    GeneratorRef take() {
        if (!state_) throw_reused(std::is_same_v<Run, CloseRun> ? "aclose()/athrow()" : "__anext__()/asend()");
        return std::move(state_);
    }
    [[noreturn]] static void throw_reused(const char* what) {
        throw std::runtime_error(std::string("cannot reuse already awaited ") + what);
    }

    GeneratorRef state_;
};

// Closes all generators that loops of the group have started and that are not finished; reports what fails.
[[nodiscard]] Coro<> shutdown_asyncgens(scheduler::Loop& loop);

}  // namespace sync

template <class T>
class [[nodiscard]] async_generator {
    static_assert(std::is_object_v<T> && std::movable<T>, "a generator gives values: movable, and no references");

public:
    class promise_type final : public sync::GeneratorPromise {
    public:
        async_generator get_return_object() noexcept { return async_generator(*this); }

        template <class U = T>
            requires std::is_constructible_v<T, U&&>
        Yield yield_value(U&& value) {
            value_.emplace(std::forward<U>(value));
            return Yield(*this);
        }

    private:
        friend class sync::NextRun<T>;
        std::optional<T> value_;
    };

    using value_type = T;

    async_generator(async_generator&&) noexcept = default;
    async_generator& operator=(async_generator&&) noexcept = default;

    // Returns, when awaited, the next value, or std::nullopt when there is none any more.
    // Throws, when awaited, what the body throws; std::runtime_error "anext(): asynchronous generator is already
    // running" while another task awaits it; std::bad_alloc. InvalidStateError if moved from.
    // Cancel: what the body awaits is cancelled; if the CancelledError leaves the body, the generator is finished.
    auto next() { return sync::GeneratorRequest<sync::NextRun<T>>(state()); }

    // Lets the body end: GeneratorExit is thrown where it stands; one that was never started just ends.
    // Throws, when awaited, what the body throws instead of ending; std::runtime_error "async generator ignored
    // GeneratorExit" if it yields again, or if another task awaits it.
    auto aclose() { return sync::GeneratorRequest<sync::CloseRun>(state()); }

private:
    explicit async_generator(promise_type& promise) noexcept : state_(&promise.state()) {
        static_assert(alignof(promise_type) <= 16,
                      "an over-aligned value: g++ 12.2 and clang 19 misplace it in a frame");
    }

    [[nodiscard]] const sync::GeneratorRef& state() const {
        if (!state_) throw InvalidStateError("async_generator was moved from: expected one that a coroutine gave");
        return state_;
    }

    sync::GeneratorRef state_;
};

namespace sync {

template <class T>
class NextRun final : public GeneratorRun {
public:
    explicit NextRun(GeneratorRef state) noexcept : GeneratorRun(std::move(state)) {}

    [[nodiscard]] bool await_ready() {
        ran_ = begin("anext(): asynchronous generator is already running");
        return !ran_;
    }

    std::optional<T> await_resume() {
        std::optional<T> value;
        if (!ran_) return value;
        struct End {
            GeneratorState& state;
            ~End() { state.end(); }
        } const end{*state_};
        if (stop() == Stop::at_yield) {
            auto& body = static_cast<typename async_generator<T>::promise_type&>(state_->body());
            value = std::exchange(body.value_, std::nullopt);
        } else if (failure_ != nullptr) {
            std::rethrow_exception(std::move(failure_));
        }
        return value;
    }

private:
    bool ran_ = false;
};

}  // namespace sync

}  // namespace weft
