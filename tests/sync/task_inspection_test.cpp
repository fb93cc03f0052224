// Where a task stands, where it was made, and where its exception came through.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sync/errors.hpp"
#include "sync/exception_handler.hpp"
#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace weft;
using namespace std::chrono_literals;
using test::ended;
using test::Reports;
using test::VirtualLoop;

namespace {

using Lines = std::vector<std::uint_least32_t>;

std::uint_least32_t line_here(std::source_location here = std::source_location::current()) { return here.line(); }

Lines lines_of(const std::vector<StackFrame>& frames) {
    Lines lines;
    for (const StackFrame& frame : frames) lines.push_back(frame.line);
    return lines;
}

std::uint_least32_t wait_line = 0;
std::uint_least32_t call_line = 0;
std::uint_least32_t throw_line = 0;

Coro<> waits(Future<> future) {
    wait_line = line_here() + 1;
    co_await future;
}

Coro<> calls(Future<> future) {
    call_line = line_here() + 1;
    co_await waits(future);
}

Coro<> fails_after(Future<> future) {
    throw_line = line_here() + 1;
    co_await future;
    throw std::runtime_error("boom");
}

Coro<> passes_on(Future<> future) {
    call_line = line_here() + 1;
    co_await fails_after(future);
}

std::string printed(const AnyTask& task) {
    std::FILE* file = std::tmpfile();
    task.print_stack(kWholeStack, file);
    std::rewind(file);
    std::array<char, 4096> text{};
    const std::size_t size = std::fread(text.data(), 1, text.size(), file);
    std::fclose(file);
    return std::string(text.data(), size);
}

}  // namespace

TEST_CASE("get_stack: a suspended task shows the awaits of its coroutines, outermost first") {
    VirtualLoop loop;
    const auto future = create_future();
    const auto task = loop.create(calls(future));
    CHECK(task.get_stack().empty());  // not begun
    loop.turn();
    const auto frames = task.get_stack();
    CHECK(lines_of(frames) == Lines{call_line, wait_line});
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].function.find("calls") != std::string_view::npos);
    CHECK(frames[1].function.find("waits") != std::string_view::npos);
    CHECK(frames[0].file.ends_with("task_inspection_test.cpp"));
    CHECK(lines_of(task.get_stack(1)) == Lines{wait_line});
    CHECK(AnyTask(task).get_stack() == frames);
    auto wakes = [&]() -> Coro<Lines> {
        future.set_result();
        co_return lines_of(task.get_stack());
    };
    CHECK(loop.run_until_complete(wakes()) == Lines{call_line, wait_line});  // woken, not yet resumed: on its own loop
    if (!task.done()) loop.turn();
    CHECK(task.done());
    CHECK(task.get_stack().empty());
}

TEST_CASE("get_stack: the running task shows the call") {
    VirtualLoop loop;
    auto body = []() -> Coro<Lines> {
        const std::uint_least32_t line = line_here() + 1;
        const auto frames = current_task().get_stack();
        co_await sleep(0s);
        Lines lines = lines_of(frames);
        lines.push_back(line);
        co_return lines;
    };
    const Lines lines = loop.run_until_complete(body());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == lines[1]);
}

TEST_CASE("get_stack: a task around an eager one is running too and has none") {
    VirtualLoop loop;
    auto asks = [](AnyTask outer, std::size_t& frames) -> Coro<> {
        frames = outer.get_stack().size();
        co_return;
    };
    auto body = [&]() -> Coro<std::size_t> {
        co_await sleep(0s);
        std::size_t frames = 99;
        auto inner = asks(current_task(), frames);
        (void)create_task(std::move(inner), {.eager_start = true});
        co_return frames;
    };
    const std::size_t frames = loop.run_until_complete(body());
    CHECK(frames == 0);
}

TEST_CASE("get_stack: a branch shows its own awaits and those of what forked it") {
    VirtualLoop loop;
    const auto future = create_future();
    std::uint_least32_t fork_line = 0;
    auto forks = [&]() -> Coro<> {
        auto one = calls(future);
        auto two = waits(future);
        fork_line = line_here() + 1;
        co_await fork_join(std::move(one), std::move(two));
    };
    const auto task = loop.create(forks());
    loop.turn(2);
    CHECK(lines_of(task.get_stack()) == Lines{fork_line});
    std::vector<Lines> stacks;
    auto looks = [&]() -> Coro<> {
        for (const AnyTask& one : all_tasks()) stacks.push_back(lines_of(one.get_stack()));
        co_return;
    };
    loop.run_until_complete(looks());
    CHECK(std::count(stacks.begin(), stacks.end(), Lines{fork_line, call_line, wait_line}) == 1);
    CHECK(std::count(stacks.begin(), stacks.end(), Lines{fork_line, wait_line}) == 1);
    future.set_result();
    while (!task.done()) loop.turn();
}

