#include "tests/model/sites.hpp"

#include <algorithm>
#include <string_view>

#include "tests/model/trace.hpp"

namespace weft::model {

namespace {

const char* name(OrderOf of) {
    switch (of) {
        case OrderOf::load: return "load";
        case OrderOf::store: return "store";
        case OrderOf::change: return "RMW";
        case OrderOf::exchange: return "CAS";
        case OrderOf::failure: return "CAS failure";
    }
    return "?";
}

// The next weaker orders: two for acq_rel, none for relaxed.
std::vector<Order> weaker(const Site& site) {
    switch (site.order) {
        case Order::seq_cst:
            if (site.of == OrderOf::change || site.of == OrderOf::exchange) return {Order::acq_rel};
            return {site.of == OrderOf::store ? Order::release : Order::acquire};
        case Order::acq_rel: return {Order::acquire, Order::release};
        case Order::relaxed: return {};
        default: return {Order::relaxed};
    }
}

}  // namespace

bool Site::is(const std::source_location& place, OrderOf its) const {
    return where.line() == place.line() && where.column() == place.column() && of == its &&
           std::string_view(where.file_name()) == place.file_name();
}

std::string Site::place() const {
    std::string_view file = where.file_name();
    const std::size_t folder = file.rfind('/', file.rfind('/') - 1);
    if (folder != std::string_view::npos) file.remove_prefix(folder + 1);
    return std::string(file) + ':' + std::to_string(where.line()) + ':' + std::to_string(where.column());
}

std::string Site::text() const { return std::string(name(of)) + ' ' + name_of(order); }

std::string Mutation::text() const {
    switch (fault) {
        case Fault::none: return "nothing";
        case Fault::weaker: return site.text() + " -> " + name_of(to);
        case Fault::lost: return std::string(name(site.of)) + " lost";
        case Fault::torn: return std::string(name(site.of)) + " torn";
        case Fault::unchecked: return std::string(name(site.of)) + " unchecked";
        case Fault::blind: return std::string(name(site.of)) + " blind";
    }
    return "?";
}

void Sites::collect(const Site& site) {
    const auto known = [&](const Site& other) { return other.is(site.where, site.of); };
    if (std::none_of(met_.begin(), met_.end(), known)) met_.push_back(site);
}

void Sites::guess(const std::source_location& where) {
    for (Site& site : met_) site.guess |= site.is(where, OrderOf::load);
}

void Sites::change(const std::source_location& where, OrderOf of) {
    for (Site& site : met_) site.changes |= site.is(where, of);
}

std::vector<Mutation> mutations_of(const Site& site) {
    std::vector<Mutation> mutations;
    for (const Order to : weaker(site)) mutations.push_back({site, Fault::weaker, to});
    // A relaxed store is a part of what another access publishes, a hint or a count: no transition by itself.
    if ((site.of == OrderOf::store && site.order != Order::relaxed) || site.changes)
        mutations.push_back({site, Fault::lost, site.order});
    if (site.of == OrderOf::change || site.of == OrderOf::exchange)
        mutations.push_back({site, Fault::torn, site.order});
    if (site.of == OrderOf::exchange) mutations.push_back({site, Fault::unchecked, site.order});
    // A relaxed load is a hint, or looks at what nobody else changes.
    if (site.of == OrderOf::load && site.order != Order::relaxed && !site.guess)
        mutations.push_back({site, Fault::blind, site.order});
    return mutations;
}

}  // namespace weft::model
