#include "io/tcp_stream.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>

#include "api/asio.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using weft::Coro;
using weft::TcpStream;
using weft::use_coro;
using namespace std::chrono_literals;

namespace {

using Acceptor = asio::basic_socket_acceptor<tcp, TcpStream::executor_type>;

struct Streams {
    TcpStream client;
    TcpStream server;
};

Coro<Streams> connected_streams() {
    Acceptor acceptor(weft::asio_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    TcpStream::socket_type client(weft::asio_executor());
    auto accepting = weft::create_task(acceptor.async_accept(use_coro));
    co_await client.async_connect(acceptor.local_endpoint(), use_coro);
    TcpStream::socket_type server = co_await accepting;
    Streams streams{TcpStream(std::move(client)), TcpStream(std::move(server))};
    co_return streams;
}

}  // namespace

TEST_SUITE("TcpStream") {
    TEST_CASE("a write that the kernel takes at once does not suspend") {
        const auto body = []() -> Coro<> {
            Streams streams = co_await connected_streams();
            bool others_ran = false;
            weft::get_running_loop().call_soon([&others_ran] { others_ran = true; });
            const std::size_t size = co_await asio::async_write(streams.client, asio::buffer("hello", 5), use_coro);
            CHECK(size == 5);
            CHECK_FALSE(others_ran);
            std::string text(5, '\0');
            co_await asio::async_read(streams.server, asio::buffer(text), use_coro);
            CHECK(text == "hello");
        };
        weft::run(body(), {.loops = 1});
    }

    TEST_CASE("a stream that is always ready yields after its budget") {
        const auto body = []() -> Coro<> {
            Streams streams = co_await connected_streams();
            bool others_ran = false;
            weft::get_running_loop().call_soon([&others_ran] { others_ran = true; });
            std::uint32_t writes = 0;
            while (!others_ran && writes < 10 * weft::io::Immediate::kBudget) {
                co_await streams.client.async_write_some(asio::buffer("x", 1), use_coro);
                ++writes;
            }
            CHECK(others_ran);
            CHECK(writes <= weft::io::Immediate::kBudget + 1);
        };
        weft::run(body(), {.loops = 1});
    }

    TEST_CASE("more than the kernel takes is written in pieces, every byte of it") {
        const auto body = []() -> Coro<> {
            Streams streams = co_await connected_streams();
            std::string data(8 << 20, '\0');
            for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 2654435761U >> 24);
            const auto write = [&]() -> Coro<std::size_t> {
                co_return co_await asio::async_write(streams.client, asio::buffer(data), use_coro);
            };
            auto writing = weft::create_task(write());
            std::string got(data.size(), '\0');
            co_await asio::async_read(streams.server, asio::buffer(got), use_coro);
            CHECK(co_await writing == data.size());
            CHECK(got == data);
        };
        weft::run(body(), {.loops = 1});
    }

    TEST_CASE("a write to a closed connection is an error, not a signal") {
        const auto body = []() -> Coro<bool> {
            Streams streams = co_await connected_streams();
            streams.server.socket().close();
            try {
                for (int i = 0; i < 1000; ++i) {
                    co_await streams.client.async_write_some(asio::buffer("x", 1), use_coro);
                    co_await weft::sleep(0s);
                }
            } catch (const std::system_error& error) {
                co_return error.code() == std::errc::broken_pipe || error.code() == std::errc::connection_reset;
            }
            co_return false;
        };
        CHECK(weft::run(body(), {.loops = 1}));
    }

    TEST_CASE("a full stream's write can be cancelled") {
        const auto body = []() -> Coro<bool> {
            Streams streams = co_await connected_streams();
            const auto fill = [](TcpStream& stream) -> Coro<> {
                const std::string block(1 << 16, 'x');
                for (;;) co_await asio::async_write(stream, asio::buffer(block), use_coro);
            };
            auto filling = weft::create_task(fill(streams.client));
            co_await weft::sleep(5ms);
            CHECK_FALSE(filling.done());
            filling.cancel();
            try {
                co_await filling;
            } catch (const weft::CancelledError&) {
                co_return true;
            }
            co_return false;
        };
        CHECK(weft::run(body(), {.loops = 1}));
    }

    TEST_CASE("a handler that wants to run elsewhere does") {
        const auto body = []() -> Coro<> {
            Streams streams = co_await connected_streams();
            asio::io_context elsewhere;
            bool ran = false;
            streams.client.async_write_some(
                asio::buffer("x", 1),
                asio::bind_executor(elsewhere.get_executor(),
                                    [&ran](boost::system::error_code, std::size_t) { ran = true; }));
            for (int i = 0; i < 100; ++i) co_await weft::sleep(0s);
            CHECK_FALSE(ran);
            while (!ran) {
                elsewhere.restart();
                elsewhere.poll();
                co_await weft::sleep(0s);
            }
        };
        weft::run(body(), {.loops = 1});
    }

    TEST_CASE("off its loop a stream is used through a message") {
        const auto body = []() -> Coro<> {
            const std::vector<weft::Loop*> loops = weft::get_loops();
            auto making = weft::create_task(connected_streams(), {.loop = loops[1]});
            Streams streams = co_await making;
            const auto converse = [&]() -> Coro<> {
                std::string text(4, '\0');
                co_await asio::async_write(streams.client, asio::buffer("ping", 4), use_coro);
                co_await asio::async_read(streams.server, asio::buffer(text), use_coro);
                CHECK(text == "ping");
            };
            auto conversing = weft::create_task(converse(), {.loop = loops[0]});
            co_await conversing;
            const auto close = [](Streams mine) -> Coro<> {
                mine.client.socket().close();
                mine.server.socket().close();
                co_return;
            };
            auto closing = weft::create_task(close(std::move(streams)), {.loop = loops[1]});
            co_await closing;
        };
        weft::run(body(), {.loops = 2});
    }
}
