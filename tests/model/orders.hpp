// Orders: every memory order that the source spells, as the executions of a model meet it, and one of them weakened.
// An order that can be weakened without a failure is either stronger than needed or not tested.
//
// A site is a place in the source (file, line, column) and which of the two orders of a compare-exchange it is.
// Weakening happens while the model runs: nothing is compiled again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/explorer.hpp"

namespace weft::model {

class Orders {
public:
    // Returns the order to use at this site: the one given, unless it is weakened.
    Order at(const std::source_location& where, OrderOf of, Order order);

    struct Site {
        std::source_location where;
        OrderOf of;
        Order order;

        // The next weaker orders: two for acq_rel, none for relaxed.
        [[nodiscard]] std::vector<Order> weaker() const;
        [[nodiscard]] std::string place() const;  // "spin_lock.hpp:27:9"
        [[nodiscard]] std::string text() const;   // "store release"
    };
    [[nodiscard]] const std::vector<Site>& met() const { return sites_; }
    // False if this site was not met. Replaces the last weakening.
    bool weaken(const Site& site, Order to);

private:
    static constexpr std::size_t kNone = SIZE_MAX;

    [[nodiscard]] std::size_t find(const std::source_location& where, OrderOf of) const;

    std::vector<Site> sites_;
    std::size_t weakened_ = kNone;
    Order to_ = Order::relaxed;
};

struct Mutant {
    std::string place;  // "spin_lock.hpp:27:9"
    std::string text;   // "store release -> relaxed"
    Report report;      // of the first model that noticed, or of the last one that did not
    std::size_t model;  // which one
};

// Weakens each order that the models meet in a file whose path contains `folder`, one at a time, and runs the models
// that meet it until one fails.
std::vector<Mutant> weaken_each(std::string_view folder, const Limits& limits, const std::vector<Body>& models);

// The texts of those that no model noticed, in order of the first meeting.
std::vector<std::string> survivors(const std::vector<Mutant>& mutants);

}  // namespace weft::model
