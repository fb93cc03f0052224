// Skynet: a tree in which every node forks ten children, down to the leaves, which return their own number.
//
// It measures the range form of a fork (a vector of branches, a vector of results). Item: one leaf; there is one inner
// node to every nine of them. The answer is the sum of all leaves' numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <oneapi/tbb/task_group.h>
#include <weft/weft.hpp>

#include "bench/problem.hpp"

namespace bench {

inline constexpr std::size_t kSkynetFanOut = 10;

[[gnu::noinline]] inline std::uint64_t skynet_sequential(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / kSkynetFanOut;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kSkynetFanOut; ++i) sum += skynet_sequential(first + i * share, share);
    return sum;
}

inline std::uint64_t skynet_onetbb(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t share = leaves / kSkynetFanOut;
    std::array<std::uint64_t, kSkynetFanOut> parts{};
    tbb::task_group group;
    for (std::size_t i = 0; i + 1 < kSkynetFanOut; ++i) {
        group.run([&part = parts[i], begin = first + i * share, share] { part = skynet_onetbb(begin, share); });
    }
    parts.back() = skynet_onetbb(first + (kSkynetFanOut - 1) * share, share);
    group.wait();
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) sum += part;
    return sum;
}

inline weft::Coro<std::uint64_t> skynet_weft(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    const std::uint64_t share = leaves / kSkynetFanOut;
    std::vector<weft::Coro<std::uint64_t>> branches;
    branches.reserve(kSkynetFanOut);
    for (std::size_t i = 0; i < kSkynetFanOut; ++i) branches.push_back(skynet_weft(first + i * share, share));
    const std::vector<std::uint64_t> parts = co_await weft::fork_join(std::move(branches));
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) sum += part;
    co_return sum;
}

class Skynet final : public Problem {
public:
    explicit Skynet(bool quick) : leaves_(quick ? kQuickLeaves : kLeaves) {}

    [[nodiscard]] std::string_view name() const override { return "skynet"; }
    [[nodiscard]] std::string_view item() const override { return "leaf"; }
    [[nodiscard]] double items() const override { return static_cast<double>(leaves_); }

    void reset() override { answer_ = 0; }
    void run_sequential() override { answer_ = skynet_sequential(0, leaves_); }
    void run_onetbb() override { answer_ = skynet_onetbb(0, leaves_); }
    weft::Coro<> run_weft() override { answer_ = co_await skynet_weft(0, leaves_); }

    [[nodiscard]] std::uint64_t answer() const override { return answer_; }
    [[nodiscard]] std::uint64_t expected() const override { return leaves_ * (leaves_ - 1) / 2; }

private:
    static constexpr std::uint64_t kLeaves = 10'000'000;
    static constexpr std::uint64_t kQuickLeaves = 1'000'000;

    std::uint64_t leaves_;
    std::uint64_t answer_ = 0;
};

}  // namespace bench
