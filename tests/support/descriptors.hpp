// Descriptors for tests: they close themselves.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace weft::test {

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {
        if (fd < 0) throw std::system_error(errno, std::generic_category(), "a descriptor for a test");
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() { close(); }

    [[nodiscard]] int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

// Two ends of a stream, blocking.
struct SocketPair {
    SocketPair() {
        std::array<int, 2> fds{};
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) != 0)
            throw std::system_error(errno, std::generic_category(), "socketpair");
        here = Descriptor(fds[0]);
        there = Descriptor(fds[1]);
    }
    Descriptor here;
    Descriptor there;
};

inline void put(int fd, std::string_view text) {
    if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::system_error(errno, std::generic_category(), "write");
}

// What there is, at most 64 KiB; "" at the end of the stream.
inline std::string get(int fd) {
    std::string text(65536, '\0');
    const ssize_t size = ::read(fd, text.data(), text.size());
    if (size < 0) throw std::system_error(errno, std::generic_category(), "read");
    text.resize(static_cast<std::size_t>(size));
    return text;
}

}  // namespace weft::test
