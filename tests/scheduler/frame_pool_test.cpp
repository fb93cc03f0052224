#include "scheduler/frame_pool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cstddef>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/together.hpp"

using weft::scheduler::FrameDepot;
using weft::scheduler::FramePool;
using weft::test::together;

namespace {

std::vector<void*> allocate(FramePool& pool, std::size_t size, std::size_t count) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(pool.allocate(size));
    return blocks;
}

void deallocate(FramePool& pool, std::size_t size, const std::vector<void*>& blocks) {
    for (void* block : blocks) pool.deallocate(block, size);
}

std::size_t in_common(const std::vector<void*>& some, const std::vector<void*>& others) {
    const std::set<void*> known(some.begin(), some.end());
    return static_cast<std::size_t>(
        std::count_if(others.begin(), others.end(), [&known](void* block) { return known.count(block) != 0; }));
}

}  // namespace

TEST_CASE("frame pool: the newest freed block is the next one given") {
    FrameDepot depot;
    FramePool pool(depot);
    const auto blocks = allocate(pool, 100, 3);
    CHECK(std::set<void*>(blocks.begin(), blocks.end()).size() == 3);
    deallocate(pool, 100, blocks);
    const auto again = allocate(pool, 97, 3);  // of the same class
    CHECK(again == std::vector<void*>(blocks.rbegin(), blocks.rend()));
    deallocate(pool, 97, again);
}

TEST_CASE("frame pool: a block is as large as was asked for, at the edge of each class") {
    FrameDepot depot;
    FramePool pool(depot);
    for (std::size_t size = 1; size <= 1200; ++size) {
        void* block = pool.allocate(size);
        std::memset(block, 0x5a, size);  // AddressSanitizer looks at it
        pool.deallocate(block, size);
    }
    CHECK(FramePool::class_of(1) == 1);
    for (std::size_t c = 1; c < FramePool::kClasses; ++c) {
        CHECK(FramePool::class_of(FramePool::block_size(c)) == c);
        CHECK(FramePool::class_of(FramePool::block_size(c) + 1) == c + 1);
    }
}

TEST_CASE("frame pool: classes do not mix") {
    FrameDepot depot;
    FramePool pool(depot);
    void* small = pool.allocate(32);
    pool.deallocate(small, 32);
    void* large = pool.allocate(64);
    CHECK(large != small);
    CHECK(pool.allocate(32) == small);
    pool.deallocate(small, 32);
    pool.deallocate(large, 64);
}

TEST_CASE("frame pool: it keeps a bounded number, its surplus reaches another pool through the depot") {
    constexpr std::size_t kCount = 1000;
    constexpr std::size_t kSize = 200;
    FrameDepot depot;
    FramePool creator(depot);
    FramePool ender(depot);
    const auto blocks = allocate(creator, kSize, kCount);
    deallocate(ender, kSize, blocks);

    // Each time the shelf held 256 a batch of 64 left it, so that at most 256 have stayed.
    constexpr std::size_t kBatches = (kCount - FramePool::kBlocksKept + FramePool::kBatch - 1) / FramePool::kBatch;
    constexpr std::size_t kHandedOver = kBatches * FramePool::kBatch;
    static_assert(kCount - kHandedOver <= FramePool::kBlocksKept);

    const auto recycled = allocate(creator, kSize, kHandedOver);
    CHECK(in_common(blocks, recycled) == kHandedOver);
    CHECK(std::set<void*>(recycled.begin(), recycled.end()).size() == kHandedOver);
    const auto kept = allocate(ender, kSize, kCount - kHandedOver);
    CHECK(in_common(blocks, kept) == kept.size());
    deallocate(creator, kSize, recycled);
    deallocate(ender, kSize, kept);
}

