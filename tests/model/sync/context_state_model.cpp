// ContextSlot and ContextState: one context for all that look, made before it is seen, destroyed by the last owner.
#include "sync/context_state.hpp"

#include <array>
#include <functional>

#include "tests/model/models.hpp"

using weft::model::require;
using weft::model::together;
using weft::sync::ContextSlot;
using weft::sync::ContextState;

namespace {

void two_make_it_and_one_looks() {
    ContextSlot slot;
    std::array<ContextState*, 2> got{};
    together({[&] { got[0] = &slot.get(); }, [&] { got[1] = &slot.get(); },
              [&] {
                  if (ContextState* state = slot.peek()) require(state->find(1) == nullptr, "complete and empty");
              }});
    require(got[0] == got[1] && slot.peek() == got[0], "one for all");
}

void the_last_owner_destroys_it() {
    auto* const state = new ContextState;
    state->retain();
    together({[&] {
                  require(state->find(1) == nullptr, "empty");
                  state->release();
              },
              [&] {
                  state->retain();
                  state->release();
                  state->release();
              }});
}

}  // namespace

WEFT_MODEL("context: two make it, one looks", two_make_it_and_one_looks,
           {.type = "ContextSlot", .threads = {"get", "get", "peek, find"}});

WEFT_MODEL("context: the last owner destroys it", the_last_owner_destroys_it,
           {.type = "ContextState", .threads = {"find, release", "retain, release"}});
