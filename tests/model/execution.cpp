#include "tests/model/execution.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <utility>

#include "tests/model/inside.hpp"

namespace weft::model {

Execution& Execution::current() {
    if (the_running_ == nullptr) std::abort();  // an atomic of the model lives only inside explore()
    return *the_running_;
}

void Execution::run(Search& search, const std::function<void()>& body, Trace* trace) {
    search_ = &search;
    trace_ = trace;
    failure_.clear();
    memory_.reset();
    plain_.reset();
    spare_.clear();
    count_ = 1;
    running_ = 0;
    to_settle_ = 0;
    preemptions_ = spurious_ = steps_ = 0;
    news_ = 0;
    patience_ = roused_ = 0;
    inside_ = true;
    redundant_ = false;
    chosen(false);
    spelled_out_.clear();
    orders_.clear();
    counts_.clear();
    fences_ = 0;
    blocks_ = 0;
    picks_ = known_from_ = 0;
    threads_[0].past = 1;
    number_ = ++runs_;
    ThreadLocals own;
    own.save();
    the_running_ = this;
    threads_[0].fiber.start([&] { run_body(body); });
    threads_[0].locals.begin();
    threads_[0].locals.restore();
    home_.switch_to(threads_[0].fiber);
    the_running_ = nullptr;
    own.restore();
    if (search.diverged()) failure_ = "the model is not deterministic; without that: " + failure_;
}

void Execution::run_body(const std::function<void()>& body) {
    inside_ = false;
    try {
        body();
    } catch (const std::exception& e) {
        fail("the body throws ", e.what());
    }
    inside_ = true;
    threads_[0].fiber.switch_to(home_);
}

// --- threads ------------------------------------------------------------------------------------

void Execution::together(const std::vector<std::function<void()>>& functions, std::size_t settled) {
    const Inside inside(*this);
    if (running_ != 0 || functions.size() >= kMaxThreads) fail("together: too many threads");
    count_ = functions.size() + 1;
    for (Thread thread = 1; thread < count_; ++thread) {
        memory_.fork(0, thread);
        VirtualThread& self = threads_[thread];
        self.state = State::ready;
        self.has_deadline = self.preempted = self.asleep = false;
        self.forget_looks();
        self.guesses.clear();
        self.old_reads.clear();
        self.news_known = news_;
        self.past = threads_[0].past + thread;
        self.past_of_seq_cst = 0;
        self.locals.begin();
        self.fiber.start([this, function = &functions[thread - 1U]] { run_thread(*function); });
    }
    to_settle_ = settled;
    settling_ = 0;
    switch_to(pick());
    for (Thread thread = 1; thread < count_; ++thread) {
        memory_.join(0, thread);
        did(threads_[thread].past);
    }
}

void Execution::run_thread(const std::function<void()>& function) {
    chosen(true);
    inside_ = false;
    watches_ = true;
    try {
        function();
    } catch (const std::exception& e) {
        fail("it throws ", e.what());
    }
    inside_ = true;
    watches_ = false;
    chosen(false);
    threads_[running_].state = State::done;
    switch_to(pick());
}

void Execution::switch_to(Thread next) {
    const Thread previous = std::exchange(running_, next);
    if (next == previous) return;
    threads_[previous].locals.save();
    threads_[next].locals.restore();
    threads_[previous].fiber.switch_to(threads_[next].fiber);
}

void Execution::fail(std::string_view what, std::string_view more, const Where* where) {
    inside_ = true;
    watches_ = false;
    failure_.append(what).append(more);
    if (where != nullptr) failure_ += ", at " + short_place(*where);
    if (running_ != 0) failure_ += " (thread " + std::to_string(running_) + ')';
    threads_[running_].fiber.switch_to(home_);
    std::abort();  // nobody comes back
}

Execution::Candidates Execution::candidates() const {
    Candidates found;
    if (running_ != 0 && threads_[running_].state == State::ready) {
        found.threads[found.count++] = running_;
        if (preemptions_ >= limits_.preemptions) return found;
    }
    for (Thread thread = 1; thread < count_; ++thread) {
        if (thread != running_ && threads_[thread].state == State::ready) found.threads[found.count++] = thread;
    }
    return found;
}

Execution::Candidates Execution::awake_of(const Candidates& all) const {
    if (redundant_) return all;
    Candidates awake;
    for (std::size_t i = 0; i < all.count; ++i) {
        const Thread thread = all.threads[i];
        if (thread == running_ || !threads_[thread].asleep) awake.threads[awake.count++] = thread;
    }
    return awake;
}

Thread Execution::pick_to_settle() {
    if (running_ != 0 && threads_[running_].state == State::ready) return running_;
    if (settling_ < to_settle_) return static_cast<Thread>(++settling_);
    to_settle_ = 0;
    return 0;
}

Thread Execution::pick() {
    if (to_settle_ != 0) {
        if (const Thread next = pick_to_settle(); next != 0) return next;
    }
    const Candidates all = candidates();
    if (all.count == 0) return pick_when_none_is_ready();
    Candidates awake = awake_of(all);
    if (awake.count == 0) {
        redundant_ = true;
        awake = all;
    }
    ++picks_;
    if (!redundant_ && (leads_nowhere_new() || picks_ == limits_.known_from)) {
        redundant_ = true;
        known_from_ = picks_;
    }
    Thread next = awake.threads[0];
    if (awake.count > 1 && !redundant_)
        next = awake.threads[search_->choose_thread(std::span(awake.threads.data(), awake.count))];
    const auto chosen = std::find(all.threads.begin(), all.threads.end(), next) - all.threads.begin();
    spell_out({static_cast<std::uint32_t>(all.count), static_cast<std::uint32_t>(chosen)});
    if (next != running_ && all.threads[0] == running_) ++preemptions_;
    return next;
}

std::uint32_t Execution::choose(std::uint32_t count) {
    const Inside inside(*this);
    const std::uint32_t chosen = ask(count);
    did(chosen);
    return chosen;
}

std::uint32_t Execution::ask(std::uint32_t count) {
    if (to_settle_ != 0) return 0;
    const std::uint32_t chosen = count < 2 || redundant_ ? 0 : search_->choose(count);
    spell_out({count, chosen});
    return chosen;
}

// --- what has been done -------------------------------------------------------------------------

namespace {

std::uint64_t mixed(std::uint64_t one, std::uint64_t other) {
    one = one * 0x9e3779b97f4a7c15U + other + 0x632be59bd9b4e019U;
    one = (one ^ (one >> 30U)) * 0xbf58476d1ce4e5b9U;
    one = (one ^ (one >> 27U)) * 0x94d049bb133111ebU;
    return one ^ (one >> 31U);
}

}  // namespace

void Execution::did(std::uint64_t what) {
    std::uint64_t& past = threads_[running_].past;
    past = mixed(past, what + 1);
}

void Execution::did(std::uint64_t what, Order order) {
    did(what);
    if (order == Order::seq_cst) threads_[running_].past_of_seq_cst = threads_[running_].past;
}

void Execution::did_on(const void* on) {
    const auto known =
        std::find_if(orders_.begin(), orders_.end(), [on](const auto& order) { return order.first == on; });
    did(known == orders_.end() ? orders_.emplace_back(on, 0).second : ++known->second);
}

std::uint64_t Execution::state() const {
    std::uint64_t state = running_;
    for (Thread thread = 0; thread < count_; ++thread) {
        const VirtualThread& self = threads_[thread];
        const bool saw_all = limits_.points->known_to_spin() && (self.looks.empty() || self.news_known == news_);
        state = mixed(state, self.past);
        state = mixed(state, static_cast<std::uint64_t>(self.state) * 8 + (self.has_deadline ? 4U : 0U) +
                                 (self.preempted ? 2U : 0U) + (saw_all ? 1U : 0U));
        for (const VirtualThread::OldRead& old : self.old_reads) {
            if (old.stamp < memory_.floor(thread, old.location, Order::relaxed)) continue;  // never again
            state = mixed(state, old.place + old.stamp);
        }
    }
    return state | 1U;
}

bool Execution::leads_nowhere_new() const {
    if (limits_.visited == nullptr || redundant_ || !search_->asks_anew()) return false;
    Visited::Way way{.state = state(), .preemptions = preemptions_};
    for (Thread thread = 1; thread < count_; ++thread) {
        const VirtualThread& self = threads_[thread];
        if (thread == running_ || !self.preempted) continue;
        if (self.asleep) {
            way.held_back[thread] = 0xffff;
        } else if (self.overtaken && self.only_stores) {
            way.held_back[thread] = static_cast<std::uint16_t>(self.newest + 1);
        }
    }
    return limits_.visited->knows(way);
}

// --- who goes on, again -------------------------------------------------------------------------

Thread Execution::pick_when_none_is_ready() {
    std::size_t done = 1;  // the body
    for (Thread thread = 1; thread < count_; ++thread) done += threads_[thread].state == State::done ? 1 : 0;
    if (done == count_) return 0;
    for (std::size_t i = 1; i < count_ && patience_ < kPatience * count_; ++i) {
        const std::size_t thread = (roused_ + i - 1) % (count_ - 1) + 1;
        if (threads_[thread].state != State::spinning) continue;
        ++patience_;
        roused_ = thread;
        threads_[thread].state = State::ready;
        return static_cast<Thread>(thread);
    }
    for (Thread thread = 1; thread < count_; ++thread) {
        VirtualThread& self = threads_[thread];
        if (self.state != State::blocked || !std::exchange(self.has_deadline, false)) continue;
        self.state = State::ready;
        return thread;
    }
    running_ = 0;  // not the fault of the one that came last
    fail("deadlock:", who_waits());
}

std::string Execution::who_waits() const {
    std::string text;
    for (Thread thread = 1; thread < count_; ++thread) {
        const VirtualThread& self = threads_[thread];
        if (self.state == State::done) continue;
        text += " thread " + std::to_string(thread) + " waits in ";
        text += self.state == State::blocked ? self.why : "a loop that spins";
        text += ';';
    }
    text.pop_back();
    return text;
}

void Execution::before_step(Footprint footprint, const Where* where) {
    if (++steps_ > limits_.steps) fail("more steps than the limit: does it ever end?");
    if (running_ == 0) return;
    const bool chosen_for_step = std::exchange(chosen_for_step_, false);
    const bool point = where == nullptr || limits_.points == nullptr || limits_.points->contain(*where);
    const bool asks = limits_.points == nullptr ? !chosen_for_step : point && !std::exchange(chosen_for_point_, false);
    threads_[running_].overtaken = threads_[running_].only_stores = false;
    if (asks) {
        ask_who_goes_on(footprint);
    } else if (limits_.spell_out && !chosen_for_step) {
        pass_by();
    }
    note(footprint);
}

void Execution::before_access(Location location, Effect effect, const Where& where, Order order) {
    threads_[running_].newest = memory_.newest(location);
    before_step({location, effect, order == Order::seq_cst}, &where);
    if (limits_.points != nullptr && running_ != 0)
        limits_.points->visit(running_, location, where, effect == Effect::writes);
}

void Execution::ask_who_goes_on(Footprint footprint) {
    VirtualThread& self = threads_[running_];
    self.next = footprint;
    self.preempted = true;
    self.asleep = self.only_stores = limits_.reduction;
    switch_to(pick());
    self.preempted = self.asleep = false;
    chosen(false);
}

void Execution::pass_by() {
    if (to_settle_ == 0) spell_out({static_cast<std::uint32_t>(candidates().count), 0});
}

bool Execution::depend(const Footprint& one, const Footprint& other) {
    if (one.effect == Effect::anything || other.effect == Effect::anything) return true;
    if (one.place != other.place) return false;
    return one.effect == Effect::writes || other.effect == Effect::writes || (one.seq_cst && other.seq_cst);
}

void Execution::note(const Footprint& footprint) {
    for (Thread thread = 1; thread < count_; ++thread) {
        VirtualThread& other = threads_[thread];
        if (thread == running_ || !other.preempted) continue;
        other.overtaken = true;
        if (other.asleep && depend(other.next, footprint)) other.asleep = false;
        if (footprint.effect == Effect::anything) other.only_stores = false;
    }
}

void Execution::step(const void* on, const char* verb, const Where& where) {
    const Inside inside(*this);
    before_step({reinterpret_cast<std::uintptr_t>(on), Effect::writes}, nullptr);
    did_on(on);
    tell({.verb = verb, .where = where});
}

void Execution::spin_hint() {
    const Inside inside(*this);
    if (running_ == 0) return;
    VirtualThread& self = threads_[running_];
    if (self.looks.empty()) return;  // it hints again and again before it looks again
    if (limits_.points != nullptr) limits_.points->spin();
    bool saw_old = false;
    for (const Location location : self.looks) {
        const bool old = memory_.floor(running_, location, Order::relaxed) < memory_.newest(location);
        did(old ? 1 : 0);
        saw_old |= old;
        memory_.hurry(running_, location);
    }
    self.forget_looks();
    if (saw_old || self.news_known != news_) return;
    self.state = State::spinning;
    note({0, Effect::anything});
    switch_to(pick());
    chosen(true);
}

void Execution::block(const void* on, const char* why) {
    const Inside inside(*this);
    VirtualThread& self = threads_[running_];
    self.waits_for = on;
    self.why = why;
    if (running_ == 0) fail("deadlock: the body waits in ", why);
    self.state = State::blocked;
    note({0, Effect::anything});
    switch_to(pick());
    note({0, Effect::anything});
    chosen(false);  // what it waited for is its step
}

bool Execution::block_for_some_time(const void* on, const char* why) {
    VirtualThread& self = threads_[running_];
    self.has_deadline = true;
    block(on, why);
    const bool woken = std::exchange(self.has_deadline, false);
    did(woken ? 1 : 0);
    return woken;
}

void Execution::wake(const void* on) {
    const Inside inside(*this);
    for (VirtualThread& thread : threads_) {
        if (thread.state == State::blocked && thread.waits_for == on) thread.state = State::ready;
    }
}

void Execution::acquire(const void* on, const View& from) {
    const Inside inside(*this);
    did_on(on);
    memory_.acquire(running_, from);
}

void Execution::release(const void* on, View& into) {
    const Inside inside(*this);
    did_on(on);
    memory_.release(running_, into);
    note({reinterpret_cast<std::uintptr_t>(on), Effect::writes});
    stored(Memory::kNone, 0, 1);
}

}  // namespace weft::model
