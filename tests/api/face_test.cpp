// The public spellings, one by one, as a program writes them: what is called, with which arguments, and what it gives.
// How each behaves is tested where it lives.
#include "api/weft.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

template <class Expected, class Given>
constexpr bool is(const Given&) {
    return std::same_as<Expected, Given>;
}

weft::Coro<int> give(int value) { co_return value; }
weft::Coro<> nothing() { co_return; }
weft::Coro<int> fail() {
    co_await nothing();
    throw std::runtime_error("failed");
}
weft::Coro<std::unique_ptr<int>> give_owned(int value) { co_return std::make_unique<int>(value); }
weft::Coro<int> after(weft::Duration delay, int value) {
    co_await weft::sleep(delay);
    co_return value;
}

weft::async_generator<int> counting(int limit) {
    for (int i = 0; i < limit; ++i) co_yield i;
}

template <class Main>
auto on_each(Main main) {
    for (const int loops : {1, 2}) {
        CAPTURE(loops);
        weft::run(main(), {.loops = loops, .debug = false, .pin_threads = false});
    }
}

}  // namespace

TEST_CASE("face: Coro and Future") {
    static_assert(!std::is_copy_constructible_v<weft::Coro<int>> && std::is_move_constructible_v<weft::Coro<int>>);
    on_each([]() -> weft::Coro<> {
        auto named = give(1);
        const int one = co_await std::move(named);
        CHECK(one == 1);
        auto twice = give(2);
        const int two = co_await twice;
        CHECK(two == 2);
        bool refused = false;
        try {
            (void)co_await twice;
        } catch (const weft::InvalidStateError&) {
            refused = true;
        }
        CHECK(refused);

        const weft::Future<int> future = weft::create_future<int>();
        const weft::Future<> of_loop = weft::get_running_loop().create_future();
        CHECK_FALSE(future.done());
        CHECK_FALSE(future.cancelled());
        CHECK(&future.get_loop() == &weft::get_running_loop());
        int called = 0;
        const weft::Future<> all_called = weft::create_future<>();
        weft::Context context = weft::copy_context();
        const weft::CallbackId id =
            future.add_done_callback([&](weft::Future<int> done) { called += done.result(); }, {.context = &context});
        const weft::CallbackId other = future.add_done_callback([&](const auto&) { called += 100; });
        future.add_done_callback([&](const auto&) { all_called.set_result(); });
        const std::size_t removed = future.remove_done_callback(other);
        CHECK(removed == 1);
        CHECK(future.remove_done_callback(other) == 0);
        future.set_result(3);
        CHECK_FALSE(future.try_set_result(4));
        CHECK_FALSE(future.try_set_exception(std::runtime_error("late")));
        CHECK(future.remove_done_callback(id) == 0);
        CHECK(future.result() == 3);
        CHECK(future.exception() == nullptr);
        const int three = co_await future;
        CHECK(three == 3);
        co_await all_called;
        CHECK(called == 3);
        of_loop.set_result();
        co_await of_loop;

        const auto failed = weft::create_future<int>();
        failed.set_exception(std::runtime_error("an object"));
        const std::exception_ptr failure = failed.exception();
        CHECK(failure != nullptr);
        const auto failed_too = weft::create_future<int>();
        failed_too.set_exception(failure);
        CHECK_THROWS_AS((void)failed_too.result(), std::runtime_error);
        const auto cancelled = weft::create_future<int>();
        CHECK(cancelled.cancel("why"));
        CHECK(cancelled.cancelled());
        CHECK_THROWS_AS((void)cancelled.exception(), weft::CancelledError);

        const weft::Future<int> empty;
        CHECK_FALSE(static_cast<bool>(empty));
        CHECK_THROWS_AS((void)empty.done(), weft::InvalidStateError);
        CHECK(future == weft::Future<int>(future));
        CHECK(future != failed);
        const std::unordered_set<weft::Future<int>> hashed{future, failed, future};
        CHECK(hashed.size() == 2);
    });
}

