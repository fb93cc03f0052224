// async_generator: one await at a time runs the body, on whichever loop; whoever comes later finds what it has done, and
// the last of its owners destroys it.
#include "sync/async_generator.hpp"

#include <array>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sync/exception_context.hpp"
#include "sync/future.hpp"
#include "sync/report.hpp"
#include "sync/task.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/sync/frames.hpp"

using weft::async_generator;
using weft::Coro;
using weft::create_task;
using weft::model::came_back;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::require;
using weft::model::together;
using weft::sync::GeneratorRef;
using weft::sync::GeneratorState;
using weft::sync::LoopsGenerators;

namespace {

// In the body's frame: it ends once.
class Inside {
public:
    explicit Inside(Cell<int>& ended) : ended_(ended) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { ended_.set(ended_.get() + 1); }

private:
    Cell<int>& ended_;
};

async_generator<int> count(int n, Cell<int>& given, Cell<int>& ended) {
    const Inside inside(ended);
    for (int i = 0; i < n; ++i) {
        given.set(given.get() + 1);
        co_yield i;
    }
}

enum class Got : std::uint8_t { value, end, busy };

// Asks so often.
Coro<> ask(async_generator<int>& generator, int times, std::vector<Got>& got) {
    for (int i = 0; i < times; ++i) {
        try {
            got.push_back(co_await generator.next() ? Got::value : Got::end);
        } catch (const std::runtime_error&) {
            got.push_back(Got::busy);
        }
    }
}

// Two tasks on two loops ask for a value each.
void two_ask() {
    const Loops loops(2);
    Cell<int> given;
    Cell<int> ended;
    {
        auto generator = count(3, given, ended);
        std::array<std::vector<Got>, 2> got;
        for (const std::size_t i : {0U, 1U}) (void)create_task(ask(generator, 1, got[i]), {.loop = &loops[i]});
        together({[&] { loops[0].step(); }, [&] { loops[1].step(); }});
        require(got[0].size() == 1 && got[1].size() == 1, "each was answered");
        require(got[0][0] == Got::value || got[1][0] == Got::value, "one of them got one");
        require(given.get() == (got[0] == got[1] ? 2 : 1), "one for each");
        const OnLoop here(loops[0]);
        auto gone = std::move(generator);
    }
    require(ended.get() == 1, "it ends with its owner");
}

// Who is told of the end finds what the body has done.
void one_finds_the_end() {
    const Loops loops(2);
    Cell<int> given;
    Cell<int> ended;
    auto generator = count(0, given, ended);
    std::array<std::vector<Got>, 2> got;
    (void)create_task(ask(generator, 1, got[0]), {.loop = &loops[0]});
    (void)create_task(ask(generator, 1, got[1]), {.loop = &loops[1]});
    const auto turn = [&](std::size_t i) {
        loops[i].step();
        if (got[i][0] == Got::end) require(ended.get() == 1, "the body is through");
    };
    together({[&] { turn(0); }, [&] { turn(1); }});
    require(got[0][0] == Got::end || got[1][0] == Got::end, "nobody gets a value");
}

// The owner asks once more and drops it, while the shutdown on another loop looks for those that are not finished.
template <int kMore>
void one_drops_it_and_one_shuts_down() {
    const Loops loops(2);
    Cell<int> given;
    Cell<int> ended;
    std::optional<async_generator<int>> generator;
    std::vector<Got> got;
    const void* state = nullptr;
    {
        const OnLoop here(loops[0]);
        generator.emplace(count(3, given, ended));
    }
    (void)create_task(ask(*generator, 1, got), {.loop = &loops[0]});
    loops[0].step();
    auto& list = *weft::scheduler::LoopLocal<LoopsGenerators>::of(loops[0]).list;
    {
        std::vector<GeneratorRef> found;
        list.take_all(found);
        require(found.size() == 1, "it was started");
        state = &*found[0];
        const OnLoop here(loops[0]);
        found.clear();
    }
    if (kMore != 0) (void)create_task(ask(*generator, kMore, got), {.loop = &loops[0]});
    together({[&] {
                  if (kMore != 0) loops[0].step();
                  const OnLoop here(loops[0]);
                  generator.reset();
              },
              [&] {
                  std::vector<GeneratorRef> found;
                  list.take_all(found);
                  const OnLoop here(loops[1]);
                  found.clear();
              }});
    require(got == std::vector<Got>(1 + kMore, Got::value), "nobody else asks");
    require(ended.get() == 1, "its frame is gone");
    require(came_back(loops, 2, state, sizeof(GeneratorState)), "nobody has it any more");
    std::vector<GeneratorRef> found;
    list.take_all(found);
    require(found.empty(), "it is not listed");
}

async_generator<int> wait_for(weft::Future<int> future, Cell<int>& ended) {
    const Inside inside(ended);
    co_yield co_await future;
}

// The loop closes in the middle of the body, while somebody asks on another one.
void one_is_dismantled_and_one_asks() {
    weft::sync::set_report_sink([](const weft::ExceptionContext&) {});  // that it was pending
    const Loops closing(1);
    const Loops other(1);
    Cell<int> ended;
    std::vector<Got> none;
    std::vector<Got> got;
    auto generator = wait_for(weft::create_future<int>(), ended);
    (void)create_task(ask(generator, 1, none), {.loop = &closing[0]});
    closing[0].step();
    (void)create_task(ask(generator, 1, got), {.loop = &other[0]});
    together({[&] { closing.close(); },
              [&] {
                  other[0].step();
                  if (got[0] == Got::end) require(ended.get() == 1, "the body is gone");
              }});
    require(none.empty() && got[0] != Got::value, "there is none");
    (void)create_task(ask(generator, 1, got), {.loop = &other[0]});
    other[0].step();
    require(got[1] == Got::end, "it is finished");
}

}  // namespace

WEFT_MODEL("async generator: dismantle, ask", one_is_dismantled_and_one_asks,
           {.type = "AsyncGenerator", .threads = {"end with its task", "begin"}});

WEFT_MODEL("async generator: two ask", two_ask, {.type = "AsyncGenerator", .threads = {"begin, end", "begin, end"}});

WEFT_MODEL("async generator: one finds the end", one_finds_the_end,
           {.type = "AsyncGenerator", .threads = {"begin, finish", "begin"}});

WEFT_MODEL("async generator: drop, shut down", one_drops_it_and_one_shuts_down<0>,
           {.type = "AsyncGenerator", .threads = {"release", "retain_if_alive, release"}});

WEFT_MODEL("async generator: ask, drop, shut down", one_drops_it_and_one_shuts_down<1>,
           {.type = "AsyncGenerator", .threads = {"begin, end, retain, release", "retain_if_alive, release"}});
