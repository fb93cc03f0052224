// weft_soak: a mixed load for minutes, on more loops than there are cores: weft_soak [--minutes N] [--seed S] [--loops L]
// [--part NAME]. Exits with 1 if a check failed, a task was left, a failure was reported that nobody expected, a wake-up
// was lost (a rescue) or a part stood still; with 2 for a wrong argument. The sanitizers of its build have exits of their
// own. The seed gives the same choices again, not the same interleavings.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

#include "api/runtime.hpp"
#include "sync/exception_context.hpp"
#include "sync/report.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "tests/soak/arguments.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"
#include "tests/soak/random.hpp"
#include "tests/soak/tide.hpp"
#include "tests/soak/watchdog.hpp"

namespace {

using weft::Coro;
using weft::Task;
using namespace weft::soak;

constexpr std::size_t kWorkersOfPart = 3;
constexpr int kRoundsAlone = 8;
constexpr std::chrono::milliseconds kCalmPause{20};

// What weft itself has to say: no part leaves a failure to it.
class Unexpected {
public:
    Unexpected() { weft::sync::set_report_sink(&hear); }
    Unexpected(const Unexpected&) = delete;
    Unexpected& operator=(const Unexpected&) = delete;
    ~Unexpected() { weft::sync::set_report_sink(nullptr); }

    // Of the soak's own loops nothing is expected.
    static void listen_to(const weft::Loop& loop) { own_loops.store(&loop.group(), std::memory_order_relaxed); }

    [[nodiscard]] static std::uint64_t reports() { return heard().wrong(); }

private:
    class Reports final : public Part {
    public:
        Reports() : Part("reported by weft") {}
        Coro<> round(Random) override { co_return; }
    };
    static inline std::atomic<const weft::scheduler::Neighbours*> own_loops{nullptr};

    static Part& heard() {
        static Reports reports;
        return reports;
    }
    // The loops of the part `runtimes` may speak: what a thread hands to them behind their last sweep is dismantled.
    static void hear(const weft::ExceptionContext& context) {
        const weft::scheduler::Loop* here = weft::scheduler::current_loop();
        if (here == nullptr || &here->group() == own_loops.load(std::memory_order_relaxed))
            heard().complain(weft::sync::describe(context));
    }
};

class Soak {
public:
    Soak(const Parts& parts, const Arguments& arguments)
        : parts_(parts),
          seed_(arguments.seed),
          tide_(workers(), Tide::Clock::now() + std::chrono::round<std::chrono::milliseconds>(
                                                    std::chrono::duration<double, std::ratio<60>>(arguments.minutes))) {
    }

    // Returns how many tasks are left when all work is done.
    Coro<std::size_t> run() {
        std::vector<Task<>> all;
        for (std::size_t i = 0; i < workers(); ++i) {
            const std::string name = parts_[i % parts_.size()]->name() + " " + std::to_string(i / parts_.size());
            all.push_back(weft::create_task(work(i), {.name = name, .loop = weft::any_loop}));
        }
        for (const Task<>& worker : all) co_await worker;
        co_return weft::all_tasks().size() - 1;
    }

private:
    [[nodiscard]] std::size_t workers() const { return parts_.size() * kWorkersOfPart; }

    Coro<> work(std::size_t worker) {
        Part& part = *parts_[worker % parts_.size()];
        Random random(seed_ + worker);
        bool goes_on = true;
        for (std::size_t ebbs = seed_ % workers(); goes_on; ++ebbs) {
            while (tide_.is_flood()) {
                co_await run_round(part, random.split());
                if (tide_.is_calm()) {
                    co_await weft::sleep(random.up_to(kCalmPause));
                } else {
                    co_await pause(random);
                }
            }
            co_await tide_.wait_for_ebb();
            if (ebbs % workers() == worker) {
                for (int i = 0; i < kRoundsAlone; ++i) co_await run_round(part, random.split());
                tide_.turn();
            }
            goes_on = co_await tide_.wait_for_flood();
        }
    }

    static Coro<> run_round(Part& part, Random random) {
        part.enter_round();
        try {
            co_await part.round(random);
        } catch (...) {
            // What the round has made is gone, and perhaps still used: nothing that follows would mean anything.
            part.complain("a round has failed with " + weft::sync::describe(std::current_exception()));
            std::_Exit(1);
        }
        part.leave_round();
    }

    const Parts& parts_;
    const std::uint64_t seed_;
    Tide tide_;
};

Parts chosen_parts(const std::string& name) {
    Parts parts = make_parts();
    if (!name.empty())
        std::erase_if(parts, [&name](const std::unique_ptr<Part>& part) { return part->name() != name; });
    return parts;
}

std::vector<std::string> names_of_parts() {
    std::vector<std::string> names;
    for (const std::unique_ptr<Part>& part : make_parts()) names.push_back(part->name());
    return names;
}

// Returns the exit code.
int soak(const Arguments& arguments) {
    const Unexpected unexpected;
    const Parts parts = chosen_parts(arguments.part);
    std::cout << "seed " << arguments.seed << ", " << arguments.loops << " loops, " << arguments.minutes << " minutes"
              << std::endl;
    std::size_t tasks_left = 0;
    std::string rescues;
    {
        weft::Runtime runtime({.loops = arguments.loops, .bounds_parks = true});
        Unexpected::listen_to(runtime.loop(0));
        // In debug mode (WEFT_DEBUG=1): on more loops than cores a step may take long.
        for (std::size_t i = 0; i < runtime.loops(); ++i)
            runtime.loop(i).set_slow_callback_duration(std::chrono::hours(1));
        {
            const Watchdog watchdog(runtime, parts);
            Soak load(parts, arguments);
            tasks_left = runtime.run(load.run());
        }
        runtime.stop();
        rescues = describe_rescues(runtime);
    }
    print_counts(parts, "at the end");

    Counts total;
    std::uint64_t wrong = Unexpected::reports();
    for (const std::unique_ptr<Part>& part : parts) {
        const Counts counts = part->counts();
        total.operations += counts.operations;
        total.cancels += counts.cancels;
        total.failures += counts.failures;
        wrong += part->wrong();
    }
    if (tasks_left != 0) std::cerr << "weft_soak: FAILED: " << tasks_left << " tasks are left" << std::endl;
    if (!rescues.empty()) std::cerr << "weft_soak: FAILED: " << rescues << std::flush;
    std::cout << "total: " << total.operations << " operations, " << total.cancels << " cancels, " << total.failures
              << " failures checked, " << wrong << " checks failed, " << tasks_left << " tasks left, "
              << (rescues.empty() ? "no rescue" : "rescues") << ", seed " << arguments.seed << std::endl;
    return wrong == 0 && tasks_left == 0 && rescues.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return soak(Arguments::read(std::vector<std::string>(argv + 1, argv + argc), names_of_parts()));
    } catch (const WrongArgument& error) {
        std::cerr << "weft_soak: " << error.what() << std::endl;
        return 2;
    }
}
