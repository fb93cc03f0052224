// async_generator: values one at a time, by CPython's rules (Objects/genobject.c, asyncio's shutdown_asyncgens), which
// were asked with the same programs.
#include "sync/async_generator.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sync/fork_join.hpp"
#include "sync/gather.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/support/ended.hpp"
#include "tests/support/group.hpp"
#include "tests/support/reports.hpp"
#include "tests/support/together.hpp"
#include "tests/support/virtual_loop.hpp"

using namespace std::chrono_literals;
using weft::async_generator;
using weft::Coro;
using weft::create_task;
using weft::GeneratorExit;
using weft::sleep;
using weft::Task;
using weft::sync::shutdown_asyncgens;
using weft::test::ended;
using weft::test::Group;
using weft::test::Reports;
using weft::test::thrown_by;
using weft::test::VirtualLoop;

using Log = std::vector<std::string>;

namespace {

async_generator<int> count(int n) {
    for (int i = 0; i < n; ++i) co_yield i;
}

async_generator<int> count_slowly(int n) {
    for (int i = 0; i < n; ++i) {
        co_await sleep(1s);
        co_yield i;
    }
}

// Says when it is destroyed.
struct Local {
    Local(Log& to, std::string what) : log(to), name(std::move(what)) {}
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { log.push_back("~" + name); }
    Log& log;
    std::string name;
};

// Two values; what its end needs is awaited after GeneratorExit.
async_generator<int> with_cleanup(Log& log) {
    const Local local(log, "local");
    bool exits = false;
    try {
        co_yield 1;
        co_yield 2;
    } catch (const GeneratorExit&) {
        exits = true;
    }
    if (exits) {
        log.emplace_back("cleaning");
        co_await sleep(1s);
        log.emplace_back("clean");
    }
}

async_generator<int> ignores_exit() {
    for (int i = 0; i < 3; ++i) {
        try {
            co_yield i;
        } catch (const GeneratorExit&) {
        }
    }
}

async_generator<int> fails_at_exit() {
    try {
        co_yield 1;
    } catch (const GeneratorExit&) {
        throw std::runtime_error("in cleanup");
    }
}

Coro<std::vector<int>> all_of(async_generator<int> generator) {
    std::vector<int> values;
    while (const auto value = co_await generator.next()) values.push_back(*value);
    co_return values;
}

// What next() gives, in words.
Coro<std::string> next_of(async_generator<int>& generator) {
    try {
        const std::optional<int> value = co_await generator.next();
        co_return value ? std::to_string(*value) : "end";
    } catch (const weft::CancelledError&) {
        co_return "cancelled";
    } catch (const GeneratorExit&) {
        co_return "GeneratorExit";
    } catch (const std::exception& error) {
        co_return std::string("error: ") + error.what();
    }
}

Coro<std::string> close(async_generator<int>& generator) { return ended(generator.aclose()); }

}  // namespace

TEST_CASE("async_generator: values in order, then nothing, for ever; it does not begin before it is asked") {
    VirtualLoop loop;
    bool begun = false;
    auto generate = [&]() -> async_generator<int> {
        begun = true;
        co_yield 1;
        co_yield 2;
    };
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = generate();
        auto request = generator.next();
        CHECK_FALSE(begun);
        const std::optional<int> one = co_await std::move(request);
        CHECK(begun);
        CHECK(one == 1);
        const std::string words =
            co_await next_of(generator) + " " + co_await next_of(generator) + " " + co_await next_of(generator);
        CHECK(words == "2 end end");
        const std::vector<int> none = co_await all_of(count(0));
        CHECK(none.empty());
    };
    loop.run_until_complete(body());
    CHECK(loop.turns() == 1);  // nothing suspended
}

