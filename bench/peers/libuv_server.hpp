// A server on libuv, one loop. A reply is tried at once, which saves the request that uv_write wants.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <uv.h>

#include <csignal>
#include <cstddef>
#include <span>
#include <string_view>

#include "bench/peers/server.hpp"

namespace bench {

template <class Protocol>
class Connection {
public:
    static void accept(uv_stream_t* listener, int status) {
        if (status < 0) return;
        auto* connection = new Connection;
        uv_tcp_init(listener->loop, &connection->socket_);
        connection->socket_.data = connection;
        if (uv_accept(listener, connection->stream()) < 0) return connection->close();
        uv_tcp_nodelay(&connection->socket_, 1);
        connection->listen();
    }

private:
    uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&socket_); }

    void listen() {
        const auto make_room = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
            const std::span<char> room = static_cast<Connection*>(handle->data)->protocol_.room();
            *buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
        };
        uv_read_start(stream(), make_room, [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
            Connection& connection = *static_cast<Connection*>(stream->data);
            if (size == 0) return;  // nothing yet
            if (size < 0 || !connection.protocol_.take(static_cast<std::size_t>(size))) return connection.close();
            connection.reply();
        });
    }

    void reply() {
        const std::string_view replies = protocol_.replies();
        if (replies.empty()) return;
        const uv_buf_t all = buffer_of(replies);
        const int tried = uv_try_write(stream(), &all, 1);
        if (tried < 0 && tried != UV_EAGAIN) return close();
        const std::size_t sent = tried < 0 ? 0 : static_cast<std::size_t>(tried);
        if (sent == replies.size()) return;
        // The peer is slow: nothing more is read before it has taken the rest.
        uv_read_stop(stream());
        const uv_buf_t rest = buffer_of(replies.substr(sent));
        write_.data = this;
        uv_write(&write_, stream(), &rest, 1, [](uv_write_t* write, int status) {
            Connection& connection = *static_cast<Connection*>(write->data);
            status < 0 ? connection.close() : connection.listen();
        });
    }

    void close() {
        uv_close(reinterpret_cast<uv_handle_t*>(&socket_),
                 [](uv_handle_t* handle) { delete static_cast<Connection*>(handle->data); });
    }

    static uv_buf_t buffer_of(std::string_view text) {
        return uv_buf_init(const_cast<char*>(text.data()), static_cast<unsigned>(text.size()));
    }

    uv_tcp_t socket_;
    uv_write_t write_;
    Protocol protocol_;
};

// The whole program.
template <class Protocol>
int serve(int argc, char** argv) {
    if (loops_of(argc, argv) != 1) fail("LOOPS 1", argv[1]);
    std::signal(SIGPIPE, SIG_IGN);  // libuv leaves a peer that has gone to its user
    uv_loop_t loop;
    uv_tcp_t listener;
    sockaddr_in address;
    uv_loop_init(&loop);
    uv_tcp_init(&loop, &listener);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0);
    const int error = uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, Connection<Protocol>::accept);
    if (error < 0) fail("a free port", uv_strerror(error));
    int length = sizeof address;
    uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &length);
    announce(ntohs(address.sin_port));
    return uv_run(&loop, UV_RUN_DEFAULT);
}

}  // namespace bench
