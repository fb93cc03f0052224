#include "io/sock.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "io/kernel_address.hpp"
#include "io/reactor.hpp"
#include "io/readiness.hpp"
#include "sync/sleep.hpp"

namespace weft::io {

namespace {

[[noreturn]] void throw_errno(const char* what, int error = errno) {
    throw std::system_error(error, std::generic_category(), what);
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

void make_non_blocking(int fd, const char* what) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) throw_errno(what);
    if ((flags & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) throw_errno(what);
}

// True if a turn is to be given up before the next operation.
bool had_its_share() {
    Reactor* reactor = reactor_of(sync::require_loop());
    return reactor != nullptr && !reactor->immediate().spend();
}

}  // namespace

Coro<std::string> sock_recv(int fd, std::size_t n) {
    std::string data(n, '\0');
    data.resize(co_await sock_recv_into(fd, data));
    co_return data;
}

Coro<std::size_t> sock_recv_into(int fd, std::span<char> buffer) {
    if (had_its_share()) co_await sleep(Duration::zero());
    for (;;) {
        const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size >= 0) co_return static_cast<std::size_t>(size);
        if (buffer.empty() && would_block()) co_return 0;  // there is nothing to wait for
        if (would_block()) {
            co_await wait_readable(fd);
        } else if (errno != EINTR) {
            throw_errno("sock_recv");
        }
    }
}

Coro<> sock_sendall(int fd, std::string data) {
    if (had_its_share()) co_await sleep(Duration::zero());
    std::string_view rest = data;
    do {
        const ssize_t size = ::send(fd, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(size));
        } else if (would_block()) {
            co_await wait_writable(fd);
        } else if (errno != EINTR) {
            throw_errno("sock_sendall");
        }
    } while (!rest.empty());
}

Coro<Accepted> sock_accept(int fd) {
    make_non_blocking(fd, "sock_accept");
    if (had_its_share()) co_await sleep(Duration::zero());
    for (;;) {
        KernelAddress peer;
        peer.size = sizeof peer.storage;
        const int connection = ::accept4(fd, peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection >= 0) {
            Accepted accepted;
            accepted.fd = connection;
            accepted.address = address_of(peer);
            co_return accepted;
        }
        if (would_block()) {
            co_await wait_readable(fd);
        } else if (errno != EINTR) {
            throw_errno("sock_accept");
        }
    }
}

Coro<> sock_connect(int fd, Address address) {
    const KernelAddress kernel = kernel_address(family_of(fd), address);
    make_non_blocking(fd, "sock_connect");
    int error = ::connect(fd, kernel.get(), kernel.size) == 0 ? 0 : errno;
    if (error == EINPROGRESS || error == EINTR) {
        co_await wait_writable(fd);
        socklen_t size = sizeof error;
        if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) throw_errno("sock_connect");
    }
    if (error != 0) {
        const std::string text = "Connect call failed " + address.host + ":" + std::to_string(address.port);
        throw_errno(text.c_str(), error);
    }
}

int family_of(int fd) {
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) throw_errno("socket");
    return family;
}

}  // namespace weft::io
