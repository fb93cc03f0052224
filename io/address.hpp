// Address: where a socket is: host and port, or the path of a Unix socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// Not an aggregate: g++ 12.2 destroys braced temporaries of such twice inside a co_await expression.
struct Address {
    Address() = default;
    Address(std::string_view at_host, std::uint16_t at_port = 0) : host(at_host), port(at_port) {}

    std::string host;  // "127.0.0.1", "::1", "example.org", "/run/service"
    std::uint16_t port = 0;

    friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace weft
