// ForkDeque with a ring of two: every branch is taken once, by the owner or a thief, and what the
// owner wrote into it before the fork reaches whoever runs it.
#include "scheduler/fork_deque.hpp"

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
using weft::scheduler::BasicForkDeque;
using weft::scheduler::Runnable;

namespace {

using Deque = BasicForkDeque<2>;

class Branch final : public Runnable {
public:
    void run() noexcept override {
        require(begun_.get() == 1, "forked before it is run, and run once");
        begun_.set(2);
    }
    void drop() noexcept override {}

    Cell<int> begun_{0};  // 1: forked, 2: run
};

// Two branches on the deque, or run at once if it is full; then a third, in the slot of the first.
class Owner {
public:
    explicit Owner(Deque& deque) : deque_(deque) {}

    void fork(Branch& branch) {
        branch.begun_.set(1);
        if (deque_.push(branch) == Deque::Push::full) branch.run();
    }
    void run_newest() {
        if (Runnable* branch = deque_.pop()) branch->run();
    }
    void run_all() {
        while (Runnable* branch = deque_.pop()) branch->run();
    }

private:
    Deque& deque_;
};

// The owner forks three, one after it took one back; each thief tries twice.
template <std::size_t kThieves>
void owner_and_thieves() {
    Deque deque;
    deque.set_hungry();
    std::array<Branch, 3> branches;
    Owner owner(deque);
    const auto thief = [&] {
        for (int i = 0; i < 2; ++i) {
            if (Runnable* branch = deque.steal()) branch->run();
        }
    };
    std::vector<std::function<void()>> threads(kThieves, thief);
    threads.emplace_back([&] {
        owner.fork(branches[0]);
        owner.fork(branches[1]);
        owner.run_newest();
        owner.fork(branches[2]);
        owner.run_all();
    });
    together(threads);
    require(deque.empty(), "nothing is left");
    for (const Branch& branch : branches) require(branch.begun_.get() == 2, "each branch was run");
}

// The owner takes back what a thief is about to steal and makes another branch public at the same place: only the tag
// tells the thief's compare-exchange, and only an acquire tells the thief which branch lies there now.
void a_slot_that_is_used_again() {
    Deque deque;
    std::array<Branch, 2> branches;
    Owner owner(deque);
    together({[&] {
                  for (Branch& branch : branches) {
                      deque.set_hungry();
                      owner.fork(branch);
                      owner.run_newest();
                  }
              },
              [&] {
                  if (Runnable* branch = deque.steal()) branch->run();
              }});
    for (const Branch& branch : branches) require(branch.begun_.get() == 2, "each branch was run");
}

// Slots are written again while a thief may still read them.
void a_ring_that_goes_round() {
    Deque deque;
    deque.set_hungry();
    std::array<Branch, 4> branches;
    Owner owner(deque);
    together({[&] {
                  for (Branch& branch : branches) {
                      owner.fork(branch);
                      deque.set_hungry();
                  }
                  owner.run_all();
              },
              [&] {
                  for (int i = 0; i < 2; ++i) {
                      if (Runnable* branch = deque.steal()) branch->run();
                  }
              }});
    for (const Branch& branch : branches) require(branch.begun_.get() == 2, "each branch was run");
}

// As Idle does it (I1): the owner looks for sleepers after a promotion, a thief looks once more before it sleeps.
void a_promotion_wakes_a_thief() {
    Deque deque;
    deque.set_hungry();
    Branch branch;
    Atomic<bool> asleep{false};
    Parker parker;
    together({[&] {
                  branch.begun_.set(1);
                  require(deque.push(branch) == Deque::Push::promoted, "a thief was hungry");
                  if (asleep.load(std::memory_order_seq_cst)) parker.unpark();
              },
              [&] {
                  asleep.store(true, std::memory_order_seq_cst);
                  if (!deque.has_public()) parker.park();
              }});
}

// The ring is full until a thief has taken one.
void room_that_a_thief_made() {
    Deque deque;
    deque.set_hungry();
    std::array<Branch, 3> branches;
    Owner owner(deque);
    Atomic<bool> taken{false};
    together({[&] {
                  owner.fork(branches[0]);
                  owner.fork(branches[1]);
                  while (!taken.load(std::memory_order_acquire)) weft::scheduler::spin_hint();
                  branches[2].begun_.set(1);
                  require(deque.push(branches[2]) != Deque::Push::full, "there is room again");
                  owner.run_all();
              },
              [&] {
                  Runnable* branch = nullptr;
                  while (branch == nullptr) {
                      branch = deque.steal();
                      if (branch == nullptr) weft::scheduler::spin_hint();
                  }
                  taken.store(true, std::memory_order_release);
                  branch->run();
              }});
    for (const Branch& branch : branches) require(branch.begun_.get() == 2, "it has run");
}

}  // namespace

WEFT_MODEL("fork deque: an owner and a thief", owner_and_thieves<1>,
           {.type = "ForkDeque", .threads = {"push, pop", "steal"}});

WEFT_MODEL("fork deque: an owner and two thieves", owner_and_thieves<2>,
           {.type = "ForkDeque", .threads = {"push, pop", "steal", "steal"}});

WEFT_MODEL("fork deque: a ring that goes round", a_ring_that_goes_round,
           {.type = "ForkDeque", .threads = {"push, pop, set_hungry", "steal"}});

WEFT_MODEL("fork deque: a slot that is used again", a_slot_that_is_used_again,
           {.type = "ForkDeque", .threads = {"push, pop, set_hungry", "steal"}});

WEFT_MODEL("fork deque: no wake-up of a thief is lost", a_promotion_wakes_a_thief,
           {.type = "ForkDeque", .threads = {"push", "has_public"}});

WEFT_MODEL("fork deque: room that a thief made", room_that_a_thief_made,
           {.type = "ForkDeque", .threads = {"push, pop", "steal"}});