TEST_CASE("face: Task, AnyFuture, AnyTask") {
    on_each([]() -> weft::Coro<> {
        weft::Context context = weft::copy_context();
        const weft::Task<int> task = weft::create_task(after(1ms, 5), {.name = "five", .context = &context});
        CHECK(task.get_name() == "five");
        task.set_name("still five");
        CHECK(is<std::ptrdiff_t>(task.cancelling()));
        CHECK(task.cancelling() == 0);
        CHECK(task.uncancel() == 0);
        CHECK(is<std::vector<weft::StackFrame>>(task.get_stack()));
        const weft::Future<int> as_future = task;
        const weft::AnyTask any_task = task;
        const weft::AnyFuture any_future = task;
        CHECK(any_task == task);
        CHECK(any_future == any_task);
        CHECK(as_future == any_future);
        CHECK(any_task.get_name() == "still five");
        CHECK(&any_task.get_loop() == &task.get_loop());
        co_await any_task;
        co_await any_future;
        CHECK(any_future.done());
        CHECK_FALSE(any_future.cancelled());
        CHECK_FALSE(any_future.cancel());
        CHECK(any_future.exception() == nullptr);
        // They run on the loop that added them, one after the other; this task may move to another.
        int called = 0;
        const weft::Future<> all_called = weft::create_future<>();
        any_future.add_done_callback([&](const weft::AnyFuture&) { ++called; });
        any_task.add_done_callback([&](const weft::AnyTask&) {
            ++called;
            all_called.set_result();
        });
        co_await all_called;
        CHECK(called == 2);
        const std::unordered_set<weft::AnyFuture> hashed{any_future, weft::AnyFuture(any_task)};
        CHECK(hashed.size() == 1);

        const weft::Task<int> eager =
            weft::create_task(give(6), {.loop = &weft::get_running_loop(), .eager_start = true});
        CHECK(eager.result() == 6);
        const weft::Task<> free = weft::create_task(nothing(), {.loop = weft::any_loop});
        co_await free;
        const weft::Task<int> spawned = weft::spawn([](int a, int b) { return give(a + b); }, 3, 4);
        const int seven = co_await spawned;
        CHECK(seven == 7);
        auto owned = std::make_unique<int>(8);
        auto read = [](const std::unique_ptr<int>& value) -> weft::Coro<int> { co_return *value; };
        const weft::Task<int> named = weft::spawn({.name = "eight"}, read, std::move(owned));
        CHECK(named.get_name() == "eight");
        const int eight = co_await named;
        CHECK(eight == 8);
        const weft::Task<int> ensured = weft::ensure_future(give(9));
        CHECK(weft::ensure_future(ensured) == ensured);
        const int nine = co_await ensured;
        CHECK(nine == 9);
        CHECK(static_cast<bool>(weft::current_task()));
        const std::vector<weft::AnyTask> all = weft::all_tasks();
        CHECK(!all.empty());
        const int slept = co_await weft::sleep(1ms, 10);
        CHECK(slept == 10);

        const auto owner = weft::create_task(give_owned(11));
        const std::unique_ptr<int> taken = co_await owner;
        CHECK(*taken == 11);
        bool refused = false;
        try {
            (void)co_await owner;
        } catch (const weft::InvalidStateError&) {
            refused = true;
        }
        CHECK(refused);
    });
    CHECK_FALSE(static_cast<bool>(weft::current_task()));
}

TEST_CASE("face: ContextVar and Context") {
    static weft::ContextVar<int> plain{"plain"};
    static weft::ContextVar<std::string> with_fallback{"with_fallback", "none"};
    on_each([]() -> weft::Coro<> {
        CHECK_THROWS_AS((void)plain.get(), std::out_of_range);
        CHECK(with_fallback.get() == "none");
        auto token = plain.set(1);
        CHECK(plain.get() == 1);
        weft::Context context = weft::copy_context();
        CHECK(context.get(plain) == 1);
        const int inside = context.run([] {
            (void)plain.set(2);
            return plain.get();
        });
        CHECK(inside == 2);
        CHECK(plain.get() == 1);
        plain.reset(std::move(token));
        CHECK_THROWS_AS((void)plain.get(), std::out_of_range);
        co_return;
    });
}

