// Options: the command line of the fork_join program.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/machine.hpp"

namespace bench {

inline constexpr std::size_t kMaxLoops = 1024;
inline constexpr std::size_t kMaxRounds = 1'000'000;

inline constexpr std::string_view kUsage =
    "usage: fork_join [--problem fib|skynet|nqueens|matmul|spawn_join|all] [--framework weft|onetbb|sequential|all]\n"
    "                 [--loops 1,2,...] [--rounds N] [--quick] [--json FILE]\n"
    "\n"
    "  --problem    which computation (default: all)\n"
    "  --framework  on what (default: all)\n"
    "  --loops      numbers of loops to run with (default: 1 to the number of usable cores)\n"
    "  --rounds     how often each is measured; medians are given (default: 7)\n"
    "  --quick      smaller problems\n"
    "  --json       write {\"rows\": [...], \"machine\": {...}} to FILE; with -, JSON lines on stdout and no table\n";

// What the user wrote and what was expected, for stderr and exit code 2.
class UsageError : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

struct Options {
    std::vector<std::string> problems{"fib", "skynet", "nqueens", "matmul", "spawn_join"};
    std::vector<std::string> frameworks{"sequential", "onetbb", "weft"};
    std::vector<std::size_t> loops;
    std::size_t rounds = 7;
    bool quick = false;
    bool help = false;
    std::string json;
};

inline std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += name + ", ";
    return text + "all";
}

inline std::size_t parsed_number(std::string_view option, std::string_view value, std::string_view text,
                                 std::size_t greatest, std::string_view expected) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > greatest) {
        throw UsageError(std::string(option) + " " + std::string(value) + ": expected " + std::string(expected) +
                         " from 1 to " + std::to_string(greatest));
    }
    return number;
}

inline std::vector<std::size_t> parsed_loops(std::string_view value) {
    std::vector<std::size_t> loops;
    for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t end = std::min(value.find(',', begin), value.size());
        loops.push_back(parsed_number("--loops", value, value.substr(begin, end - begin), kMaxLoops,
                                      "whole numbers separated by commas, each"));
        begin = end + 1;
    }
    std::sort(loops.begin(), loops.end());
    loops.erase(std::unique(loops.begin(), loops.end()), loops.end());
    return loops;
}

// Keeps of `names` the one that was chosen, or all.
inline void choose(std::vector<std::string>& names, std::string_view option, const std::string& value) {
    if (value == "all") return;
    if (std::find(names.begin(), names.end(), value) == names.end()) {
        throw UsageError(std::string(option) + " " + value + ": expected one of " + joined(names));
    }
    names = {value};
}

inline Options parse(const std::vector<std::string>& arguments) {
    Options options;
    const Options defaults;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& option = arguments[i];
        if (option == "--help" || option == "-h") {
            options.help = true;
            return options;
        }
        if (option == "--quick") {
            options.quick = true;
            continue;
        }
        const bool known = option == "--problem" || option == "--framework" || option == "--loops" ||
                           option == "--rounds" || option == "--json";
        if (!known) {
            throw UsageError(option +
                             ": expected one of --problem, --framework, --loops, --rounds, --quick, --json, --help");
        }
        if (++i == arguments.size()) throw UsageError(option + ": expected a value after it");
        const std::string& value = arguments[i];
        if (option == "--problem") {
            options.problems = defaults.problems;
            choose(options.problems, option, value);
        } else if (option == "--framework") {
            options.frameworks = defaults.frameworks;
            choose(options.frameworks, option, value);
        } else if (option == "--loops") {
            options.loops = parsed_loops(value);
        } else if (option == "--rounds") {
            options.rounds = parsed_number(option, value, value, kMaxRounds, "a whole number");
        } else {
            if (value.empty()) throw UsageError("--json '': expected a file name, or - for stdout");
            options.json = value;
        }
    }
    if (options.loops.empty()) {
        for (std::size_t loops = 1; loops <= usable_cores(); ++loops) options.loops.push_back(loops);
    }
    return options;
}

}  // namespace bench
