// StrandClock: who reads by a clock finds it calibrated, and the first one that is offered stays.
#include "sync/strand_clock.hpp"

#include <cstdint>

#include "tests/model/models.hpp"

using weft::model::require;
using weft::model::together;
using weft::sync::strand_clock;
using weft::sync::StrandClock;

namespace {

// Made by the thread that offers it.
class Calibrated {
public:
    void make(std::int64_t cost) {
        clock_ = weft::sync::detail::kStandsStill;
        clock_.cost = cost;
    }
    [[nodiscard]] const StrandClock& operator*() const { return clock_; }
    [[nodiscard]] bool installed() const { return &strand_clock() == &clock_; }

private:
    StrandClock clock_;
};

void two_offer_a_clock() {
    (void)weft::sync::replace_strand_clock(weft::sync::detail::kStandsStill);
    Calibrated first;
    Calibrated second;
    together({[&] {
                  first.make(7);
                  weft::sync::offer_strand_clock(*first);
                  require(strand_clock().cost == 7, "one of them is there");
              },
              [&] {
                  second.make(7);
                  weft::sync::offer_strand_clock(*second);
              },
              [&] {
                  const StrandClock& seen = strand_clock();
                  require(seen.cost == 0 || seen.cost == 7, "it stands still, or is calibrated");
                  if (seen.cost == 7) require(&strand_clock() == &seen, "it stays");
              }});
    require(first.installed() || second.installed(), "one of them");
}

// A test's clock.
void a_clock_is_replaced() {
    (void)weft::sync::replace_strand_clock(weft::sync::detail::kStandsStill);
    Calibrated machines;
    Calibrated tests;
    together({[&] {
                  machines.make(7);
                  weft::sync::offer_strand_clock(*machines);
              },
              [&] {
                  tests.make(8);
                  (void)weft::sync::replace_strand_clock(*tests);
              },
              [&] {
                  const std::int64_t cost = strand_clock().cost;
                  require(cost == 0 || cost >= 7, "it stands still, or is calibrated");
              }});
    require(tests.installed(), "it is not overwritten");
}

}  // namespace

WEFT_MODEL("strand clock: two offer one, one reads", two_offer_a_clock,
           {.type = "StrandClock", .threads = {"offer, read", "offer", "read"}});

WEFT_MODEL("strand clock: replaced while one is offered", a_clock_is_replaced,
           {.type = "StrandClock", .threads = {"offer", "replace", "read"}});
