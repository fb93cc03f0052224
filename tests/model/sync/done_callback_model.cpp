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

// One turn, that does not wait.
void turn(const Loops& loops) {
    loops.stop();
    loops.run(0);
}

void a_callback_is_called_or_taken_off() {
    Fate fate;
    const Loops loops(1);
    Future<int> future;
    CallbackId id;
    {
        const OnLoop here(loops[0]);
        future = create_future<int>();
        const weft::Context context = fate.context();
        id = future.add_done_callback(Callable(fate), {.context = &context});
    }
    std::size_t removed = 0;
    together({[&] { (void)future.try_set_result(7); }, [&] { turn(loops); },
              [&] {
                  removed = future.remove_done_callback(id);
                  id = {};
              }});
    turn(loops);
    require(static_cast<std::size_t>(fate.calls.get()) + removed == 1, "called, or taken off");
    require(fate.ends.get() == 1 && fate.contexts_ended == 1, "it has ended");
}

void two_take_a_callback_off() {
    Fate fate;
    const Loops loops(1);
    Future<int> future;
    CallbackId id;
    {
        const OnLoop here(loops[0]);
        future = create_future<int>();
        const weft::Context context = fate.context();
        id = future.add_done_callback(Callable(fate), {.context = &context});
    }
    CallbackId same(id);
    std::size_t first = 0;
    std::size_t second = 0;
    together({[&] {
                  first = future.remove_done_callback(id);
                  id = {};
              },
              [&] {
                  second = future.remove_done_callback(same);
                  same = {};
              },
              [&] { (void)future.try_set_result(7); }});
    turn(loops);
    require(static_cast<std::size_t>(fate.calls.get()) + first + second == 1, "called, or taken off by one");
    require(fate.ends.get() == 1 && fate.contexts_ended == 1, "it has ended");
}

// Names of a registration are copied and dropped on any thread.
void names_of_a_callback() {
    Fate fate;
    const Loops loops(1);
    Future<int> future;
    CallbackId id;
    {
        const OnLoop here(loops[0]);
        future = create_future<int>();
        const weft::Context context = fate.context();
        id = future.add_done_callback(Callable(fate), {.context = &context});
    }
    CallbackId same(id);
    together({[&] {
                  CallbackId other(id);
                  id = {};
                  require(other == other, "it is still there");
              },
              [&] {
                  const CallbackId other(same);
                  same = {};
                  (void)future.remove_done_callback(other);
              }});
    require(fate.ends.get() == 1 && fate.contexts_ended == 1, "it has ended");
}

}  // namespace

WEFT_MODEL("done callback: copy names, drop them, remove", names_of_a_callback,
           {.type = "DoneCallback", .threads = {"retain, release", "retain, remove_from, release"}});

WEFT_MODEL("done callback: complete, run, remove", a_callback_is_called_or_taken_off,
           {.type = "DoneCallback", .threads = {"wake", "run", "remove_from"}});

WEFT_MODEL("done callback: remove twice, complete", two_take_a_callback_off,
           {.type = "DoneCallback", .threads = {"remove_from", "remove_from, release", "wake"}});
