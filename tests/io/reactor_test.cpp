#include "io/reactor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <thread>

using weft::io::Reactor;
using namespace std::chrono_literals;

TEST_SUITE("Reactor") {
    TEST_CASE("a token left before the park ends it at once, and only that one") {
        Reactor reactor;
        reactor.unpark();
        reactor.park_until(std::nullopt);  // would hang without the token
        bool ran = false;
        boost::asio::post(reactor.context(), [&ran] { ran = true; });
        reactor.park_until(std::nullopt);
        CHECK(ran);
    }

    TEST_CASE("several unparks fold into one token") {
        Reactor reactor;
        reactor.unpark();
        reactor.unpark();
        reactor.park_until(std::nullopt);
        const auto before = reactor.now();
        reactor.park_until(before + 2ms);
        CHECK(reactor.now() >= before + 2ms);
    }

    TEST_CASE("a park ends at its deadline, not before, also below a millisecond") {
        Reactor reactor;
        for (const auto wait : {200us, 1500us, 100us}) {
            const auto deadline = reactor.now() + wait;
            while (reactor.now() < deadline) reactor.park_until(deadline);
            CHECK(reactor.now() >= deadline);
        }
    }

    TEST_CASE("a later deadline takes the place of an earlier one and the other way round") {
        Reactor reactor;
        const auto start = reactor.now();
        reactor.unpark();
        reactor.park_until(start + 1h);
        reactor.park_until(start + 3ms);  // returns: the alarm was moved forward
        while (reactor.now() < start + 3ms) reactor.park_until(start + 3ms);
        CHECK(reactor.now() < start + 1h);
    }

    TEST_CASE("unpark from another thread wakes a parked reactor") {
        Reactor reactor;
        std::atomic<bool> parking{false};
        std::thread waker([&] {
            parking.wait(false);
            reactor.unpark();
        });
        parking.store(true);
        parking.notify_one();
        reactor.park_until(std::nullopt);
        waker.join();
    }

    TEST_CASE("poll runs what is ready, also behind a token that nobody parked for") {
        Reactor reactor;
        int ran = 0;
        CHECK(reactor.poll() == 0);
        boost::asio::post(reactor.context(), [&ran] { ++ran; });
        boost::asio::post(reactor.context(), [&ran] { ++ran; });
        reactor.unpark();
        CHECK(reactor.poll() == 2);
        CHECK(ran == 2);
    }
}
