// loop.sock_recv and its kin, getaddrinfo and getnameinfo: rule 258, errors, cancellation; one loop and several.
#include "io/sock.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "api/weft.hpp"
#include "io/kernel_address.hpp"
#include "tests/support/descriptors.hpp"

using namespace std::chrono_literals;
using weft::Accepted;
using weft::Address;
using weft::CancelledError;
using weft::Coro;
using weft::Loop;
using weft::test::Descriptor;
using weft::test::get;
using weft::test::put;
using weft::test::SocketPair;

namespace {

// The error number of the std::system_error that an awaitable throws; 0 if none.
template <class Awaitable>
Coro<std::error_code> error_of(Awaitable awaitable) {
    std::error_code error;
    try {
        co_await std::move(awaitable);
    } catch (const std::system_error& failure) {
        error = failure.code();
    }
    co_return error;
}

Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await weft::sleep(0s);
}

Address name_of(int fd) {
    weft::io::KernelAddress kernel;
    kernel.size = sizeof kernel.storage;
    REQUIRE(::getsockname(fd, kernel.get(), &kernel.size) == 0);
    return weft::io::address_of(kernel);
}

// Listens on a free port, blocking.
Descriptor listener(int family, const Address& at) {
    Descriptor socket(::socket(family, SOCK_STREAM, 0));
    const auto kernel = weft::io::kernel_address(family, at);
    REQUIRE(::bind(socket.get(), kernel.get(), kernel.size) == 0);
    REQUIRE(::listen(socket.get(), 8) == 0);
    return socket;
}

Coro<std::string> receive_all(int fd) {
    std::string all;
    for (;;) {
        const std::string part = co_await weft::get_running_loop().sock_recv(fd, 1000);
        if (part.empty()) break;
        all += part;
    }
    co_return all;
}

}  // namespace

TEST_CASE("sock_sendall and sock_recv pass everything on, however slow the other side is") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        SocketPair pair;
        std::string text;
        for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i);
        const auto main = [&]() -> Coro<std::string> {
            auto receiving = weft::create_task(receive_all(pair.there.get()));
            co_await weft::get_running_loop().sock_sendall(pair.here.get(), text);
            co_await weft::get_running_loop().sock_sendall(pair.here.get(), "");
            pair.here.close();
            co_return co_await receiving;
        };
        const std::string received = weft::run(main(), {.loops = loops});
        CHECK(received.size() == text.size());
        CHECK((received == text));
    }
}

TEST_CASE("sock_recv gives what there is; sock_recv_into writes into the caller's buffer") {
    SocketPair pair;
    const auto main = [&]() -> Coro<std::vector<std::string>> {
        Loop& loop = weft::get_running_loop();
        std::vector<std::string> got;
        auto waiting = weft::create_task(loop.sock_recv(pair.here.get(), 3));
        co_await turns(3);
        put(pair.there.get(), "abcdef");
        got.push_back(co_await waiting);
        std::array<char, 2> buffer{};
        const std::size_t size = co_await loop.sock_recv_into(pair.here.get(), buffer);
        got.emplace_back(buffer.data(), size);
        got.push_back(co_await loop.sock_recv(pair.here.get(), 100));
        got.push_back(co_await loop.sock_recv(pair.here.get(), 0));
        pair.there.close();
        got.push_back(co_await loop.sock_recv(pair.here.get(), 100));
        co_return got;
    };
    const auto got = weft::run(main(), {.loops = 1});
    CHECK(got == std::vector<std::string>{"abc", "de", "f", "", ""});
    CHECK((::fcntl(pair.here.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("rule 258: a cancelled sock_recv leaves the data for the next one") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const SocketPair pair;
        const auto main = [&]() -> Coro<std::string> {
            Loop& loop = weft::get_running_loop();
            for (int round = 0; round < 50; ++round) {
                auto cancelled = weft::create_task(loop.sock_recv(pair.here.get(), 10));
                co_await turns(round % 4);
                if (round == 49) put(pair.there.get(), "kept");  // while it waits
                cancelled.cancel();
                bool was_cancelled = false;
                try {
                    co_return co_await cancelled;  // on several loops the data may have been first
                } catch (const CancelledError&) {
                    was_cancelled = true;
                }
                if (!was_cancelled) throw std::runtime_error("not cancelled");
            }
            co_return co_await loop.sock_recv(pair.here.get(), 10);
        };
        const std::string text = weft::run(main(), {.loops = loops});
        CHECK(text == "kept");
    }
}

TEST_CASE("sock_accept and sock_connect over TCP, IPv4 and IPv6, with the peer's address") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        for (const bool six : {false, true}) {
            CAPTURE(six);
            const int family = six ? AF_INET6 : AF_INET;
            const Descriptor server = listener(family, Address(six ? "::1" : "127.0.0.1"));
            const Descriptor client(::socket(family, SOCK_STREAM, 0));
            const auto main = [&]() -> Coro<std::string> {
                Loop& loop = weft::get_running_loop();
                auto accepting = weft::create_task(loop.sock_accept(server.get()));
                co_await turns(2);
                const Address to = name_of(server.get());
                co_await loop.sock_connect(client.get(), to);
                const auto [fd, peer] = co_await accepting;
                const Descriptor connection(fd);
                if (peer != name_of(client.get())) throw std::runtime_error("not the peer: " + peer.host);
                co_await loop.sock_sendall(client.get(), "hello");
                co_return co_await loop.sock_recv(connection.get(), 100);
            };
            const std::string text = weft::run(main(), {.loops = loops});
            CHECK(text == "hello");
        }
    }
}

