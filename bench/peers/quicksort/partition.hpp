// The numbers of quicksort, and how they are partitioned.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace bench {

// Fewer numbers than that are left to std::sort.
inline constexpr std::size_t kFewNumbers = 512;

// The same numbers every time, from xorshift64. Returns their sum modulo 2^64.
inline std::uint64_t fill(std::vector<std::uint64_t>& numbers) {
    std::uint64_t state = 88172645463325252U;
    std::uint64_t sum = 0;
    for (std::uint64_t& number : numbers) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        number = state;
        sum += number;
    }
    return sum;
}

inline bool check(const std::vector<std::uint64_t>& numbers, std::uint64_t sum) {
    return std::is_sorted(numbers.begin(), numbers.end()) &&
           std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0}) == sum;
}

// Hoare's partition of at least two numbers around the middle one: none left of the result is greater than any from
// there on, and neither side is empty.
inline std::uint64_t* partition(std::uint64_t* first, std::uint64_t* last) {
    const std::uint64_t pivot = first[(last - first - 1) / 2];
    std::uint64_t* left = first;
    std::uint64_t* right = last - 1;
    for (;; ++left, --right) {
        while (*left < pivot) ++left;
        while (*right > pivot) --right;
        if (left >= right) return right + 1;
        std::swap(*left, *right);
    }
}

}  // namespace bench
