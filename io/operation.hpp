// Operation: one Asio operation seen as a Future, and `use_coro`, the completion token that makes it.
//
//     std::size_t n = co_await socket.async_read_some(buffer, weft::use_coro);
//     auto [error, n] = co_await socket.async_read_some(buffer, boost::asio::as_tuple(weft::use_coro));
//
// Returns what the handler gets behind its error code: nothing, a value or a tuple.
// Throws std::system_error for an error code, whatever a std::exception_ptr holds.
// Thread: Asio objects are touched on their home loop only. An operation that is awaited on another loop (its task was
// stolen) is begun by a message to the object's home and completes there; the task goes on where that woke it, or on
// its own loop if it is pinned. An object of an io_context that is no loop's is used in place.
// Cancel: asks Asio through a cancellation slot, on the home loop. An operation that was finished first keeps its
// result, no byte is lost, and the request waits for the task's next suspension; else CancelledError.
// Cost: one pooled allocation, and whatever the Asio operation itself takes.
//
// Invariant: the handler owns one reference to the state, the awaiter another. The arguments of the handler are written
// between claim and finish by the handler alone; a handler that Asio destroys unrun completes it as cancelled.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "io/reactor.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/schedule.hpp"
#include "sync/branch.hpp"
#include "sync/future.hpp"

namespace weft {

struct UseCoro {};
inline constexpr UseCoro use_coro{};

namespace io {

// What does not depend on the handler's arguments.
class OperationBase : public sync::FutureState, private scheduler::Runnable {
public:
    using scheduler::PooledFrame::operator new;
    using scheduler::PooledFrame::operator delete;

    // Asks Asio; the operation ends when its handler says so.
    bool cancel(std::string_view message) noexcept override;
    [[nodiscard]] std::string in_words() const override { return "an I/O operation"; }
    [[nodiscard]] bool ends_from_outside() const noexcept override { return true; }

    [[nodiscard]] bool cancel_requested() const noexcept { return cancel_requested_.load(std::memory_order_relaxed); }
    [[nodiscard]] boost::asio::cancellation_slot slot() noexcept { return signal_->signal.slot(); }

    // Asio destroyed the handler without calling it.
    void forsaken() noexcept {
        forsaken_.store(true, std::memory_order_seq_cst);
        if (!beginning_.load(std::memory_order_seq_cst)) end_forsaken();
    }

    // Around an initiation that nobody can throw out of: while it lasts a handler that goes does not end the operation,
    // because the exception that destroyed it is the outcome.
    template <class Begin>
    void begin_guarded(Begin begin) noexcept {
        beginning_.store(true, std::memory_order_relaxed);
        try {
            begin();
        } catch (...) {
            (void)try_set_exception(std::current_exception());
        }
        beginning_.store(false, std::memory_order_seq_cst);
        if (forsaken_.load(std::memory_order_seq_cst)) end_forsaken();
    }

protected:
    explicit OperationBase(scheduler::Loop& home)
        : FutureState(2), home_loop_(&home), home_(&home.shell()), generation_(home_->generation()) {
        Reactor* reactor = &home == scheduler::current_loop() ? reactor_of(home) : nullptr;
        signal_ = reactor == nullptr ? new PooledSignal : reactor->signals().take();
    }
    ~OperationBase() override {
        // The signal goes to the loop that is running, wherever it came from.
        scheduler::Loop* here = scheduler::current_loop();
        Reactor* reactor = here == nullptr ? nullptr : reactor_of(*here);
        if (reactor == nullptr) {
            delete signal_;
        } else {
            reactor->signals().give(signal_);
        }
        delete message_;
    }

    // Throws CancelledError with the canceller's message.
    [[noreturn]] void throw_cancelled();

private:
    void end_forsaken() noexcept {
        if (claim() == Claim::won) finish(sync::Outcome::cancelled);
    }
    void run() noexcept override;  // emits, on the home loop
    void drop() noexcept override { release(); }

    scheduler::Loop* home_loop_;
    scheduler::Shell* home_;
    PooledSignal* signal_;
    scheduler::Atomic<bool> cancel_requested_{false};
    scheduler::Atomic<bool> beginning_{false};
    scheduler::Atomic<bool> forsaken_{false};
    const std::uint32_t generation_;
    std::string* message_ = nullptr;  // written by the canceller that set cancel_requested_, before Asio is asked
};

template <class... Args>
class OperationState final : public OperationBase {
public:
    explicit OperationState(scheduler::Loop& home) : OperationBase(home) {}

    [[nodiscard]] void* value() noexcept override { return &arguments_; }

