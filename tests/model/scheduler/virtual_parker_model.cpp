// VirtualParker: an unpark makes the current or the next park return before its deadline, and what came before it is seen.
#include "scheduler/virtual_parker.hpp"

#include <chrono>

#include "tests/model/models.hpp"

using weft::TimePoint;
using weft::model::Cell;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Atomic;
using weft::scheduler::VirtualParker;

namespace {

bool woken(VirtualParker& parker) {
    const TimePoint before = parker.now();
    parker.park_until(before + std::chrono::seconds(1));
    return parker.now() == before;
}

void what_came_before_is_seen() {
    VirtualParker parker;
    Cell<int> work{0};
    bool seen = false;
    together({[&] {
                  work.set(1);
                  parker.unpark();
              },
              [&] {
                  seen = woken(parker);
                  if (seen) require(work.get() == 1, "what woke it is there");
              }});
    require(woken(parker) == !seen, "one unpark wakes once");
}

// A second unpark, whose reason the parker may have missed.
void unparked_while_it_wakes() {
    VirtualParker parker;
    Atomic<bool> work{false};
    bool seen = false;
    parker.unpark();
    together({[&] {
                  work.store(true, std::memory_order_relaxed);
                  parker.unpark();
              },
              [&] {
                  require(woken(parker), "unparked before");
                  seen = work.load(std::memory_order_relaxed);
              }});
    require(seen || woken(parker), "what it has not seen wakes it again");
}

}  // namespace

WEFT_MODEL("virtual parker: what came before an unpark", what_came_before_is_seen,
           {.type = "VirtualParker", .threads = {"unpark", "park_until"}});

WEFT_MODEL("virtual parker: unparked while it wakes", unparked_while_it_wakes,
           {.type = "VirtualParker", .threads = {"unpark", "park_until"}});
