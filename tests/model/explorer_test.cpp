// The explorer: it finds what it shall find, says where, and shows it again.
#include "tests/model/explorer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/model/atomic.hpp"
#include "tests/model/cell.hpp"
#include "tests/model/mutex.hpp"
#include "tests/model/parker.hpp"
#include "tests/model/seam.hpp"

using weft::model::Atomic;
using weft::model::Cell;
using weft::model::explore;
using weft::model::explore_random;
using weft::model::fence;
using weft::model::kUnbounded;
using weft::model::Limits;
using weft::model::Mutex;
using weft::model::Parker;
using weft::model::Reads;
using weft::model::replay;
using weft::model::Report;
using weft::model::require;
using weft::model::together;
using weft::scheduler::spin_hint;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

bool says(const Report& report, const char* what) { return report.failure.find(what) != std::string::npos; }

// A cell handed over by a flag.
auto hand_over(std::memory_order publish) {
    return [publish] {
        Cell<int> data{0};
        Atomic<bool> ready{false};
        together({[&] {
                      data.set(1);
                      ready.store(true, publish);
                  },
                  [&] {
                      if (ready.load(kAcquire)) require(data.get() == 1, "the data was handed over");
                  }});
    };
}

// Two threads that each want both locks.
template <class First, class Second>
Report lock_both(First first, Second second) {
    return explore({}, [=] {
        Mutex a;
        Mutex b;
        Cell<int> both{0};
        const auto count = [&](Mutex& outer, Mutex& inner) {
            outer.lock();
            inner.lock();
            both.set(both.get() + 1);
            inner.unlock();
            outer.unlock();
        };
        together({[&] { first(count, a, b); }, [&] { second(count, a, b); }});
        require(both.get() == 2, "both counted");
    });
}

// A counter that loses additions if one thread comes between another's load and store.
void lossy_counter() {
    Atomic<int> count{0};
    const auto add = [&] { count.store(count.load(kRelaxed) + 1, kRelaxed); };
    together({add, add});
    require(count.load(kRelaxed) == 2, "both were counted");
}

}  // namespace

TEST_CASE("explorer: a data race on a plain cell is found, a hand-over is none") {
    const Report ordered = explore({}, hand_over(kRelease));
    CHECK_MESSAGE(ordered.passed(), ordered.text());
    CHECK(ordered.complete);
    const Report race = explore({}, hand_over(kRelaxed));
    CHECK_MESSAGE(says(race, "data race: read beside a write, at explorer_test.cpp:"), race.text());
}

TEST_CASE("explorer: two writers race, two readers do not") {
    CHECK(says(explore({},
                       [] {
                           Cell<int> cell{0};
                           const auto write = [&] { cell.set(1); };
                           together({write, write});
                       }),
               "data race: write"));
    CHECK(explore({}, [] {
              Cell<int> cell{0};
              const auto read = [&] { require(cell.get() == 0, "as made"); };
              together({read, read});
              cell.set(1);  // all have ended
          }).passed());
}

TEST_CASE("explorer: what is written after a release is not published by it") {
    CHECK(says(explore({},
                       [] {
                           Cell<int> data{0};
                           Atomic<bool> ready{false};
                           together({[&] {
                                         ready.store(true, kRelease);
                                         data.set(1);
                                     },
                                     [&] {
                                         if (ready.load(kAcquire)) (void)data.get();
                                     }});
                       }),
               "data race"));
}

TEST_CASE("explorer: the order of two seq_cst fences is no happens-before") {
    CHECK(says(explore({},
                       [] {
                           Cell<int> data{0};
                           Atomic<bool> second{false};
                           Atomic<bool> first_came_first{false};
                           together({[&] {
                                         data.set(1);
                                         fence(std::memory_order_seq_cst);
                                         if (!second.load(kRelaxed)) first_came_first.store(true, kRelaxed);
                                     },
                                     [&] {
                                         second.store(true, kRelaxed);
                                         fence(std::memory_order_seq_cst);
                                         if (first_came_first.load(kRelaxed)) (void)data.get();
                                     }});
                       }),
               "data race: "));
}

TEST_CASE("explorer: an atomic destroyed too early is found") {
    const auto count_down = [](std::memory_order order) {
        return explore({}, [order] {
            std::optional<Atomic<int>> references(std::in_place, 2);
            const auto drop = [&, order] {
                if (references->fetch_sub(1, order) == 1) references.reset();
            };
            together({drop, drop});
        });
    };
    CHECK(count_down(std::memory_order_acq_rel).passed());
    CHECK(says(count_down(kRelaxed), "an atomic is destroyed while another thread uses it"));
}

