// An HTTP/1.1 server on N loops: http_service [--loops N] [--port P] [--address A].
//
// Every loop has a listener of its own on the same port (SO_REUSEPORT), and a connection stays on the loop that
// accepted it: the kernel spreads the connections, and no request ever changes cores. SIGTERM or SIGINT stops it
// cleanly: the listeners close, a request that is being answered is answered, idle connections are closed.
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/asio.hpp>

#include "http_reply.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
// The loop's own executor type: no type erasure on the way to the socket.
using Executor = asio::io_context::executor_type;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

constexpr auto use_tuple = asio::as_tuple(weft::use_coro);

struct Options {
    int loops = 0;
    std::uint16_t port = 8080;
    std::string address = "127.0.0.1";
};

class UsageError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

int number(std::string_view option, std::string_view text, int lowest, int highest) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < lowest || value > highest) {
        throw UsageError(std::string(option) + " " + std::string(text) + ": expected a whole number from " +
                         std::to_string(lowest) + " to " + std::to_string(highest));
    }
    return value;
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option != "--loops" && option != "--port" && option != "--address") {
            throw UsageError(std::string(option) + ": expected --loops N, --port P or --address A");
        }
        if (i + 1 == argc) throw UsageError(std::string(option) + ": expected a value behind it");
        const std::string_view value = argv[++i];
        if (option == "--loops") options.loops = number(option, value, 1, 1024);
        if (option == "--port") options.port = static_cast<std::uint16_t>(number(option, value, 0, 65535));
        if (option == "--address") options.address = value;
    }
    return options;
}

// Throws std::system_error naming the endpoint.
Acceptor listen_on(const tcp::endpoint& endpoint, bool shared) {
    try {
        Acceptor acceptor(weft::asio_executor());
        acceptor.open(endpoint.protocol());
        acceptor.set_option(asio::socket_base::reuse_address(true));
        if (shared) acceptor.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>(true));
        acceptor.bind(endpoint);
        acceptor.listen();
        return acceptor;
    } catch (const boost::system::system_error& error) {
        throw std::system_error(error.code(), "cannot listen on " + endpoint.address().to_string() + ":" +
                                                  std::to_string(endpoint.port()) +
                                                  ": expected an address and port that are free");
    }
}

// Before the listeners share the port among themselves: nobody else may have it.
tcp::endpoint claim_endpoint(const tcp::endpoint& wanted) {
    const Acceptor probe = listen_on(wanted, false);
    return probe.local_endpoint();
}

// One listener with its connections, all on one loop, so that none of this needs a lock.
class Listener {
public:
    explicit Listener(weft::Loop& loop) : loop_(loop) {}

    [[nodiscard]] weft::Loop& loop() const { return loop_; }

    weft::Coro<> open(tcp::endpoint endpoint) {
        acceptor_.emplace(listen_on(endpoint, true));
        co_return;
    }

    weft::Coro<> serve() {
        while (!stopping_) {
            auto [error, socket] = co_await acceptor_->async_accept(use_tuple);
            if (error) {
                if (!stopping_) co_await ride_out(error);
                continue;
            }
            socket.set_option(tcp::no_delay(true));
            connections_.emplace_back(std::move(socket));
            const auto connection = std::prev(connections_.end());
            connection->task = weft::create_task(converse(connection));
        }
    }

    // Closes the listener; connections end after the answer that they are at. Returns when none is left.
    weft::Coro<> stop() {
        stopping_ = true;
        acceptor_->close();
        std::vector<weft::Task<>> open;
        for (Connection& connection : connections_) {
            if (connection.idle) end(connection.stream, tcp::socket::shutdown_receive);
            open.push_back(connection.task);
        }
        for (weft::Task<>& task : open) co_await task;
    }

private:
    struct Connection {
        explicit Connection(weft::TcpStream::socket_type socket) : stream(std::move(socket)) {}
        weft::TcpStream stream;
        weft::Task<> task;
        bool idle = true;
    };

    // One connection: request after request until either side has had enough.
    weft::Coro<> converse(std::list<Connection>::iterator connection) {
        weft::TcpStream& stream = connection->stream;
        boost::beast::flat_buffer buffer;
        for (bool keep_alive = true; keep_alive && !stopping_;) {
            examples::Request request;
            connection->idle = buffer.size() == 0;
            auto [error, size] = co_await http::async_read(stream, buffer, request, use_tuple);
            connection->idle = false;
            if (error) break;  // the peer has gone, or sent what is not HTTP
            examples::Response response = examples::reply_to(request);
            if (stopping_) response.keep_alive(false);
            keep_alive = response.keep_alive();
            auto [write_error, written] = co_await http::async_write(stream, response, use_tuple);
            if (write_error) break;
        }
        end(stream, tcp::socket::shutdown_both);
        connections_.erase(connection);
    }

    // A connection that the peer has ended already needs no end.
    static void end(weft::TcpStream& stream, tcp::socket::shutdown_type what) {
        boost::system::error_code ignored;
        ignored = stream.socket().shutdown(what, ignored);
    }

    // Out of descriptors, or a connection reset before it was accepted: not the end of the service.
    static weft::Coro<> ride_out(boost::system::error_code error) {
        std::cerr << "http_service: accept: " << error.message() << '\n';
        co_await weft::sleep(std::chrono::milliseconds(50));
    }

    weft::Loop& loop_;
    std::optional<Acceptor> acceptor_;
    std::list<Connection> connections_;
    bool stopping_ = false;
};

weft::Coro<int> wait_for_signal() {
    asio::signal_set signals(weft::asio_executor(), SIGINT, SIGTERM);
    co_return co_await signals.async_wait(weft::use_coro);
}

weft::Coro<> serve(Options options) {
    const tcp::endpoint wanted(asio::ip::make_address(options.address), options.port);
    const tcp::endpoint endpoint = claim_endpoint(wanted);
    auto signal = weft::create_task(wait_for_signal(), {.loop = &weft::get_running_loop()});

    std::list<Listener> listeners;  // addresses must not change: their tasks use them
    std::vector<weft::Task<>> serving;
    for (weft::Loop* loop : weft::get_loops()) {
        Listener& listener = listeners.emplace_back(*loop);
        auto opened = weft::create_task(listener.open(endpoint), {.loop = loop});
        co_await opened;
        serving.push_back(weft::create_task(listener.serve(), {.loop = loop}));
    }
    std::cout << "listening on " << endpoint << " with " << listeners.size() << " loops" << std::endl;

    const int number = co_await signal;
    std::cout << "stopping on signal " << number << std::endl;
    std::vector<weft::Task<>> stopping;
    for (Listener& listener : listeners) {
        stopping.push_back(weft::create_task(listener.stop(), {.loop = &listener.loop()}));
    }
    co_await weft::gather(std::move(stopping));
    co_await weft::gather(std::move(serving));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(argc, argv);
        weft::run(serve(options), {.loops = options.loops});
    } catch (const UsageError& error) {
        std::cerr << "http_service: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "http_service: " << error.what() << '\n';
        return 1;
    }
}