TEST_CASE("sock_connect to a Unix socket takes a path") {
    const std::string path = "/tmp/weft_sock_test." + std::to_string(::getpid());
    ::unlink(path.c_str());
    const Descriptor server = listener(AF_UNIX, Address(path));
    const Descriptor client(::socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK(name_of(server.get()).host == path);
    const auto main = [&]() -> Coro<int> {
        Loop& loop = weft::get_running_loop();
        co_await loop.sock_connect(client.get(), Address(path));
        const int fd = co_await loop.sock_accept(server.get());
        co_return fd;
    };
    const Descriptor connection(weft::run(main(), {.loops = 1}));
    put(client.get(), "x");
    CHECK(get(connection.get()) == "x");
    ::unlink(path.c_str());
    CHECK_THROWS_AS((void)weft::io::kernel_address(AF_UNIX, Address(std::string(200, 'x'))), std::invalid_argument);
}

TEST_CASE("rule 258: a cancelled sock_accept leaves the connection for the next one") {
    const Descriptor server = listener(AF_INET, Address("127.0.0.1"));
    const Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    const auto main = [&]() -> Coro<int> {
        Loop& loop = weft::get_running_loop();
        auto cancelled = weft::create_task(loop.sock_accept(server.get()));
        co_await turns(3);
        cancelled.cancel();
        co_await turns(3);
        if (!cancelled.cancelled()) throw std::runtime_error("not cancelled");
        co_await loop.sock_connect(client.get(), name_of(server.get()));
        co_return co_await loop.sock_accept(server.get());
    };
    const Descriptor connection(weft::run(main(), {.loops = 1}));
    CHECK(connection.get() >= 0);
}

TEST_CASE("errors come as std::system_error with the system's number") {
    const SocketPair pair;
    Descriptor closed_port = listener(AF_INET, Address("127.0.0.1"));
    const Address nobody = name_of(closed_port.get());
    closed_port.close();
    const Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    SocketPair gone;
    gone.there.close();
    const auto main = [&]() -> Coro<std::vector<int>> {
        Loop& loop = weft::get_running_loop();
        std::vector<int> errors;
        errors.push_back((co_await error_of(loop.sock_recv(-1, 10))).value());
        errors.push_back((co_await error_of(loop.sock_sendall(STDIN_FILENO + 10000, "x"))).value());
        errors.push_back((co_await error_of(loop.sock_accept(pair.here.get()))).value());
        errors.push_back((co_await error_of(loop.sock_sendall(gone.here.get(), "x"))).value());  // and no SIGPIPE
        errors.push_back((co_await error_of(loop.sock_connect(client.get(), nobody))).value());
        errors.push_back((co_await error_of(loop.sock_connect(-1, nobody))).value());
        co_return errors;
    };
    const auto errors = weft::run(main(), {.loops = 1});
    CHECK(errors == std::vector<int>{EBADF, EBADF, EINVAL, EPIPE, ECONNREFUSED, EBADF});
    Loop loop;
    loop.close();
    CHECK_THROWS_WITH_AS((void)loop.sock_recv(pair.here.get(), 1), "Event loop is closed", std::runtime_error);
}

TEST_CASE("a socket that is always ready does not starve its loop") {
    const SocketPair pair;
    const auto main = [&]() -> Coro<int> {
        Loop& loop = weft::get_running_loop();
        bool timer = false;
        loop.call_later(1ms, [&] { timer = true; });
        int rounds = 0;
        while (!timer) {
            co_await loop.sock_sendall(pair.here.get(), "x");
            (void)co_await loop.sock_recv(pair.there.get(), 1);
            ++rounds;
        }
        co_return rounds;
    };
    const int rounds = weft::run(main(), {.loops = 1});
    CHECK(rounds > 0);
}

TEST_CASE("getaddrinfo and getnameinfo of what needs no name service; both on the default executor") {
    for (const int loops : {1, 3}) {
        CAPTURE(loops);
        const auto main = []() -> Coro<> {
            Loop& loop = weft::get_running_loop();
            const weft::AddressInfoOptions stream{.family = AF_INET, .type = SOCK_STREAM};
            const auto infos = co_await loop.getaddrinfo("127.0.0.1", 8080, stream);
            if (infos.size() != 1) throw std::runtime_error("one address expected");
            const weft::AddressInfo& info = infos.front();
            if (info.family != AF_INET || info.type != SOCK_STREAM || info.proto != IPPROTO_TCP)
                throw std::runtime_error("another kind of address");
            if (info.sockaddr != Address("127.0.0.1", 8080)) throw std::runtime_error("address " + info.sockaddr.host);
            const weft::AddressInfoOptions passive{.family = AF_INET6, .type = SOCK_DGRAM, .flags = AI_PASSIVE};
            const auto any = co_await loop.getaddrinfo("", "0", passive);
            if (any.front().sockaddr.host != "::") throw std::runtime_error("address " + any.front().sockaddr.host);
            const auto [host, service] =
                co_await loop.getnameinfo(Address("127.0.0.1", 80), NI_NUMERICHOST | NI_NUMERICSERV);
            if (host != "127.0.0.1" || service != "80") throw std::runtime_error(host + " " + service);
        };
        CHECK_NOTHROW(weft::run(main(), {.loops = loops}));
    }
}

TEST_CASE("a name that is not there is a system_error of the name service that names the host") {
    const auto main = []() -> Coro<std::string> {
        Loop& loop = weft::get_running_loop();
        const weft::AddressInfoOptions numeric{.flags = AI_NUMERICHOST};
        std::string text;
        try {
            (void)co_await loop.getaddrinfo("no.such.host.invalid", 80, numeric);
        } catch (const std::system_error& error) {
            if (error.code() != std::error_code(EAI_NONAME, weft::name_service_category())) throw;
            text = error.what();
        }
        bool refused = false;
        try {
            (void)co_await loop.getnameinfo(Address("not numeric", 80));
        } catch (const std::system_error&) {
            refused = true;
        }
        co_return refused ? text : "accepted";
    };
    const std::string text = weft::run(main(), {.loops = 1});
    CHECK(text.find("no.such.host.invalid") != std::string::npos);
}

TEST_CASE("sock_connect looks a name up") {
    const Descriptor server = listener(AF_INET, Address("127.0.0.1"));
    const Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    const auto main = [&]() -> Coro<int> {
        Loop& loop = weft::get_running_loop();
        const Address local("localhost", name_of(server.get()).port);
        co_await loop.sock_connect(client.get(), local);
        co_return co_await loop.sock_accept(server.get());
    };
    const Descriptor connection(weft::run(main(), {.loops = 1}));
    CHECK(connection.get() >= 0);
}
