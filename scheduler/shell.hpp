// Shell: what a remote waker may hold of a loop for as long as it likes. Shells are pooled and never freed, so a
// pointer to one is always good; the loop behind it comes and goes.
//
// Invariant: between enter and leave the loop does not go away. A closed Shell answers null. A Shell may serve a later
// loop: what was meant for an earlier one is either ended by then (a task) or compares the generation (a callback).
//
//     open(loop, visitors) --enter/leave--> open(loop, visitors +- 1)      open --close--> closed, waits for visitors
//
// Orderings
//   S1 visitors: seq_cst add in enter, loop: seq_cst load after it      StoreLoad partners: a visitor either sees the
//      loop: seq_cst store in close, visitors: seq_cst load after it    closed mark or is seen and waited for
//   S2 visitors: release sub in leave, acquire load in close            the visitor's accesses end before the loop does
//   S3 loop: release store in open, acquire load in enter (seq_cst for S1)        a visitor finds a complete loop
//
// Loops of one group need no visit: all of them outlive all threads of the group (see Neighbours).
#pragma once

#include <cstdint>

#include "scheduler/atomic.hpp"

namespace weft::scheduler {

class Loop;
class Neighbours;

class Shell {
public:
    Shell() = default;
    Shell(const Shell&) = delete;
    Shell& operator=(const Shell&) = delete;

    // Returns a closed one. Thread: any.
    [[nodiscard]] static Shell& acquire();
    static void release(Shell& shell);

    // Lets visitors in, also those who knew the Shell's last loop: only when `loop` is complete.
    void open(Loop& loop, Neighbours& group);

    class Visit {
    public:
        explicit Visit(Shell& shell) : shell_(shell), loop_(shell.enter()) {}
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;
        ~Visit() { shell_.visitors_.fetch_sub(1, std::memory_order_release); }  // S2 release

        // Null: the loop is closed.
        [[nodiscard]] Loop* loop() const { return loop_; }

    private:
        Shell& shell_;
        Loop* loop_;
    };

    // To be compared with the caller's own group only: equal means that the loop is alive and needs no visit.
    [[nodiscard]] const Neighbours* group() const { return group_.load(std::memory_order_relaxed); }

    // The caller's own loop, and it is open. Thread: the loop's.
    [[nodiscard]] bool serves(const Loop& own) const { return loop_.load(std::memory_order_relaxed) == &own; }

    // Only after group() was found to be the caller's own.
    [[nodiscard]] Loop& loop() const { return *loop_.load(std::memory_order_relaxed); }

    // How many loops it has served: a callback that was meant for one must not run on the next.
    [[nodiscard]] std::uint32_t generation() const { return generation_.load(std::memory_order_relaxed); }

    // Thread: the loop's owner. Returns when no visitor is left; later ones find the Shell closed.
    void close();

private:
    Loop* enter() {
        visitors_.fetch_add(1, std::memory_order_seq_cst);  // S1 seq_cst
        return loop_.load(std::memory_order_seq_cst);  // S1 seq_cst, S3 acquire
    }

    Atomic<Loop*> loop_{nullptr};
    Atomic<const Neighbours*> group_{nullptr};
    Atomic<std::uint32_t> visitors_{0};
    Atomic<std::uint32_t> generation_{0};  // written before loop_ in open, read after it in a visit (S3)
};

// A Shell from the pool, for the life of this.
class PooledShell {
public:
    PooledShell() : shell_(Shell::acquire()) {}
    PooledShell(const PooledShell&) = delete;
    PooledShell& operator=(const PooledShell&) = delete;
    ~PooledShell() { Shell::release(shell_); }

    [[nodiscard]] Shell& operator*() const noexcept { return shell_; }
    [[nodiscard]] Shell* operator->() const noexcept { return &shell_; }

private:
    Shell& shell_;
};

}  // namespace weft::scheduler