TEST_CASE("frame pool: one that only frees beside one that only allocates needs no new memory") {
    constexpr std::size_t kSize = 128;
    constexpr std::size_t kAlive = 100;
    FrameDepot depot;
    FramePool creator(depot);
    FramePool ender(depot);
    std::set<void*> ever;
    for (int round = 0; round < 200; ++round) {
        const auto blocks = allocate(creator, kSize, kAlive);
        ever.insert(blocks.begin(), blocks.end());
        deallocate(ender, kSize, blocks);
    }
    // 20,000 frames passed; what lies in the ender, one batch in the creator's hands, what is alive.
    CHECK(ever.size() <= FramePool::kBlocksKept + 2 * FramePool::kBatch + kAlive);
}

TEST_CASE("frame depot: gives a batch back once, and only of its class") {
    FrameDepot depot;
    std::array<void*, FramePool::kBatch> batch{};
    CHECK_FALSE(depot.take(3, batch.data()));
    FramePool pool(depot);
    const std::size_t size = FramePool::block_size(3);
    const auto blocks = allocate(pool, size, FramePool::kBlocksKept + 1);
    deallocate(pool, size, blocks);
    CHECK_FALSE(depot.take(2, batch.data()));
    CHECK(depot.take(3, batch.data()));
    CHECK(in_common(blocks, std::vector<void*>(batch.begin(), batch.end())) == FramePool::kBatch);
    CHECK_FALSE(depot.take(3, batch.data()));
    depot.give(3, batch.data());  // frees them in the end: LeakSanitizer looks at it
}

// Pools with an owner each, blocks that travel: every block is in one hand only.
TEST_CASE("frame pool: threads that hand each other their blocks never share one") {
    constexpr std::size_t kSize = 96;
    constexpr int kRounds = 150;
    FrameDepot depot;
    std::array<std::vector<void*>, 2> tables;  // what a thread left for the other
    std::array<bool, 2> intact{true, true};
    std::barrier turn(2);
    const auto player = [&](std::size_t me) {
        FramePool pool(depot);
        std::mt19937 random(static_cast<std::uint32_t>(me));
        for (int round = 0; round < kRounds; ++round) {
            tables[me] = allocate(pool, kSize, 100 + random() % 700);
            for (void* block : tables[me]) std::memset(block, static_cast<int>(me) + 1, kSize);
            turn.arrive_and_wait();
            for (void* block : tables[1 - me]) {
                const auto* bytes = static_cast<const unsigned char*>(block);
                intact[me] &= bytes[0] == 2 - me && bytes[kSize - 1] == 2 - me;
                pool.deallocate(block, kSize);
            }
            turn.arrive_and_wait();
        }
    };
    together({[&] { player(0); }, [&] { player(1); }});
    CHECK(intact[0]);
    CHECK(intact[1]);
}

#ifdef WEFT_POISONS_FRAMES
TEST_CASE("frame pool: a freed block is poisoned until it is given again") {
    FrameDepot depot;
    FramePool pool(depot);
    const auto poisoned = [](void* block) { return __asan_address_is_poisoned(block) != 0; };
    SUBCASE("in the pool") {
        auto* block = static_cast<char*>(pool.allocate(64));
        CHECK_FALSE(poisoned(block));
        pool.deallocate(block, 64);
        CHECK(poisoned(block));
        CHECK(poisoned(block + 63));
        CHECK(pool.allocate(64) == block);
        CHECK_FALSE(poisoned(block));
        CHECK_FALSE(poisoned(block + 63));
        pool.deallocate(block, 64);
    }
    SUBCASE("and in the depot") {
        const auto blocks = allocate(pool, 64, FramePool::kBlocksKept + 1);
        deallocate(pool, 64, blocks);
        CHECK(std::all_of(blocks.begin(), blocks.end(), poisoned));
        FramePool other(depot);
        const auto taken = allocate(other, 64, FramePool::kBatch);
        CHECK(std::none_of(taken.begin(), taken.end(), poisoned));
        CHECK(in_common(blocks, taken) == FramePool::kBatch);
        deallocate(other, 64, taken);
    }
}
#endif
