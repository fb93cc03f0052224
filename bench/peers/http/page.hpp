// What every minimal server of this problem answers: the page, once for each request that has come whole. The request
// line is compared with `GET / HTTP/1.1`, the end of the head is searched for, header lines are not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace bench {

class Page {
public:
    [[nodiscard]] std::span<char> room() { return std::span(bytes_).subspan(size_); }
    // Requests that have come in one piece are answered in one piece.
    [[nodiscard]] bool take(std::size_t size) {
        size_ += size;
        replies_.clear();
        std::string_view unread(bytes_.data(), size_);
        for (;;) {
            const std::size_t end = unread.find(kEndOfHead);
            if (end == std::string_view::npos) break;
            if (!unread.starts_with(kRequestLine)) return false;
            replies_ += kReply;
            unread.remove_prefix(end + kEndOfHead.size());
        }
        size_ = unread.size();
        if (size_ != 0) std::memmove(bytes_.data(), unread.data(), size_);
        return size_ < bytes_.size();
    }
    [[nodiscard]] std::string_view replies() const { return replies_; }

private:
    static constexpr std::string_view kRequestLine = "GET / HTTP/1.1\r\n";
    static constexpr std::string_view kEndOfHead = "\r\n\r\n";
    static constexpr std::string_view kReply =
        "HTTP/1.1 200 OK\r\nServer: weft\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";

    std::array<char, 4096> bytes_;
    std::size_t size_ = 0;
    std::string replies_;
};

}  // namespace bench
