// KernelAddress: a socket address as the kernel wants it, and back. Numbers only: nothing here blocks.
#pragma once

#include <sys/socket.h>

#include "io/address.hpp"

namespace weft::io {

struct KernelAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// An address that is numeric, or for AF_UNIX a path; AF_UNSPEC: IPv4 or IPv6.
// Throws std::system_error of name_service_category() for what is neither; std::invalid_argument for a path too long.
[[nodiscard]] KernelAddress kernel_address(int family, const Address& address);

[[nodiscard]] Address address_of(const KernelAddress& address);

// True if kernel_address takes it: no name service is needed.
[[nodiscard]] bool is_numeric(int family, const Address& address);

}  // namespace weft::io
