// ReadyQueue with rings of two to eight: everything that is pushed is run once, in order by each who takes it, and what
// its pusher wrote reaches whoever runs it; whoever is about to sleep sees what is there.
#include "scheduler/ready_queue.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "tests/model/models.hpp"
#include "tests/model/parker.hpp"

using weft::model::Cell;
using weft::model::Parker;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Atomic;
using weft::scheduler::BasicReadyQueue;
using weft::scheduler::Runnable;

namespace {

class Item final : public Runnable {
public:
    void run() noexcept override {}
    void drop() noexcept override {}

    Cell<int> number_{0};  // written by the owner before it pushes; 0 again when it was run
};

// Runs what it gets, and checks that it is in the order of pushing.
class Runner {
public:
    bool run(Runnable* runnable) {
        if (runnable == nullptr) return false;
        Item& item = *static_cast<Item*>(runnable);
        const int number = item.number_.get();
        require(number != 0, "pushed before it is run, and run once");
        require(number > last_, "in the order of pushing");
        last_ = number;
        item.number_.set(0);
        return true;
    }

private:
    int last_ = 0;
};

template <std::size_t kCapacity, std::size_t kItems>
class Owner {
public:
    using Queue = BasicReadyQueue<kCapacity>;

    void push() {
        Item& item = items_[pushed_++];
        item.number_.set(static_cast<int>(pushed_));
        queue_.push(item);
    }
    void push(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) push();
    }
    bool pop() { return runner_.run(queue_.pop()); }
    void pop_all() {
        while (pop()) {
        }
    }

    // Nothing is left, and everything was run.
    void check() {
        require(queue_.empty(), "nothing is left");
        require(pushed_ == kItems, "all were pushed");
        for (const Item& item : items_) require(item.number_.get() == 0, "each was run");
    }

    [[nodiscard]] Queue& queue() { return queue_; }

private:
    Queue queue_;
    std::array<Item, kItems> items_;
    std::size_t pushed_ = 0;
    Runner runner_;
};

// Steals so many times, and runs what it has after each. Returns how many it ran.
template <std::size_t kCapacity, std::size_t kItems>
std::size_t steal(Owner<kCapacity, kItems>& owner, std::size_t times) {
    BasicReadyQueue<kCapacity> queue;
    Runner runner;
    std::size_t ran = 0;
    for (std::size_t i = 0; i < times; ++i) {
        for (Runnable* next = owner.queue().steal(queue); runner.run(next); next = queue.pop()) ++ran;
    }
    return ran;
}

void owner_and_thief() {
    Owner<4, 4> owner;
    owner.push();
    together({[&] {
                  owner.push(2);
                  owner.pop();
                  owner.push();
              },
              [&] { steal(owner, 2); }});
    owner.pop_all();
    owner.check();
}

void owner_and_two_thieves() {
    Owner<4, 4> owner;
    owner.push(3);
    const auto thief = [&] { steal(owner, 1); };
    together({[&] {
                  owner.pop();
                  owner.push();
                  owner.pop();
              },
              thief, thief});
    owner.pop_all();
    owner.check();
}

// The owner writes slots again that a thief may still read.
void ring_goes_round() {
    Owner<2, 4> owner;
    owner.push(2);
    together({[&] {
                  owner.pop();
                  owner.push();
                  owner.pop();
                  owner.push();
              },
              [&] { steal(owner, 1); }});
    owner.pop_all();
    owner.check();
}

// What does not fit goes behind the ring, in blocks that thieves take whole.
template <std::size_t kCapacity, std::size_t kItems>
void overflow_and_thief() {
    Owner<kCapacity, kItems> owner;
    owner.push(kItems - 1);
    together({[&] {
                  owner.push();
                  for (std::size_t i = 0; i < kCapacity / 2 + 1; ++i) owner.pop();
              },
              [&] { steal(owner, 2); }});
    owner.pop_all();
    owner.check();
}

// The ring is empty, the overflow is not: the owner's refill and two thieves are after its blocks.
void blocks_and_two_thieves() {
    Owner<4, 8> owner;
    owner.push(8);
    for (int i = 0; i < 4; ++i) owner.pop();
    const auto thief = [&] { steal(owner, 1); };
    together({[&] {
                  owner.pop();
                  owner.pop();
              },
              thief, thief});
    owner.pop_all();
    owner.check();
}

// As Idle does it (I1): who has made something visible looks for sleepers; who will sleep looks once more.
class Sleeper {
public:
    void wake() {
        if (asleep_.load(std::memory_order_seq_cst)) parker_.unpark();
    }
    template <class Queue>
    void sleep(const Queue& queue) {
        asleep_.exchange(true, std::memory_order_seq_cst);
        if (!queue.has_spare()) parker_.park();
    }

private:
    Atomic<bool> asleep_{false};
    Parker parker_;
};