    template <class... Values>
    void complete(Values&&... values) noexcept {
        if (claim() == Claim::lost) return;
        arguments_.emplace(std::forward<Values>(values)...);
        finish(sync::Outcome::value);
    }

    // In the resumed awaiter. `suspended` is its task, null if it did not suspend.
    auto take(sync::TaskState* suspended) {
        if (outcome() == sync::Outcome::exception) check();  // it could not be begun
        if (outcome() == sync::Outcome::cancelled || (cancel_requested() && aborted(*arguments_))) {
            if (suspended != nullptr) suspended->deliver_cancel();  // a second request is answered by the same error
            throw_cancelled();
        }
        // The operation was finished first: its bytes are delivered, and the request waits. One that came after the
        // end is still marked in the task and waits as well.
        if (suspended != nullptr && cancel_requested()) suspended->request_cancel_again();
        return unpack(std::move(*arguments_));
    }

private:
    template <class First, class... Rest>
    static bool aborted(const std::tuple<First, Rest...>& arguments) {
        using Plain = std::remove_cvref_t<First>;
        const auto& first = std::get<0>(arguments);
        if constexpr (std::is_same_v<Plain, boost::system::error_code>) {
            return first == boost::asio::error::operation_aborted;
        } else if constexpr (requires { std::tuple_size<Plain>::value; }) {
            return aborted(first);
        } else {
            return false;
        }
    }
    static bool aborted(const std::tuple<>&) { return false; }

    template <class... Values>
    static auto unpack(std::tuple<boost::system::error_code, Values...>&& arguments) {
        const boost::system::error_code error = std::get<0>(arguments);
        if (error) [[unlikely]]
            throw std::system_error(error);
        return unpack_rest(std::move(arguments), std::index_sequence_for<Values...>());
    }
    template <class... Values>
    static auto unpack(std::tuple<std::exception_ptr, Values...>&& arguments) {
        if (std::get<0>(arguments)) [[unlikely]]
            std::rethrow_exception(std::get<0>(arguments));
        return unpack_rest(std::move(arguments), std::index_sequence_for<Values...>());
    }
    template <class... Values>
    static auto unpack(std::tuple<Values...>&& arguments) {
        if constexpr (sizeof...(Values) == 1) {
            return std::get<0>(std::move(arguments));
        } else if constexpr (sizeof...(Values) > 1) {
            return std::move(arguments);
        }
    }
    template <class Arguments, std::size_t... I>
    static auto unpack_rest([[maybe_unused]] Arguments&& arguments, std::index_sequence<I...>) {
        if constexpr (sizeof...(I) == 1) {
            return std::get<1>(std::move(arguments));
        } else if constexpr (sizeof...(I) > 1) {
            return std::make_tuple(std::get<I + 1>(std::move(arguments))...);
        }
    }

    std::optional<std::tuple<std::decay_t<Args>...>> arguments_;
};

// The completion handler: a counted pointer that Asio may move about.
template <class... Args>
class OperationHandler {
public:
    using cancellation_slot_type = boost::asio::cancellation_slot;
    // Asio recycles memory only inside its own run(), and coroutines run outside.
    using allocator_type = scheduler::FrameAllocator<void>;

