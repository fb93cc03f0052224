// A server on weft: every loop has a listener of its own on the same port, and a connection stays on the loop that
// accepted it. A connection is a coroutine.
#pragma once

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <tuple>
#include <utility>
#include <weft/asio.hpp>

#include "bench/peers/server.hpp"

namespace bench {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, weft::TcpStream::executor_type>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

inline constexpr auto use_tuple = asio::as_tuple(weft::use_coro);

template <class Protocol>
weft::Coro<> converse(weft::TcpStream stream) {
    Protocol protocol;
    for (;;) {
        const auto room = protocol.room();
        const auto [error, size] = co_await stream.async_read_some(asio::buffer(room.data(), room.size()), use_tuple);
        if (error || !protocol.take(size)) break;
        if (protocol.replies().empty()) continue;
        const auto [failed, sent] = co_await asio::async_write(stream, asio::buffer(protocol.replies()), use_tuple);
        if (failed) break;
    }
}

// `listening` gets the address, whose port is then no longer 0.
template <class Protocol>
weft::Coro<> accept_connections(tcp::endpoint endpoint, weft::Future<tcp::endpoint> listening) {
    Acceptor acceptor(weft::asio_executor());
    acceptor.open(endpoint.protocol());
    acceptor.set_option(ReusePort(true));
    acceptor.bind(endpoint);
    acceptor.listen();
    listening.set_result(acceptor.local_endpoint());
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(use_tuple);
        if (error) continue;
        socket.set_option(tcp::no_delay(true));
        std::ignore = weft::create_task(converse<Protocol>(weft::TcpStream(std::move(socket))));
    }
}

inline weft::Coro<> wait_for_termination() {
    asio::signal_set signals(weft::asio_executor(), SIGTERM);
    co_await signals.async_wait(weft::use_coro);
}

template <class Protocol>
weft::Coro<> serve_until_terminated() {
    auto terminated = weft::create_task(wait_for_termination(), {.loop = weft::get_loops().front()});
    tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
    for (weft::Loop* loop : weft::get_loops()) {
        const auto listening = weft::create_future<tcp::endpoint>();
        std::ignore = weft::create_task(accept_connections<Protocol>(endpoint, listening), {.loop = loop});
        endpoint = co_await listening;
    }
    announce(endpoint.port());
    co_await terminated;
}

// The whole program. run() cancels the listeners and connections that are left.
template <class Protocol>
int serve(int argc, char** argv) {
    const int loops = static_cast<int>(loops_of(argc, argv));
    weft::run(serve_until_terminated<Protocol>(), {.loops = loops});
    return 0;
}

}  // namespace bench
