#include "io/resolve.hpp"

#include <netdb.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "io/kernel_address.hpp"

namespace weft {

namespace {

class NameServiceCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "name service"; }
    [[nodiscard]] std::string message(int code) const override { return ::gai_strerror(code); }
};

void check(int code, const std::string& text) {
    if (code == 0) return;
    if (code == EAI_SYSTEM) throw std::system_error(errno, std::generic_category(), text);
    throw std::system_error(code, name_service_category(), text);
}

Address address_in(const addrinfo& info) {
    io::KernelAddress kernel;
    kernel.size = info.ai_addrlen;
    std::memcpy(&kernel.storage, info.ai_addr, info.ai_addrlen);
    return io::address_of(kernel);
}

}  // namespace

const std::error_category& name_service_category() noexcept {
    static const NameServiceCategory category;
    return category;
}

namespace io {

std::vector<AddressInfo> look_up(const std::string& host, const Service& service, const AddressInfoOptions& options) {
    addrinfo hints{};
    hints.ai_family = options.family;
    hints.ai_socktype = options.type;
    hints.ai_protocol = options.proto;
    hints.ai_flags = options.flags;
    addrinfo* first = nullptr;
    const char* const port = service.text().empty() ? "0" : service.text().c_str();
    const int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port, &hints, &first);
    check(code, "getaddrinfo(\"" + host + "\", \"" + service.text() + "\")");
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(first, &::freeaddrinfo);
    std::vector<AddressInfo> infos;
    for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
        infos.push_back({.family = info->ai_family,
                         .type = info->ai_socktype,
                         .proto = info->ai_protocol,
                         .canonname = info->ai_canonname == nullptr ? "" : info->ai_canonname,
                         .sockaddr = address_in(*info)});
    }
    return infos;
}

NameInfo look_up_name(const Address& address, int flags) {
    const KernelAddress kernel = kernel_address(AF_UNSPEC, address);
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    const int code =
        ::getnameinfo(kernel.get(), kernel.size, host.data(), host.size(), service.data(), service.size(), flags);
    check(code, "getnameinfo(\"" + address.host + "\", " + std::to_string(address.port) + ")");
    return {.host = host.data(), .service = service.data()};
}

}  // namespace io

}  // namespace weft
