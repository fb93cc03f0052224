#include "tests/model/trail.hpp"

#include <charconv>
#include <stdexcept>

namespace weft::model {

namespace {

// Takes a number off the front of `text`.
std::uint32_t number(std::string_view& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) throw std::invalid_argument("not a trail of choices: " + std::string(text));
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

bool Trail::advance() {
    while (!choices_.empty()) {
        Choice& last = choices_.back();
        if (++last.chosen < last.count) return true;
        choices_.pop_back();
    }
    return false;
}

std::string Trail::text() const {
    std::string text;
    std::size_t size = choices_.size();
    while (size > 0 && choices_[size - 1].chosen == 0) --size;
    for (std::size_t i = 0; i < size;) {
        std::size_t run = 1;
        while (i + run < size && choices_[i + run].chosen == choices_[i].chosen) ++run;
        if (!text.empty()) text += ',';
        if (run > 1) text += std::to_string(run) + 'x';
        text += std::to_string(choices_[i].chosen);
        i += run;
    }
    return text;
}

std::vector<std::uint32_t> Trail::parse(std::string_view text) {
    std::vector<std::uint32_t> choices;
    while (!text.empty()) {
        std::uint32_t chosen = number(text);
        std::uint32_t run = 1;
        if (take(text, 'x')) {
            run = chosen;
            chosen = number(text);
        }
        choices.insert(choices.end(), run, chosen);
        if (!take(text, ',') && !text.empty()) throw std::invalid_argument("not a trail of choices");
    }
    return choices;
}

}  // namespace weft::model
