#include "scheduler/timer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/recording.hpp"

using namespace std::chrono_literals;
using weft::Duration;
using weft::TimePoint;
using weft::scheduler::Timer;
using weft::scheduler::TimerQueue;
using weft::test::counting;
using weft::test::Log;

namespace {

// Writes its number when it fires, minus its number when it is discarded, and then does what the test says.
class Alarm final : public Timer {
public:
    Alarm(Log& log, int number) : log_(log), number_(number) {}

    void fire() noexcept override {
        log_.push_back(number_);
        if (also_) also_();
    }
    void discard() noexcept override {
        log_.push_back(-number_);
        if (also_) also_();
    }

    std::function<void()> also_;

private:
    Log& log_;
    const int number_;
};

class Alarms {
public:
    explicit Alarms(int count) {
        for (int number = 1; number <= count; ++number) all_.emplace_back(log_, number);
    }
    [[nodiscard]] Alarm& operator[](int number) { return all_.at(static_cast<std::size_t>(number) - 1); }
    [[nodiscard]] Log& log() { return log_; }

private:
    Log log_;
    std::deque<Alarm> all_;
};

TimePoint at(Duration time) { return TimePoint{} + time; }

}  // namespace

TEST_CASE("rule 6: what is due fires in the order of the deadlines") {
    Alarms a(5);
    TimerQueue queue;
    CHECK(queue.empty());
    CHECK_FALSE(queue.next_deadline());
    for (int i : {4, 2, 5, 1, 3}) queue.arm(a[i], at(i * 1s));
    CHECK(queue.size() == 5);
    CHECK(a[3].armed());
    CHECK(queue.next_deadline() == at(1s));
    queue.fire_due(at(1s - 1ns));
    CHECK(a.log().empty());
    queue.fire_due(at(3s));  // the deadline itself is due
    CHECK(a.log() == Log{1, 2, 3});
    CHECK_FALSE(a[3].armed());
    CHECK(queue.next_deadline() == at(4s));
    queue.fire_due(at(1h));
    CHECK(a.log() == counting(1, 5));
    CHECK(queue.empty());
    CHECK(queue.footprint() == 0);
}

TEST_CASE("rule 6: equal deadlines fire in the order in which they were armed") {
    Alarms a(50);
    TimerQueue queue;
    for (int i = 1; i <= 50; ++i) queue.arm(a[i], at(1s));
    SUBCASE("at once") {
        queue.fire_due(at(1s));
        CHECK(a.log() == counting(1, 50));
    }
    SUBCASE("and a timer armed anew is the newest") {
        CHECK(queue.disarm(a[7]));
        queue.arm(a[7], at(1s));
        queue.fire_due(at(1s));
        Log expected = counting(1, 50);
        std::rotate(expected.begin() + 6, expected.begin() + 7, expected.end());
        CHECK(a.log() == expected);
    }
}

TEST_CASE("timer: a disarmed one does not fire, and is disarmed once") {
    Alarms a(3);
    TimerQueue queue;
    CHECK_FALSE(queue.disarm(a[1]));
    for (int i = 1; i <= 3; ++i) queue.arm(a[i], at(i * 1s));
    CHECK(queue.disarm(a[1]));
    CHECK_FALSE(a[1].armed());
    CHECK_FALSE(queue.disarm(a[1]));
    CHECK(queue.next_deadline() == at(2s));  // not the hole's
    CHECK(queue.size() == 2);
    queue.fire_due(at(3s));
    CHECK(a.log() == Log{2, 3});
    CHECK_FALSE(queue.disarm(a[2]));
    queue.arm(a[1], at(4s));  // it can be used again
    queue.fire_due(at(4s));
    CHECK(a.log() == Log{2, 3, 1});
}

TEST_CASE("timer: arming and disarming a million times leaves nothing behind") {
    Alarms a(1);
    TimerQueue queue;
    std::size_t most = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        queue.arm(a[1], at(1h + i * 1ns));
        if (!queue.disarm(a[1])) FAIL("it was not armed");
        most = std::max(most, queue.footprint());
    }
    CHECK(queue.empty());
    CHECK(most <= 1);
}

