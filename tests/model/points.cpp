#include "tests/model/points.hpp"

#include <algorithm>
#include <utility>

namespace weft::model {

void Points::visit(Thread thread, Location location, const std::source_location& where, bool writes) {
    if (visits_.size() <= location) visits_.resize(location + std::size_t{1});
    Visits& visits = visits_[location];
    visits.threads = static_cast<std::uint8_t>(visits.threads | 1U << thread);
    visits.written |= writes;
    if (contain(where)) return;
    const std::uint64_t place = key(where);
    if (std::find(visits.at.begin(), visits.at.end(), place) == visits.at.end()) visits.at.push_back(place);
}

bool Points::learn() {
    const std::size_t before = known_.size();
    for (Visits& visits : visits_) {
        const bool shared = (visits.threads & (visits.threads - 1U)) != 0;
        if (shared && visits.written) known_.insert(visits.at.begin(), visits.at.end());
        visits.threads = 0;
        visits.written = false;
        visits.at.clear();
    }
    return std::exchange(known_to_spin_, spins_) != spins_ || known_.size() != before;
}

}  // namespace weft::model
