#include "scheduler/idle.hpp"

#include <doctest/doctest.h>

using weft::scheduler::Idle;
using From = Idle::From;
using Retract = Idle::Retract;

TEST_CASE("idle: at most half of the loops search") {
    Idle idle(4);
    CHECK(idle.start_search());
    CHECK(idle.start_search());
    CHECK_FALSE(idle.start_search());
    CHECK(idle.searching() == 2);
    CHECK_FALSE(idle.stop_search());
    CHECK(idle.start_search());
}

TEST_CASE("idle: of two or three loops one and two search") {
    Idle two(2);
    CHECK(two.start_search());
    CHECK_FALSE(two.start_search());
    Idle three(3);
    CHECK(three.start_search());
    CHECK(three.start_search());
    CHECK_FALSE(three.start_search());
}

TEST_CASE("idle: only the last searcher is told to pass the search on") {
    Idle idle(4);
    CHECK(idle.start_search());
    CHECK(idle.start_search());
    CHECK_FALSE(idle.stop_search());
    CHECK(idle.stop_search());
    CHECK(idle.searching() == 0);
}

TEST_CASE("idle: nobody is woken where nobody sleeps") {
    Idle idle(4);
    CHECK_FALSE(idle.notify());
    CHECK(idle.start_search());
    CHECK_FALSE(idle.notify());
    CHECK(idle.searching() == 1);
}

TEST_CASE("idle: nobody is woken while somebody searches") {
    Idle idle(4);
    idle.announce(1, From::running);
    CHECK(idle.start_search());
    CHECK_FALSE(idle.notify());
    CHECK(idle.sleeping() == 1);
    CHECK(idle.stop_search());
    CHECK(idle.notify() == 1);
}

TEST_CASE("idle: who is woken counts as searching, so the next producer wakes nobody") {
    Idle idle(4);
    idle.announce(1, From::running);
    idle.announce(2, From::running);
    CHECK(idle.sleeping() == 2);
    CHECK(idle.notify() == 2);  // the last to fall asleep
    CHECK(idle.sleeping() == 1);
    CHECK(idle.searching() == 1);
    CHECK_FALSE(idle.notify());
    CHECK(idle.retract(2) == Retract::searching);
    CHECK(idle.searching() == 1);  // counted once, by notify
    CHECK(idle.stop_search());
    CHECK(idle.notify() == 1);
    CHECK(idle.sleeping() == 0);
    CHECK_FALSE(idle.notify());
}

TEST_CASE("idle: who wakes by itself leaves the sleepers and does not search") {
    Idle idle(4);
    idle.announce(0, From::running);
    idle.announce(1, From::running);
    idle.announce(2, From::running);
    CHECK(idle.retract(1) == Retract::running);  // not the last one in the list
    CHECK(idle.sleeping() == 2);
    CHECK(idle.searching() == 0);
    CHECK(idle.notify() == 2);
    CHECK(idle.stop_search());  // on behalf of 2
    CHECK(idle.retract(2) == Retract::searching);
    CHECK(idle.notify() == 0);
}

TEST_CASE("idle: a searcher that goes to sleep no longer counts as searching") {
    Idle idle(4);
    CHECK(idle.start_search());
    CHECK(idle.start_search());
    idle.announce(3, From::searching);
    CHECK(idle.searching() == 1);
    CHECK(idle.sleeping() == 1);
    CHECK_FALSE(idle.notify());
    idle.announce(2, From::searching);
    CHECK(idle.searching() == 0);
    CHECK(idle.sleeping() == 2);
    CHECK(idle.notify() == 2);
}