// What a server does: every request arms a timeout that never comes, while others are armed all the time.
TEST_CASE("rule 12: arming and disarming beside armed timers keeps the heap small") {
    constexpr int kOthers = 100;
    Alarms a(kOthers + 10);
    TimerQueue queue;
    for (int i = 1; i <= kOthers; ++i) queue.arm(a[i], at(i * 1h));
    std::size_t most = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        Alarm& timer = a[kOthers + 1 + i % 10];
        queue.disarm(timer);
        queue.arm(timer, at(i * 1ms % 200h));  // before, between and behind the others
        most = std::max(most, queue.footprint());
    }
    CHECK(queue.size() == kOthers + 10);
    CHECK(most <= 2 * (kOthers + 10) + 64);
    for (int i = 1; i <= 10; ++i) CHECK(queue.disarm(a[kOthers + i]));
    queue.fire_due(at(kOthers * 1h));
    CHECK(a.log() == counting(1, kOthers));
}

TEST_CASE("timer: one that is armed while another fires waits for the next call") {
    Alarms a(3);
    TimerQueue queue;
    a[1].also_ = [&] {
        if (!a[3].armed()) queue.arm(a[3], at(2s));
    };
    queue.arm(a[1], at(1s));
    queue.arm(a[2], at(2s));
    queue.fire_due(at(2s));
    CHECK(a.log() == Log{1, 2});
    CHECK(queue.next_deadline() == at(2s));
    queue.fire_due(at(2s));
    CHECK(a.log() == Log{1, 2, 3});
}

TEST_CASE("timer: one that arms itself for a deadline in the past fires once per call") {
    Alarms a(1);
    TimerQueue queue;
    a[1].also_ = [&] {
        if (a.log().size() < 100) queue.arm(a[1], at(0s));
    };
    queue.arm(a[1], at(0s));
    for (int calls = 1; calls <= 3; ++calls) {
        queue.fire_due(at(1s));
        CHECK(a.log() == Log(static_cast<std::size_t>(calls), 1));
    }
}

TEST_CASE("timer: one that fires may disarm one that is due as well") {
    Alarms a(3);
    TimerQueue queue;
    for (int i = 1; i <= 3; ++i) queue.arm(a[i], at(1s));
    a[1].also_ = [&] { CHECK(queue.disarm(a[2])); };
    queue.fire_due(at(1s));
    CHECK(a.log() == Log{1, 3});
}

TEST_CASE("timer: discarding tells every armed timer, once") {
    Alarms a(4);
    TimerQueue queue;
    for (int i = 1; i <= 3; ++i) queue.arm(a[i], at(i * 1s));
    CHECK(queue.disarm(a[2]));
    SUBCASE("all") {
        queue.discard_all();
        std::sort(a.log().begin(), a.log().end());
        CHECK(a.log() == Log{-3, -1});
        CHECK_FALSE(a[1].armed());
    }
    SUBCASE("also one that is armed by a discard") {
        a[3].also_ = [&] { queue.arm(a[4], at(9s)); };
        queue.discard_all();
        CHECK(std::count(a.log().begin(), a.log().end(), -4) == 1);
        CHECK(a.log().size() == 3);
    }
    SUBCASE("but not one that a discard disarms") {
        a[3].also_ = [&] { CHECK(queue.disarm(a[1])); };
        queue.discard_all();
        CHECK(a.log() == Log{-3});
    }
    CHECK(queue.empty());
    CHECK(queue.footprint() == 0);
    queue.discard_all();
    CHECK(queue.empty());
}

// Against the plainest thing that could be right: a list kept sorted by deadline.
TEST_CASE("timer: random use behaves as a sorted list does") {
    constexpr int kTimers = 200;
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        Alarms a(kTimers);
        TimerQueue queue;
        std::vector<std::pair<Duration, int>> model;
        Log expected;
        Duration now{};
        for (int i = 0; i < 20'000; ++i) {
            const int number = static_cast<int>(random() % kTimers) + 1;
            const auto known = std::find_if(model.begin(), model.end(),
                                            [number](const auto& entry) { return entry.second == number; });
            if (const bool armed = known != model.end(); armed || random() % 10 < 2) {
                REQUIRE(queue.disarm(a[number]) == armed);
                if (armed) model.erase(known);
            } else {
                const Duration deadline = now + Duration(random() % 50);
                queue.arm(a[number], at(deadline));
                const auto later = std::find_if(model.begin(), model.end(),
                                                [deadline](const auto& entry) { return entry.first > deadline; });
                model.emplace(later, deadline, number);
            }
            if (random() % 8 == 0) {
                now += Duration(random() % 20);
                queue.fire_due(at(now));
                while (!model.empty() && model.front().first <= now) {
                    expected.push_back(model.front().second);
                    model.erase(model.begin());
                }
            }
            REQUIRE(queue.size() == model.size());
        }
        CHECK(a.log().size() > 1'000);
        CHECK(a.log() == expected);
    }
}
