#include "scheduler/fifo.hpp"

#include <doctest/doctest.h>

#include "tests/support/recording.hpp"

using weft::scheduler::Fifo;
using weft::test::counting;
using weft::test::Log;
using weft::test::number_of;
using weft::test::Recordings;

namespace {

Log drain(Fifo& fifo) {
    Log numbers;
    while (const auto* runnable = fifo.pop()) numbers.push_back(number_of(runnable));
    return numbers;
}

}  // namespace

TEST_CASE("fifo: first in, first out") {
    Recordings r(3);
    Fifo fifo;
    CHECK(fifo.empty());
    CHECK(fifo.pop() == nullptr);
    for (int i = 1; i <= 3; ++i) fifo.push(r[i]);
    CHECK(fifo.size() == 3);
    CHECK_FALSE(fifo.empty());
    CHECK(drain(fifo) == counting(1, 3));
    CHECK(fifo.empty());
    CHECK(fifo.size() == 0);
}

TEST_CASE("fifo: can be filled again after it ran empty") {
    Recordings r(2);
    Fifo fifo;
    for (int round = 0; round < 3; ++round) {
        fifo.push(r[1]);
        CHECK(fifo.pop() == &r[1]);
        CHECK(fifo.pop() == nullptr);
        fifo.push(r[2]);
        fifo.push(r[1]);
        CHECK(drain(fifo) == Log{2, 1});
    }
}

TEST_CASE("fifo: a Runnable's stale link does not come back") {
    Recordings r(3);
    Fifo one;
    Fifo other;
    one.push(r[1]);
    one.push(r[2]);
    CHECK(one.pop() == &r[1]);  // r[1] still points to r[2]
    other.push(r[1]);
    CHECK(drain(other) == Log{1});
    CHECK(drain(one) == Log{2});
}

TEST_CASE("fifo: append puts a chain behind what is there") {
    Recordings r(5);
    Fifo fifo;
    r[1].next_ = &r[2];
    r[2].next_ = &r[4];  // stale: the chain ends at its last
    SUBCASE("into an empty one") {
        fifo.append(r[1], r[2], 2);
        fifo.push(r[3]);
        CHECK(fifo.size() == 3);
        CHECK(drain(fifo) == Log{1, 2, 3});
    }
    SUBCASE("behind others") {
        fifo.push(r[5]);
        fifo.append(r[1], r[2], 2);
        CHECK(fifo.size() == 3);
        CHECK(drain(fifo) == Log{5, 1, 2});
    }
}
