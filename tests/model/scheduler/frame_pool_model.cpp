// FramePool and FrameDepot: a block has one owner at a time, and what its last owner did with it is over when the next
// one gets it.
#include "scheduler/frame_pool.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "tests/model/models.hpp"

using weft::model::require;
using weft::model::together;
using weft::scheduler::FrameDepot;
using weft::scheduler::FramePool;

namespace {

constexpr std::size_t kSize = 40;
constexpr std::size_t kClass = FramePool::class_of(kSize);

using Batch = std::array<void*, FramePool::kBatch>;

// As a frame is: plain memory, which races if somebody else still has it.
void use(void* block) { *static_cast<int*>(block) = 1; }

Batch new_batch() {
    Batch blocks;
    for (void*& block : blocks) block = ::operator new(FramePool::block_size(kClass));
    return blocks;
}

// Each gives one batch and takes one, which may be anybody's.
void batches_are_exchanged() {
    FrameDepot depot;
    std::array<Batch, 2> given = {new_batch(), new_batch()};
    std::array<Batch, 2> taken{};
    const auto give_and_take = [&](std::size_t i) {
        for (void* block : {given[i].front(), given[i].back()}) use(block);
        depot.give(kClass, given[i].data());
        if (!depot.take(kClass, taken[i].data())) taken[i][0] = nullptr;
        for (void* block : {taken[i].front(), taken[i].back()}) {
            if (taken[i][0] != nullptr) use(block);
        }
    };
    together({[&] { give_and_take(0); }, [&] { give_and_take(1); }});
    std::vector<void*> all;
    Batch rest;
    while (depot.take(kClass, rest.data())) all.insert(all.end(), rest.begin(), rest.end());
    for (const Batch& batch : taken) {
        if (batch[0] != nullptr) all.insert(all.end(), batch.begin(), batch.end());
    }
    std::sort(all.begin(), all.end());
    require(all.size() == 2 * FramePool::kBatch, "none is lost");
    require(std::adjacent_find(all.begin(), all.end()) == all.end(), "each has one owner");
    for (void* block : all) ::operator delete(block);
}

// One gives two, two take one each.
void one_gives_two_take() {
    FrameDepot depot;
    const Batch first = new_batch();
    const Batch second = new_batch();
    std::array<Batch, 2> taken{};
    std::array<bool, 2> got{};
    depot.give(kClass, first.data());
    const auto take = [&](std::size_t i) {
        got[i] = depot.take(kClass, taken[i].data());
        if (got[i]) use(taken[i].back());
    };
    together({[&] {
                  use(second.back());
                  depot.give(kClass, second.data());
              },
              [&] { take(0); }, [&] { take(1); }});
    require(got[0] || got[1], "there was one from the beginning");
    require(!got[0] || !got[1] || taken[0][0] != taken[1][0], "each has its own");
    for (std::size_t i = 0; i < 2; ++i) {
        if (!got[i]) continue;
        for (void* block : taken[i]) ::operator delete(block);
    }
}

// There is room for two. Two give three while one is taken: in the end there is room for two again, neither more nor less.
void the_limit() {
    FrameDepot depot(2 * FramePool::kBatch * FramePool::block_size(kClass));
    const std::array<Batch, 3> given = {new_batch(), new_batch(), new_batch()};
    const auto take = [&] {
        Batch taken;
        if (!depot.take(kClass, taken.data())) return false;
        for (void* block : taken) ::operator delete(block);
        return true;
    };
    together({[&] {
                  depot.give(kClass, given[0].data());
                  (void)take();
              },
              [&] {
                  depot.give(kClass, given[1].data());
                  depot.give(kClass, given[2].data());
              }});
    while (take()) {
    }
    for (int i = 0; i < 3; ++i) depot.give(kClass, new_batch().data());
    require(take() && take(), "two are kept");
    require(!take(), "and no more");
}

// A loop frees what another one has made; that one finds it again.
void frames_come_back() {
    FrameDepot depot;
    const auto maker = std::make_unique<FramePool>(depot);  // too large for the stack of a virtual thread
    const auto freer = std::make_unique<FramePool>(depot);
    std::vector<void*> frames(FramePool::kBlocksKept + 1);
    for (void*& frame : frames) frame = maker->allocate(kSize);
    together({[&] {
                  for (void* frame : frames) {
                      use(frame);
                      freer->deallocate(frame, kSize);
                  }
              },
              [&] {
                  void* frame = maker->allocate(kSize);
                  use(frame);
                  maker->deallocate(frame, kSize);
              }});
}

}  // namespace

WEFT_MODEL("frame depot: batches are exchanged", batches_are_exchanged,
           {.type = "FrameDepot", .threads = {"give, take", "give, take"}});

WEFT_MODEL("frame depot: one gives, two take", one_gives_two_take,
           {.type = "FrameDepot", .threads = {"give", "take", "take"}});

WEFT_MODEL("frame depot: no more than it may keep", the_limit,
           {.type = "FrameDepot", .threads = {"give, take", "give"}});

WEFT_MODEL("frame pool: frames come back", frames_come_back,
           {.type = "FramePool", .threads = {"deallocate, spill", "allocate, refill"}});
