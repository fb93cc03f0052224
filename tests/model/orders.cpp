#include "tests/model/orders.hpp"

#include <algorithm>

#include "tests/model/trace.hpp"

namespace weft::model {

namespace {

const char* name(OrderOf of) {
    switch (of) {
        case OrderOf::load: return "load";
        case OrderOf::store: return "store";
        case OrderOf::change: return "RMW";
        case OrderOf::failure: return "failure";
    }
    return "?";
}

}  // namespace

std::size_t Orders::find(const std::source_location& where, OrderOf of) const {
    const auto same = [&](const Site& site) {
        return site.where.line() == where.line() && site.where.column() == where.column() && site.of == of &&
               std::string_view(site.where.file_name()) == where.file_name();
    };
    return static_cast<std::size_t>(std::find_if(sites_.begin(), sites_.end(), same) - sites_.begin());
}

Order Orders::at(const std::source_location& where, OrderOf of, Order order) {
    const std::size_t site = find(where, of);
    if (site == sites_.size()) sites_.push_back({where, of, order});
    return site == weakened_ ? to_ : order;
}

bool Orders::weaken(const Site& site, Order to) {
    weakened_ = find(site.where, site.of);
    to_ = to;
    if (weakened_ < sites_.size()) return true;
    weakened_ = kNone;
    return false;
}

std::vector<Order> Orders::Site::weaker() const {
    switch (order) {
        case Order::seq_cst:
            if (of == OrderOf::change) return {Order::acq_rel};
            return {of == OrderOf::store ? Order::release : Order::acquire};
        case Order::acq_rel: return {Order::acquire, Order::release};
        case Order::relaxed: return {};
        default: return {Order::relaxed};
    }
}

std::string Orders::Site::place() const { return short_place(where) + ':' + std::to_string(where.column()); }

std::string Orders::Site::text() const { return std::string(name(of)) + ' ' + name_of(order); }

std::vector<Mutant> weaken_each(std::string_view folder, const Limits& limits, const std::vector<Body>& models) {
    std::vector<Orders> orders(models.size());
    std::vector<Orders::Site> sites;
    const auto watched = [&](std::size_t model) {
        Limits with = limits;
        with.orders = &orders[model];
        return explore(with, models[model]);
    };
    for (std::size_t model = 0; model < models.size(); ++model) {
        const Report sound = watched(model);
        if (!sound.passed()) return {{"", "nothing weakened", sound, model}};
        for (const Orders::Site& site : orders[model].met()) {
            const bool wanted = std::string_view(site.where.file_name()).find(folder) != std::string_view::npos;
            const auto known = [&](const Orders::Site& other) {
                return other.place() == site.place() && other.of == site.of;
            };
            if (wanted && std::none_of(sites.begin(), sites.end(), known)) sites.push_back(site);
        }
    }
    std::vector<Mutant> mutants;
    for (const Orders::Site& site : sites) {
        for (const Order to : site.weaker()) {
            Mutant& mutant = mutants.emplace_back(Mutant{site.place(), site.text() + " -> " + name_of(to), {}, 0});
            for (std::size_t model = 0; model < models.size() && mutant.report.passed(); ++model) {
                if (orders[model].weaken(site, to)) mutant = {mutant.place, mutant.text, watched(model), model};
            }
        }
    }
    return mutants;
}

std::vector<std::string> survivors(const std::vector<Mutant>& mutants) {
    std::vector<std::string> texts;
    for (const Mutant& mutant : mutants) {
        if (mutant.report.passed()) texts.push_back(mutant.text);
    }
    return texts;
}

}  // namespace weft::model
