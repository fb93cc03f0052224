#include "io/operation.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "api/asio.hpp"
#include "tests/support/ended.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using weft::Coro;
using weft::use_coro;
using namespace std::chrono_literals;

namespace {

constexpr auto use_tuple = asio::as_tuple(use_coro);

struct Pair {
    tcp::socket client;
    tcp::socket server;
};

// Two ends of one connection, both at home on the running loop.
Coro<Pair> connected_pair() {
    tcp::acceptor acceptor(weft::asio_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(weft::asio_executor());
    auto accepting = weft::create_task(acceptor.async_accept(use_coro));
    co_await client.async_connect(acceptor.local_endpoint(), use_coro);
    tcp::socket server = co_await accepting;
    Pair pair{std::move(client), std::move(server)};
    co_return pair;
}

Coro<> echo(tcp::socket& socket) {
    std::array<char, 64> buffer{};
    for (;;) {
        auto [error, size] = co_await socket.async_read_some(asio::buffer(buffer), use_tuple);
        if (error) co_return;
        co_await asio::async_write(socket, asio::buffer(buffer.data(), size), use_coro);
    }
}

Coro<std::string> ask(tcp::socket& socket, std::string question) {
    co_await asio::async_write(socket, asio::buffer(question), use_coro);
    std::string answer(question.size(), '\0');
    co_await asio::async_read(socket, asio::buffer(answer), use_coro);
    co_return answer;
}

// Calls `on_cancel` when it is cancelled, and then ends as if nothing had happened.
class StubbornInitiation {
public:
    using executor_type = asio::io_context::executor_type;
    StubbornInitiation(executor_type executor, std::function<void()> on_cancel)
        : executor_(executor), on_cancel_(std::move(on_cancel)) {}
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    template <class Handler>
    void operator()(Handler&& handler) const {
        auto timer = std::make_shared<asio::steady_timer>(executor_, 1h);
        auto slot = asio::get_associated_cancellation_slot(handler);
        slot.assign([timer, on_cancel = on_cancel_](asio::cancellation_type) {
            on_cancel();
            timer->cancel();
        });
        auto ended = [timer, taken = std::forward<Handler>(handler)](const auto&) mutable { std::move(taken)(); };
        timer->async_wait(asio::bind_cancellation_slot(asio::cancellation_slot(), std::move(ended)));
    }

private:
    executor_type executor_;
    std::function<void()> on_cancel_;
};

class ThrowingInitiation {
public:
    using executor_type = asio::io_context::executor_type;
    explicit ThrowingInitiation(executor_type executor) : executor_(executor) {}
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    template <class Handler>
    void operator()(Handler&& handler) const {
        const auto taken = std::forward<Handler>(handler);
        throw std::runtime_error("not begun");
    }

private:
    executor_type executor_;
};

}  // namespace

TEST_SUITE("use_coro") {
    TEST_CASE("accept, connect, read and write from coroutines") {
        const auto body = []() -> Coro<std::string> {
            Pair pair = co_await connected_pair();
            auto echoing = weft::create_task(echo(pair.server));
            std::string answer = co_await ask(pair.client, "hello");
            pair.client.close();
            co_await echoing;
            co_return answer;
        };
        for (int loops : {1, 2, 4}) CHECK(weft::run(body(), {.loops = loops}) == "hello");
    }

    TEST_CASE("a refused connection is a std::system_error with its errc; the loop goes on") {
        const auto body = []() -> Coro<std::error_code> {
            tcp::endpoint nobody;
            {
                tcp::acceptor closed(weft::asio_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
                nobody = closed.local_endpoint();
            }
            tcp::socket socket(weft::asio_executor());
            std::error_code code;
            try {
                co_await socket.async_connect(nobody, use_coro);
            } catch (const std::system_error& error) {
                code = error.code();
            }
            co_await weft::sleep(1ms);
            co_return code;
        };
        CHECK(weft::run(body(), {.loops = 1}) == std::errc::connection_refused);
    }

    TEST_CASE("as_tuple gives the error instead of throwing it") {
        const auto body = []() -> Coro<boost::system::error_code> {
            Pair pair = co_await connected_pair();
            pair.server.close();
            char byte = 0;
            auto [error, size] = co_await pair.client.async_read_some(asio::buffer(&byte, 1), use_tuple);
            CHECK(size == 0);
            co_return error;
        };
        CHECK(weft::run(body(), {.loops = 1}) == asio::error::eof);
    }

    TEST_CASE("a cancelled read raises CancelledError with the message and leaves the bytes for the next") {
        const auto body = []() -> Coro<std::string> {
            Pair pair = co_await connected_pair();
            const auto read = [](tcp::socket& socket) -> Coro<std::string> {
                std::string text(5, '\0');
                co_await asio::async_read(socket, asio::buffer(text), use_coro);
                co_return text;
            };
            auto reading = weft::create_task(read(pair.server));
            co_await weft::sleep(0s);
            CHECK(reading.cancel("enough"));
            std::string message;
            try {
                co_await reading;
            } catch (const weft::CancelledError& error) {
                message = error.message();
            }
            CHECK(message == "enough");
            CHECK(reading.cancelled());
            co_await asio::async_write(pair.client, asio::buffer("bytes", 5), use_coro);
            std::string text = co_await read(pair.server);
            co_return text;
        };
        CHECK(weft::run(body(), {.loops = 1}) == "bytes");
    }

    TEST_CASE("a cancelled read as a tuple raises CancelledError, too") {
        const auto body = []() -> Coro<bool> {
            Pair pair = co_await connected_pair();
            const auto read = [](tcp::socket& socket) -> Coro<> {
                char byte = 0;
                auto [error, size] = co_await socket.async_read_some(asio::buffer(&byte, 1), use_tuple);
                FAIL("not cancelled: ", error.message(), size);
            };
            auto reading = weft::create_task(read(pair.server));
            co_await weft::sleep(0s);
            reading.cancel();
            try {
                co_await reading;
            } catch (const weft::CancelledError&) {
                co_return true;
            }
            co_return false;
        };
        CHECK(weft::run(body(), {.loops = 1}));
    }

    TEST_CASE("a finished operation beats a late cancel: the bytes are delivered, the request waits") {
        const auto body = []() -> Coro<> {
            Pair pair = co_await connected_pair();
            std::string got;
            bool cancelled_later = false;
            const auto read = [&](tcp::socket& socket) -> Coro<> {
                std::array<char, 16> buffer{};
                const std::size_t size = co_await socket.async_read_some(asio::buffer(buffer), use_coro);
                got.assign(buffer.data(), size);
                try {
                    co_await weft::sleep(1h);
                } catch (const weft::CancelledError&) {
                    cancelled_later = true;
                    throw;
                }
            };
            auto reading = weft::create_task(read(pair.server));
            co_await weft::sleep(0s);
            pair.client.write_some(asio::buffer("done", 4));
            // Asio's handler runs here, inside this turn: the operation has ended, its reader has not had its turn.
            weft::get_running_loop().parker().park_until(std::nullopt);
            CHECK_FALSE(reading.done());
            reading.cancel();
            try {
                co_await reading;
                FAIL("the request was lost");
            } catch (const weft::CancelledError&) {
            }
            CHECK(got == "done");
            CHECK(cancelled_later);
        };
        weft::run(body(), {.loops = 1});
    }

    TEST_CASE("operations are awaitables: gather, create_task") {
        const auto body = []() -> Coro<int> {
            asio::steady_timer first(weft::asio_executor(), 1ms);
            asio::steady_timer second(weft::asio_executor(), 2ms);
            co_await weft::gather(first.async_wait(use_coro), second.async_wait(use_coro));
            auto task = weft::create_task(first.async_wait(use_coro));
            co_await task;
            co_return 1;
        };
        CHECK(weft::run(body(), {.loops = 1}) == 1);
    }

    TEST_CASE("a socket completes at home whichever loop awaits it; a pinned task goes on where it belongs") {
        const auto body = []() -> Coro<> {
            const std::vector<weft::Loop*> loops = weft::get_loops();
            REQUIRE(loops.size() == 3);
            const auto make_pair = []() -> Coro<Pair> { co_return co_await connected_pair(); };
            auto making = weft::create_task(make_pair(), {.loop = loops[1]});
            Pair pair = co_await making;  // at home on loop 1
            auto echoing = weft::create_task(echo(pair.server), {.loop = loops[2]});
            const auto converse = [&]() -> Coro<> {
                const auto me = std::this_thread::get_id();
                for (int i = 0; i < 50; ++i) {
                    std::string answer = co_await ask(pair.client, "ping " + std::to_string(i));
                    CHECK(answer == "ping " + std::to_string(i));
                    CHECK(std::this_thread::get_id() == me);
                    CHECK(&weft::get_running_loop() == weft::get_loops()[0]);
                }
            };
            auto conversing = weft::create_task(converse(), {.loop = loops[0]});
            co_await conversing;
            // Asio objects are closed on their home loop, too.
            const auto close = [&]() -> Coro<> {
                pair.client.close();
                co_return;
            };
            auto closing = weft::create_task(close(), {.loop = loops[1]});
            co_await closing;
            co_await echoing;
        };
        weft::run(body(), {.loops = 3});
    }

    TEST_CASE("cancelling from another loop asks the home loop") {
        const auto body = []() -> Coro<> {
            const std::vector<weft::Loop*> loops = weft::get_loops();
            auto making = weft::create_task(connected_pair(), {.loop = loops[1]});
            Pair pair = co_await making;
            const auto read = [](tcp::socket& socket) -> Coro<> {
                char byte = 0;
                co_await socket.async_read_some(asio::buffer(&byte, 1), use_coro);
            };
            for (int i = 0; i < 100; ++i) {
                auto reading = weft::create_task(read(pair.server), {.loop = loops[static_cast<std::size_t>(i % 2)]});
                if (i % 3 != 0) co_await weft::sleep(0s);
                reading.cancel();
                try {
                    co_await reading;
                    FAIL("nothing was sent");
                } catch (const weft::CancelledError&) {
                }
            }
        };
        weft::run(body(), {.loops = 2});
    }

    TEST_CASE("loops that end with operations pending forget them; nothing leaks") {
        const auto body = []() -> Coro<> {
            Pair pair = co_await connected_pair();
            const auto read = [](tcp::socket socket) -> Coro<> {
                char byte = 0;
                co_await socket.async_read_some(asio::buffer(&byte, 1), use_coro);
            };
            (void)weft::create_task(read(std::move(pair.server)));
            (void)weft::create_task(read(std::move(pair.client)));
            co_await weft::sleep(0s);
        };
        weft::run(body(), {.loops = 2});
    }

    TEST_CASE("an io_context of somebody else's thread may complete an operation") {
        asio::io_context foreign;
        auto work = asio::make_work_guard(foreign);
        std::thread thread([&foreign] { foreign.run(); });
        const auto body = [](asio::io_context& context) -> Coro<bool> {
            const weft::Loop* before = &weft::get_running_loop();
            asio::steady_timer timer(context, 1ms);
            co_await timer.async_wait(use_coro);
            co_return before == &weft::get_running_loop();
        };
        CHECK(weft::run(body(foreign), {.loops = 1}));
        work.reset();
        thread.join();
    }

    TEST_CASE("an initiation that throws gives its exception, at home and abroad") {
        const auto body = []() -> Coro<> {
            for (weft::Loop* home : weft::get_loops()) {
                const auto executor = weft::io::context_of(*home)->get_executor();
                std::string text;
                try {
                    co_await asio::async_initiate<const weft::UseCoro, void()>(ThrowingInitiation{executor}, use_coro);
                } catch (const std::runtime_error& error) {
                    text = error.what();
                }
                CHECK(text == "not begun");
            }
        };
        weft::run(body(), {.loops = 2});
    }

    TEST_CASE("a cancellation handler may cancel its own task again and ask where it stands") {
        std::size_t frames = 99;
        const auto waits = [&](weft::Task<>& task) -> Coro<> {
            const auto again = [&] {
                frames = task.get_stack().size();
                task.cancel("again");
            };
            const StubbornInitiation initiation(weft::get_io_context().get_executor(), again);
            co_await asio::async_initiate<const weft::UseCoro, void()>(initiation, use_coro);
        };
        const auto cancels_itself = [&](weft::Task<>& task) -> Coro<> {
            task.cancel("first");
            co_await waits(task);
        };
        const auto body = [&]() -> Coro<> {
            weft::Task<> task;
            task = weft::create_task(waits(task));
            co_await weft::sleep(0s);
            task.cancel("first");
            const std::string from_outside = co_await weft::test::ended(task);
            CHECK(from_outside == "cancelled: again");
            CHECK(task.cancelling() == 2);
            CHECK(frames == 1);  // it waits, and only this loop could resume it
            frames = 99;
            task = weft::create_task(cancels_itself(task));
            const std::string from_within = co_await weft::test::ended(task);
            CHECK(from_within == "cancelled: again");
            CHECK(task.cancelling() == 2);
        };
        weft::run(body(), {.loops = 1});
        CHECK(frames == 1);  // in its own step: this very call
    }

    TEST_CASE("outside a loop there is no io_context") {
        CHECK_THROWS_WITH_AS((void)weft::get_io_context(), "no running event loop", std::runtime_error);
    }

    TEST_CASE("many connections on many loops, cancelled at random") {
        const auto body = []() -> Coro<> {
            const auto conversation = [](int seed) -> Coro<> {
                Pair pair = co_await connected_pair();
                auto echoing = weft::create_task(echo(pair.server), {.loop = &weft::get_running_loop()});
                for (int i = 0; i < 20; ++i) {
                    std::string answer =
                        co_await ask(pair.client, std::string(static_cast<std::size_t>(1 + (seed + i) % 40), 'x'));
                    CHECK(answer.size() == static_cast<std::size_t>(1 + (seed + i) % 40));
                }
                if (seed % 2 == 0) {
                    echoing.cancel();
                } else {
                    pair.client.close();
                }
                try {
                    co_await echoing;
                } catch (const weft::CancelledError&) {
                    CHECK(seed % 2 == 0);
                }
            };
            std::vector<weft::Task<>> all;
            const std::vector<weft::Loop*> loops = weft::get_loops();
            for (int i = 0; i < 32; ++i) {
                all.push_back(
                    weft::create_task(conversation(i), {.loop = loops[static_cast<std::size_t>(i) % loops.size()]}));
            }
            co_await weft::gather(std::move(all));
        };
        weft::run(body(), {.loops = 4});
    }
}
