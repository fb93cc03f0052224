// Sites: every access to an atomic that the source spells, as the executions of a model meet them, and one of them
// spoiled. What can be spoiled without a failure is either more than is needed or not tested.
//
// A site is a place in the source (file, line, column) and which of the two orders of a compare-exchange it is.
// Spoiling happens while the model runs: nothing is compiled again.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include "tests/model/memory.hpp"

namespace weft::model {

// Which order of an access it is: a compare-exchange has two.
enum class OrderOf : std::uint8_t { load, store, change, exchange, failure };

struct Site {
    std::source_location where;
    OrderOf of;  // exchange: the compare-exchange that succeeds
    Order order;
    bool changes = false;  // a read-modify-write or a compare-exchange that has left another value than it found
    bool guess = false;    // a load, behind which the same thread has compare-exchanged: that asks again

    [[nodiscard]] bool is(const std::source_location& place, OrderOf its) const;
    [[nodiscard]] std::string place() const;  // "scheduler/spin_lock.hpp:27:9"
    [[nodiscard]] std::string text() const;   // "store release"
};

// What can be wrong with a site.
enum class Fault : std::uint8_t {
    none,
    weaker,  // another order than spelled
    lost,    // a store, a read-modify-write or a compare-exchange that says it was done, and was not
    torn,    // a read-modify-write or a compare-exchange that is a load and a store, and others come between
    unchecked,  // a compare-exchange that does not compare
    blind,   // a load that finds what was there in the beginning: what it was to find out is not looked for
};

struct Mutation {
    Site site;
    Fault fault = Fault::none;
    Order to = Order::relaxed;

    [[nodiscard]] std::string text() const;  // "store release -> relaxed", "RMW lost"
};

class Sites {
public:
    // Collects the sites that are met.
    Sites() = default;
    // Spoils one.
    explicit Sites(const Mutation& mutation) : mutation_(mutation) {}

    // Returns the order to use at this site: the one given, unless it is the mutation's.
    Order order(const std::source_location& where, OrderOf of, Order order) {
        if (mutation_.fault == Fault::none) {
            collect({where, of, order});
        } else if (mutation_.fault == Fault::weaker && mutation_.site.is(where, of)) {
            return mutation_.to;
        }
        return order;
    }
    [[nodiscard]] bool has(Fault fault, const std::source_location& where, OrderOf of) const {
        return mutation_.fault == fault && mutation_.site.is(where, of);
    }

    // What was seen of them.
    void guess(const std::source_location& where);
    void change(const std::source_location& where, OrderOf of);

    // In the order of their first meeting.
    [[nodiscard]] const std::vector<Site>& met() const { return met_; }

private:
    void collect(const Site& site);

    Mutation mutation_{};
    std::vector<Site> met_;
};

// All that can be wrong with it.
std::vector<Mutation> mutations_of(const Site& site);

}  // namespace weft::model
