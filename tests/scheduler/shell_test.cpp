#include "scheduler/shell.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "scheduler/loop.hpp"
#include "scheduler/virtual_parker.hpp"
#include "tests/support/together.hpp"

using weft::scheduler::Loop;
using weft::scheduler::Shell;
using weft::scheduler::VirtualParker;
using weft::test::together;

namespace {

std::unique_ptr<Loop> make_loop() { return std::make_unique<Loop>(std::make_unique<VirtualParker>()); }

}  // namespace

TEST_CASE("shell: an open one answers its loop") {
    const auto loop = make_loop();
    const Shell::Visit visit(loop->shell());
    CHECK(visit.loop() == loop.get());
    const Shell::Visit another(loop->shell());
    CHECK(another.loop() == loop.get());
    CHECK(loop->shell().group() == &loop->group());
    CHECK(&loop->shell().loop() == loop.get());
}

TEST_CASE("shell: a closed one answers null, also after its loop is gone") {
    auto loop = make_loop();
    Shell& shell = loop->shell();
    loop->close();
    CHECK(Shell::Visit(shell).loop() == nullptr);
    CHECK(shell.group() == nullptr);
    loop.reset();
    CHECK(Shell::Visit(shell).loop() == nullptr);
    CHECK(shell.group() == nullptr);
}

TEST_CASE("shell: is pooled, and a later loop's visitors find that loop") {
    auto first = make_loop();
    Shell& shell = first->shell();
    CHECK(&make_loop()->shell() != &shell);  // one shell serves one loop at a time
    first.reset();
    const auto second = make_loop();
    CHECK(&second->shell() == &shell);
    CHECK(Shell::Visit(shell).loop() == second.get());
}

TEST_CASE("shell: close waits for a visitor") {
    for (int round = 0; round < 100; ++round) {
        const auto loop = make_loop();
        Shell& shell = loop->shell();
        std::atomic<bool> entered{false};
        bool left = false;  // plain: ThreadSanitizer sees whether the visit happens before the end of close
        bool later_visit_was_refused = false;
        together({[&] {
                      const Shell::Visit visit(shell);
                      entered.store(true, std::memory_order_relaxed);
                      while (shell.group() != nullptr) std::this_thread::yield();  // until close has begun
                      for (int i = 0; i < 20; ++i) std::this_thread::yield();
                      while (!later_visit_was_refused) later_visit_was_refused = Shell::Visit(shell).loop() == nullptr;
                      left = true;
                  },
                  [&] {
                      while (!entered.load(std::memory_order_relaxed)) std::this_thread::yield();
                      shell.close();
                      CHECK(left);
                  }});
        CHECK(later_visit_was_refused);
    }
}

// Visitors come and go while loops come and go behind the same Shell.
TEST_CASE("shell: a visitor never sees a loop that is gone") {
    constexpr int kLoops = 50;
    auto first = make_loop();
    Shell& shell = first->shell();
    std::atomic<bool> finished{false};
    std::atomic<std::size_t> visits{0};
    std::atomic<bool> wrong{false};
    together({[&] {
                  auto loop = std::move(first);
                  for (int i = 0; i < kLoops; ++i) {
                      const std::size_t before = visits.load(std::memory_order_relaxed);
                      while (visits.load(std::memory_order_relaxed) == before) std::this_thread::yield();
                      loop.reset();  // closes; AddressSanitizer looks at the visitor
                      loop = make_loop();
                  }
                  finished.store(true, std::memory_order_relaxed);
              },
              [&] {
                  while (!finished.load(std::memory_order_relaxed)) {
                      const Shell::Visit visit(shell);
                      visits.fetch_add(1, std::memory_order_relaxed);
                      if (visit.loop() == nullptr) continue;
                      visit.loop()->stop();
                      if (visit.loop()->index() != 0) wrong.store(true, std::memory_order_relaxed);
                  }
              }});
    CHECK_FALSE(wrong.load());
}