// The owner pushes a second one: more than it will run next itself.
void push_wakes_a_sleeper() {
    Owner<2, 2> owner;
    Sleeper sleeper;
    owner.push();
    together({[&] {
                  owner.push();
                  sleeper.wake();
              },
              [&] { sleeper.sleep(owner.queue()); }});
    owner.pop_all();
    owner.check();
}

// A thief empties the full ring and sleeps, while the owner pushes to the overflow.
void push_to_the_overflow_wakes_a_thief() {
    Owner<4, 6> owner;
    Sleeper sleeper;
    owner.push(5);
    together({[&] {
                  owner.push();
                  sleeper.wake();
              },
              [&] {
                  if (steal(owner, 3) == 4) sleeper.sleep(owner.queue());
              }});
    owner.pop_all();
    owner.check();
}

// Work moves from the overflow to the ring; at no moment does it seem to be gone.
void refill_beside_a_sleeper() {
    Owner<8, 12> owner;
    owner.push(12);
    for (int i = 0; i < 8; ++i) owner.pop();
    together({[&] { owner.pop(); }, [&] { require(owner.queue().has_spare(), "three or four are left"); }});
    owner.pop_all();
    owner.check();
}

// What the owner had gathered becomes public by its pop: it tells so, and wakes a sleeper.
void published_wakes_a_sleeper() {
    Owner<8, 11> owner;
    Sleeper sleeper;
    owner.push(11);
    for (int i = 0; i < 8; ++i) owner.pop();
    require(!owner.queue().has_published(), "all were public");
    together({[&] {
                  owner.pop();
                  if (owner.queue().has_published()) sleeper.wake();
              },
              [&] { sleeper.sleep(owner.queue()); }});
    owner.pop_all();
    owner.check();
}

// Thieves have emptied the ring: what the owner had gathered goes there with the next push.
void push_publishes_what_was_gathered() {
    Owner<8, 10> owner;
    Sleeper sleeper;
    owner.push(9);
    require(steal(owner, 4) == 8, "all of the ring");
    together({[&] {
                  owner.push();
                  require(owner.queue().has_spare(), "two");
                  sleeper.wake();
              },
              [&] { sleeper.sleep(owner.queue()); }});
    owner.pop_all();
    owner.check();
}

// A thief waits until a single one has settled; then it takes it, or the owner does.
void settled_single() {
    Owner<4, 2> owner;
    owner.push();
    together({[&] {
                  owner.pop();
                  owner.push();
              },
              [&] {
                  if (owner.queue().has_settled_single()) steal(owner, 1);
              }});
    owner.pop_all();
    owner.check();
}

}  // namespace

WEFT_MODEL("ready queue: an owner and a thief", owner_and_thief,
           {.type = "ReadyQueue", .threads = {"push, pop", "steal"}});

WEFT_MODEL("ready queue: an owner and two thieves", owner_and_two_thieves,
           {.type = "ReadyQueue", .threads = {"push, pop", "steal", "steal"}});

WEFT_MODEL("ready queue: a ring that goes round", ring_goes_round,
           {.type = "ReadyQueue", .threads = {"push, pop", "steal"}});

WEFT_MODEL("ready queue: an overflow of single ones", (overflow_and_thief<2, 4>),
           {.type = "ReadyQueue", .threads = {"push to the overflow, refill", "steal, steal a block"}});

WEFT_MODEL("ready queue: an overflow of pairs", (overflow_and_thief<4, 6>),
           {.type = "ReadyQueue", .threads = {"push to the overflow, refill", "steal, steal a block"}});

WEFT_MODEL("ready queue: a refill and two thieves", blocks_and_two_thieves,
           {.type = "ReadyQueue", .threads = {"refill", "steal a block", "steal a block"}});

WEFT_MODEL("ready queue: a push wakes a sleeper", push_wakes_a_sleeper,
           {.type = "ReadyQueue", .threads = {"push", "has_spare"}});

WEFT_MODEL("ready queue: a push to the overflow wakes a thief", push_to_the_overflow_wakes_a_thief,
           {.type = "ReadyQueue", .threads = {"push to the overflow", "steal, has_spare"}});

WEFT_MODEL("ready queue: a refill beside a sleeper", refill_beside_a_sleeper,
           {.type = "ReadyQueue", .threads = {"refill", "has_spare"}});

WEFT_MODEL("ready queue: what a pop has published wakes a sleeper", published_wakes_a_sleeper,
           {.type = "ReadyQueue", .threads = {"refill, has_published", "has_spare"}});

WEFT_MODEL("ready queue: a push publishes what was gathered", push_publishes_what_was_gathered,
           {.type = "ReadyQueue", .threads = {"push", "has_spare"}});

WEFT_MODEL("ready queue: a single one that has settled", settled_single,
           {.type = "ReadyQueue", .threads = {"push, pop", "has_settled_single, steal"}});