TEST_CASE("face: gather and wait") {
    on_each([]() -> weft::Coro<> {
        const auto task = weft::create_task(give(3));
        const auto [one, text, three, empty] =
            co_await weft::gather(give(1), weft::sleep(0s, std::string("two")), task, nothing());
        CHECK(one == 1);
        CHECK(text == "two");
        CHECK(three == 3);
        CHECK(is<std::monostate>(empty));
        const weft::Future<std::tuple<>> none = weft::gather();
        CHECK(none.done());
        std::vector<weft::Coro<int>> coros;
        coros.push_back(give(1));
        coros.push_back(give(2));
        const std::vector<int> values = co_await weft::gather(std::move(coros));
        CHECK(values == std::vector<int>{1, 2});
        std::vector<weft::Task<>> tasks{weft::create_task(nothing())};
        co_await weft::gather(tasks);
        const auto [good, bad] = co_await weft::gather(weft::return_exceptions, give(1), fail());
        static_assert(std::same_as<decltype(good), const weft::Outcome<int>>);
        CHECK(good.has_value());
        CHECK(good.value() == 1);
        CHECK_FALSE(bad.has_value());
        CHECK_FALSE(bad.cancelled());
        CHECK(bad.exception() != nullptr);
        CHECK_THROWS_AS((void)bad.value(), std::runtime_error);
        std::vector<weft::Coro<int>> some;
        some.push_back(fail());
        const std::vector<weft::Outcome<int>> outcomes =
            co_await weft::gather(weft::return_exceptions, std::move(some));
        CHECK(outcomes.size() == 1);

        std::vector<weft::Task<int>> handles{weft::create_task(give(1)), weft::create_task(after(1h, 2))};
        const weft::WaitResult<weft::Task<int>> first =
            co_await weft::wait(handles, {.timeout = 10s, .return_when = weft::FIRST_COMPLETED});
        CHECK(first.done == std::vector<weft::Task<int>>{handles[0]});
        CHECK(first.pending == std::vector<weft::Task<int>>{handles[1]});
        handles[1].cancel();
        const auto [done, pending] = co_await weft::wait(handles);
        CHECK(done.size() == 2);
        CHECK(pending.empty());
        const std::vector<weft::AnyFuture> any{handles[0], handles[1]};
        const auto mixed = co_await weft::wait(any, {.return_when = weft::FIRST_EXCEPTION});
        CHECK(mixed.done.size() == 2);
        CHECK_THROWS_AS((void)weft::wait(std::vector<weft::Task<int>>{}), std::invalid_argument);
        static_assert(weft::ALL_COMPLETED != weft::FIRST_COMPLETED);
        const weft::ReturnWhen mode = weft::ALL_COMPLETED;
        CHECK(mode == weft::ReturnWhen::ALL_COMPLETED);
    });
}

TEST_CASE("face: wait_for, timeout, shield, as_completed") {
    on_each([]() -> weft::Coro<> {
        const int in_time = co_await weft::wait_for(give(1), 10s);
        CHECK(in_time == 1);
        const int unlimited = co_await weft::wait_for(give(2), std::nullopt);
        CHECK(unlimited == 2);
        int late = 0;
        try {
            (void)co_await weft::wait_for(after(1h, 0), 1ms);
        } catch (const weft::TimeoutError&) {
            ++late;
        }
        try {
            co_await weft::timeout(1ms, weft::sleep(1h));
        } catch (const weft::TimeoutError&) {
            ++late;
        }
        CHECK(late == 2);
        auto plain_body = []() -> weft::Coro<int> { co_return 3; };
        const int three = co_await weft::timeout(10s, plain_body);
        CHECK(three == 3);
        auto scoped_body = [](weft::Timeout& scope) -> weft::Coro<int> {
            scope.reschedule(std::nullopt);
            CHECK_FALSE(scope.when().has_value());
            co_return 4;
        };
        const int four = co_await weft::timeout_at(weft::get_running_loop().time() + 10s, scoped_body);
        CHECK(four == 4);
        weft::Timeout scope{10s};
        const std::optional<weft::TimePoint> when = scope.when();
        CHECK(when.has_value());
        co_await scope.run(nothing());
        CHECK_FALSE(scope.expired());
        bool used = false;
        try {
            co_await scope.run(nothing());
        } catch (const std::runtime_error&) {
            used = true;
        }
        CHECK(used);
        weft::Timeout at = weft::Timeout::at(weft::get_running_loop().time() + 1ms);
        try {
            co_await at.run(weft::sleep(1h));
        } catch (const weft::TimeoutError&) {
            CHECK(at.expired());
        }
        const weft::Future<int> shielded = weft::shield(give(5));
        const int five = co_await shielded;
        CHECK(five == 5);

        int sum = 0;
        std::vector<weft::Coro<int>> coros;
        coros.push_back(give(1));
        coros.push_back(give(2));
        for (auto next : weft::as_completed(std::move(coros), 10s)) sum += co_await std::move(next);
        CHECK(sum == 3);
        const std::vector<weft::Task<int>> tasks{weft::create_task(give(3)), weft::create_task(give(4))};
        auto stream = weft::as_completed(tasks);
        while (auto task = co_await stream.next()) {
            static_assert(std::same_as<decltype(task), std::optional<weft::Task<int>>>);
            sum += task->result();
        }
        CHECK(sum == 10);
    });
}

