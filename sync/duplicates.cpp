#include "sync/duplicates.hpp"

#include <algorithm>

namespace weft::sync {

// Mostly there are none: then a sorted copy of the addresses is all it takes (a hash set costs an allocation a handle).
std::vector<bool> find_duplicates(const std::vector<FutureState*>& states) {
    std::vector<FutureState*> sorted = states;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) == sorted.end()) return {};
    const auto [first, last] = std::ranges::unique(sorted);
    sorted.erase(first, last);
    std::vector<bool> seen(sorted.size());
    std::vector<bool> again;
    again.reserve(states.size());
    for (FutureState* const state : states) {
        const auto place = static_cast<std::size_t>(std::ranges::lower_bound(sorted, state) - sorted.begin());
        again.push_back(seen[place]);
        seen[place] = true;
    }
    return again;
}

}  // namespace weft::sync
