// Gatherings: gather, wait, as_completed, TaskGroup and shield over members of which some fail and some are cancelled.
// Every member ends once, results are in their places, and a failure comes out where it should.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sync/as_completed.hpp"
#include "sync/errors.hpp"
#include "sync/exception_group.hpp"
#include "sync/gather.hpp"
#include "sync/shield.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/task_group.hpp"
#include "sync/wait.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

class Gatherings final : public Part {
public:
    Gatherings() : Part("gatherings") {}

    Coro<> round(Random random) override {
        switch (random.below(6)) {
            case 0: co_return co_await gathering(random);
            case 1: co_return co_await gathering_outcomes(random);
            case 2: co_return co_await waiting(random);
            case 3: co_return co_await completions(random);
            case 4: co_return co_await shielding(random);
            default: co_return co_await grouping(random);
        }
    }

private:
    // Gives its number, some time later; every tenth fails instead.
    static Coro<std::uint32_t> member(std::uint32_t number, Random random) {
        co_await pause(random);
        if (random.one_in(2)) co_await pause(random);
        if (number % 10 == 9) throw Intended();
        co_return number;
    }

    // Numbers are random, so that some crowds have members that fail, and others have not.
    static std::vector<std::uint32_t> numbers(Random& random, std::uint32_t most) {
        std::vector<std::uint32_t> all(random.from_to(1, most));
        for (std::uint32_t& number : all) number = random.below(40);
        return all;
    }
    static bool fails(std::uint32_t number) { return number % 10 == 9; }
    static std::vector<Task<std::uint32_t>> start(const std::vector<std::uint32_t>& numbers, Random& random) {
        std::vector<Task<std::uint32_t>> tasks;
        for (const std::uint32_t number : numbers)
            tasks.push_back(create_task(member(number, random.split()), {.loop = somewhere(random)}));
        return tasks;
    }

    enum class Asked : std::uint8_t { nobody, somebody };

