// DoneCallback: called once, on its loop, or taken off; its callable ends once.
#include "sync/done_callback.hpp"

#include <functional>
#include <memory>
#include <utility>

#include "sync/context_var.hpp"
#include "sync/future.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"

using weft::CallbackId;
using weft::create_future;
using weft::Future;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::require;
using weft::model::together;

namespace {

// What became of one, and of the context that it has.
struct Fate {
    Cell<int> calls;
    Cell<int> ends;
    int contexts_ended = 0;

    // Nobody else has it.
    [[nodiscard]] weft::Context context() {
        weft::Context made;
        const weft::ContextVar<std::shared_ptr<void>> variable("until it ends");
        made.run([&] { variable.set(std::shared_ptr<void>(nullptr, [this](void*) { ++contexts_ended; })); });
        return made;
    }
};

class Callable {
public:
    explicit Callable(Fate& fate) : fate_(&fate) {}
    Callable(Callable&& other) noexcept : fate_(std::exchange(other.fate_, nullptr)) {}
    Callable& operator=(Callable&&) = delete;
    ~Callable() {
        if (fate_ != nullptr) fate_->ends.set(fate_->ends.get() + 1);
    }

    void operator()(const Future<int>& future) const {
        require(future.result() == 7, "it is done");
        fate_->calls.set(fate_->calls.get() + 1);
    }

private:
    Fate* fate_;
};

// A callback of a future, and the loop that it is called on.
class Added {
public:
    Added() {
        const OnLoop here(loops_[0]);
        future = create_future<int>();
        const weft::Context context = fate_.context();
        id = future.add_done_callback(Callable(fate_), {.context = &context});
    }

    void turn() const { loops_.turn(0); }
    // It was taken off so many times.
    void check(std::size_t removed) const {
        require(static_cast<std::size_t>(fate_.calls.get()) + removed == 1, "called, or taken off by one");
        require(fate_.ends.get() == 1 && fate_.contexts_ended == 1, "it has ended");
    }

    Future<int> future;
    CallbackId id;

private:
    Fate fate_;
    const Loops loops_{1};
};

void a_callback_is_called_or_taken_off() {
    Added callback;
    std::size_t removed = 0;
    together({[&] { (void)callback.future.try_set_result(7); }, [&] { callback.turn(); },
              [&] {
                  removed = callback.future.remove_done_callback(callback.id);
                  callback.id = {};
              }});
    callback.turn();
    callback.check(removed);
}

void two_take_a_callback_off() {
    Added callback;
    CallbackId same(callback.id);
    std::size_t first = 0;
    std::size_t second = 0;
    together({[&] {
                  first = callback.future.remove_done_callback(callback.id);
                  callback.id = {};
              },
              [&] {
                  second = callback.future.remove_done_callback(same);
                  same = {};
              },
              [&] { (void)callback.future.try_set_result(7); }});
    callback.turn();
    callback.check(first + second);
}

// Names of a registration are copied and dropped on any thread.
void names_of_a_callback() {
    Added callback;
    CallbackId same(callback.id);
    together({[&] {
                  CallbackId other(callback.id);
                  callback.id = {};
                  require(other == other, "it is still there");
              },
              [&] {
                  const CallbackId other(same);
                  same = {};
                  (void)callback.future.remove_done_callback(other);
              }});
    callback.check(1);
}

}  // namespace

WEFT_MODEL("done callback: copy names, drop them, remove", names_of_a_callback,
           {.type = "DoneCallback", .threads = {"retain, release", "retain, remove_from, release"}});

WEFT_MODEL("done callback: complete, run, remove", a_callback_is_called_or_taken_off,
           {.type = "DoneCallback", .threads = {"wake", "run", "remove_from"}});

WEFT_MODEL("done callback: remove twice, complete", two_take_a_callback_off,
           {.type = "DoneCallback", .threads = {"remove_from", "remove_from, release", "wake"}});