TEST_CASE("face: task_group, ExceptionGroup, fork_join, parallel_for") {
    on_each([]() -> weft::Coro<> {
        auto body = [](weft::TaskGroup& group) -> weft::Coro<int> {
            const auto a = group.create_task(give(1), {.name = "a"});
            const auto b = group.spawn([](int x) { return give(x); }, 2);
            co_return co_await a + co_await b;
        };
        const int three = co_await weft::task_group(body);
        CHECK(three == 3);
        weft::TaskGroup own;
        auto failing = [](weft::TaskGroup& group) -> weft::Coro<> {
            (void)group.create_task(fail());
            co_await weft::sleep(1h);
        };
        std::optional<weft::ExceptionGroup> caught;
        try {
            co_await own.run(failing);
        } catch (const weft::ExceptionGroup& group) {
            caught = group;
        }
        REQUIRE(caught.has_value());
        CHECK(caught->message() == "unhandled errors in a TaskGroup");
        CHECK(caught->exceptions().size() == 1);
        CHECK(std::string_view(caught->what()).find("failed") != std::string_view::npos);
        const auto [matching, rest] = caught->split<std::runtime_error>();
        CHECK(matching.has_value());
        CHECK_FALSE(rest.has_value());
        const std::optional<weft::ExceptionGroup> sub = caught->subgroup<std::logic_error>();
        CHECK_FALSE(sub.has_value());
        CHECK(weft::ExceptionGroup("m", std::vector<std::exception_ptr>{caught->exceptions()[0]}).message() == "m");

        const auto [x, y] = co_await weft::fork_join(give(1), give(2));
        CHECK(x + y == 3);
        std::vector<weft::Coro<int>> branches;
        branches.push_back(give(4));
        const std::vector<int> joined = co_await weft::fork_join(std::move(branches));
        CHECK(joined == std::vector<int>{4});
        std::array<int, 100> squares{};
        auto square = [&](int i) { squares[static_cast<std::size_t>(i)] = i * i; };
        co_await weft::parallel_for(0, 100, 8, square);
        CHECK(squares[99] == 9801);
        auto same = [](int i) { return i; };
        const int sum = co_await weft::parallel_reduce(0, 100, 8, 0, same, std::plus<>());
        CHECK(sum == 4950);
    });
}