TEST_CASE("explorer: a deadlock of two locks is found") {
    const auto in_order = [](auto& count, Mutex& a, Mutex& b) { count(a, b); };
    const auto turned_round = [](auto& count, Mutex& a, Mutex& b) { count(b, a); };
    CHECK(lock_both(in_order, in_order).passed());
    const Report report = lock_both(in_order, turned_round);
    CHECK(report.failure == "deadlock: thread 1 waits in Mutex::lock; thread 2 waits in Mutex::lock");
}

TEST_CASE("explorer: a lost wake-up is a deadlock; with seq_cst on both sides there is none") {
    const auto sleep_and_wake = [](std::memory_order store, std::memory_order load) {
        return explore({}, [=] {
            Atomic<bool> work{false};
            Atomic<bool> asleep{false};
            Parker parker;
            together({[&] {
                          work.store(true, store);
                          if (asleep.load(load)) parker.unpark();
                      },
                      [&] {
                          asleep.store(true, store);
                          if (!work.load(load)) parker.park();
                          require(work.load(kAcquire), "there is work");
                      }});
        });
    };
    const Report sound = sleep_and_wake(std::memory_order_seq_cst, std::memory_order_seq_cst);
    CHECK_MESSAGE(sound.passed(), sound.text());
    CHECK(says(sleep_and_wake(kRelease, kAcquire), "deadlock: thread 2 waits in Parker::park"));
}

TEST_CASE("explorer: a deadline may pass or not") {
    int by_time = 0;
    int by_unpark = 0;
    const Report report = explore({}, [&] {
        Parker parker;
        together({[&] { parker.unpark(); },
                  [&] {
                      if (parker.park_until_some_time() == Parker::Woken::by_time) {
                          ++by_time;
                      } else {
                          ++by_unpark;
                      }
                  }});
    });
    CHECK(report.passed());
    CHECK(by_time > 0);
    CHECK(by_unpark > 0);
}

TEST_CASE("explorer: a deadline comes when nothing else does") {
    const Report report = explore({}, [] {
        Parker parker;
        together({[&] { require(parker.park_until_some_time() == Parker::Woken::by_time, "nobody unparks"); }});
    });
    CHECK_MESSAGE(report.passed(), report.text());
}

TEST_CASE("explorer: a loop that hints waits for news and ends; without news it is a deadlock") {
    const auto wait_for_flag = [](auto set) {
        return explore({.preemptions = kUnbounded}, [set] {
            Atomic<bool> flag{false};
            together({[&] { set(flag); },
                      [&] {
                          while (!flag.load(kRelaxed)) {
                              spin_hint();
                              spin_hint();  // again before the next look: no second wait
                          }
                      }});
        });
    };
    const Report seen = wait_for_flag([](Atomic<bool>& flag) { flag.store(true, kRelaxed); });
    CHECK_MESSAGE(seen.passed(), seen.text());
    CHECK(seen.complete);
    CHECK(seen.executions - seen.at_random < 20);
    CHECK(says(wait_for_flag([](Atomic<bool>&) {}), "deadlock: thread 2 waits in a loop that spins"));
}

TEST_CASE("explorer: a search that gives up by itself is no deadlock") {
    CHECK(explore({}, [] {
              Atomic<bool> never{false};
              const auto search = [&] {
                  for (int i = 0; i < 3 && !never.load(kRelaxed); ++i) spin_hint();
              };
              together({search, search});
          }).passed());
}

TEST_CASE("explorer: a loop without a hint ends at the limit of steps") {
    const Report report = explore({.steps = 100}, [] {
        Atomic<bool> never{false};
        together({[&] {
            while (!never.load(kRelaxed)) {
            }
        }});
    });
    CHECK(says(report, "more steps than the limit"));
}

TEST_CASE("explorer: a loop that tries again because it has read something old ends") {
    const Report report = explore({.preemptions = kUnbounded}, [] {
        Atomic<int> first{0};
        Atomic<int> second{0};
        together({[&] {
                      first.store(1, kRelaxed);
                      second.store(1, kRelaxed);
                  },
                  [&] {
                      if (second.load(kRelaxed) == 0) return;
                      while (first.load(kRelaxed) == 0) {
                      }
                  }});
    });
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.complete);
}

