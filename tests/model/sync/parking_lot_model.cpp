// What tasks wait for in line: a lock, a permit, an item, a notification is never lost, whoever is faster: who grants it,
// who cancels the task it was meant for, or that task itself.
#include "sync/parking_lot.hpp"

#include <array>
#include <functional>
#include <optional>

#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/queue.hpp"
#include "sync/select.hpp"
#include "sync/semaphore.hpp"
#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/puppet.hpp"

using weft::CancelledError;
using weft::Event;
using weft::Lock;
using weft::Semaphore;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::Puppet;
using weft::model::require;
using weft::model::together;
using weft::model::together_once_settled;

namespace {

// A task on a loop of its own. Returns whether it got what it waited for.
class Player {
public:
    Player() = default;
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;
    ~Player() { loops_.close(); }

    template <class Awaiter>
    bool gets(Awaiter&& awaiter) {
        task_.play();
        try {
            task_.await(awaiter);
            return true;
        } catch (const CancelledError&) {
            return false;
        }
    }
    // As co_await queue.get() and the like do.
    template <class Attempt>
    bool gets_in_turn(Attempt& attempt) {
        task_.play();
        try {
            if (attempt.attempt()) return true;
            do {
                auto line = attempt.line();
                task_.await(line);
            } while (!attempt.attempt_woken());
            return true;
        } catch (const CancelledError&) {
            return false;
        }
    }
    // Its loop closes before it got what it waited for, or not.
    template <class Awaiter>
    void ends_waiting_for(Awaiter&& awaiter) {
        task_.play();
        task_.await_until_loop_closes(std::forward<Awaiter>(awaiter));
    }
    void cancel() { (void)task_.cancel({}); }

private:
    const Loops loops_{1};
    Puppet task_{loops_[0]};
};

// --- Lock -------------------------------------------------------------------------------------------------------------

void a_lock_is_released_and_its_waiter_cancelled() {
    Lock lock;
    Cell<int> guarded;
    Player player;
    require(lock.try_acquire(), "it is free");
    together({[&] {
                  if (!player.gets(lock.acquire())) return;
                  guarded.set(guarded.get() + 1);
                  lock.release();
              },
              [&] {
                  guarded.set(guarded.get() + 1);
                  lock.release();
              },
              [&] { player.cancel(); }});
    require(lock.try_acquire(), "it is free again");
    require(guarded.get() >= 1, "the holder's");
}

// Past the line, without a task: a lock as any other.
void two_try_to_lock() {
    Lock lock;
    Cell<int> guarded;
    const auto add_one = [&] {
        if (!lock.try_acquire()) return;
        guarded.set(guarded.get() + 1);
        lock.release();
    };
    together({add_one, add_one, add_one});
    require(!lock.locked() && lock.try_acquire(), "it is free again");
}

// Two tasks in turn, and a third that does not stand in line.
void a_lock_for_two_tasks() {
    Lock lock;
    Cell<int> guarded;
    std::array<Player, 2> players;
    const auto add_one = [&](Player& player) {
        require(player.gets(lock.acquire()), "nobody cancels");
        guarded.set(guarded.get() + 1);
        lock.release();
    };
    together({[&] { add_one(players[0]); }, [&] { add_one(players[1]); }});
    require(guarded.get() == 2 && lock.try_acquire(), "both had it");
}

// The lock goes on to the second in line if the first does not take it.
void a_lock_is_passed_on() {
    Lock lock;
    Cell<int> guarded;
    std::array<Player, 2> players;
    require(lock.try_acquire(), "it is free");
    together_once_settled(2, {[&] {
                                  if (!players[0].gets(lock.acquire())) return;
                                  guarded.set(guarded.get() + 1);
                                  lock.release();
                              },
                              [&] {
                                  require(players[1].gets(lock.acquire()), "nobody cancels this one");
                                  guarded.set(guarded.get() + 1);
                                  lock.release();
                              },
                              [&] {
                                  guarded.set(guarded.get() + 1);
                                  lock.release();
                                  players[0].cancel();
                              }});
    require(lock.try_acquire(), "it is free again");
    require(guarded.get() >= 2, "the holder's and the second's");
}

// Its frame ends while it is in line, or is just granted the lock: that goes on to the next.
void a_waiter_ends() {
    Lock lock;
    Player player;
    require(lock.try_acquire(), "it is free");
    together({[&] { player.ends_waiting_for(lock.acquire()); }, [&] { lock.release(); }});
    // If it came after the release, it had it.
    if (lock.locked()) lock.release();
    require(lock.try_acquire(), "it was passed on");
}

// --- Semaphore --------------------------------------------------------------------------------------------------------

void a_permit_is_released_and_its_waiter_cancelled() {
    Semaphore semaphore(0);
    Cell<int> handed_over;
    Player player;
    bool got = false;
    together({[&] {
                  got = player.gets(semaphore.acquire());
                  if (got) require(handed_over.get() == 1, "what the releaser did before");
              },
              [&] {
                  handed_over.set(1);
                  semaphore.release();
              },
              [&] { player.cancel(); }});
    require(semaphore.try_acquire() != got, "there is one permit, and somebody has it");
    require(!semaphore.try_acquire(), "one");
}

void a_permit_is_passed_on() {
    Semaphore semaphore(0);
    std::array<Player, 2> players;
    bool got = false;
    together_once_settled(2, {[&] {
                                  got = players[0].gets(semaphore.acquire());
                                  if (got) semaphore.release();
                              },
                              [&] { require(players[1].gets(semaphore.acquire()), "nobody cancels this one"); },
                              [&] {
                                  semaphore.release();
                                  players[0].cancel();
                              }});
    require(!semaphore.try_acquire(), "the second has it");
}

void permits_past_the_line() {
    Semaphore semaphore(1);
    Cell<int> guarded;
    const auto use = [&] {
        if (!semaphore.try_acquire()) return;
        guarded.set(guarded.get() + 1);
        semaphore.release();
    };
    together({use, use, use});
    require(semaphore.try_acquire() && !semaphore.try_acquire(), "one permit");
}

// --- Event ------------------------------------------------------------------------------------------------------------

void an_event_is_set_and_its_waiter_cancelled() {
    Event event;
    Cell<int> handed_over;
    Player player;
    together({[&] {
                  if (player.gets(event.wait())) require(handed_over.get() == 1, "what was done before");
              },
              [&] {
                  handed_over.set(1);
                  event.set();
              },
              [&] { player.cancel(); }});
    require(event.is_set(), "it stays so");
}

// A clear() at once takes nothing back from who waits already.
void an_event_that_is_set_for_a_moment() {
    Event event;
    Cell<int> handed_over;
    Player player;
    together({[&] { (void)player.gets(event.wait()); },
              [&] {
                  handed_over.set(1);
                  event.set();
                  player.cancel();
                  event.clear();
              },
              [&] {
                  if (event.is_set()) require(handed_over.get() == 1, "what was done before");
              }});
    require(!event.is_set(), "cleared");
}

void an_event_is_set_while_its_waiter_ends() {
    Event event;
    Player player;
    together({[&] { player.ends_waiting_for(event.wait()); }, [&] { event.set(); }});
    event.set();
}

// The same awaiter, twice.
void an_event_is_awaited_again() {
    Event event;
    Event again;
    Player player;
    auto waiting = event.wait();
    together({[&] {
                  require(player.gets(waiting), "set once");
                  event.clear();
                  again.set();
                  require(player.gets(waiting) && event.is_set(), "set again");
              },
              [&] {
                  event.set();
                  while (!again.is_set()) weft::scheduler::spin_hint();
                  event.set();
              }});
}

// --- Queue and select -------------------------------------------------------------------------------------------------

void an_item_comes_and_its_getter_is_cancelled() {
    weft::Queue<int> queue;
    Cell<int> handed_over;
    Player player;
    std::optional<int> item;
    together({[&] {
                  auto getting = queue.get();
                  if (!player.gets_in_turn(getting)) return;
                  item = getting.result();
                  require(handed_over.get() == *item, "what the putter did before");
              },
              [&] {
                  handed_over.set(7);
                  queue.put_nowait(7);
              },
              [&] { player.cancel(); }});
    require(item.has_value() != queue.try_get().has_value(), "got, or still there");
}

// Two getters, one of which is cancelled: the item goes to the other.
void an_item_for_one_of_two() {
    weft::Queue<int> queue;
    std::array<Player, 2> players;
    together_once_settled(1, {[&] {
                                  auto getting = queue.get();
                                  if (players[0].gets_in_turn(getting)) queue.put_nowait(getting.result());
                              },
                              [&] {
                                  auto getting = queue.get();
                                  require(players[1].gets_in_turn(getting) && getting.result() == 7,
                                          "nobody cancels this one");
                              },
                              [&] {
                                  queue.put_nowait(7);
                                  players[0].cancel();
                              }});
    require(queue.empty(), "it was got");
}

// A full queue: room that comes while who waits for it is cancelled.
void room_comes_and_its_putter_is_cancelled() {
    weft::Queue<int> queue(1);
    queue.put_nowait(1);
    Player player;
    bool put = false;
    together({[&] {
                  auto putting = queue.put(2);
                  put = player.gets_in_turn(putting);
              },
              [&] { require(queue.try_get() == 1, "it is there"); }, [&] { player.cancel(); }});
    require(queue.try_get().has_value() == put, "put, or not");
}

// In two lines: of two items it takes one, the other stays.
void a_select_between_two_queues() {
    std::array<weft::Queue<int>, 2> queues;
    Event last;
    Player player;
    bool got = false;
    together({[&] {
                  auto selecting = weft::select(queues[0].get(), queues[1].get());
                  got = player.gets_in_turn(selecting);
                  if (got) (void)selecting.result();
                  require(player.gets(last.wait()) && last.is_set(), "one wake for one wait");
              },
              [&] { queues[0].put_nowait(7); },
              [&] {
                  queues[1].put_nowait(8);
                  last.set();
              }});
    require(got, "nobody cancels");
    require(queues[0].empty() != queues[1].empty(), "the other one is there");
}

// The same, cancelled meanwhile.
void a_select_that_is_cancelled() {
    std::array<weft::Queue<int>, 2> queues;
    Player player;
    bool got = false;
    together({[&] {
                  auto selecting = weft::select(queues[0].get(), queues[1].get());
                  got = player.gets_in_turn(selecting);
                  if (got) (void)selecting.result();
              },
              [&] {
                  queues[0].put_nowait(7);
                  queues[1].put_nowait(8);
              },
              [&] { player.cancel(); }});
    require(queues[0].qsize() + queues[1].qsize() == (got ? 1 : 2), "the others are there");
}

// A select that stands before another getter and takes what comes from elsewhere: the other getter gets the item.
void a_select_before_a_getter() {
    weft::Queue<int> queue;
    Event stop;
    std::array<Player, 2> players;
    together_once_settled(2, {[&] {
                                  auto selecting = weft::select(stop.wait(), queue.get());
                                  if (!players[0].gets_in_turn(selecting)) return;
                                  const auto result = selecting.result();
                                  if (result.index() == 1) queue.put_nowait(std::get<1>(result));
                              },
                              [&] {
                                  auto getting = queue.get();
                                  require(players[1].gets_in_turn(getting), "nobody cancels");
                              },
                              [&] {
                                  if (weft::model::choose(2) == 0) stop.set();
                                  queue.put_nowait(7);
                                  stop.set();
                              }});
    require(queue.empty(), "got");
    queue.put_nowait(8);
    require(queue.try_get() == 8, "nobody is in line");
}

}  // namespace

