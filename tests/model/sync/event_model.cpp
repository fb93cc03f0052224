// Event: what was done before set() reaches who waits, also if the flag is cleared at once.
#include "sync/event.hpp"

#include "tests/model/models.hpp"

using weft::Event;
using weft::model::Cell;
using weft::model::require;
using weft::model::together;

namespace {

void an_event_is_set_and_cleared() {
    Event event;
    Cell<int> done_before;
    together({[&] {
                  done_before.set(1);
                  event.set();
                  event.clear();
              },
              [&] {
                  auto waiting = event.wait();
                  if (waiting.await_ready()) require(done_before.get() == 1, "what was done before the set()");
              }});
}

}  // namespace

WEFT_MODEL("event: what was done before a set() that is cleared", an_event_is_set_and_cleared,
           {.type = "Event", .threads = {"set, clear", "wait"}});
