// weft::Loop: the face of an event loop. Every loop that api/ makes is one; it adds no data to the scheduler's loop.
//
// Thread: the loop's own, except call_soon_threadsafe, stop (from the group or through call_soon_threadsafe),
// is_running, is_closed, rescues and time.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/address.hpp"
#include "io/resolve.hpp"
#include "io/sock.hpp"
#include "io/wait_readable.hpp"
#include "io/watch.hpp"
#include "scheduler/handle.hpp"
#include "scheduler/loop.hpp"
#include "scheduler/parker.hpp"
#include "scheduler/schedule.hpp"
#include "sync/exception_context.hpp"
#include "sync/executor.hpp"
#include "sync/future.hpp"
#include "sync/run_in_executor.hpp"
#include "sync/task.hpp"

namespace weft {

class Loop final : public scheduler::Loop {
public:
    using ExceptionHandler = std::function<void(Loop&, const ExceptionContext&)>;

    // By itself, with a Reactor.
    Loop();
    // By itself, on a parker of the caller's: tests drive it with virtual time.
    explicit Loop(std::unique_ptr<scheduler::Parker> parker);
    // One of a group.
    explicit Loop(scheduler::Neighbours& group);
    // Closes.
    ~Loop();

    // Calls fn in the next turn, in order, and in a copy of the caller's context unless options name one; so do the
    // others below. Throws std::runtime_error "Event loop is closed", or if another thread's
    // loop is running this one.
    template <std::invocable F>
    Handle call_soon(F fn, CallbackOptions options = {}) {
        check_usable();
        auto* callback = new sync::ContextCallback<F>(std::move(fn), options);
        const Handle handle(*callback);
        // Before the loop runs through its inbox, like tasks and call_soon_threadsafe: one order for all (rule 1).
        (void)scheduler::schedule(*callback, shell(), scheduler::Affinity::pinned);
        return handle;
    }

    // The same from any thread, waking the loop. Entries of one thread keep their order.
    template <std::invocable F>
    Handle call_soon_threadsafe(F fn, CallbackOptions options = {}) {
        auto* callback = new sync::ContextCallback<F>(std::move(fn), options);
        Handle handle(*callback);
        if (scheduler::schedule(*callback, shell(), scheduler::Affinity::pinned) == scheduler::Sent::closed) {
            callback->drop();
            throw_closed();
        }
        return handle;
    }

    // A negative delay counts as none.
    template <std::invocable F>
    TimerHandle call_later(Duration delay, F fn, CallbackOptions options = {}) {
        return call_at(deadline_after(delay), std::move(fn), options);
    }
    template <std::invocable F>
    TimerHandle call_at(TimePoint when, F fn, CallbackOptions options = {}) {
        check_usable();
        auto callback = std::make_unique<sync::ContextCallback<F>>(std::move(fn), options);
        callback->arm(*this, when);
        return TimerHandle(*callback.release());
    }

    // Pinned to this loop. Thread: of the group, or before the loop runs.
    template <class A>
        requires Awaitable<A>
    [[nodiscard]] auto create_task(A&& awaitable, TaskOptions options = {}) {
        options.loop = static_cast<scheduler::Loop*>(this);
        check_open();
        return weft::create_task(std::forward<A>(awaitable), options);
    }

    template <class T = void>
    [[nodiscard]] Future<T> create_future() {
        return Future<T>(sync::FutureRef(new sync::CreatedFutureState<T>(this)));
    }

    // Calls fn(args...) on a thread of `executor`, or of the default pool for nullptr; they are moved or copied in now.
    // Throws std::runtime_error "Event loop is closed"; with the default pool also after shutdown_default_executor().
    // Thread: any. Cancel: a call that has begun runs on and its outcome is dropped; one that has not is never made.
    template <class F, class... Args>
        requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    [[nodiscard]] auto run_in_executor(Executor* executor, F&& fn, Args&&... args)
        -> Future<sync::JobResult<F, Args...>> {
        check_open();
        return sync::start_job(*this, sync::ContextSlot(), executor, std::forward<F>(fn), std::forward<Args>(args)...);
    }