TEST_CASE("get_stack: of a failed task, where its exception came through") {
    VirtualLoop loop;
    const auto future = create_future();
    const auto task = loop.create(passes_on(future));
    loop.turn();
    future.set_result();
    loop.turn();
    REQUIRE(task.done());
    CHECK(lines_of(task.get_stack()) == Lines{call_line, throw_line});
    CHECK(task.exception() != nullptr);
}

TEST_CASE("get_stack: an exception takes its trace along from task to task, out of a gather, a shield, a branch") {
    VirtualLoop loop;
    const auto future = create_future();
    std::uint_least32_t line = 0;
    auto by_task = [&]() -> Coro<> {
        const auto inner = create_task(passes_on(future));
        line = line_here() + 1;
        co_await inner;
    };
    auto by_gather = [&]() -> Coro<> {
        auto one = passes_on(future);
        line = line_here() + 1;
        co_await gather(std::move(one), sleep(1s));
    };
    auto by_shield = [&]() -> Coro<> {
        auto one = passes_on(future);
        line = line_here() + 1;
        co_await shield(std::move(one));
    };
    auto by_branch = [&]() -> Coro<> {
        auto one = passes_on(future);
        line = line_here() + 1;
        co_await fork_join(std::move(one));
    };
    Task<> task;
    SUBCASE("task") { task = loop.create(by_task()); }
    SUBCASE("gather") { task = loop.create(by_gather()); }
    SUBCASE("shield") { task = loop.create(by_shield()); }
    SUBCASE("branch") { task = loop.create(by_branch()); }
    loop.run_until_complete(sleep(0s));
    loop.run_until_complete(sleep(0s));
    future.set_result();
    while (!task.done()) loop.turn();
    CHECK(lines_of(task.get_stack()) == Lines{line, call_line, throw_line});
    CHECK(task.exception() != nullptr);
}

TEST_CASE("get_stack: an exception that was caught leaves no trace in the next one") {
    VirtualLoop loop;
    const auto done = create_future();
    done.set_result();
    std::uint_least32_t line = 0;
    auto body = [&]() -> Coro<> {
        try {
            co_await passes_on(done);
        } catch (const std::runtime_error&) {
        }
        line = line_here() + 1;
        co_await sleep(0s);
        throw std::logic_error("another");
    };
    const auto task = loop.create(body());
    loop.turn(2);
    REQUIRE(task.done());
    CHECK(lines_of(task.get_stack()) == Lines{line});
    CHECK(task.exception() != nullptr);
}

TEST_CASE("print_stack: says what the task is and how its stack came about") {
    VirtualLoop loop;
    const auto future = create_future();
    const auto created = line_here() + 1;
    const auto task = create_task(passes_on(future), {.name = "fetch", .loop = &loop.loop()});
    const std::string place = "task_inspection_test.cpp:" + std::to_string(created);
    const std::string before = printed(task);
    CHECK(before.starts_with("No stack for <Task pending name='fetch' created at "));
    CHECK(before.find(place) != std::string::npos);
    loop.turn();
    const std::string waiting = printed(task);
    CHECK(waiting.starts_with("Stack for <Task pending name='fetch' "));
    CHECK(waiting.find("(most recent call last):\n") != std::string::npos);
    CHECK(waiting.find(".cpp:" + std::to_string(call_line) + ", in ") <
          waiting.find(std::to_string(throw_line) + ", in "));
    CHECK(waiting.find("passes_on") != std::string::npos);
    future.set_result();
    loop.turn();
    CHECK(printed(task).starts_with("Traceback for <Task finished name='fetch' "));
    CHECK(task.exception() != nullptr);
}

