// The peer of examples/http_service.cpp: the same Beast server and the same answers on Asio's own coroutines
// (co_spawn, use_awaitable), one thread, the io_context's own executor type: beast_awaitable --port P.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

#include "examples/http_reply.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable_t<Executor>());

Awaitable<void> converse(Socket socket) {
    boost::beast::flat_buffer buffer;
    for (bool keep_alive = true; keep_alive;) {
        examples::Request request;
        auto [error, size] = co_await http::async_read(socket, buffer, request, use_tuple);
        if (error) break;
        examples::Response response = examples::reply_to(request);
        keep_alive = response.keep_alive();
        auto [write_error, written] = co_await http::async_write(socket, response, use_tuple);
        if (write_error) break;
    }
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
}

Awaitable<void> serve(std::uint16_t port) {
    const Executor executor = co_await asio::this_coro::executor;
    Acceptor acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), port));
    std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(use_tuple);
        if (error) continue;
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(executor, converse(std::move(socket)), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::string_view(argv[1]) != "--port") {
        std::cerr << "usage: beast_awaitable --port P\n";
        return 2;
    }
    asio::io_context context(1);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](auto, auto) { context.stop(); });
    asio::co_spawn(context, serve(static_cast<std::uint16_t>(std::atoi(argv[2]))), asio::detached);
    context.run();
}
