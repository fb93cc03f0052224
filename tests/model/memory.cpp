#include "tests/model/memory.hpp"

#include <algorithm>

namespace weft::model {

bool Memory::acquires(Order order) {
    return order == Order::acquire || order == Order::acq_rel || order == Order::seq_cst || order == Order::consume;
}

bool Memory::releases(Order order) {
    return order == Order::release || order == Order::acq_rel || order == Order::seq_cst;
}

void Memory::reset() {
    made_ = 0;
    total_ = {};
    for (Views& views : threads_) views = {};
    threads_[0].current.clock[0] = 1;
}

void Memory::fork(Thread parent, Thread child) {
    Views& views = threads_[child];
    const Stamp moment = views.current.clock[child];  // a thread number used again goes on counting
    views.current = views.acquired = views.released = threads_[parent].current;
    views.current.clock[child] = static_cast<Stamp>(std::max(moment, views.current.clock[child]) + 1);
    tick(parent);
}

void Memory::join(Thread parent, Thread child) { threads_[parent].current.join(threads_[child].current); }

Location Memory::make(Value value, Birth birth) {
    if (made_ == kMaxLocations) return kNone;
    const auto location = static_cast<Location>(made_++);
    History& history = locations_[location];
    history.count = 0;
    history.life = {.writer = birth.thread, .written = birth.moment, .read = {}};
    history.alive = true;
    if (history.messages.empty()) history.messages.resize(1);
    history.messages[history.count++] = {value, {}};  // whoever may touch it has seen what its maker had seen
    return location;
}

Access Memory::destroy(Thread thread, Location location) {
    History& history = locations_[location];
    if (!history.alive) return Access::race;
    history.alive = false;
    return write_plain(thread, history.life);
}

Access Memory::touch(Thread thread, Location location) {
    if (location >= made_ || !locations_[location].alive) return Access::race;
    return read_plain(thread, locations_[location].life);
}

Stamp Memory::floor(Thread thread, Location location, Order order) const {
    const Stamp seen = threads_[thread].current.seen(location);
    return order == Order::seq_cst ? std::max(seen, total_.seen(location)) : seen;
}

void Memory::learn(Thread thread, Location location, Stamp stamp, Order order) {
    Views& views = threads_[thread];
    const View& learnt = locations_[location].messages[stamp].view;
    views.current.raise(location, stamp);
    if (acquires(order)) {
        views.current.join(learnt);
    } else {
        views.acquired.join(learnt);
    }
    if (order == Order::seq_cst) total_.raise(location, stamp);
}

Value Memory::load(Thread thread, Location location, Stamp stamp, Order order) {
    learn(thread, location, stamp, order);
    return value(location, stamp);
}

void Memory::append(Thread thread, Location location, Value value, Order order, Stamp replaced) {
    History& history = locations_[location];
    Views& views = threads_[thread];
    const auto stamp = static_cast<Stamp>(history.count++);
    if (history.messages.size() < history.count) history.messages.resize(2 * history.count);
    views.current.raise(location, stamp);
    Message& message = history.messages[stamp];
    message.value = value;
    message.view = releases(order) ? views.current : views.released;
    message.view.raise(location, stamp);
    if (replaced != stamp) message.view.join(history.messages[replaced].view);  // the release sequence
    if (releases(order)) tick(thread);
    if (order == Order::seq_cst) total_.raise(location, stamp);
}

void Memory::store(Thread thread, Location location, Value value, Order order) {
    append(thread, location, value, order, static_cast<Stamp>(newest(location) + 1));
}

void Memory::replace(Thread thread, Location location, Value value, Order order) {
    const Stamp replaced = newest(location);
    learn(thread, location, replaced, order);
    append(thread, location, value, order, replaced);
}

void Memory::fence(Thread thread, Order order) {
    Views& views = threads_[thread];
    if (acquires(order)) views.current.join(views.acquired);
    if (order == Order::seq_cst) {
        views.current.join_seen(total_);
        total_.join_seen(views.current);
    }
    if (releases(order)) {
        views.released = views.current;
        tick(thread);
    }
}

void Memory::hurry(Thread thread, Location location) {
    View& view = threads_[thread].current;
    const Stamp seen = view.seen(location);
    if (seen < newest(location)) view.raise(location, static_cast<Stamp>(seen + 1));
}

Access Memory::read_plain(Thread thread, Epochs& epochs) {
    const auto& clock = threads_[thread].current.clock;
    if (clock[epochs.writer] < epochs.written) return Access::race;
    epochs.read[thread] = clock[thread];
    return Access::ordered;
}

Access Memory::write_plain(Thread thread, Epochs& epochs) {
    const auto& clock = threads_[thread].current.clock;
    if (clock[epochs.writer] < epochs.written) return Access::race;
    for (std::size_t other = 0; other < kMaxThreads; ++other) {
        if (clock[other] < epochs.read[other]) return Access::race;
    }
    epochs.writer = thread;
    epochs.written = clock[thread];
    return Access::ordered;
}

Access Memory::free_plain(Thread thread, Epochs& epochs) {
    const Access access = write_plain(thread, epochs);
    epochs.written = kFreed;
    return access;
}

void Memory::release(Thread thread, View& into) {
    into.join(threads_[thread].current);
    tick(thread);
}

}  // namespace weft::model