TEST_CASE("rules 48, 69: the report names the task, where it was made and where its exception came through") {
    const Reports reports;
    VirtualLoop loop;
    const auto future = create_future();
    std::uint_least32_t created = 0;
    auto body = [&]() -> Coro<> {
        created = line_here() + 1;
        (void)create_task(passes_on(future), {.name = "the one"});
        co_await sleep(0s);
    };
    loop.run_until_complete(body());
    future.set_result();
    loop.turn();
    const auto texts = reports.texts();
    REQUIRE(texts.size() == 1);
    const std::string& text = texts[0];
    CAPTURE(text);
    CHECK(text.starts_with("Task exception was never retrieved: std::runtime_error: boom\n"));
    CHECK(text.find("<Task finished name='the one' created at ") != std::string::npos);
    CHECK(text.find("task_inspection_test.cpp:" + std::to_string(created)) != std::string::npos);
    const auto outer = text.find("task_inspection_test.cpp:" + std::to_string(call_line));
    const auto inner = text.find("task_inspection_test.cpp:" + std::to_string(throw_line));
    CHECK(outer != std::string::npos);
    CHECK(inner != std::string::npos);
    CHECK(outer < inner);
}

TEST_CASE("rule 68: the report of a task that is destroyed pending says where it waited, and for what") {
    const Reports reports;
    const auto future = create_future();
    {
        VirtualLoop loop;
        loop.create(calls(future)).set_name("left");
        loop.turn();
    }
    const auto texts = reports.texts();
    REQUIRE(texts.size() == 1);
    CAPTURE(texts[0]);
    CHECK(texts[0].starts_with("Task was destroyed but it is pending!\n"));
    CHECK(texts[0].find("name='left'") != std::string::npos);
    CHECK(texts[0].find("waits for a future") != std::string::npos);
    CHECK(texts[0].find(":" + std::to_string(wait_line) + ", in") != std::string::npos);
}

TEST_CASE("created_at: the place of create_task, of the options, of a group; none for what the library makes") {
    VirtualLoop loop;
    auto line_of = [](const AnyTask& task) { return static_cast<sync::TaskState&>(task.state()).created_at().line(); };
    auto body = [&]() -> Coro<> {
        const auto line = line_here();
        const auto plain = create_task(sleep(0s));
        const auto named = create_task(sleep(0s), {.name = "x"});
        const auto spawned = spawn({.name = "y"}, [] { return sleep(0s); });
        const auto ensured = ensure_future(sleep(0s));
        CHECK(line_of(plain) == line + 1);
        CHECK(line_of(named) == line + 2);
        CHECK(line_of(spawned) == line + 3);
        CHECK(line_of(ensured) == line + 4);
        const auto bare = spawn([] { return sleep(0s); });
        CHECK(line_of(bare) == 0);
        auto in_group = [&](TaskGroup& group) -> Coro<> {
            const auto group_line = line_here() + 1;
            const auto child = group.create_task(sleep(0s));
            CHECK(line_of(child) == group_line);
            co_return;
        };
        co_await task_group(in_group);
        co_await gather(plain, named, spawned, ensured, bare);
    };
    loop.run_until_complete(body());
}

TEST_CASE("standing: a cancel and a wake that come while somebody looks are not lost") {
    // Seen from within: the looker borrows the task as a canceller does.
    const test::Group group(2);
    std::atomic<bool> stop{false};
    std::atomic<int> looks{0};
    auto rounds = [&]() -> Coro<int> {
        int ok = 0;
        for (int round = 0; round < 400; ++round) {
            const auto future = create_future();
            const auto task = create_task(calls(future), {.loop = any_loop});
            const auto other = create_task(sleep(1h), {.loop = any_loop});
            co_await sleep(0s);
            if (round % 2 == 0) {
                (void)future.try_set_result();
            } else {
                task.cancel("now");
            }
            other.cancel();
            const std::string how = co_await ended(task);
            const std::string slept = co_await ended(other);
            ok += how == (round % 2 == 0 ? "value" : "cancelled: now") ? 1 : 0;
            ok += slept == "cancelled" ? 1 : 0;
        }
        stop = true;
        co_return ok;
    };
    auto looker = [&]() -> Coro<> {
        while (!stop) {
            for (const AnyTask& task : all_tasks()) looks += static_cast<int>(task.get_stack().size());
            co_await sleep(0s);
        }
    };
    auto both = [&]() -> Coro<int> {
        const auto looking = create_task(looker(), {.loop = &group.loop(1)});
        const int ok = co_await rounds();
        co_await looking;
        co_return ok;
    };
    const int ok = group.run(both());
    CHECK(ok == 800);
    CHECK(group.rescues() == 0);
}
