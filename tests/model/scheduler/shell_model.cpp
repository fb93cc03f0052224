// Shell: no visitor meets a loop that is gone, nor a later one that it did not mean; whoever closes waits for visitors.
#include "scheduler/schedule.hpp"
#include "scheduler/shell.hpp"

#include <cstdint>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::choose;
using weft::model::Loops;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Affinity;
using weft::scheduler::Loop;
using weft::scheduler::Neighbours;
using weft::scheduler::PooledShell;
using weft::scheduler::Runnable;
using weft::scheduler::schedule;
using weft::scheduler::schedule_on;
using weft::scheduler::Sent;
using weft::scheduler::Shell;

namespace {

// What stands for a loop where the Shell is alone: it only knows the address.
class House {
public:
    explicit House(int number) { number_.set(number); }
    ~House() { number_.set(0); }
    House(const House&) = delete;
    House& operator=(const House&) = delete;

    [[nodiscard]] Loop& as_loop() { return reinterpret_cast<Loop&>(*this); }
    static int number(const Loop& loop) { return reinterpret_cast<const House&>(loop).number_.get(); }

private:
    Cell<int> number_{0};
};

void visit_and_close() {
    Neighbours group(1, 0);
    Shell shell;
    auto* house = new House(1);
    shell.open(house->as_loop(), group);
    const auto visitor = [&] {
        const Shell::Visit visit(shell);
        if (const Loop* loop = visit.loop()) require(House::number(*loop) == 1, "it is there while it is visited");
    };
    together({visitor, visitor, [&] {
                  shell.close();
                  delete house;
              }});
}

// A visitor knew the first loop. It may find the second behind the same Shell, and sees that it is another.
void close_and_open_again() {
    Neighbours group(1, 0);
    Shell shell;
    House first(1);
    shell.open(first.as_loop(), group);
    const std::uint32_t generation = shell.generation();
    House* second = nullptr;
    together({[&] {
                  const Shell::Visit visit(shell);
                  if (visit.loop() == nullptr) return;
                  const bool same = shell.generation() == generation;
                  require(House::number(*visit.loop()) == (same ? 1 : 2), "the generation tells which loop it is");
              },
              [&] {
                  shell.close();
                  second = new House(2);
                  shell.open(second->as_loop(), group);
              }});
    shell.close();
    delete second;
}

// The pool gives each its own, and one that was given back again.
void two_pooled() {
    {
        const PooledShell makes_the_pool;
    }
    const auto take = [&] {
        const PooledShell shell;
        const PooledShell another;
        require(&*shell != &*another, "one each");
    };
    together({take, take});
}

// Counts how it ends: run, or dropped.
class Message final : public Runnable {
public:
    void run() noexcept override { ended_.set(ended_.get() + 1); }
    void drop() noexcept override { ended_.set(ended_.get() + 1); }

    Cell<int> ended_{0};
};

// From outside the group, while the loop closes: sent and dropped, or refused.
void schedule_and_close() {
    Loops loops(1);
    Message message;
    Message meant_for_one;
    bool sent = false;
    bool sent_to_one = false;
    Shell& shell = loops[0].shell();
    const std::uint32_t generation = shell.generation();
    together({[&] { sent = schedule(message, shell, Affinity::pinned, generation) == Sent::sent; },
              [&] { sent_to_one = schedule_on(meant_for_one, shell, generation) == Sent::sent; },
              [&] { loops.close(); }});
    require(message.ended_.get() == (sent ? 1 : 0), "what was sent is told its end");
    require(meant_for_one.ended_.get() == (sent_to_one ? 1 : 0), "what was sent is told its end");
}

// A loop sends to its neighbour without a visit; to one that was closed before, it does not.
void schedule_to_a_neighbour() {
    const Loops loops(2);
    Message message;
    const bool closed = choose(2) == 1;
    if (closed) loops[1].close();
    class Sender final : public Runnable {
    public:
        Sender(const Loops& loops, Message& message) : loops_(loops), message_(message) {}
        void run() noexcept override {
            sent_.set(schedule(message_, loops_[1].shell(), Affinity::pinned) == Sent::sent);
            loops_.stop();
        }
        void drop() noexcept override {}

        const Loops& loops_;
        Message& message_;
        Cell<bool> sent_{false};
    } sender(loops, message);
    require(loops[0].post(sender) == Sent::sent, "it is open");
    together({[&] { loops.run(0); },
              [&] {
                  if (!closed) loops.run(1);
              }});
    loops.close();
    require(sender.sent_.get() == !closed, "unless it was closed");
    require(message.ended_.get() == (closed ? 0 : 1), "what was sent is told its end");
}

}  // namespace

WEFT_MODEL("shell: two visits and a close", visit_and_close, {.type = "Shell", .threads = {"visit", "visit", "close"}});

WEFT_MODEL("shell: a visit while it is closed and opened again", close_and_open_again,
           {.type = "Shell", .threads = {"visit, generation", "close, open"}});

WEFT_MODEL("shell: two of the pool", two_pooled,
           {.type = "Shell", .threads = {"acquire, release", "acquire, release"}});

WEFT_MODEL("shell: something is scheduled while the loop closes", schedule_and_close,
           {.type = "Shell", .threads = {"schedule", "schedule_on", "close"}});

WEFT_MODEL("shell: something is scheduled to a neighbour", schedule_to_a_neighbour,
           {.type = "Shell", .threads = {"schedule, stop", "run"}});
