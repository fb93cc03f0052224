// sleep: its time comes while a canceller on another loop ends it: the sleeper is woken once, and its loop is rid of the
// timer.
#include "sync/sleep.hpp"

#include <chrono>
#include <functional>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"
#include "tests/model/puppet.hpp"

using weft::CancelledError;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::Puppet;
using weft::model::require;
using weft::model::together;

namespace {

void a_sleeper_is_cancelled() {
    const Loops loops(2);
    Puppet task(loops[0]);
    bool slept = false;
    together({[&] {
                  const OnLoop here(loops[0]);
                  task.play();
                  try {
                      task.await(weft::sleep(std::chrono::nanoseconds(1)));
                      slept = true;
                  } catch (const CancelledError&) {
                      slept = false;
                  }
              },
              [&] {
                  const OnLoop here(loops[1]);
                  require(task.cancel({}), "it is not done");
              }});
    require(task.cancel_pending() == slept, "delivered, or to be");
    loops.turn(0);
    require(loops[0].armed_timers() == 0, "no timer is left");
}

}  // namespace

WEFT_MODEL("sleep: its time comes, cancel", a_sleeper_is_cancelled,
           {.type = "Sleep", .threads = {"fire, run", "cancel"}});