    explicit OperationHandler(OperationState<Args...>& state) noexcept : state_(&state) {}
    OperationHandler(OperationHandler&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    OperationHandler& operator=(OperationHandler&& other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~OperationHandler() {
        if (state_ == nullptr) return;
        state_->forsaken();
        state_->release();
    }

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return state_->slot(); }

    [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }

    template <class... Values>
    void operator()(Values&&... values) {
        OperationState<Args...>* state = std::exchange(state_, nullptr);
        state->complete(std::forward<Values>(values)...);
        state->release();
    }

private:
    OperationState<Args...>* state_;
};

// The io_context whose loop an operation belongs to, as far as it can be told: from the initiation, else from the
// object that it is given first. Null if neither says, or it is some other kind of executor.
template <class Executor>
boost::asio::io_context* context_of_executor(const Executor& executor) {
    if constexpr (std::is_same_v<Executor, boost::asio::io_context::executor_type>) {
        return &executor.context();
    } else if constexpr (requires { executor.template target<boost::asio::io_context::executor_type>(); }) {
        const auto* plain = executor.template target<boost::asio::io_context::executor_type>();
        return plain == nullptr ? nullptr : &plain->context();
    } else {
        return nullptr;
    }
}

template <class Initiation, class... InitArgs>
boost::asio::io_context* context_of_operation(const Initiation& initiation, const InitArgs&... arguments) {
    if constexpr (requires { initiation.get_executor(); }) {
        return context_of_executor(initiation.get_executor());
    } else if constexpr (sizeof...(InitArgs) > 0) {
        const auto& first = std::get<0>(std::tie(arguments...));
        if constexpr (requires { first->get_executor(); }) {
            return context_of_executor(first->get_executor());
        } else if constexpr (requires { first.get_executor(); }) {
            return context_of_executor(first.get_executor());
        } else {
            return nullptr;
        }
    } else {
        return nullptr;
    }
}

// Returns the loop that runs `context`: the running one if it is not told or not a loop of this group.
[[nodiscard]] scheduler::Loop& neighbour_of(scheduler::Loop& here, const boost::asio::io_context* context);
[[nodiscard]] inline scheduler::Loop& home_of(const boost::asio::io_context* context) {
    scheduler::Loop& here = *scheduler::current_loop();
    return context == nullptr || context == context_of(here) ? here : neighbour_of(here, context);
}

// What `co_await` gets: begins the operation when awaited.
template <class Initiation, class HandlerArgs, class InitArgs>
class OperationAwaiter;

template <class Initiation, class... Args, class... InitArgs>
class OperationAwaiter<Initiation, std::tuple<Args...>, std::tuple<InitArgs...>> final : private scheduler::Runnable {
public:
    template <class I, class... As>
    explicit OperationAwaiter(I&& initiation, As&&... arguments)
        : initiation_(std::forward<I>(initiation)), arguments_(std::forward<As>(arguments)...) {}
    // Before it is awaited only.
    OperationAwaiter(OperationAwaiter&& other) noexcept(std::is_nothrow_move_constructible_v<Initiation>)
        : initiation_(std::move(other.initiation_)), arguments_(std::move(other.arguments_)) {}
    OperationAwaiter& operator=(OperationAwaiter&&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        scheduler::Loop& home = home_of(std::apply(
            [this](const auto&... arguments) { return context_of_operation(initiation_, arguments...); }, arguments_));
        state_ = new State(home);
        ref_ = sync::FutureRef(state_);
        if (&home == scheduler::current_loop()) [[likely]] {
            begin_here(home);
        } else if (scheduler::schedule(*this, home.shell(), scheduler::Affinity::pinned) == scheduler::Sent::closed) {
            drop();
        }
        return sync::suspend_on(self.promise(), *state_, suspended_);
    }

    auto await_resume() { return state_->take(suspended_); }

private:
    using State = OperationState<Args...>;

    // What can be done at once is done when begin() has returned: the coroutine then does not suspend at all.
    void begin_here(scheduler::Loop& here) {
        Reactor* reactor = reactor_of(here);
        if (reactor == nullptr) return begin();
        const Immediate::Initiation initiation(reactor->immediate());
        begin();
    }

    void begin() {
        OperationHandler<Args...> handler(*state_);
        std::apply(
            [&](auto&&... arguments) {
                std::move(initiation_)(std::move(handler), std::forward<decltype(arguments)>(arguments)...);
            },
            std::move(arguments_));
    }

    // On the home loop: the awaiting task is suspended, or about to be, until the operation ends.
    void run() noexcept override {
        if (state_->cancel_requested()) return drop();  // Asio was asked before there was anything to ask about
        // Once the operation has ended the awaiting coroutine may go on elsewhere, and this awaiter with it.
        const sync::FutureRef keep = ref_;
        state_->begin_guarded([this] { begin(); });
    }
    // It will not begin: as if Asio had destroyed the handler.
    void drop() noexcept override { const OperationHandler<Args...> forsaken(*state_); }

    Initiation initiation_;
    std::tuple<InitArgs...> arguments_;
    State* state_ = nullptr;
    sync::FutureRef ref_;
    sync::TaskState* suspended_ = nullptr;
};

template <class Signature>
struct HandlerArguments;
template <class R, class... Args>
struct HandlerArguments<R(Args...)> {
    using type = std::tuple<Args...>;
};

}  // namespace io

}  // namespace weft

template <class Signature>
class boost::asio::async_result<weft::UseCoro, Signature> {
public:
    template <class Initiation, class... InitArgs>
    static auto initiate(Initiation&& initiation, weft::UseCoro, InitArgs&&... arguments) {
        using Awaiter =
            weft::io::OperationAwaiter<std::decay_t<Initiation>, typename weft::io::HandlerArguments<Signature>::type,
                                       std::tuple<std::decay_t<InitArgs>...>>;
        return Awaiter(std::forward<Initiation>(initiation), std::forward<InitArgs>(arguments)...);
    }
};
