#include "scheduler/frame_memory.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "sync/coro.hpp"
#include "tests/support/virtual_loop.hpp"

using weft::Coro;
using weft::scheduler::allocate_frame;
using weft::scheduler::deallocate_frame;
using weft::test::VirtualLoop;

namespace {

using Pool = weft::scheduler::FramePool;

bool aligned(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0; }

const std::vector<std::size_t> kSizes{
    1, 24, 25, 40, 64, 1000, Pool::block_size(Pool::kClasses - 1), Pool::block_size(Pool::kClasses), 100'000};

}  // namespace

TEST_CASE("frame_memory: a block made off the loops may be freed on one, and the other way round") {
    VirtualLoop loop;
    std::vector<void*> made_off;
    for (const std::size_t size : kSizes) {
        made_off.push_back(allocate_frame(size));
        CHECK(aligned(made_off.back()));
        std::memset(made_off.back(), 1, size);
    }
    std::vector<void*> made_on;
    loop.call_soon([&] {
        for (std::size_t i = 0; i < kSizes.size(); ++i) deallocate_frame(made_off[i], kSizes[i]);
        for (const std::size_t size : kSizes) {
            void* memory = allocate_frame(size);
            CHECK(aligned(memory));
            // All of the class: a smaller request before may have made the block.
            std::memset(memory, 2, size);
            made_on.push_back(memory);
        }
    });
    loop.turn();
    for (std::size_t i = 0; i < kSizes.size(); ++i) deallocate_frame(made_on[i], kSizes[i]);
}

TEST_CASE("frame_memory: on a loop a freed block is the next one of its class") {
    VirtualLoop loop;
    loop.call_soon([] {
        void* first = allocate_frame(100);
        deallocate_frame(first, 100);
        void* second = allocate_frame(104);
        CHECK(second == first);
        void* other = allocate_frame(105);
        CHECK(other != first);
        deallocate_frame(second, 104);
        deallocate_frame(other, 105);
    });
    loop.turn();
}

TEST_CASE("frame_memory: a coroutine made on one thread and destroyed on another") {
    auto body = [](int n) -> Coro<int> { co_return n; };
    std::vector<Coro<int>> coros;
    {
        VirtualLoop loop;
        loop.call_soon([&] {
            for (int i = 0; i < 1000; ++i) coros.push_back(body(i));
        });
        loop.turn();
    }
    std::thread([&] { coros.clear(); }).join();
    CHECK(coros.empty());
}
