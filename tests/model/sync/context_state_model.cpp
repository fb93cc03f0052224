// ContextSlot and ContextState: one context for all that look, made before it is seen, destroyed by the last owner.
#include "sync/context_state.hpp"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "sync/context_var.hpp"
#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::require;
using weft::model::together;
using weft::sync::ContextSlot;
using weft::sync::ContextState;
using weft::sync::ContextValueOf;

namespace {

// Each takes a handle of a task's context, as task.get_context() does.
void two_make_it_and_one_looks() {
    ContextSlot slot;
    std::array<ContextState*, 2> got{};
    const auto take_handle = [&](std::size_t i) {
        got[i] = &slot.get();
        got[i]->retain();
        got[i]->release();
    };
    together({[&] { take_handle(0); }, [&] { take_handle(1); },
              [&] {
                  if (ContextState* state = slot.peek()) {
                      state->retain();
                      require(state->find(1) == nullptr, "complete and empty");
                      state->release();
                  }
              }});
    require(got[0] == got[1] && slot.peek() == got[0], "one for all");
}

// A variable's value. When it ends it looks at what the owners of the context did before they let it go.
class Owned {
public:
    Owned(const std::array<Cell<int>, 2>& notes, int& ended) : notes_(&notes), ended_(&ended) {}
    Owned(Owned&& other) noexcept : notes_(std::exchange(other.notes_, nullptr)), ended_(other.ended_) {}
    Owned& operator=(Owned&&) = delete;
    ~Owned() {
        if (notes_ == nullptr) return;
        for (const Cell<int>& note : *notes_) require(note.get() == 1, "all have let go");
        ++*ended_;
    }

private:
    const std::array<Cell<int>, 2>* notes_;
    int* ended_;
};

void the_last_owner_destroys_it() {
    std::array<Cell<int>, 2> notes;
    int ended = 0;
    auto* const state = new ContextState;
    (void)state->exchange(1, std::make_shared<ContextValueOf<Owned>>(Owned(notes, ended)));
    state->retain();
    const auto use = [&](std::size_t i) {
        state->retain();
        state->release();
        notes[i].set(1);
        state->release();
    };
    together({[&] { use(0); }, [&] { use(1); }});
    require(ended == 1, "once");
}

// One reset() for each set().
void a_token_is_used() {
    ContextValueOf<int> value(7);
    std::array<bool, 2> used{};
    together({[&] { used[0] = value.use_token(); }, [&] { used[1] = value.use_token(); }});
    require(used[0] != used[1] && value.token_used(), "by one");
}

// Each variable has a value of its own, whoever makes them.
void two_variables_are_made() {
    std::array<std::optional<weft::ContextVar<int>>, 2> variables;
    together({[&] { variables[0].emplace("first"); }, [&] { variables[1].emplace("second"); }});
    weft::Context().run([&] {
        variables[0]->set(1);
        variables[1]->set(2);
        require(variables[0]->get() == 1 && variables[1]->get() == 2, "its own");
    });
}

}  // namespace

WEFT_MODEL("context: two make it, one looks", two_make_it_and_one_looks,
           {.type = "ContextSlot", .threads = {"get, retain", "get, retain", "peek, find, retain"}});

WEFT_MODEL("context: the last owner destroys it", the_last_owner_destroys_it,
           {.type = "ContextState", .threads = {"retain, release", "retain, release"}});

WEFT_MODEL("context: a token is used by one", a_token_is_used,
           {.type = "ContextValue", .threads = {"use_token", "use_token"}});

WEFT_MODEL("context: two variables are made", two_variables_are_made,
           {.type = "ContextVar", .threads = {"make", "make"}});
