#include "sync/async_generator.hpp"

#include <typeinfo>

#include "scheduler/neighbours.hpp"
#include "sync/gather.hpp"
#include "sync/report.hpp"

namespace weft::sync {

void GeneratorList::add(GeneratorState& state) {
    bool late = false;
    {
        const std::lock_guard lock(mutex_);
        state.older_ = newest_;
        if (newest_ != nullptr) newest_->newer_ = &state;
        newest_ = &state;
        late = shut_down_;
    }
    if (late) report("asynchronous generator was scheduled after loop.shutdown_asyncgens() call", nullptr);
}

void GeneratorList::remove(GeneratorState& state) noexcept {
    const std::lock_guard lock(mutex_);
    (state.newer_ != nullptr ? state.newer_->older_ : newest_) = state.older_;
    if (state.older_ != nullptr) state.older_->newer_ = state.newer_;
}

void GeneratorList::take_all(std::vector<GeneratorRef>& into) {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    for (GeneratorState* state = newest_; state != nullptr; state = state->older_) {
        if (state->retain_if_alive()) into.emplace_back(state);
    }
}

LoopsGenerators::LoopsGenerators(scheduler::Loop&) : list(std::make_shared<GeneratorList>()) {}

// The last reference is gone.
void GeneratorState::destroy() noexcept {
    if (body_ != nullptr) destroy_body();
    delete this;
}

void GeneratorState::body_gone() noexcept {
    body_ = nullptr;
    if (list_ != nullptr) list_->remove(*this);
    status_.store(Status::finished, std::memory_order_release);  // A1
}

bool GeneratorState::retain_if_alive() noexcept {
    std::uint32_t references = references_.load(std::memory_order_relaxed);
    do {
        if (references == 0) return false;
    } while (!references_.compare_exchange_weak(references, references + 1, std::memory_order_relaxed,  // A3
                                                std::memory_order_relaxed));
    return true;
}

bool GeneratorRun::begin(const char* busy) {
    const auto& list = scheduler::LoopLocal<LoopsGenerators>::of(*scheduler::current_loop()).list;
    switch (state_->begin()) {
        case GeneratorState::Begin::began: state_->enter(list); return true;
        case GeneratorState::Begin::finished: return false;
        case GeneratorState::Begin::busy: break;
    }
    throw std::runtime_error(busy);
}

GeneratorRun::Stop GeneratorRun::stop() noexcept {
    PromiseBase& body = *std::exchange(call_.callee_, nullptr);
    if (!body.handle().done()) return Stop::at_yield;
    failure_ = std::move(body.failure_);
    state_->destroy_body();
    return Stop::at_end;
}

namespace {

bool is_generator_exit(const std::exception_ptr& failure) {
#ifdef __GLIBCXX__
    return *failure.__cxa_exception_type() == typeid(GeneratorExit);
#else
    try {
        std::rethrow_exception(failure);
    } catch (const GeneratorExit&) {
        return true;
    } catch (...) {
        return false;
    }
#endif
}

Coro<> close(GeneratorRef state) { co_await GeneratorRequest<CloseRun>(std::move(state)); }

}  // namespace

bool CloseRun::await_ready() {
    switch (state_->begin()) {
        case GeneratorState::Begin::finished: return true;
        case GeneratorState::Begin::busy:
            throw std::runtime_error("aclose(): asynchronous generator is already running");
        case GeneratorState::Begin::began: break;
    }
    const bool first = state_->close_once();
    if (!state_->entered()) {
        state_->destroy_body();
    } else if (first) {
        state_->ask_to_exit();
        ran_ = true;
    } else {
        state_->end();
    }
    return !ran_;
}

void CloseRun::await_resume() {
    if (!ran_) return;
    if (stop() == Stop::at_yield) {
        state_->end();
        throw std::runtime_error("async generator ignored GeneratorExit");
    }
    if (failure_ != nullptr && !is_generator_exit(failure_)) std::rethrow_exception(std::move(failure_));
}

Coro<> shutdown_asyncgens(scheduler::Loop& loop) {
    std::vector<GeneratorRef> generators;
    for (scheduler::Loop* member : loop.group().loops()) {
        if (auto* started = scheduler::LoopLocal<LoopsGenerators>::find(*member)) started->list->take_all(generators);
    }
    if (generators.empty()) co_return;
    std::vector<Coro<>> closings;
    closings.reserve(generators.size());
    for (GeneratorRef& generator : generators) closings.push_back(close(std::move(generator)));
    const auto outcomes = co_await gather(return_exceptions, std::move(closings));
    for (const auto& outcome : outcomes) {
        if (outcome.has_value() || outcome.cancelled()) continue;
        report("an error occurred during closing of asynchronous generator", outcome.exception());
    }
}

}  // namespace weft::sync
