#include "io/kernel_address.hpp"

#include <netdb.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "io/resolve.hpp"

namespace weft::io {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// Null, and the code, if the host is no number.
AddressList numeric(int family, const Address& address, int& code) {
    addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* first = nullptr;
    code = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &first);
    return AddressList(code == 0 ? first : nullptr, &::freeaddrinfo);
}

KernelAddress unix_address(const std::string& name) {
    KernelAddress kernel;
    auto& path = reinterpret_cast<sockaddr_un&>(kernel.storage);
    if (name.size() >= sizeof path.sun_path)
        throw std::invalid_argument("the path of a Unix socket is too long: " + name);
    path.sun_family = AF_UNIX;
    std::memcpy(path.sun_path, name.data(), name.size());
    // An abstract name (its first byte is 0) is as long as it is, a path ends with a 0.
    const std::size_t end = !name.empty() && name.front() != '\0' ? 1 : 0;
    kernel.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + end);
    return kernel;
}

Address unix_name(const KernelAddress& kernel) {
    if (kernel.size <= offsetof(sockaddr_un, sun_path)) return {};
    const auto& path = reinterpret_cast<const sockaddr_un&>(kernel.storage);
    const std::string_view name(path.sun_path, kernel.size - offsetof(sockaddr_un, sun_path));
    return Address(name.front() == '\0' ? name : name.substr(0, name.find('\0')));
}

}  // namespace

KernelAddress kernel_address(int family, const Address& address) {
    if (family == AF_UNIX) return unix_address(address.host);
    int code = 0;
    const AddressList list = numeric(family, address, code);
    if (code != 0) throw std::system_error(code, name_service_category(), "address \"" + address.host + "\"");
    KernelAddress kernel;
    kernel.size = list->ai_addrlen;
    std::memcpy(&kernel.storage, list->ai_addr, list->ai_addrlen);
    return kernel;
}

Address address_of(const KernelAddress& kernel) {
    if (kernel.size < sizeof(sa_family_t)) return {};
    if (kernel.storage.ss_family == AF_UNIX) return unix_name(kernel);
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    const int code = ::getnameinfo(kernel.get(), kernel.size, host.data(), host.size(), service.data(), service.size(),
                                   NI_NUMERICHOST | NI_NUMERICSERV);
    if (code != 0) throw std::system_error(code, name_service_category(), "a socket's address");
    return Address(host.data(), static_cast<std::uint16_t>(std::stoul(service.data())));
}

bool is_numeric(int family, const Address& address) {
    if (family == AF_UNIX) return true;
    int code = 0;
    (void)numeric(family, address, code);
    return code == 0;
}

}  // namespace weft::io