    // All of them are done in the end, whoever has looked at them before. `cancelled_by`: who may have been.
    Coro<> settle(std::vector<Task<std::uint32_t>> tasks, std::vector<std::uint32_t> given, Asked cancelled_by) {
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            try {
                check(co_await tasks[i] == given[i], "a task gave another's value");
            } catch (const Intended& error) {
                check(fails(given[i]), "a task has failed without a reason");
                failed(error);
            } catch (const CancelledError&) {
                check(cancelled_by == Asked::somebody, "a task was cancelled by nobody");
            }
        }
        did(tasks.size());
    }

    Coro<> gathering(Random random) {
        const std::vector<std::uint32_t> given = numbers(random, 10);
        std::vector<Task<std::uint32_t>> tasks = start(given, random);
        const auto all = gather(std::vector<Task<std::uint32_t>>(tasks));
        const bool asks = random.one_in(3);
        if (asks) {
            co_await pause(random);
            if (all.cancel()) cancelled();
        }
        try {
            check(co_await all == given, "the results of a gather are not in their places");
            check(std::none_of(given.begin(), given.end(), &fails), "a gather has not failed with its child");
        } catch (const Intended& error) {
            check(std::any_of(given.begin(), given.end(), &fails), "a gather has failed without a reason");
            check_text(error);
        } catch (const CancelledError&) {
            check(asks, "a gather was cancelled by nobody");
        }
        co_await settle(std::move(tasks), given, asks ? Asked::somebody : Asked::nobody);
    }

    Coro<> gathering_outcomes(Random random) {
        const std::vector<std::uint32_t> given = numbers(random, 10);
        std::vector<Task<std::uint32_t>> tasks = start(given, random);
        const bool asks = random.one_in(2);
        const std::uint32_t victim = random.below(static_cast<std::uint32_t>(given.size()));
        if (asks && tasks[victim].cancel()) cancelled();
        const auto all = gather(return_exceptions, std::vector<Task<std::uint32_t>>(tasks));
        const auto& outcomes = co_await all;
        check(outcomes.size() == given.size(), "a gather has another number of outcomes than children");
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            const auto& outcome = outcomes[i];
            const bool right = outcome.cancelled()   ? asks && i == victim
                               : outcome.has_value() ? !fails(given[i]) && outcome.value() == given[i]
                                                     : fails(given[i]);
            check(right, "an outcome of a gather is not its child's");
        }
        co_await settle(std::move(tasks), given, asks ? Asked::somebody : Asked::nobody);
    }

    Coro<> waiting(Random random) {
        const std::vector<std::uint32_t> given = numbers(random, 10);
        const std::vector<Task<std::uint32_t>> tasks = start(given, random);
        WaitOptions options;
        options.return_when = static_cast<ReturnWhen>(random.below(3));
        if (random.one_in(2)) options.timeout = random.up_to(300us);
        const auto result = co_await wait(tasks, options);
        check(result.done.size() + result.pending.size() == tasks.size(), "a wait has lost a task");
        if (!options.timeout) {
            check(!result.done.empty(), "a wait without a limit has come back with nothing");
            const auto has_failed = [](const Task<std::uint32_t>& task) { return task.exception() != nullptr; };
            const bool enough = options.return_when == FIRST_COMPLETED || result.pending.empty() ||
                                (options.return_when == FIRST_EXCEPTION &&
                                 std::any_of(result.done.begin(), result.done.end(), has_failed));
            check(enough, "a wait has come back too early");
        }
        co_await settle(tasks, given, Asked::nobody);
    }

    Coro<> completions(Random random) {
        const std::vector<std::uint32_t> given = numbers(random, 10);
        const std::vector<Task<std::uint32_t>> tasks = start(given, random);
        std::optional<Duration> limit;
        if (random.one_in(2)) limit = random.up_to(300us);
        auto ended = as_completed(tasks, limit);
        std::size_t asked = 0;
        for (bool more = true; more;) {
            try {
                const std::optional<Task<std::uint32_t>> next = co_await ended.next();
                more = next.has_value();
                if (more) check(next->done(), "as_completed gave a task that is not done");
            } catch (const TimeoutError&) {
                check(limit.has_value(), "as_completed had no limit of time and has passed it");
                failed();
            }
            if (more) ++asked;
        }
        check(asked == tasks.size(), "as_completed gave another number of outcomes than there are tasks");
        co_await settle(tasks, given, Asked::nobody);
    }

    // A shield that is cancelled leaves what it shields alone.
    Coro<> shielding(Random random) {
        const std::vector<std::uint32_t> given{random.below(9)};
        const std::vector<Task<std::uint32_t>> tasks = start(given, random);
        const auto outer = shield(tasks[0]);
        co_await pause(random);
        const bool asks = random.one_in(2) && outer.cancel();
        try {
            check(co_await outer == given[0], "a shield gave another value");
        } catch (const CancelledError&) {
            check(asks, "a shield was cancelled by nobody");
            cancelled();
        }
        co_await settle(tasks, given, Asked::nobody);
    }

    struct Group {
        std::atomic<std::uint32_t> begun{0};
        std::atomic<std::uint32_t> ended{0};
    };

    Coro<> grouping(Random random) {
        Group counts;
        const std::vector<std::uint32_t> given = numbers(random, 10);
        auto body = [&given, &counts, random](TaskGroup& group) -> Coro<std::uint32_t> {
            return add_members(group, given, counts, random);
        };
        const auto task = create_task(task_group(body), {.loop = somewhere(random)});
        const bool asks = random.one_in(3);
        if (asks) {
            co_await pause(random);
            if (task.cancel()) cancelled();
        }
        try {
            check(co_await task == given.size(), "a group has lost its body's value");
            check(std::none_of(given.begin(), given.end(), &fails), "a group has not failed with its child");
        } catch (const ExceptionGroup&) {
            check(std::any_of(given.begin(), given.end(), &fails), "a group has failed without a reason");
            failed();
        } catch (const CancelledError&) {
            check(asks, "a group was cancelled by nobody");
        }
        check(counts.begun.load(std::memory_order_relaxed) == counts.ended.load(std::memory_order_relaxed),
              "a group was left before its children had ended");
        did(given.size());
    }

    static Coro<std::uint32_t> add_members(TaskGroup& group, const std::vector<std::uint32_t>& given, Group& counts,
                                           Random random) {
        std::uint32_t added = 0;
        for (const std::uint32_t number : given) {
            try {
                group.create_task(counted(number, counts, random.split()), {.loop = somewhere(random)});
                ++added;
            } catch (const std::runtime_error&) {
                break;  // the group is aborting
            }
        }
        co_return added;
    }

    static Coro<> counted(std::uint32_t number, Group& counts, Random random) {
        counts.begun.fetch_add(1, std::memory_order_relaxed);
        struct Ended {
            std::atomic<std::uint32_t>& count;
            ~Ended() { count.fetch_add(1, std::memory_order_relaxed); }
        } const ended{counts.ended};
        co_await member(number, random);
    }
};

}  // namespace

std::unique_ptr<Part> make_gatherings() { return std::make_unique<Gatherings>(); }

}  // namespace weft::soak
