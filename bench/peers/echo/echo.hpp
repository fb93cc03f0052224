// What every server of this problem answers: the very bytes that came, from where they were read to.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace bench {

class Echo {
public:
    [[nodiscard]] std::span<char> room() { return bytes_; }
    [[nodiscard]] bool take(std::size_t size) {
        size_ = size;
        return true;
    }
    [[nodiscard]] std::string_view replies() const { return std::string_view(bytes_.data(), size_); }

private:
    std::array<char, 4096> bytes_;
    std::size_t size_ = 0;
};

}  // namespace bench