TEST_CASE("async_generator: it awaits between its values inside the task that asks, and counts no turn else") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        const std::vector<int> values = co_await all_of(count_slowly(3));
        CHECK(values == std::vector<int>{0, 1, 2});
        CHECK(loop.now().time_since_epoch() == 3s);
    };
    loop.run_until_complete(body());

    std::string name;
    auto who = [&]() -> async_generator<std::string> {
        for (;;) {
            std::string task = weft::current_task().get_name();
            co_yield task;
        }
    };
    auto asks = [](async_generator<std::string>& generator) -> Coro<std::string> {
        const std::optional<std::string> value = co_await generator.next();
        co_return *value;
    };
    auto two_tasks = [&]() -> Coro<> {
        async_generator<std::string> generator = who();
        const auto a = create_task(asks(generator), {.name = "a"});
        const auto b = create_task(asks(generator), {.name = "b"});
        const std::string of_b = co_await b;
        CHECK(of_b == "b");
        CHECK(a.result() == "a");
    };
    loop.run_until_complete(two_tasks());
}

TEST_CASE("async_generator: values are moved through, or copied from what is kept") {
    VirtualLoop loop;
    auto pointers = []() -> async_generator<std::unique_ptr<int>> {
        for (int i = 0; i < 3; ++i) co_yield std::make_unique<int>(i);
    };
    auto texts = []() -> async_generator<std::string> {
        const std::string kept = "kept";
        co_yield kept;
        co_yield kept;
        co_yield "literal";
    };
    auto body = [&]() -> Coro<> {
        int sum = 0;
        auto generator = pointers();
        while (const auto pointer = co_await generator.next()) sum += **pointer;
        CHECK(sum == 3);
        std::string all;
        auto more = texts();
        while (const auto text = co_await more.next()) all += *text + " ";
        CHECK(all == "kept kept literal ");
        auto truths = []() -> async_generator<bool> { co_yield false; };
        auto some = truths();
        const std::optional<bool> first = co_await some.next();
        CHECK(first.has_value());
        CHECK_FALSE(*first);
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: an exception that leaves it comes out of next(), once; then it is finished") {
    VirtualLoop loop;
    Log log;
    auto fails = [&]() -> async_generator<int> {
        const Local local(log, "local");
        co_yield 1;
        throw std::runtime_error("boom");
    };
    auto exits = []() -> async_generator<int> {
        co_yield 1;
        throw GeneratorExit();
    };
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = fails();
        const std::string words =
            co_await next_of(generator) + ", " + co_await next_of(generator) + ", " + co_await next_of(generator);
        CHECK(words == "1, error: boom, end");
        CHECK(log == Log{"~local"});
        const std::string closed = co_await close(generator);
        CHECK(closed == "value");
        async_generator<int> other = exits();
        const std::string exited =
            co_await next_of(other) + ", " + co_await next_of(other) + ", " + co_await next_of(other);
        CHECK(exited == "1, GeneratorExit, end");
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: aclose() lets it end where it stands, awaiting what that needs") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = with_cleanup(log);
        const std::string one = co_await next_of(generator);
        CHECK(one == "1");
        co_await generator.aclose();
        CHECK(log == Log{"cleaning", "clean", "~local"});
        CHECK(loop.now().time_since_epoch() == 1s);
        const std::string words = co_await next_of(generator) + " " + co_await close(generator);
        CHECK(words == "end value");
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: aclose() of one that never began ends it without entering it, and frees its arguments") {
    VirtualLoop loop;
    auto held = std::make_shared<int>(1);
    bool entered = false;
    auto generate = [&entered](std::shared_ptr<int>) -> async_generator<int> {
        entered = true;
        co_yield 1;
    };
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = generate(held);
        CHECK(held.use_count() == 2);
        co_await generator.aclose();
        CHECK(held.use_count() == 1);
        const std::string words = co_await next_of(generator) + " " + co_await close(generator);
        CHECK(words == "end value");
    };
    loop.run_until_complete(body());
    CHECK_FALSE(entered);
}

