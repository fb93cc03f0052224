// A server on Asio's callbacks, as fast as Asio gets: LOOPS threads with an io_context and a listener each, so that no
// connection is shared and nothing is locked in vain; what a connection owns goes from handler to handler.
#pragma once

#include <sys/socket.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/server.hpp"

namespace bench {

using tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// Calls begin(socket) for each connection, without end.
template <class Begin>
void accept_next(Acceptor& acceptor, Begin begin) {
    acceptor.async_accept([&acceptor, begin](boost::system::error_code error, Socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true));
            begin(std::move(socket));
        }
        accept_next(acceptor, begin);
    });
}

// Serves on `loops` threads, the calling one among them, until SIGTERM. A port of 0 is any that is free.
template <class Begin>
void serve_connections(std::size_t loops, std::uint16_t port, Begin begin) {
    std::list<asio::io_context> contexts;
    std::list<Acceptor> acceptors;
    tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    for (std::size_t i = 0; i < loops; ++i) {
        Acceptor& acceptor = acceptors.emplace_back(contexts.emplace_back(1).get_executor());
        acceptor.open(endpoint.protocol());
        acceptor.set_option(ReusePort(true));
        acceptor.bind(endpoint);
        acceptor.listen();
        endpoint = acceptor.local_endpoint();
        accept_next(acceptor, begin);
    }
    asio::basic_signal_set<Executor> signals(contexts.front().get_executor(), SIGTERM);
    signals.async_wait([&contexts](boost::system::error_code, int) {
        for (asio::io_context& context : contexts) context.stop();
    });
    announce(endpoint.port());
    std::vector<std::jthread> threads;
    for (auto context = std::next(contexts.begin()); context != contexts.end(); ++context) {
        threads.emplace_back([&context = *context] { context.run(); });
    }
    contexts.front().run();
}

template <class Protocol>
class Session {
public:
    explicit Session(Socket socket) : socket_(std::move(socket)) {}

    static void read(std::unique_ptr<Session> self) {
        Session& session = *self;
        const auto room = session.protocol_.room();
        session.socket_.async_read_some(
            asio::buffer(room.data(), room.size()),
            [self = std::move(self)](boost::system::error_code error, std::size_t size) mutable {
                if (!error && self->protocol_.take(size)) write(std::move(self));
            });
    }

private:
    static void write(std::unique_ptr<Session> self) {
        Session& session = *self;
        if (session.protocol_.replies().empty()) return read(std::move(self));
        asio::async_write(session.socket_, asio::buffer(session.protocol_.replies()),
                          [self = std::move(self)](boost::system::error_code error, std::size_t) mutable {
                              if (!error) read(std::move(self));
                          });
    }

    Socket socket_;
    Protocol protocol_;
};

// The whole program.
template <class Protocol>
int serve(int argc, char** argv) {
    const auto begin = [](Socket socket) {
        Session<Protocol>::read(std::make_unique<Session<Protocol>>(std::move(socket)));
    };
    serve_connections(loops_of(argc, argv), 0, begin);
    return 0;
}

}  // namespace bench
