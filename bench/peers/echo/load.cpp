// The load that every echo server gets: echo_load CONNECTIONS SIZE PORT, one thread on raw epoll. A pass is SIZE
// messages of 64 bytes in all, one under way on each connection; each echo is compared before the next message is sent.
// No message is like another: connection and number are in it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::size_t kMessage = 64;

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

class Connection {
public:
    Connection(std::uint64_t number, std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)), number_(number) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) give_up("connect");
        constexpr int kYes = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &kYes, sizeof kYes);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { close(socket_); }

    [[nodiscard]] int socket_number() const { return socket_; }

    // Blocking, but there is always room for one message.
    void send_next() {
        message_.fill(number_ << 32 | ++sent_);
        came_ = 0;
        if (send(socket_, message_.data(), kMessage, MSG_NOSIGNAL) != kMessage) give_up("send");
    }
    // Something is there. Returns true if the echo is complete.
    bool receive() {
        const ssize_t size = recv(socket_, reinterpret_cast<char*>(echo_.data()) + came_, kMessage - came_, 0);
        if (size < 0) give_up("recv");
        if (size == 0) {
            std::fprintf(stderr, "the server closed a connection\n");
            std::exit(1);
        }
        came_ += static_cast<std::size_t>(size);
        if (came_ < kMessage) return false;
        if (echo_ != message_) {
            std::fprintf(stderr, "connection %llu: the echo is not what was sent\n",
                         static_cast<unsigned long long>(number_));
            std::exit(1);
        }
        return true;
    }

private:
    using Message = std::array<std::uint64_t, kMessage / sizeof(std::uint64_t)>;

    int socket_;
    std::uint64_t number_;
    std::uint64_t sent_ = 0;
    std::size_t came_ = 0;
    Message message_{};
    Message echo_{};
};

class Load {
public:
    Load(std::size_t connections, std::uint16_t port) : epoll_(epoll_create1(0)) {
        connections_.reserve(connections);
        for (std::size_t i = 0; i < connections; ++i) {
            const auto& connection = connections_.emplace_back(std::make_unique<Connection>(i, port));
            epoll_event wanted{};
            wanted.events = EPOLLIN;
            wanted.data.ptr = connection.get();
            if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->socket_number(), &wanted) < 0) give_up("epoll_ctl");
        }
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() { close(epoll_); }

    // Returns the number of right echoes.
    std::uint64_t exchange(std::uint64_t messages) {
        std::uint64_t sent = 0;
        std::uint64_t echoed = 0;
        for (const auto& connection : connections_) {
            if (sent < messages) {
                connection->send_next();
                ++sent;
            }
        }
        std::array<epoll_event, 256> events{};
        while (echoed < messages) {
            const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kLimitMs);
            if (ready <= 0) give_up(ready == 0 ? "no echo for too long" : "epoll_wait");
            for (int i = 0; i < ready; ++i) {
                auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (!connection.receive()) continue;
                ++echoed;
                if (sent == messages) continue;
                connection.send_next();
                ++sent;
            }
        }
        return echoed;
    }

private:
    static constexpr int kLimitMs = 10'000;

    int epoll_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);  // CONNECTIONS in place of LOOPS, PORT in place of VARIANT
    const std::size_t port = bench::number(std::string(passes.variant()).c_str(), "PORT");
    Load load(passes.loops(), static_cast<std::uint16_t>(port));
    std::uint64_t requests = 0;
    while (passes.again()) {
        const std::uint64_t echoed = load.exchange(passes.size());
        passes.end(echoed);
        requests += echoed;
    }
    passes.also("requests", static_cast<double>(requests));
    return passes.report();
}
