#include "tests/soak/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <random>

namespace weft::soak {

namespace {

constexpr double kMostMinutes = 100000;
constexpr std::size_t kMostLoops = 1024;

// Throws WrongArgument unless all of `word` is a number from `least` to `most`.
template <class Number>
Number number(const std::string& option, const std::string& word, Number least, Number most,
              const std::string& expected) {
    Number value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || !(value >= least && value <= most))
        throw WrongArgument(option + " " + word + ": expected " + expected);
    return value;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

Arguments Arguments::read(const std::vector<std::string>& words, const std::vector<std::string>& parts) {
    Arguments arguments;
    arguments.seed = std::random_device()();
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string& option = words[i];
        if (option != "--minutes" && option != "--seed" && option != "--loops" && option != "--part")
            throw WrongArgument(option + ": expected --minutes, --seed, --loops or --part");
        if (i + 1 == words.size()) throw WrongArgument(option + ": expected a value behind it");
        const std::string& word = words[i + 1];
        if (option == "--minutes") {
            arguments.minutes = number(option, word, 0.001, kMostMinutes, "0.001 to 100000");
        } else if (option == "--seed") {
            arguments.seed = number(option, word, std::uint64_t{0}, ~std::uint64_t{0}, "0 to 2^64 - 1");
        } else if (option == "--loops") {
            arguments.loops = number(option, word, std::size_t{1}, kMostLoops, "1 to 1024");
        } else if (std::find(parts.begin(), parts.end(), word) != parts.end()) {
            arguments.part = word;
        } else {
            throw WrongArgument(option + " " + word + ": expected one of " + joined(parts));
        }
    }
    return arguments;
}

}  // namespace weft::soak