TEST_CASE("async_generator: one that ignores GeneratorExit is told; aclose() does not try again, next() goes on") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        async_generator<int> generator = ignores_exit();
        Log log;
        log.push_back(co_await next_of(generator));
        log.push_back(co_await close(generator));
        log.push_back(co_await close(generator));
        log.push_back(co_await next_of(generator));
        log.push_back(co_await next_of(generator));
        CHECK(log == Log{"0", "error: async generator ignored GeneratorExit", "value", "2", "end"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: what it throws instead of ending comes out of aclose()") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        async_generator<int> generator = fails_at_exit();
        const std::string words = co_await next_of(generator) + ", " + co_await close(generator) + ", " +
                                  co_await close(generator) + ", " + co_await next_of(generator);
        CHECK(words == "1, error: in cleanup, value, end");
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: while one task awaits it, others are refused and disturb nothing") {
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = count_slowly(2);
        const auto first = create_task(next_of(generator));
        co_await sleep(0s);
        const std::string second = co_await next_of(generator);
        CHECK(second == "error: anext(): asynchronous generator is already running");
        const std::string closing = co_await close(generator);
        CHECK(closing == "error: aclose(): asynchronous generator is already running");
        const std::string words =
            co_await first + " " + co_await next_of(generator) + " " + co_await next_of(generator);
        CHECK(words == "0 1 end");
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: cancelling who awaits it cancels what it awaits; it may swallow that and go on") {
    VirtualLoop loop;
    Log log;
    auto swallows = [&]() -> async_generator<int> {
        const std::string how = co_await ended(sleep(1h));
        log.push_back(how);
        co_yield 1;
        co_await sleep(1h);
    };
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = swallows();
        const auto first = create_task(next_of(generator));
        co_await sleep(0s);
        first.cancel("now");
        const std::string one = co_await first;
        CHECK(one == "1");
        CHECK(log == Log{"cancelled: now"});
        const auto second = create_task(next_of(generator));
        co_await sleep(0s);
        second.cancel();
        const std::string two = co_await second;
        CHECK(two == "cancelled");
        const std::string after = co_await next_of(generator);
        CHECK(after == "end");
        CHECK(loop.loop().armed_timers() == 0);
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: dropped while suspended: its frame is destroyed then, nothing is thrown or awaited") {
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        {
            async_generator<int> generator = with_cleanup(log);
            const std::string one = co_await next_of(generator);
            CHECK(one == "1");
            log.emplace_back("drop");
        }
        CHECK(log == Log{"drop", "~local"});
        co_await shutdown_asyncgens(loop.loop());
        CHECK(log.size() == 2);
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: a request is awaited once, keeps the generator, and is an awaitable like others") {
    VirtualLoop loop;
    auto body = []() -> Coro<> {
        async_generator<int> generator = count(3);
        auto request = generator.next();
        const std::optional<int> zero = co_await request;
        CHECK(zero == 0);
        auto again = [&]() -> Coro<> { (void)co_await request; };
        const std::string reused = co_await ended(again());
        CHECK(reused == "error: cannot reuse already awaited __anext__()/asend()");
        const Task<std::optional<int>> one = create_task(generator.next());
        const auto both = weft::gather(one, generator.next());
        {
            const async_generator<int> gone = std::move(generator);
        }
        const auto [first, second] = co_await both;
        CHECK(first == 1);
        CHECK(second == 2);
        CHECK(thrown_by([&] { return generator.next(); }).find("moved from") != std::string::npos);

        async_generator<int> closed = count(1);
        co_await create_task(closed.aclose());
        const std::string end = co_await next_of(closed);
        CHECK(end == "end");
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: one that is dropped while a task is in the middle of it lives on for that task") {
    VirtualLoop loop;
    Log log;
    auto generate = [&]() -> async_generator<int> {
        const Local local(log, "local");
        co_await sleep(1s);
        log.emplace_back("yields");
        co_yield 1;
        log.emplace_back("never");
    };
    auto body = [&]() -> Coro<> {
        auto generator = std::make_unique<async_generator<int>>(generate());
        const auto task = create_task(generator->next());
        co_await sleep(0s);
        generator.reset();
        CHECK(log.empty());
        const std::optional<int> one = co_await task;
        CHECK(one == 1);
        CHECK(log == Log{"yields", "~local"});
    };
    loop.run_until_complete(body());
}

TEST_CASE("async_generator: a loop that closes destroys what stands in the middle of one, and that one is finished") {
    const Reports reports;
    Log log;
    auto deep = [&]() -> Coro<> {
        const Local local(log, "deep");
        co_await sleep(1h);
    };
    auto inner = [&]() -> async_generator<int> {
        const Local local(log, "inner");
        co_await deep();
        co_yield 1;
    };
    auto outer = [&]() -> async_generator<int> {
        const Local local(log, "outer");
        async_generator<int> generator = inner();
        while (const auto value = co_await generator.next()) co_yield *value;
    };
    async_generator<int> kept = outer();
    {
        VirtualLoop loop;
        auto asks = [&]() -> Coro<> {
            const Local local(log, "task");
            (void)co_await kept.next();
        };
        const auto task = loop.create(asks());
        loop.turn();
        CHECK(log.empty());
        loop.close();
        CHECK(log == Log{"~deep", "~inner", "~outer", "~task"});
    }
    VirtualLoop loop;
    const std::string words = loop.run_until_complete(next_of(kept));
    CHECK(words == "end");
    CHECK(reports.all().size() == 1);  // the task
}

TEST_CASE("async_generator: it forks, and it runs in a branch") {
    VirtualLoop loop;
    auto twice = [](int n) -> Coro<int> { co_return 2 * n; };
    auto waits = [](int n) -> Coro<int> {
        co_await sleep(1s);
        co_return n;
    };
    auto generate = [&]() -> async_generator<int> {
        for (int i = 0; i < 3; ++i) {
            const auto [a, b] = co_await weft::fork_join(twice(i), waits(i));
            co_yield a + b;
        }
    };
    auto sum = [&]() -> Coro<int> {
        int all = 0;
        async_generator<int> generator = generate();
        while (const auto value = co_await generator.next()) all += *value;
        co_return all;
    };
    auto body = [&]() -> Coro<> {
        const auto [a, b] = co_await weft::fork_join(sum(), sum());
        CHECK(a == 9);
        CHECK(b == 9);
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 201: shutdown_asyncgens closes what was started, all at the same time, and reports what fails") {
    const Reports reports;
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        async_generator<int> first = with_cleanup(log);
        async_generator<int> second = with_cleanup(log);
        async_generator<int> fails = fails_at_exit();
        async_generator<int> ignores = ignores_exit();
        async_generator<int> ends = count(1);
        async_generator<int> never = with_cleanup(log);
        Log words;
        words.push_back(co_await next_of(first));
        words.push_back(co_await next_of(second));
        words.push_back(co_await next_of(fails));
        words.push_back(co_await next_of(ignores));
        words.push_back(co_await next_of(ends));
        words.push_back(co_await next_of(ends));
        CHECK(words == Log{"1", "1", "1", "0", "0", "end"});
        co_await shutdown_asyncgens(loop.loop());
        CHECK(loop.now().time_since_epoch() == 1s);
        CHECK(log == Log{"cleaning", "cleaning", "clean", "~local", "clean", "~local"});
        CHECK(reports.all().size() == 2);
        CHECK(reports.count("an error occurred during closing of asynchronous generator | std::runtime_error: in "
                            "cleanup") == 1);
        CHECK(reports.count("closing of asynchronous generator | std::runtime_error: async generator ignored "
                            "GeneratorExit") == 1);
        const std::string end = co_await next_of(first);
        CHECK(end == "end");

        const std::string late = co_await next_of(never);
        CHECK(late == "1");
        CHECK(reports.count("asynchronous generator was scheduled after loop.shutdown_asyncgens() call") == 1);
        co_await never.aclose();
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 201: one that stands in the middle of an await cannot be closed, and says so") {
    const Reports reports;
    VirtualLoop loop;
    auto body = [&]() -> Coro<> {
        async_generator<int> generator = count_slowly(1);
        const auto task = create_task(next_of(generator));
        co_await sleep(0s);
        co_await shutdown_asyncgens(loop.loop());
        CHECK(reports.count("aclose(): asynchronous generator is already running") == 1);
        const std::string zero = co_await task;
        CHECK(zero == "0");
    };
    loop.run_until_complete(body());
}

TEST_CASE("rule 201: a generator that is dropped by another's end is gone, not closed twice") {
    const Reports reports;
    VirtualLoop loop;
    Log log;
    auto body = [&]() -> Coro<> {
        std::vector<async_generator<int>> others;
        auto drops = [&]() -> async_generator<int> {
            try {
                co_yield 1;
            } catch (const GeneratorExit&) {
                others.clear();
            }
        };
        others.push_back(with_cleanup(log));
        const std::string one = co_await next_of(others[0]);
        async_generator<int> dropping = drops();  // newest, so the first to be closed
        const std::string two = co_await next_of(dropping);
        CHECK(one + two == "11");
        co_await shutdown_asyncgens(loop.loop());
        CHECK(log == Log{"cleaning", "clean", "~local"});
    };
    loop.run_until_complete(body());
    CHECK(reports.all().empty());
}

TEST_CASE("async_generator: it outlives its loop, finished or not") {
    std::optional<async_generator<int>> suspended;
    std::optional<async_generator<int>> running;
    Log log;
    const Reports reports;
    {
        VirtualLoop loop;
        suspended = with_cleanup(log);
        running = count_slowly(1);
        const std::string one = loop.run_until_complete(next_of(*suspended));
        CHECK(one == "1");
        const auto task = loop.create(next_of(*running));
        loop.turn();
    }
    CHECK(log.empty());
    VirtualLoop loop;
    Log words;
    words.push_back(loop.run_until_complete(next_of(*suspended)));
    words.push_back(loop.run_until_complete(next_of(*running)));
    CHECK(words == Log{"2", "end"});
    suspended.reset();
    CHECK(log == Log{"~local"});
}

TEST_CASE("async_generator: handed from task to task over many loops, it is in one place at a time") {
    constexpr int kValues = 3000;
    int values = 0;
    {
        const Group group(3);
        auto numbers = []() -> async_generator<std::vector<int>> {
            for (int i = 0; i < kValues; ++i) {
                if (i % 16 == 0) co_await sleep(0s);
                co_yield std::vector<int>(3, i);
            }
        };
        // Each takes what it gets; who finds it running tries again.
        auto takes = [](async_generator<std::vector<int>>& generator) -> Coro<int> {
            int taken = 0;
            int last = -1;
            for (;;) {
                bool busy = false;
                try {
                    const auto value = co_await generator.next();
                    if (!value) break;
                    CHECK(value->at(2) > last);
                    last = value->at(2);
                    ++taken;
                } catch (const std::runtime_error&) {
                    busy = true;
                }
                if (busy) co_await sleep(0s);
            }
            co_return taken;
        };
        auto body = [&]() -> Coro<int> {
            async_generator<std::vector<int>> generator = numbers();
            std::vector<Task<int>> takers;
            for (std::size_t i = 0; i < 6; ++i)
                takers.push_back(create_task(takes(generator), {.loop = &group.loop(i % 3)}));
            int sum = 0;
            for (const Task<int>& taker : takers) sum += co_await taker;
            co_return sum;
        };
        values = group.run(body());
        CHECK(group.rescues() == 0);
    }
    CHECK(values == kValues);
}

TEST_CASE("rule 201: shutdown_asyncgens covers all loops of a group, while others are started and dropped there") {
    const Reports reports;
    Log log;
    {
        const Group group(3);
        std::vector<async_generator<int>> kept;
        for (int i = 0; i < 3; ++i) kept.push_back(ignores_exit());
        for (std::size_t i = 0; i < 3; ++i) CHECK(group.run(next_of(kept[i]), i) == "0");
        auto churns = []() -> Coro<> {
            for (int i = 0; i < 300; ++i) {
                async_generator<int> generator = count_slowly(1);
                (void)co_await generator.aclose();
                async_generator<int> started = count(2);
                (void)co_await started.next();
                if (i % 8 == 0) co_await sleep(0s);
            }
        };
        auto body = [&]() -> Coro<> {
            const auto a = create_task(churns(), {.loop = &group.loop(1)});
            const auto b = create_task(churns(), {.loop = &group.loop(2)});
            co_await shutdown_asyncgens(group.loop(0));
            co_await a;
            co_await b;
        };
        group.run(body());
        CHECK(reports.count("async generator ignored GeneratorExit") == 3);
    }
}