TEST_CASE("explorer: bounded preemptions find what needs so many, and no more") {
    const auto preempted = [](std::uint32_t limit) {
        return explore({.preemptions = limit, .reads = Reads::newest}, lossy_counter);
    };
    const Report none = preempted(0);
    CHECK(none.passed());
    CHECK(none.complete);
    CHECK(none.executions - none.at_random == 2);  // one after the other, either way round
    CHECK(says(preempted(1), "both were counted: does not hold"));
}

TEST_CASE("explorer: the limit of executions is told from a complete search") {
    const Report report = explore({.executions = 1}, hand_over(kRelease));
    CHECK(report.passed());
    CHECK(report.executions == 1);
    CHECK_FALSE(report.complete);
}

TEST_CASE("explorer: the replay line shows the same execution, and its trace is readable") {
    const Report found = explore({}, hand_over(kRelaxed));
    REQUIRE_FALSE(found.passed());
    const Report again = replay(found.replay, hand_over(kRelaxed));
    CHECK(again.executions == 1);
    CHECK(again.failure == found.failure);
    CHECK(again.trace == found.trace);
    CHECK(again.replay == found.replay);
    CHECK(found.trace.find("   1  store      relaxed a0@explorer_test.cpp:") != std::string::npos);
    CHECK(found.trace.find("   2  load       acquire a0@explorer_test.cpp:") != std::string::npos);
    CHECK(replay(found.replay, hand_over(kRelease)).passed());  // the fix
    CHECK_THROWS_AS(replay("choices=", hand_over(kRelease)), std::invalid_argument);
}

TEST_CASE("explorer: random executions find it, too, and are replayed") {
    const Report found = explore_random({.seed = 7, .executions = 1'000}, {}, lossy_counter);
    REQUIRE_MESSAGE(says(found, "both were counted: does not hold"), found.text());
    CHECK(replay(found.replay, lossy_counter).failure == found.failure);
    const Report sound = explore_random({.executions = 1'000}, {}, hand_over(kRelease));
    CHECK(sound.passed());
    CHECK(sound.executions == 1'000);
    CHECK_FALSE(sound.complete);
}

TEST_CASE("explorer: a model that is not deterministic is told so") {
    int run = 0;
    const Report report = explore({.preemptions = kUnbounded}, [&] {
        const bool odd = run++ % 2 == 1;
        Atomic<int> x{0};
        const auto load = [&] { (void)x.load(kRelaxed); };
        if (odd) {
            together({load, load, load});
        } else {
            together({load, load});
        }
    });
    CHECK(says(report, "the model is not deterministic"));
}

TEST_CASE("trail: what is written is read again") {
    weft::model::Trail trail;
    for (const std::uint32_t chosen : {0U, 0U, 0U, 1U, 2U, 2U, 0U}) trail.push({3, chosen});
    CHECK(trail.text() == "3x0,1,2x2");
    CHECK(weft::model::Trail::parse("3x0,1,2x2") == std::vector<std::uint32_t>{0, 0, 0, 1, 2, 2});
    CHECK(weft::model::Trail::parse("").empty());
    CHECK_THROWS_AS(weft::model::Trail::parse("1,,2"), std::invalid_argument);
    CHECK_THROWS_AS(weft::model::Trail::parse("1;2"), std::invalid_argument);
}

TEST_CASE("explorer: memory that is not freed, in one of the executions") {
    const auto hand_over = [](bool exchanges) {
        return explore({}, [exchanges] {
            Atomic<int*> place{nullptr};
            const auto put = [&] {
                int* const old = exchanges ? place.exchange(new int, std::memory_order_acq_rel) : place.load(kAcquire);
                if (!exchanges) place.store(new int, kRelease);
                delete old;
            };
            together({put, put});
            delete place.load(kRelaxed);
        });
    };
    CHECK(hand_over(true).passed());
    const Report report = hand_over(false);
    CHECK(says(report, "memory is not freed"));
    CHECK(report.trace.find("store") != std::string::npos);
}

TEST_CASE("explorer: more memory is freed than allocated") {
    std::vector<std::unique_ptr<int>> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(std::make_unique<int>(i));
    CHECK(says(explore({}, [&] { together({[&] { blocks.pop_back(); }}); }), "memory is freed that was not allocated"));
}