    // For all loops of the group; the executor stays the caller's and outlives its jobs.
    // Throws std::invalid_argument for nullptr. Thread: any.
    void set_default_executor(Executor* executor);

    // The default executor of the group takes no more jobs; waits until those that it has are done.
    // After `timeout` from now it reports and leaves them to themselves.
    [[nodiscard]] Coro<> shutdown_default_executor(std::optional<Duration> timeout = std::nullopt);

    // Closes the async_generators that loops of the group have started and that are not finished, all at once; reports
    // what fails.
    [[nodiscard]] Coro<> shutdown_asyncgens();

    // Runs until stop(). Throws std::runtime_error if this loop, or another on this thread, is running, or if closed.
    void run_forever();

    // Runs until the awaitable is done; returns its value. Throws what it failed with; std::runtime_error "Event loop
    // stopped before Future completed." if somebody stops the loop first.
    template <class A>
        requires Awaitable<A>
    AwaitResult<A> run_until_complete(A&& awaitable) {
        using T = AwaitResult<A>;
        check_runnable();
        sync::FutureRef ref;
        if constexpr (sync::kIsHandle<std::remove_cvref_t<A>>) {
            ref = awaitable.ref();
        } else {
            ref = create_task(std::forward<A>(awaitable)).ref();
        }
        run_until_done(ref);
        ref.get().check();
        ref.get().mark_retrieved();
        return sync::read_value<T>(ref.get(), ref.get().sole_owner());
    }

    // In debug mode a callback or step that takes slow_callback_duration (100 ms) or longer is logged, with the name of
    // its task. Thread: any.
    void set_debug(bool debug) { scheduler::Loop::set_debug(debug); }
    [[nodiscard]] bool get_debug() const { return debug(); }
    void set_slow_callback_duration(Duration duration) { set_slow_limit(duration); }
    [[nodiscard]] Duration slow_callback_duration() const { return slow_limit(); }

    // How often this loop slept although it had work and nobody was about to wake it, until RunOptions::bounds_parks ended
    // that: each is a lost wake-up, a bug of weft's, so it stays 0. Without that option nobody counts. Thread: any.
    [[nodiscard]] std::uint64_t rescues() const { return scheduler::Loop::rescues(); }

    [[nodiscard]] bool is_running() const { return running(); }
    [[nodiscard]] bool is_closed() const { return closed(); }
    // Monotonic, of unspecified origin.
    [[nodiscard]] TimePoint time() const { return now(); }

    // Gets the failures that nobody awaits; empty (nullptr) for the default, which logs them. It runs on this loop's
    // thread; a failure elsewhere that concerns a task or future of this loop is sent here.
    // What it throws: SystemExit and KeyboardInterrupt leave run(), anything else is logged with what was to be handled.
    // Thread: the loop's own, or any while it does not run. So the next three.
    void set_exception_handler(ExceptionHandler handler);
    [[nodiscard]] ExceptionHandler get_exception_handler();
    // Throws SystemExit and KeyboardInterrupt, if the handler does, and nothing else.
    void call_exception_handler(const ExceptionContext& context);
    // Logs to stderr.
    // NOLINTNEXTLINE(readability-convert-member-functions-to-static): asyncio's name
    void default_exception_handler(const ExceptionContext& context);

    // Throws std::runtime_error while running. Idempotent. Tasks that are left are reported and destroyed.
    void close();

    // --- descriptors -------------------------------------------------------------------------------------------------

    // Calls fn each turn in which `fd` can be read (or written), until it is removed; takes the place of the callback
    // that there was (rule 257). Close no descriptor before it is removed.
    // Throws std::system_error: EBADF for what is no descriptor, EPERM for a regular file.
    template <std::invocable F>
    void add_reader(int fd, F fn) {
        watch(fd, io::Direction::read, io::make_watch(std::move(fn)));
    }
    template <std::invocable F>
    void add_writer(int fd, F fn) {
        watch(fd, io::Direction::write, io::make_watch(std::move(fn)));
    }
    // Return whether there was one.
    // NOLINTBEGIN(modernize-use-nodiscard): mostly called for their effect
    bool remove_reader(int fd);
    bool remove_writer(int fd);
    // NOLINTEND(modernize-use-nodiscard)

