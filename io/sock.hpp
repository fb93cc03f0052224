// sock_recv and its kin: asyncio's operations on a socket that the user owns, as a descriptor. The loop's sock_ members
// are these.
//
// Each tries the system call first and waits for the descriptor only if that would block; after a number of operations
// that did not wait it gives up a turn, so that a socket that is always ready does not starve its loop. recv and send do
// not block whatever the socket's flags; accept and connect set O_NONBLOCK if it is not.
//
// Throw std::system_error. Thread: any loop of the group. Cancel: what was not received yet stays in the socket (rule
// 258); of sock_sendall any part may have been sent; a cancelled connect is left as it is: close the socket.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "io/address.hpp"
#include "sync/coro.hpp"

namespace weft {

// A connection that was accepted: the caller closes it. Non-blocking, closed by exec.
struct Accepted {
    int fd = -1;
    Address address;  // the peer's

    operator int() const { return fd; }  // NOLINT(google-explicit-constructor)
};

namespace io {

// Returns at least one byte and at most `n`, "" at the end of the stream.
[[nodiscard]] Coro<std::string> sock_recv(int fd, std::size_t n);
// Returns how many bytes were written to `buffer`, which the caller keeps; 0 at the end of the stream.
[[nodiscard]] Coro<std::size_t> sock_recv_into(int fd, std::span<char> buffer);
[[nodiscard]] Coro<> sock_sendall(int fd, std::string data);
[[nodiscard]] Coro<Accepted> sock_accept(int fd);
// `address` is numeric, or a path.
[[nodiscard]] Coro<> sock_connect(int fd, Address address);

// Returns AF_INET, AF_UNIX, ... Throws std::system_error for what is no socket.
[[nodiscard]] int family_of(int fd);

}  // namespace io

}  // namespace weft