WEFT_MODEL("lock: release, cancel the waiter", a_lock_is_released_and_its_waiter_cancelled,
           {.type = "Lock", .threads = {"acquire, release", "release", "cancel"}});

WEFT_MODEL("lock: three try", two_try_to_lock,
           {.type = "Lock", .threads = {"try_acquire, release", "try_acquire, release", "try_acquire, release"}});

WEFT_MODEL("lock: two tasks", a_lock_for_two_tasks,
           {.type = "Lock", .threads = {"acquire, release", "acquire, release"}});

WEFT_MODEL("lock: passed on by who is cancelled", a_lock_is_passed_on,
           {.type = "Lock", .threads = {"acquire, release", "acquire, release", "release, cancel"}});

WEFT_MODEL("semaphore: release, cancel the waiter", a_permit_is_released_and_its_waiter_cancelled,
           {.type = "Semaphore", .threads = {"acquire", "release", "cancel"}});

WEFT_MODEL("semaphore: passed on by who is cancelled", a_permit_is_passed_on,
           {.type = "Semaphore", .threads = {"acquire, release", "acquire", "release, cancel"}});

WEFT_MODEL("semaphore: three try", permits_past_the_line,
           {.type = "Semaphore", .threads = {"try_acquire, release", "try_acquire, release", "try_acquire, release"}});

