// Names and addresses: what getaddrinfo and getnameinfo say, typed. Both may take as long as the network's name service
// does: loop.getaddrinfo runs them on the default executor.
//
// Throw std::system_error of name_service_category(), or of the system's for EAI_SYSTEM; its text names the host.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "io/address.hpp"

namespace weft {

// A port by number or by name ("http"); empty: 0.
class Service {
public:
    Service(std::integral auto port) : text_(std::to_string(port)) {}  // NOLINT(google-explicit-constructor)
    template <std::convertible_to<std::string_view> S>
    Service(const S& name) : text_(std::string_view(name)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

// As in <netdb.h>: AF_INET, SOCK_STREAM, IPPROTO_TCP, AI_PASSIVE, ...; 0 for any.
struct AddressInfoOptions {
    int family = 0;
    int type = 0;
    int proto = 0;
    int flags = 0;
};

struct AddressInfo {
    int family = 0;
    int type = 0;
    int proto = 0;
    std::string canonname;  // with AI_CANONNAME
    Address sockaddr;
};

struct NameInfo {
    std::string host;
    std::string service;
};

// The category of EAI_NONAME and its kin.
[[nodiscard]] const std::error_category& name_service_category() noexcept;

namespace io {

// An empty host: any address of this machine with AI_PASSIVE, else its loopback. Blocks.
[[nodiscard]] std::vector<AddressInfo> look_up(const std::string& host, const Service& service,
                                               const AddressInfoOptions& options);
// `address` is numeric; `flags` as NI_NUMERICHOST. Blocks.
[[nodiscard]] NameInfo look_up_name(const Address& address, int flags);

}  // namespace io

}  // namespace weft
