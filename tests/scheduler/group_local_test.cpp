#include "scheduler/group_local.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "scheduler/loop.hpp"
#include "scheduler/neighbours.hpp"
#include "scheduler/virtual_parker.hpp"
#include "tests/support/together.hpp"

using weft::scheduler::Atomic;
using weft::scheduler::GroupLocal;
using weft::scheduler::Loop;
using weft::scheduler::LoopLocal;
using weft::scheduler::Neighbours;
using weft::scheduler::VirtualParker;
using weft::test::together;

namespace {

Atomic<int> alive{0};

struct Shared {
    explicit Shared(Neighbours& made_for) : group(made_for) { alive.fetch_add(1, std::memory_order_relaxed); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { alive.fetch_sub(1, std::memory_order_relaxed); }
    Neighbours& group;
    int written = 0;
};

struct Own {
    explicit Own(Loop&) {}
    int value = 7;
};

std::unique_ptr<Loop> loop_of(Neighbours& group) {
    return std::make_unique<Loop>(std::make_unique<VirtualParker>(), group);
}

}  // namespace

TEST_CASE("group_local: the loops of a group share one, other groups have their own, it outlives the loops") {
    {
        Neighbours group(2, 1);
        {
            const auto first = loop_of(group);
            const auto second = loop_of(group);
            Shared& shared = GroupLocal<Shared>::of(first->group());
            CHECK(&shared == &GroupLocal<Shared>::of(second->group()));
            CHECK(&shared.group == &group);
            const Loop alone(std::make_unique<VirtualParker>());
            CHECK(&shared != &GroupLocal<Shared>::of(alone.group()));
            CHECK(alive.load(std::memory_order_relaxed) == 2);
        }
        CHECK(alive.load(std::memory_order_relaxed) == 1);
    }
    CHECK(alive.load(std::memory_order_relaxed) == 0);
}

TEST_CASE("group_local: threads that come at the same time get the same one, complete") {
    for (int round = 0; round < 200; ++round) {
        Neighbours group(1, 1);
        std::vector<Shared*> found(3);
        std::vector<int> read(3);
        const auto find = [&](std::size_t i) {
            found[i] = &GroupLocal<Shared>::of(group);
            read[i] = found[i]->written;
        };
        together({[&] { find(0); }, [&] { find(1); }, [&] { find(2); }});
        CHECK(found[0] == found[1]);
        CHECK(found[1] == found[2]);
        CHECK(read == std::vector<int>(3, 0));
        CHECK(alive.load(std::memory_order_relaxed) == 1);
    }
    CHECK(alive.load(std::memory_order_relaxed) == 0);
}

TEST_CASE("loop_local: neighbours may look while the owner makes slots") {
    Neighbours group(1, 1);
    for (int round = 0; round < 200; ++round) {
        Loop loop(std::make_unique<VirtualParker>());
        int seen = 7;
        together({[&] { (void)LoopLocal<Own>::of(loop); },
                  [&] {
                      if (const Own* own = LoopLocal<Own>::find(loop)) seen = own->value;
                  }});
        CHECK(seen == 7);
    }
}
