// A server by hand, one thread: edge-triggered epoll, one recv and one send a request, nothing allocated. What the
// frameworks can hope for.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "bench/peers/server.hpp"

namespace bench {

// The result of a system call that does not fail.
inline int checked(int result, const char* call) {
    if (result < 0) {
        std::perror(call);
        std::exit(1);
    }
    return result;
}

// Edges are lost if nobody reads until there is nothing left; a read that does not fill the room is the end of it, but
// for the end of the stream.
template <class Protocol>
class Connection {
public:
    explicit Connection(int socket) : socket_(socket) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { close(socket_); }

    // Does what can be done now. Returns false if the connection has ended.
    bool proceed(bool peer_ended) {
        for (;;) {
            if (!unsent_.empty() && !send_some()) return failed_only_for_now();
            if (!unsent_.empty()) return true;  // the next edge is that it may send
            const std::span<char> room = protocol_.room();
            const ssize_t size = recv(socket_, room.data(), room.size(), 0);
            if (size < 0) return failed_only_for_now();
            if (size == 0 || !protocol_.take(static_cast<std::size_t>(size))) return false;
            unsent_ = protocol_.replies();
            if (!unsent_.empty() && !send_some()) return failed_only_for_now();
            if (unsent_.empty() && static_cast<std::size_t>(size) < room.size() && !peer_ended) return true;
        }
    }

private:
    bool send_some() {
        const ssize_t size = send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (size > 0) unsent_.remove_prefix(static_cast<std::size_t>(size));
        return size >= 0;
    }
    static bool failed_only_for_now() { return errno == EAGAIN || errno == EWOULDBLOCK; }

    int socket_;
    Protocol protocol_;
    std::string_view unsent_;
};

// The whole program.
template <class Protocol>
int serve(int argc, char** argv) {
    if (loops_of(argc, argv) != 1) fail("LOOPS 1", argv[1]);
    const int listener = checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    checked(bind(listener, reinterpret_cast<const sockaddr*>(&address), length), "bind");
    checked(listen(listener, SOMAXCONN), "listen");
    checked(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");

    const int epoll = checked(epoll_create1(0), "epoll_create1");
    epoll_event wanted{};
    wanted.events = EPOLLIN;  // the listener has no Connection
    checked(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted), "epoll_ctl");
    announce(ntohs(address.sin_port));

    constexpr int kYes = 1;
    std::array<epoll_event, 256> events{};
    for (;;) {
        const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.ptr != nullptr) {
                auto* connection = static_cast<Connection<Protocol>*>(event.data.ptr);
                if (!connection->proceed((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)) delete connection;
                continue;
            }
            const int socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
            if (socket < 0) continue;
            setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &kYes, sizeof kYes);
            wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
            wanted.data.ptr = new Connection<Protocol>(socket);
            checked(epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &wanted), "epoll_ctl");
        }
    }
}

}  // namespace bench