WEFT_MODEL("event: set, cancel the waiter", an_event_is_set_and_its_waiter_cancelled,
           {.type = "Event", .threads = {"wait", "set", "cancel"}});

WEFT_MODEL("event: set for a moment, cancel the waiter", an_event_that_is_set_for_a_moment,
           {.type = "Event", .threads = {"wait", "set, cancel, clear", "is_set"}});

WEFT_MODEL("queue: put, cancel the getter", an_item_comes_and_its_getter_is_cancelled,
           {.type = "Queue", .threads = {"get", "put_nowait", "cancel"}});

WEFT_MODEL("queue: passed on by who is cancelled", an_item_for_one_of_two,
           {.type = "Queue", .threads = {"get, put_nowait", "get", "put_nowait, cancel"}});

WEFT_MODEL("queue: take, cancel the putter", room_comes_and_its_putter_is_cancelled,
           {.type = "Queue", .threads = {"put", "try_get", "cancel"}});

WEFT_MODEL("select: two items come", a_select_between_two_queues,
           {.type = "Lines", .threads = {"select", "put_nowait", "put_nowait"}});

WEFT_MODEL("select: two items come, cancel", a_select_that_is_cancelled,
           {.type = "Lines", .threads = {"select", "put_nowait, put_nowait", "cancel"}});

WEFT_MODEL("select: before a getter", a_select_before_a_getter,
           {.type = "Lines", .threads = {"select, put_nowait", "get", "put_nowait, set"}});

WEFT_MODEL("lock: release, the waiter ends", a_waiter_ends, {.type = "Lock", .threads = {"acquire, end", "release"}});

WEFT_MODEL("event: set, the waiter ends", an_event_is_set_while_its_waiter_ends,
           {.type = "Event", .threads = {"wait, end", "set"}});

WEFT_MODEL("event: awaited again", an_event_is_awaited_again, {.type = "Event", .threads = {"wait, clear", "set"}});