TEST_CASE("face: run, Runner, Runtime, loops") {
    CHECK(weft::run(give(1)) == 1);
    weft::Runner runner{{.loops = 1}};
    CHECK(runner.run(give(2)) == 2);
    weft::Loop& of_runner = runner.get_loop();
    runner.close();
    CHECK(of_runner.is_closed());
    weft::Runtime runtime{{.loops = 2}};
    CHECK(runtime.loops() == 2);
    CHECK(runtime.run(give(3)) == 3);
    const weft::ConcurrentFuture<int> sent = weft::run_coroutine_threadsafe(give(4), runtime.loop(1));
    CHECK(sent.result(10s) == 4);
    CHECK(sent.done());
    CHECK_FALSE(sent.cancelled());
    CHECK_FALSE(sent.cancel());
    CHECK(sent.exception(10s) == nullptr);
    int called = 0;
    sent.add_done_callback([&](const weft::ConcurrentFuture<int>&) { ++called; });
    CHECK(called == 1);
    runtime.stop();

    const std::unique_ptr<weft::Loop> loop = weft::new_event_loop();
    weft::set_event_loop(loop.get());
    CHECK(&weft::get_event_loop() == loop.get());
    std::vector<int> log;
    weft::Context context = weft::copy_context();
    const weft::Handle soon = loop->call_soon([&] { log.push_back(1); }, {.context = &context});
    loop->call_soon_threadsafe([&] { log.push_back(2); });
    const weft::TimerHandle later = loop->call_later(1ms, [&] { log.push_back(3); });
    const weft::TimerHandle at = loop->call_at(loop->time() + 2ms, [&] { loop->stop(); });
    CHECK(at.when() > later.when());
    const weft::Handle never = loop->call_soon([&] { log.push_back(0); });
    never.cancel();
    CHECK(never.cancelled());
    CHECK_FALSE(soon.cancelled());
    CHECK_FALSE(loop->is_running());
    loop->run_forever();
    CHECK(log == std::vector<int>{1, 2, 3});
    const weft::Task<int> task = loop->create_task(give(5), {.name = "five"});
    CHECK(loop->run_until_complete(task) == 5);
    loop->set_debug(true);
    CHECK(loop->get_debug());
    loop->set_slow_callback_duration(1s);
    CHECK(loop->slow_callback_duration() == 1s);
    loop->set_debug(false);
    std::string message;
    loop->set_exception_handler([&](weft::Loop&, const weft::ExceptionContext& failure) { message = failure.message; });
    CHECK(static_cast<bool>(loop->get_exception_handler()));
    loop->call_exception_handler({.message = "told"});
    CHECK(message == "told");
    loop->set_exception_handler(nullptr);
    CHECK_FALSE(static_cast<bool>(loop->get_exception_handler()));
    loop->add_signal_handler(SIGUSR2, [&] { log.push_back(4); });
    CHECK(loop->remove_signal_handler(SIGUSR2));
    CHECK_FALSE(loop->remove_reader(0));
    CHECK_FALSE(loop->remove_writer(0));
    CHECK(loop->run_until_complete(loop->run_in_executor(nullptr, [] { return 6; })) == 6);
    CHECK(loop->run_until_complete(loop->run_in_executor(weft::cpu_executor(), [] { return 7; })) == 7);
    struct Inline final : weft::Executor {
        void submit(std::function<void()> job) override { job(); }
    } executor;
    loop->set_default_executor(&executor);
    CHECK(loop->run_until_complete(loop->run_in_executor(nullptr, [] { return 8; })) == 8);
    loop->run_until_complete(loop->shutdown_asyncgens());
    loop->run_until_complete(loop->shutdown_default_executor());
    weft::set_event_loop(nullptr);
    loop->close();
    CHECK(loop->is_closed());
    CHECK_THROWS_WITH_AS((void)weft::get_running_loop(), "no running event loop", std::runtime_error);
}

TEST_CASE("face: threads and generators") {
    on_each([]() -> weft::Coro<> {
        const weft::Future<int> on_thread = weft::to_thread([](int x) { return x + 1; }, 1);
        const int two = co_await on_thread;
        CHECK(two == 2);
        auto generator = counting(5);
        int sum = 0;
        while (auto value = co_await generator.next()) {
            static_assert(std::same_as<decltype(value), std::optional<int>>);
            sum += *value;
        }
        CHECK(sum == 10);
        auto left = counting(5);
        (void)co_await left.next();
        co_await left.aclose();
    });
    weft::Runtime runtime{{.loops = 2}};
    weft::Runtime other{{.loops = 1}};
    auto wrapped = [&]() -> weft::Coro<int> {
        const auto sent = weft::run_coroutine_threadsafe(give(3), other.loop(0));
        co_return co_await weft::wrap_future(sent);
    };
    CHECK(runtime.run(wrapped()) == 3);
}

TEST_CASE("face: the errors' families") {
    static_assert(!std::is_base_of_v<std::exception, weft::CancelledError>);
    static_assert(!std::is_base_of_v<std::exception, weft::SystemExit>);
    static_assert(!std::is_base_of_v<std::exception, weft::KeyboardInterrupt>);
    static_assert(std::is_base_of_v<std::exception, weft::TimeoutError>);
    static_assert(std::is_base_of_v<std::exception, weft::InvalidStateError>);
    static_assert(std::is_base_of_v<std::exception, weft::ExceptionGroup>);
    CHECK(weft::CancelledError{"why"}.message() == "why");
    CHECK(weft::SystemExit{3}.code() == 3);
    CHECK(std::string_view(weft::TimeoutError{"late"}.what()) == "late");
    CHECK(std::string_view(weft::InvalidStateError{"no"}.what()) == "no");
    (void)weft::KeyboardInterrupt{};
}