    // Operations on a socket that the caller owns and closes; see io/sock.hpp. Any thread of the group may await them.
    // Throw std::system_error. Cancel: what was not received stays in the socket (rule 258).
    // Returns at least one byte and at most `n`, "" at the end of the stream.
    [[nodiscard]] Coro<std::string> sock_recv(int fd, std::size_t n);
    // Returns how many bytes came, 0 at the end of the stream. `buffer` stays the caller's.
    [[nodiscard]] Coro<std::size_t> sock_recv_into(int fd, std::span<char> buffer);
    // Copies `data` now. Cancel: any part may have been sent.
    [[nodiscard]] Coro<> sock_sendall(int fd, std::string_view data);
    // Returns the connection, non-blocking and the caller's to close, and the peer's address.
    [[nodiscard]] Coro<Accepted> sock_accept(int fd);
    // Looks a name up first; for a Unix socket the host is the path. Cancel: close the socket, it may connect later.
    [[nodiscard]] Coro<> sock_connect(int fd, Address address);

    // Ask the name service, on the default executor: getaddrinfo(3), getnameinfo(3) of a numeric address.
    // Throw std::system_error, of name_service_category() if the name service says no; its text names the host.
    // Cancel: the question goes on on its thread, its answer is dropped.
    [[nodiscard]] Future<std::vector<AddressInfo>> getaddrinfo(std::string_view host, Service port,
                                                               AddressInfoOptions options = {});
    [[nodiscard]] Future<NameInfo> getnameinfo(Address address, int flags = 0);

    // --- signals -----------------------------------------------------------------------------------------------------

    // Calls fn on this loop each time the process gets the signal; takes the place of the callback that there was, also
    // of Ctrl-C's own. Any thread may get the signal; a loop that does not turn sees it later.
    // Throws std::invalid_argument for what is no signal number; std::runtime_error for one that cannot be caught, for
    // one that another loop handles, and on other loops of a group than the first.
    template <std::invocable F>
    void add_signal_handler(int signal, F fn) {
        watch_signal(signal, io::make_watch(std::move(fn)));
    }
    // The signal does again what it does by default. Returns whether there was a handler. Throws std::invalid_argument.
    bool remove_signal_handler(int signal);  // NOLINT(modernize-use-nodiscard)

private:
    // A delay beyond the clock's range does not wrap to the past.
    [[nodiscard]] TimePoint deadline_after(Duration delay) const {
        const TimePoint start = now();
        return delay > TimePoint::max() - start ? TimePoint::max() : start + delay;
    }
    void check_open() const {
        if (closed()) throw_closed();
    }
    void check_usable() const;
    void check_runnable() const;
    void run_until_done(const sync::FutureRef& future);
    [[noreturn]] static void throw_closed();
    void watch(int fd, io::Direction direction, io::OwnedWatch watch);
    void watch_signal(int signal, io::OwnedWatch watch);
};

// Throws std::runtime_error "no running event loop".
[[nodiscard]] Loop& get_running_loop();

// Returns all loops that share work with the running one, itself included, in the order of their threads: a service
// puts one listener on each. Throws std::runtime_error "no running event loop".
[[nodiscard]] std::vector<Loop*> get_loops();

[[nodiscard]] std::unique_ptr<Loop> new_event_loop();

// The calling thread's loop for get_event_loop outside loops; null for none. The thread that set it forgets it when it
// destroys it.
void set_event_loop(Loop* loop) noexcept;

// Returns the running loop, else the one that this thread has set. Throws std::runtime_error "There is no current event
// loop in thread ..." (it makes none).
[[nodiscard]] Loop& get_event_loop();

}  // namespace weft
