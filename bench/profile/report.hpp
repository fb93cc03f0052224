// Report: how a program of bench/profile/ profiles the kernel of a program of bench/peers/, and what it prints: one line
// of JSON, of the pass with the median work. Called as its peer is: program LOOPS SIZE.
//
// The kernel is the peer's very source, included with its main under another name: what is profiled is what is measured.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace bench {

struct ProfiledPass {
    weft::Profile profile;
    std::uint64_t answer;
};

template <class Pass>
weft::Coro<std::vector<ProfiledPass>> profile_passes(std::size_t size, Pass pass) {
    constexpr int kPasses = 5;
    std::vector<ProfiledPass> passes;
    (void)co_await pass(size);  // first page faults, cold caches
    for (int i = 0; i < kPasses; ++i) passes.push_back(co_await pass(size));
    co_return passes;
}

// `pass`: from a size to a Coro<ProfiledPass>.
template <class Pass>
int report_profile(int argc, char** argv, Pass pass) {
    const Passes arguments(argc, argv);
    std::vector<ProfiledPass> passes =
        weft::run(profile_passes(arguments.size(), pass), {.loops = static_cast<int>(arguments.loops())});
    std::sort(passes.begin(), passes.end(),
              [](const ProfiledPass& a, const ProfiledPass& b) { return a.profile.work < b.profile.work; });
    const ProfiledPass& median = passes[passes.size() / 2];
    const weft::Profile& found = median.profile;
    std::printf("{\"work_ns\": %lld, \"span_ns\": %lld, \"burdened_span_ns\": %lld, \"forks\": %llu, \"strands\": %llu",
                static_cast<long long>(found.work.count()), static_cast<long long>(found.span.count()),
                static_cast<long long>(found.burdened_span.count()), static_cast<unsigned long long>(found.forks),
                static_cast<unsigned long long>(found.strands));
    std::printf(", \"parallelism\": %.2f, \"speed_up\": {", found.parallelism());
    const char* separator = "";
    for (const int cores : {2, 8, 32}) {
        const auto [least, most] = found.speed_up(cores);
        std::printf("%s\"%d\": [%.3f, %.3f]", separator, cores, least, most);
        separator = ", ";
    }
    std::printf("}, \"answer\": %llu}\n", static_cast<unsigned long long>(median.answer));
    return 0;
}

}  // namespace bench
