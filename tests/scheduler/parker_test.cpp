#include "scheduler/parker.hpp"

#include <doctest/doctest.h>

#include "scheduler/condvar_parker.hpp"
#include "scheduler/virtual_parker.hpp"
#include "tests/support/together.hpp"

using namespace std::chrono_literals;
using weft::TimePoint;
using weft::scheduler::CondvarParker;
using weft::scheduler::Deadlock;
using weft::scheduler::VirtualParker;
using weft::test::together;

namespace {

// So long that a park which ends by it has failed, and short enough that the failure shows.
constexpr auto kTooLong = 20s;

}  // namespace

TEST_CASE("condvar parker: an unpark before the park lets it through") {
    CondvarParker parker;
    const TimePoint before = parker.now();
    parker.unpark();
    parker.park_until(before + kTooLong);
    CHECK(parker.now() < before + kTooLong);
}

TEST_CASE("condvar parker: several unparks fold into one") {
    CondvarParker parker;
    parker.unpark();
    parker.unpark();
    parker.park_until(std::nullopt);
    const TimePoint deadline = parker.now() + 2ms;
    parker.park_until(deadline);  // without a token it lasts until the deadline
    CHECK(parker.now() >= deadline);
}

TEST_CASE("condvar parker: a deadline in the past does not block") {
    CondvarParker parker;
    parker.park_until(parker.now() - 1h);
    CHECK(parker.poll() == 0);
}

TEST_CASE("condvar parker: two threads wake each other in turn") {
    constexpr int kRounds = 2'000;
    CondvarParker ping;
    CondvarParker pong;
    bool in_time = true;
    const auto park = [](CondvarParker& parker) {
        const TimePoint limit = parker.now() + kTooLong;
        parker.park_until(limit);
        return parker.now() < limit;
    };
    together({[&] {
                  for (int i = 0; i < kRounds; ++i) {
                      pong.unpark();
                      if (!park(ping)) in_time = false;
                  }
              },
              [&] {
                  for (int i = 0; i < kRounds; ++i) {
                      (void)park(pong);
                      ping.unpark();
                  }
              }});
    CHECK(in_time);
}

TEST_CASE("virtual parker: time jumps to the deadline and never back") {
    VirtualParker parker;
    const TimePoint start = parker.now();
    parker.park_until(start + 1h);
    CHECK(parker.now() == start + 1h);
    parker.park_until(start);
    CHECK(parker.now() == start + 1h);
    parker.advance(5s);
    CHECK(parker.now() == start + 1h + 5s);
    CHECK(parker.poll() == 0);
}

TEST_CASE("virtual parker: an unpark ends one park, and no time passes") {
    VirtualParker parker;
    const TimePoint start = parker.now();
    parker.unpark();
    parker.unpark();
    parker.park_until(start + 1h);
    CHECK(parker.now() == start);
    parker.park_until(start + 1h);
    CHECK(parker.now() == start + 1h);
}

TEST_CASE("virtual parker: to park for ever is a deadlock and says so") {
    VirtualParker parker;
    CHECK_THROWS_AS(parker.park_until(std::nullopt), Deadlock);
    parker.unpark();
    CHECK_NOTHROW(parker.park_until(std::nullopt));
    CHECK_THROWS_AS(parker.park_until(std::nullopt), Deadlock);
}
