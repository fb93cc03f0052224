// Sites: what may be wrong with an access is told for each kind of it, and each fault is found by a model that needs what it
// spoils.
#include "tests/model/sites.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/model/atomic.hpp"
#include "tests/model/cell.hpp"
#include "tests/model/explorer.hpp"
#include "tests/model/seam.hpp"

using weft::model::Atomic;
using weft::model::Cell;
using weft::model::explore;
using weft::model::mutations_of;
using weft::model::require;
using weft::model::Site;
using weft::model::Sites;
using weft::model::together;

namespace {

using Faults = std::set<std::string>;

// The faults of this body's accesses, those that a search finds and those that it does not.
struct Score {
    Faults found;
    Faults survived;
};
template <class Body>
Score score(const Body& body) {
    Sites watched;
    REQUIRE(explore({.sites = &watched}, body).passed());
    Score score;
    for (const Site& site : watched.met()) {
        for (const auto& mutation : mutations_of(site)) {
            Sites spoiled(mutation);
            (explore({.sites = &spoiled}, body).passed() ? score.survived : score.found).insert(mutation.text());
        }
    }
    return score;
}

}  // namespace

TEST_CASE("sites: a store that publishes, and who waits for it") {
    const Score all = score([] {
        Cell<int> data{0};
        Atomic<bool> ready{false};
        together({[&] {
                      data.set(1);
                      ready.store(true, std::memory_order_release);
                  },
                  [&] {
                      while (!ready.load(std::memory_order_acquire)) weft::scheduler::spin_hint();
                      require(data.get() == 1, "it was published");
                  }});
    });
    CHECK(all.found == Faults{"store release -> relaxed", "store lost", "load acquire -> relaxed", "load blind"});
    CHECK(all.survived.empty());
}

TEST_CASE("sites: a compare-exchange that one of two wins") {
    const Score all = score([] {
        Cell<int> guarded{0};
        Atomic<int> word{0};
        const auto win = [&] {
            int expected = word.load(std::memory_order_acquire);
            if (expected == 0 &&
                word.compare_exchange_strong(expected, 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
                guarded.set(guarded.get() + 1);
                word.store(2, std::memory_order_release);
            } else if (expected == 2) {
                require(guarded.get() == 1, "the winner was here");
            }
        };
        together({win, win});
        require(word.load(std::memory_order_relaxed) == 2 && guarded.get() == 1, "one won");
    });
    CHECK(all.found == Faults{"CAS lost", "CAS torn", "CAS unchecked", "CAS failure acquire -> relaxed",
                              "load acquire -> relaxed", "store lost", "store release -> relaxed"});
    // The winner has nothing to learn and publishes later. (The load is a guess: it is not made blind.)
    CHECK(all.survived == Faults{"CAS acq_rel -> acquire", "CAS acq_rel -> release"});
}

TEST_CASE("sites: an addition") {
    const Score all = score([] {
        Cell<int> data{0};
        Atomic<int> left{2};
        const auto leave = [&] {
            if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) data.set(data.get() + 1);
        };
        together({[&] {
                      data.set(1);
                      leave();
                  },
                  leave});
        require(data.get() == 2, "the last one added to what the other had left");
    });
    CHECK(all.found == Faults{"RMW acq_rel -> acquire", "RMW acq_rel -> release", "RMW lost", "RMW torn"});
    CHECK(all.survived.empty());
}
