// The accesses of an Execution: what a load may read, what a change does, which accesses are spoiled, what a race is.
#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "tests/model/execution.hpp"
#include "tests/model/inside.hpp"

extern "C" const char __executable_start;  // the linker's

namespace weft::model {

void Execution::tell(Trace::Event event) {
    if (trace_ == nullptr) [[likely]]
        return;
    event.thread = running_;
    trace_->add(event);
}

Order Execution::ordered(const Where& where, OrderOf of, Order order) const {
    return limits_.sites == nullptr ? order : limits_.sites->order(where, of, order);
}

bool Execution::has(Fault fault, const Where& where, OrderOf of) const {
    return limits_.sites != nullptr && limits_.sites->has(fault, where, of);
}

void Execution::guesses(Location location, const Where& where) {
    auto& all = threads_[running_].guesses;
    const auto known = std::find_if(all.begin(), all.end(), [&](const auto& guess) { return guess.first == location; });
    if (known == all.end()) {
        all.emplace_back(location, where);
    } else {
        known->second = where;
    }
}

void Execution::checks_guess(Location location) {
    for (const auto& [guessed, where] : threads_[running_].guesses) {
        if (guessed == location) limits_.sites->guess(where);
    }
}

void Execution::touch(Location location, const Where& where) {
    if (memory_.touch(running_, location) == Access::race) [[unlikely]]
        fail("an atomic is used while it is made or destroyed", {}, &where);
}

void Execution::looked_at(Location location) {
    VirtualThread& self = threads_[running_];
    if (!std::exchange(self.has_looked[location], true)) self.looks.push_back(location);
    self.news_known = news_;
}

// Whoever spins shall look again. A store of the same value is no news, or two spinners would wake each other for ever.
void Execution::stored(Location, Value before, Value after) {
    if (before == after) return;
    ++news_;
    ++threads_[running_].news_known;
    patience_ = 0;
    for (VirtualThread& thread : threads_) {
        if (thread.state == State::spinning) thread.state = State::ready;
    }
}

Execution::Seat Execution::unseated() {
    if (the_running_ == nullptr) return {};
    return {the_running_->number_, Memory::kNone, the_running_->memory_.birth(the_running_->running_)};
}

void Execution::seat(Seat& seat, Value value, const Where& where) {
    const Inside inside(*this);
    if (seat.run != number_) seat = {number_, Memory::kNone, {}};  // it is older than this execution
    seat.location = memory_.make(value, seat.birth);
    if (seat.location == Memory::kNone) fail("more atomics in one execution than kMaxLocations");
    tell({.verb = "make", .location = seat.location, .written = value, .where = where});
}

void Execution::leave(const Seat& seat) {
    const Inside inside(*this);
    if (seat.run != number_ || seat.location == Memory::kNone) return;
    if (memory_.destroy(running_, seat.location) == Access::race)
        fail("an atomic is destroyed while another thread uses it");
}

Stamp Execution::oldest_news(Order order) const {
    const VirtualThread& self = threads_[running_];
    const bool could_have_read = self.overtaken && self.only_stores && order != Order::seq_cst && !redundant_;
    return could_have_read ? static_cast<Stamp>(self.newest + 1) : Stamp{0};
}

Stamp Execution::oldest_to_read(Location location, Order order, const Where& where) const {
    const Stamp newest = memory_.newest(location);
    const auto& reads = threads_[running_].old_reads;
    Stamp oldest = std::max(memory_.floor(running_, location, order), oldest_news(order));
    while (oldest < newest &&
           std::cmp_greater_equal(std::count(reads.begin(), reads.end(), old_read(location, oldest, where)), kOldReads))
        ++oldest;
    return oldest;
}

// The body has seen all that there is.
Value Execution::load_in_body(Location location, const Where& where) {
    const Inside inside(*this);
    touch(location, where);
    const Value value = memory_.value(location, memory_.newest(location));
    tell({.verb = "load", .location = location, .read = value, .where = where});
    return value;
}

Value Execution::load(Location location, Order order, const Where& where) {
    if (running_ == 0) return load_in_body(location, where);
    const Inside inside(*this);
    order = ordered(where, OrderOf::load, order);
    before_access(location, Effect::reads, where, order);
    touch(location, where);
    if (limits_.sites != nullptr) {
        if (has(Fault::blind, where, OrderOf::load)) {
            did(0);
            return memory_.value(location, 0);
        }
        guesses(location, where);
    }
    const Stamp newest = memory_.newest(location);
    Stamp behind = 0;
    if (limits_.reads == Reads::any_allowed) {
        const Stamp oldest = std::min(newest, oldest_to_read(location, order, where));
        behind = static_cast<Stamp>(ask(static_cast<std::uint32_t>(newest - oldest) + 1));
    }
    if (behind != 0) {
        const auto stamp = static_cast<Stamp>(newest - behind);
        threads_[running_].old_reads.push_back(old_read(location, stamp, where));
    }
    const Value value = memory_.load(running_, location, static_cast<Stamp>(newest - behind), order);
    looked_at(location);
    did(static_cast<std::uint64_t>(newest - behind), order);
    tell({.verb = "load", .location = location, .order = order, .read = value, .behind = behind, .where = where});
    return value;
}

void Execution::store(Location location, Value value, Order order, const Where& where) {
    const Inside inside(*this);
    order = ordered(where, OrderOf::store, order);
    before_access(location, Effect::writes, where);
    touch(location, where);
    if (has(Fault::lost, where, OrderOf::store)) {
        did(0);
        return;
    }
    const Value before = memory_.value(location, memory_.newest(location));
    memory_.store(running_, location, value, order);
    did(memory_.newest(location), order);
    stored(location, before, value);
    tell({.verb = "store", .location = location, .order = order, .written = value, .where = where});
}

Value Execution::take(Location location, const Where& where) {
    const Inside inside(*this);
    before_access(location, Effect::writes, where);
    touch(location, where);
    const Value value = memory_.value(location, memory_.newest(location));
    tear(location, OrderOf::change, where);
    return value;
}

void Execution::tear(Location location, OrderOf of, const Where& where) {
    if (!has(Fault::torn, where, of)) return;
    did(0);  // it is another state
    chosen(false);
    before_access(location, Effect::writes, where);
}

void Execution::put(Location location, Value value, Order order, OrderOf of, const char* verb, const Where& where) {
    const Inside inside(*this);
    order = ordered(where, of, order);
    const Value before = memory_.value(location, memory_.newest(location));
    if (limits_.sites != nullptr && value != before) limits_.sites->change(where, of);
    if (has(Fault::lost, where, of)) value = before;
    memory_.replace(running_, location, value, order);
    did(2 * std::uint64_t{memory_.newest(location)}, order);
    looked_at(location);
    stored(location, before, value);
    tell({.verb = verb, .location = location, .order = order, .read = before, .written = value, .where = where});
}

// What may happen, in the order in which it is tried: success, or failure with the newest value; a spurious failure;
// failure with one of the older values that differ from the expected one.
bool Execution::compare_exchange(Location location, Value& expected, Value desired, Order success, Order failure,
                                 Strength strength, const Where& where) {
    const Inside inside(*this);
    failure = ordered(where, OrderOf::failure, failure);
    before_access(location, Effect::writes, where);
    touch(location, where);
    if (limits_.sites != nullptr) checks_guess(location);
    const Stamp newest = memory_.newest(location);
    if (has(Fault::unchecked, where, OrderOf::exchange)) {
        put(location, desired, success, OrderOf::exchange, "CAS", where);
        return true;
    }
    const Stamp news = oldest_news(failure);
    std::array<Stamp, 64> failing;
    std::size_t count = 0;
    if (memory_.value(location, newest) != expected) {
        redundant_ |= newest < news;
    } else if (strength == Strength::weak && spurious_ < limits_.spurious_failures && newest >= news) {
        failing[count++] = newest;
    }
    if (limits_.reads == Reads::any_allowed) {
        const Stamp floor = std::max(memory_.floor(running_, location, failure), news);
        if (newest >= floor && newest - floor + count > failing.size())
            fail("a compare-exchange may read more messages than are tried");
        for (Stamp stamp = newest; stamp-- > floor && count < failing.size();) {
            if (memory_.value(location, stamp) != expected) failing[count++] = stamp;
        }
    }
    const std::uint32_t chosen = ask(static_cast<std::uint32_t>(count) + 1);
    const Stamp read = chosen == 0 ? newest : failing[chosen - 1];
    if (chosen == 0 && memory_.value(location, newest) == expected) {
        tear(location, OrderOf::exchange, where);
        put(location, desired, success, OrderOf::exchange, "CAS", where);
        return true;
    }
    if (chosen != 0 && read == newest) ++spurious_;
    expected = memory_.load(running_, location, read, failure);
    did(2 * std::uint64_t{read} + 1, failure);
    looked_at(location);
    tell({.verb = "CAS failed",
          .location = location,
          .order = failure,
          .read = expected,
          .behind = static_cast<Stamp>(newest - read),
          .where = where});
    return false;
}

void Execution::fence(Order order, const Where& where) {
    const Inside inside(*this);
    before_step({0, Effect::anything}, nullptr);
    memory_.fence(running_, order);
    did(++fences_);
    for (Thread thread = 1; thread < count_; ++thread) did(threads_[thread].past_of_seq_cst);  // what it has seen of S
    tell({.verb = "fence", .order = order, .where = where});
}

void Execution::read_plain(Epochs& epochs, const Where& where) {
    const Inside inside(*this);
    tell({.verb = "read", .where = where});
    if (memory_.read_plain(running_, epochs) == Access::race) fail("data race: read beside a write", {}, &where);
}

void Execution::write_plain(Epochs& epochs, const Where& where) {
    const Inside inside(*this);
    tell({.verb = "write", .where = where});
    if (memory_.write_plain(running_, epochs) == Access::race)
        fail("data race: write beside another access", {}, &where);
}

// Told as a race is found, in words that `addr2line -e <the program>` understands.
void Execution::check_memory(Access (Memory::*access)(Thread, Epochs&), const void* address, std::size_t bytes,
                             const void* caller) {
    if (ThreadLocals::contain(address)) return;
    const Inside inside(*this);
    if (plain_.full()) fail("more plain memory in one execution than PlainMemory holds");
    bool freed = false;
    const auto ordered = [&](Epochs& epochs) {
        freed = epochs.written == Memory::kFreed;
        return (memory_.*access)(running_, epochs) == Access::ordered;
    };
    if (plain_.each(reinterpret_cast<std::uintptr_t>(address), bytes, ordered)) return;
    std::array<char, 120> text{};
    std::snprintf(text.data(), text.size(), "%s: %s of %zu bytes at pc 0x%zx", freed ? "freed memory" : "data race",
                  access == &Memory::read_plain ? "read" : "write", bytes,
                  static_cast<std::size_t>(static_cast<const char*>(caller) - &__executable_start));
    fail(text.data());
}

void Execution::read_memory(const void* address, std::size_t bytes, const void* caller) {
    check_memory(&Memory::read_plain, address, bytes, caller);
}

void Execution::write_memory(const void* address, std::size_t bytes, const void* caller) {
    check_memory(&Memory::write_plain, address, bytes, caller);
}

int Execution::change_count(int& count, int by, Order order, const Where* spelled) {
    const Inside inside(*this);
    const Where where = spelled != nullptr ? *spelled : Where::current();
    if (running_ != 0) step(&count, "count", where);
    const int before = count;
    if (running_ != 0 && spelled != nullptr && limits_.sites != nullptr) {
        order = ordered(where, OrderOf::change, order);
        limits_.sites->change(where, OrderOf::change);
        if (has(Fault::torn, where, OrderOf::change)) step(&count, "count", where);
        if (has(Fault::lost, where, OrderOf::change)) return before;
    }
    count = before + by;
    View& known = counts_[&count];
    if (Memory::acquires(order)) acquire(&count, known);
    if (Memory::releases(order)) release(&count, known);
    return before;
}

void Execution::allocated(const void* address, std::size_t bytes) {
    if (inside_) return;
    ++blocks_;
    const Inside inside(*this);  // what is known of an old count is the explorer's own memory
    plain_.forget(reinterpret_cast<std::uintptr_t>(address), bytes);
    const auto* begin = static_cast<const char*>(address);
    std::erase_if(counts_, [&](const auto& count) { return count.first >= begin && count.first < begin + bytes; });
}

// The body's frees count, too, behind its threads; but only by their first byte: nobody else runs, and a Loop is large.
void Execution::freed(const void* address, std::size_t bytes, const void* caller) {
    if (inside_) return;
    --blocks_;
    if (count_ > 1) check_memory(&Memory::free_plain, address, running_ == 0 ? 1 : bytes, caller);
}

void* Execution::take_spare(std::size_t bytes) { return inside_ ? nullptr : spare_.take(bytes); }

bool Execution::keep_spare(void* block) {
    if (inside_) return false;
    const Inside inside(*this);
    return spare_.keep(block);
}

}  // namespace weft::model
