#include "sync/task_slots.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/together.hpp"

using weft::sync::TaskSlot;
using weft::sync::TaskSlots;
using weft::sync::TaskState;
using weft::test::together;

namespace {

// A slot never looks into what it names: an address will do.
struct alignas(16) Name {
    TaskState& task() { return *reinterpret_cast<TaskState*>(this); }
};

std::multiset<TaskState*> listed(TaskSlots& slots) {
    std::multiset<TaskState*> found;
    const auto note = [&found](TaskState& task) { found.insert(&task); };
    slots.each([&note](TaskSlot& slot) { slot.visit(note); });
    return found;
}

}  // namespace

TEST_CASE("task slots: what was put is listed until it is cleared, the newest first") {
    std::array<Name, 200> names;
    TaskSlots slots;
    CHECK(listed(slots).empty());
    std::vector<TaskSlot*> taken;
    for (Name& name : names) {
        taken.push_back(&slots.take());
        taken.back()->put(name.task());
        CHECK(taken.back()->task() == &name.task());
    }
    std::vector<TaskState*> in_order;
    const auto note = [&in_order](TaskState& task) { in_order.push_back(&task); };
    slots.each([&note](TaskSlot& slot) { slot.visit(note); });
    REQUIRE(in_order.size() == names.size());
    for (std::size_t i = 0; i < names.size(); ++i) CHECK(in_order[i] == &names[names.size() - 1 - i].task());

    for (std::size_t i = 0; i < names.size(); i += 2) taken[i]->clear(names[i].task());
    const auto left = listed(slots);
    CHECK(left.size() == names.size() / 2);
    for (std::size_t i = 0; i < names.size(); ++i) CHECK(left.count(&names[i].task()) == i % 2);
    for (std::size_t i = 1; i < names.size(); i += 2) taken[i]->clear(names[i].task());
    CHECK(listed(slots).empty());
}

TEST_CASE("task slots: no slot is taken twice, whatever leaves when") {
    constexpr std::size_t kNames = 1000;
    std::vector<Name> names(kNames);
    std::vector<TaskSlot*> slot_of(kNames, nullptr);
    std::set<TaskSlot*> full;
    TaskSlots slots;
    std::size_t choice = 1;
    for (int step = 0; step < 50'000; ++step) {
        choice = (choice * 6364136223846793005 + 1442695040888963407);
        const std::size_t i = (choice >> 33) % kNames;
        if (slot_of[i] == nullptr) {
            slot_of[i] = &slots.take();
            REQUIRE(full.insert(slot_of[i]).second);
            slot_of[i]->put(names[i].task());
        } else {
            slot_of[i]->clear(names[i].task());
            full.erase(slot_of[i]);
            slot_of[i] = nullptr;
        }
    }
    CHECK(listed(slots).size() == full.size());
}

TEST_CASE("task slots: the table stays as large as the crowd, however many come and go") {
    std::vector<Name> names(100);
    std::vector<TaskSlot*> slot_of;
    TaskSlots slots;
    for (Name& name : names) {
        slot_of.push_back(&slots.take());
        slot_of.back()->put(name.task());
    }
    for (int i = 0; i < 100'000; ++i) {
        TaskSlot& slot = slots.take();
        slot.put(names[0].task());
        slot.clear(names[0].task());
    }
    CHECK(slots.size() <= 256);
    for (int i = 0; i < 100'000; ++i) {  // one after the other leaves, and another one comes
        const std::size_t who = static_cast<std::size_t>(i) % names.size();
        slot_of[who]->clear(names[who].task());
        slot_of[who] = &slots.take();
        slot_of[who]->put(names[who].task());
    }
    CHECK(slots.size() <= 256);
}

TEST_CASE("task slots: a visitor that throws leaves the slot as it was") {
    Name name;
    TaskSlots slots;
    TaskSlot& slot = slots.take();
    slot.put(name.task());
    const auto fail = [](TaskState&) { throw std::runtime_error("no memory"); };
    CHECK_THROWS_AS(slot.visit(fail), std::runtime_error);
    CHECK(listed(slots).size() == 1);
    slot.clear(name.task());
    CHECK(listed(slots).empty());
}

TEST_CASE("task slots: who ends a task waits for the visitor that looks at it") {
    TaskSlots slots;
    Name name;
    TaskSlot& slot = slots.take();
    slot.put(name.task());
    std::atomic<bool> looks{false};
    std::atomic<bool> gone{false};
    bool left_too_early = false;
    const auto look = [&](TaskState&) {
        looks.store(true);
        for (int i = 0; i < 2'000 && !gone.load(); ++i) std::this_thread::yield();
        left_too_early = gone.load();
    };
    together({[&] { slot.visit(look); },
              [&] {
                  while (!looks.load()) std::this_thread::yield();
                  slot.clear(name.task());
                  gone.store(true);
              }});
    CHECK_FALSE(left_too_early);
    CHECK(listed(slots).empty());
}

// The adder puts, another thread ends what it put, two visit: who visits finds a task that has not been let go.
TEST_CASE("task slots: nobody leaves while a visitor looks") {
    constexpr int kRounds = 5'000;
    struct alignas(16) Guest {
        std::atomic<bool> alive{false};
        TaskSlot* slot = nullptr;
        TaskState& task() { return *reinterpret_cast<TaskState*>(this); }
    };
    std::array<Guest, 4> guests;
    std::array<std::atomic<bool>, 4> inside{};
    std::atomic<bool> over{false};
    std::atomic<int> met_gone{0};
    TaskSlots slots;
    const auto visitor = [&] {
        const auto look = [&met_gone](TaskState& task) {
            if (!reinterpret_cast<Guest&>(task).alive.load(std::memory_order_relaxed)) ++met_gone;
        };
        while (!over.load(std::memory_order_relaxed)) {
            slots.each([&look](TaskSlot& slot) { slot.visit(look); });
        }
    };
    together({[&] {
                  for (int i = 0; i < kRounds; ++i) {
                      const auto who = static_cast<std::size_t>(i) % guests.size();
                      while (inside[who].load(std::memory_order_acquire)) std::this_thread::yield();
                      Guest& guest = guests[who];
                      guest.alive.store(true, std::memory_order_relaxed);
                      guest.slot = &slots.take();
                      guest.slot->put(guest.task());
                      inside[who].store(true, std::memory_order_release);
                  }
              },
              [&] {
                  for (int i = 0; i < kRounds; ++i) {
                      const auto who = static_cast<std::size_t>(i) % guests.size();
                      while (!inside[who].load(std::memory_order_acquire)) std::this_thread::yield();
                      guests[who].slot->clear(guests[who].task());
                      guests[who].alive.store(false, std::memory_order_relaxed);
                      inside[who].store(false, std::memory_order_release);
                  }
                  over.store(true, std::memory_order_relaxed);
              },
              visitor, visitor});
    CHECK(met_gone.load() == 0);
    CHECK(listed(slots).empty());
}

// ThreadSanitizer looks at the plain figure.
TEST_CASE("task slots: who finds a task gone sees what it did") {
    constexpr int kRounds = 2'000;
    TaskSlots slots;
    Name name;
    int wrong = 0;
    for (int round = 1; round <= kRounds; ++round) {
        int did = 0;
        TaskSlot& slot = slots.take();
        slot.put(name.task());
        together({[&] {
                      did = round;
                      slot.clear(name.task());
                  },
                  [&] {
                      while (!listed(slots).empty()) std::this_thread::yield();
                      wrong += did != round;
                  }});
    }
    CHECK(wrong == 0);
}
