#include "api/loop.hpp"

#include <sys/socket.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "api/run_options.hpp"
#include "io/kernel_address.hpp"
#include "io/reactor.hpp"
#include "io/readiness.hpp"
#include "io/signals.hpp"
#include "scheduler/neighbours.hpp"
#include "sync/async_generator.hpp"
#include "sync/branch.hpp"
#include "sync/default_executor.hpp"
#include "sync/exception_handler.hpp"
#include "sync/task_list.hpp"

namespace weft {

namespace {
thread_local constinit Loop* set_loop = nullptr;

// Made with the loop, because neighbours look into each other's.
void make_task_list(scheduler::Loop& loop) { (void)scheduler::LoopLocal<sync::TaskList>::of(loop); }
}  // namespace

Loop::Loop() : Loop(std::make_unique<io::Reactor>()) {}

Loop::Loop(std::unique_ptr<scheduler::Parker> parker) : scheduler::Loop(std::move(parker)) {
    make_task_list(*this);
    set_debug(detail::debug_of_environment());
}

Loop::Loop(scheduler::Neighbours& group) : scheduler::Loop(std::make_unique<io::Reactor>(), group) {
    make_task_list(*this);
}

Loop::~Loop() {
    if (set_loop == this) set_loop = nullptr;
}

void Loop::set_default_executor(Executor* executor) { sync::DefaultExecutor::of(*this).choose(executor); }

Coro<> Loop::shutdown_asyncgens() { return sync::shutdown_asyncgens(*this); }

Coro<> Loop::shutdown_default_executor(std::optional<Duration> timeout) {
    return sync::shutdown_default_executor(*this, timeout);
}

void Loop::run_forever() {
    check_runnable();
    run();
}

void Loop::run_until_done(const sync::FutureRef& future) {
    // Asks the loop to stop in the turn after the future's end (rule 15). An interruption may have left the call queued.
    const auto waiting = std::make_shared<bool>(true);
    const AnyFuture handle{future};
    const CallbackId stops = sync::add_done_callback<AnyFuture>(
        future.get(),
        [this, waiting](const AnyFuture&) {
            if (*waiting) stop();
        },
        *this);
    struct TakeBack {
        const AnyFuture& handle;
        const CallbackId& callback;
        bool& waiting;
        ~TakeBack() {
            handle.remove_done_callback(callback);  // rule 16
            waiting = false;
        }
    } const take_back{handle, stops, *waiting};
    try {
        run();
    } catch (...) {
        if (future.get().done()) future.get().mark_retrieved();  // an interruption may be the future's own failure
        throw;
    }
    if (!future.get().done()) throw std::runtime_error("Event loop stopped before Future completed.");
}

void Loop::close() {
    if (running()) throw std::runtime_error("Cannot close a running event loop");
    scheduler::Loop::close();
}

bool Loop::remove_reader(int fd) {
    auto* readiness = scheduler::LoopLocal<io::Readiness>::find(*this);
    return readiness != nullptr && readiness->unwatch(fd, io::Direction::read);
}

bool Loop::remove_writer(int fd) {
    auto* readiness = scheduler::LoopLocal<io::Readiness>::find(*this);
    return readiness != nullptr && readiness->unwatch(fd, io::Direction::write);
}

void Loop::watch(int fd, io::Direction direction, io::OwnedWatch watch) {
    check_usable();
    scheduler::LoopLocal<io::Readiness>::of(*this).watch(fd, direction, std::move(watch));
}

Coro<std::string> Loop::sock_recv(int fd, std::size_t n) {
    check_open();
    return io::sock_recv(fd, n);
}

Coro<std::size_t> Loop::sock_recv_into(int fd, std::span<char> buffer) {
    check_open();
    return io::sock_recv_into(fd, buffer);
}

Coro<> Loop::sock_sendall(int fd, std::string_view data) {
    check_open();
    return io::sock_sendall(fd, std::string(data));
}

Coro<Accepted> Loop::sock_accept(int fd) {
    check_open();
    return io::sock_accept(fd);
}

namespace {
Coro<> look_up_and_connect(Loop& loop, int fd, Address address) {
    const int family = io::family_of(fd);
    if (!io::is_numeric(family, address)) {
        const AddressInfoOptions options{.family = family, .type = SOCK_STREAM};
        const auto looking_up = loop.getaddrinfo(address.host, address.port, options);
        address = (co_await looking_up).front().sockaddr;
    }
    co_await io::sock_connect(fd, std::move(address));
}
}  // namespace

Coro<> Loop::sock_connect(int fd, Address address) {
    check_open();
    return look_up_and_connect(*this, fd, std::move(address));
}

Future<std::vector<AddressInfo>> Loop::getaddrinfo(std::string_view host, Service port, AddressInfoOptions options) {
    return run_in_executor(nullptr, [host = std::string(host), port = std::move(port), options] {
        return io::look_up(host, port, options);
    });
}

Future<NameInfo> Loop::getnameinfo(Address address, int flags) {
    return run_in_executor(nullptr, [address = std::move(address), flags] { return io::look_up_name(address, flags); });
}

void Loop::watch_signal(int signal, io::OwnedWatch watch) {
    check_usable();
    if (index() != 0) {
        throw std::runtime_error("sig " + std::to_string(signal) +
                                 " cannot be handled on this event loop: expected the first of its group");
    }
    scheduler::LoopLocal<io::Signals>::of(*this).watch(signal, std::move(watch));
}

bool Loop::remove_signal_handler(int signal) {
    io::Signals::check(signal);
    auto* signals = scheduler::LoopLocal<io::Signals>::find(*this);
    return signals != nullptr && signals->unwatch(signal);
}

namespace {
// What the room below keeps: it does not know this class.
struct Faced {
    Loop::ExceptionHandler handler;
    void operator()(scheduler::Loop& loop, const ExceptionContext& context) const {
        handler(static_cast<Loop&>(loop), context);
    }
};
}  // namespace

void Loop::set_exception_handler(ExceptionHandler handler) {
    sync::set_exception_handler(*this, handler ? sync::ExceptionHandler(Faced{std::move(handler)}) : nullptr);
}

Loop::ExceptionHandler Loop::get_exception_handler() {
    const sync::ExceptionHandler kept = sync::exception_handler(*this);
    const Faced* faced = kept.target<Faced>();
    return faced == nullptr ? nullptr : faced->handler;
}

void Loop::call_exception_handler(const ExceptionContext& context) { sync::call_exception_handler(*this, context); }

void Loop::default_exception_handler(const ExceptionContext& context) { sync::default_exception_handler(context); }

void Loop::check_usable() const {
    check_open();
    const scheduler::Loop* here = scheduler::current_loop();
    if (running() && here != this) {
        throw std::runtime_error(
            "Non-thread-safe operation invoked on an event loop other than the current one: expected "
            "call_soon_threadsafe");
    }
}

void Loop::check_runnable() const {
    check_open();
    if (running()) throw std::runtime_error("This event loop is already running");
    if (scheduler::current_loop() != nullptr) {
        throw std::runtime_error("Cannot run the event loop while another loop is running");
    }
}

void Loop::throw_closed() { throw std::runtime_error("Event loop is closed"); }

Loop& get_running_loop() { return static_cast<Loop&>(sync::require_loop()); }

std::vector<Loop*> get_loops() {
    std::vector<Loop*> loops;
    for (scheduler::Loop* loop : sync::require_loop().group().loops()) loops.push_back(static_cast<Loop*>(loop));
    return loops;
}

void set_event_loop(Loop* loop) noexcept { set_loop = loop; }

Loop& get_event_loop() {
    if (scheduler::Loop* here = scheduler::current_loop()) return static_cast<Loop&>(*here);
    if (set_loop != nullptr) return *set_loop;
    std::ostringstream text;
    text << "There is no current event loop in thread " << std::this_thread::get_id()
         << ": expected a running one, or set_event_loop()";
    throw std::runtime_error(text.str());
}

std::unique_ptr<Loop> new_event_loop() { return std::make_unique<Loop>(); }

}  // namespace weft
