#include "tests/model/trace.hpp"

#include <cstdio>
#include <map>
#include <string_view>

namespace weft::model {

namespace {

std::string number(Value value) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), value < 100'000 ? "%lu" : "0x%lx", static_cast<unsigned long>(value));
    return text.data();
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text + ' ';
}

}  // namespace

const char* name_of(Order order) {
    switch (order) {
        case Order::relaxed: return "relaxed";
        case Order::consume: return "consume";
        case Order::acquire: return "acquire";
        case Order::release: return "release";
        case Order::acq_rel: return "acq_rel";
        case Order::seq_cst: return "seq_cst";
    }
    return "?";
}

std::string short_place(const std::source_location& where) {
    std::string_view file = where.file_name();
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
    return std::string(file) + ':' + std::to_string(where.line());
}

std::string Trace::text() const {
    std::map<Location, std::string> born;
    for (const Event& event : events_) {
        if (std::string_view(event.verb) == "make") {
            born[event.location] = 'a' + std::to_string(event.location) + '@' + short_place(event.where);
        }
    }
    std::string text;
    for (const Event& event : events_) {
        std::string line = event.thread == 0 ? "body" : "   " + std::to_string(event.thread);
        line = padded(line, 5) + padded(event.verb, 10) + padded(event.order ? name_of(*event.order) : "", 7);
        std::string change;
        if (event.location != Memory::kNone) line += padded(born[event.location], 26);
        if (event.read) change += number(*event.read);
        if (event.written) change += " := " + number(*event.written);
        if (event.behind > 0) change += "  (old: " + std::to_string(event.behind) + " newer)";
        text += padded(line + change, 80) + short_place(event.where) + '\n';
    }
    return text;
}

}  // namespace weft::model
