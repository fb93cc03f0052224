// Idle: no wake-up is lost, one task wakes one sleeper, and in the end nobody counts as sleeping or searching.
#include "scheduler/idle.hpp"

#include <array>
#include <cstddef>

#include "tests/model/models.hpp"
#include "tests/model/parker.hpp"

using weft::model::Parker;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Atomic;
using weft::scheduler::Idle;

namespace {

// Loops that sleep until there is work for each: so many tasks that anybody may take.
class Sleepers {
public:
    explicit Sleepers(std::size_t loops) : idle_(loops) {}

    void produce() {
        tasks_.fetch_add(1, std::memory_order_seq_cst);
        notify();
    }

    enum class First : std::uint8_t { searches, sleeps };

    // Takes one, sleeping as long as there is none. Whoever searches does so again after its last look, as a loop does:
    // its search may be what kept a producer from waking somebody.
    void take_one(std::size_t loop, First first) {
        bool searching = false;
        for (;;) {
            if (!searching && first == First::searches) searching = idle_.start_search();
            if (take()) break;
            idle_.announce(loop, searching ? Idle::From::searching : Idle::From::running);
            if (tasks_.load(std::memory_order_seq_cst) == 0) parkers_[loop].park();
            searching = idle_.retract(loop) == Idle::Retract::searching;
        }
        if (searching && idle_.stop_search()) notify();
    }

    void check() {
        require(tasks_.load() == 0, "all were taken");
        require(idle_.sleeping() == 0, "nobody sleeps");
        require(idle_.searching() == 0, "nobody searches");
    }

    [[nodiscard]] Idle& idle() { return idle_; }

private:
    void notify() {
        if (const auto sleeper = idle_.notify()) parkers_[*sleeper].unpark();
    }
    bool take() {
        int tasks = tasks_.load(std::memory_order_relaxed);
        while (tasks != 0) {
            if (tasks_.compare_exchange_strong(tasks, tasks - 1, std::memory_order_acquire)) return true;
        }
        return false;
    }

    Idle idle_;
    Atomic<int> tasks_{0};
    std::array<Parker, 3> parkers_;
};

using First = Sleepers::First;

void one_sleeper() {
    Sleepers loops(2);
    together({[&] { loops.produce(); }, [&] { loops.take_one(0, First::sleeps); }});
    loops.check();
}

// The second producer wakes nobody while the first one's sleeper searches: that one passes the search on.
void two_producers_two_sleepers() {
    Sleepers loops(2);
    together({[&] { loops.produce(); }, [&] { loops.produce(); }, [&] { loops.take_one(0, First::sleeps); },
              [&] { loops.take_one(1, First::sleeps); }});
    loops.check();
}

void one_producer_two_sleepers() {
    Sleepers loops(2);
    together({[&] {
                  loops.produce();
                  loops.produce();
              },
              [&] { loops.take_one(0, First::sleeps); }, [&] { loops.take_one(1, First::sleeps); }});
    loops.check();
}

void one_producer_two_searchers() {
    Sleepers loops(2);
    together({[&] {
                  loops.produce();
                  loops.produce();
              },
              [&] { loops.take_one(0, First::searches); }, [&] { loops.take_one(1, First::searches); }});
    loops.check();
}

// At most half of them search, whoever begins.
void half_of_them_search() {
    Sleepers loops(3);
    Idle& idle = loops.idle();
    int searching = 0;
    const auto search = [&] {
        if (!idle.start_search()) return;
        require(idle.searching() <= 2, "at most half, rounded up");
        (void)idle.stop_search();
    };
    together({search, search, [&] {
                  if (idle.start_search()) ++searching;
              }});
    require(idle.searching() == static_cast<std::size_t>(searching), "the others have stopped");
}

// Both have stopped: one of them was the last, and knows it.
void one_is_the_last() {
    Idle idle(4);
    require(idle.start_search() && idle.start_search(), "half of four");
    std::array<bool, 2> last{};
    together({[&] { last[0] = idle.stop_search(); }, [&] { last[1] = idle.stop_search(); }});
    require(last[0] != last[1], "one was the last");
}

// Two notify at once, two sleep: one is chosen, and each sleeper knows whether it is.
void two_notify_one_is_chosen() {
    Idle idle(2);
    std::array<bool, 2> chose{};
    std::array<bool, 2> searches{};
    idle.announce(0, Idle::From::running);
    idle.announce(1, Idle::From::running);
    together({[&] { chose[0] = idle.notify().has_value(); }, [&] { chose[1] = idle.notify().has_value(); },
              [&] { searches[1] = idle.retract(1) == Idle::Retract::searching; }});
    searches[0] = idle.retract(0) == Idle::Retract::searching;
    require(chose[0] != chose[1], "one is chosen while it searches");
    require(searches[0] != searches[1], "it is one of the sleepers");
    require(idle.sleeping() == 0 && idle.searching() == 1, "and counts as searching");
}

}  // namespace

WEFT_MODEL("idle: a producer and a sleeper", one_sleeper, {.type = "Idle", .threads = {"notify", "announce, retract"}});

WEFT_MODEL("idle: two producers and two sleepers", two_producers_two_sleepers,
           {.type = "Idle",
            .threads = {"notify", "notify", "announce, retract, stop_search", "announce, retract, stop_search"}});

WEFT_MODEL("idle: a producer and two sleepers", one_producer_two_sleepers,
           {.type = "Idle", .threads = {"notify", "announce, retract, stop_search", "announce, retract, stop_search"}});

WEFT_MODEL("idle: a producer and two searchers", one_producer_two_searchers,
           {.type = "Idle",
            .threads = {"notify", "start_search, announce, retract, stop_search",
                        "start_search, announce, retract, stop_search"}});

WEFT_MODEL("idle: half of them search", half_of_them_search,
           {.type = "Idle", .threads = {"start_search, stop_search", "start_search, stop_search", "start_search"}});

WEFT_MODEL("idle: one searcher is the last", one_is_the_last,
           {.type = "Idle", .threads = {"stop_search", "stop_search"}});

WEFT_MODEL("idle: of two that notify one chooses", two_notify_one_is_chosen,
           {.type = "Idle", .threads = {"notify", "notify", "retract"}});
